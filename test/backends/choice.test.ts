/** Which backend runs: a named one or an error; only `auto` chooses, and says why. */
import { describe, expect, test } from '@jest/globals'
import { linear, listBackends, O } from '../../lib/index.js'
import { inProcess, type Outcome } from '../layers/child.js'
import { refuses, refusesAsync, type Refusal } from '../layers/refuses.js'

const make = (backend?: string) => linear(O(3), { 1: 1 }, { 1: 1 }, backend === undefined ? {} : { backend })
const child = (env: Record<string, string>, backend = 'undefined'): Outcome =>
  inProcess(`answer(brauer.linear(brauer.O(3), { 1: 1 }, { 1: 1 }, { backend: ${backend} }).backend)`, env)

describe('a named backend', () => {
  test.each(['reference', 'cpu'])('%s runs because it was asked for', (name) => {
    expect(make(name).backend).toMatchObject({ name, reason: 'asked for' })
    expect(make(name).options.backend).toBe(name)
  })

  const missing: [string, Refusal][] = [
    ['cuda', { code: 'backend-unavailable', where: 'backend cuda', expected: /./, received: /./ }],
    ['cuda:1', { code: 'backend-unavailable', where: 'backend cuda:1', expected: /./, received: /./ }],
    ['tpu', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"tpu"' }],
    ['CPU', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"CPU"' }],
    ['', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '""' }],
    ['cuda:', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"cuda:"' }],
    ['cuda:-1', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"cuda:-1"' }],
    ['cpu:0', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"cpu:0"' }],
    ['__proto__', { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: '"__proto__"' }],
    ['x'.repeat(1e6), { code: 'invalid-argument', where: 'backend', expected: 'auto, cuda, cpu, reference', received: /\.\.\."$/ }],
  ] // prettier-ignore
  test.each(missing.map(([name, refusal]) => [name.slice(0, 20), name, refusal] as const))('%s is refused', async (_, name, refusal) => {
    refuses(() => make(name), refusal)
    await refusesAsync(() => linear.async(O(3), { 1: 1 }, { 1: 1 }, { backend: name }), refusal)
  }) // prettier-ignore
})

describe('auto', () => {
  test('takes the first that runs, and says that it is the fastest', () => {
    expect(make().backend).toMatchObject({ name: 'cpu', reason: expect.stringContaining('fastest') as unknown })
    expect(make('auto').backend).toEqual(make().backend)
  })

  test('listBackends says what there is', () => {
    expect(listBackends()).toMatchObject([
      { name: 'cuda', available: false },
      { name: 'cpu', available: true },
      { name: 'reference', available: true },
    ])
  })
})

describe('BRAUER_BACKEND', () => {
  test('replaces auto', () => {
    const value = { name: 'reference', reason: 'asked for by BRAUER_BACKEND' }
    expect(child({ BRAUER_BACKEND: 'reference' }).value).toMatchObject(value)
    expect(child({ BRAUER_BACKEND: 'reference' }, '"auto"').value).toMatchObject(value)
    expect(child({ BRAUER_BACKEND: 'cpu' }).value).toMatchObject({ ...value, name: 'cpu' })
  })

  test('leaves a named one alone, and empty or auto is none', () => {
    expect(child({ BRAUER_BACKEND: 'reference' }, '"cpu"').value).toMatchObject({ name: 'cpu', reason: 'asked for' })
    expect(child({ BRAUER_BACKEND: 'tpu' }, '"cpu"').value).toMatchObject({ name: 'cpu', reason: 'asked for' })
    expect(child({ BRAUER_BACKEND: '' }).value).toMatchObject({ name: 'cpu' })
    expect(child({ BRAUER_BACKEND: 'auto' }).value).toMatchObject({ name: 'cpu' })
  })

  test.each([
    ['tpu', 'invalid-argument'],
    ['cuda', 'backend-unavailable'],
    [' cpu', 'invalid-argument'],
  ])('%j is refused, and the message says where it came from', (value, code) => {
    const { error } = child({ BRAUER_BACKEND: value })
    expect(error).toMatchObject({ name: 'BrauerError', code })
    expect(error?.message).toMatch(/: expected .+, received /)
    expect(error?.message).toContain('BRAUER_BACKEND')
    expect(error?.message).toContain(value)
  })
})

// An override that cannot be met is an error, also where auto could run something else in its place.
describe.each([
  ['BRAUER_CPU_ISA', 'avx9000'],
  ['BRAUER_NUM_THREADS', 'many'],
  ['BRAUER_NUM_THREADS', '0'],
  ['BRAUER_NUM_THREADS', '-1'],
  ['BRAUER_NUM_THREADS', '1.5'],
])('%s=%s', (name, value) => {
  test('the cpu is refused by its name', () => {
    const { error } = child({ [name]: value }, '"cpu"')
    expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-argument' })
    expect(error?.message).toMatch(/: expected .+, received /)
    expect(error?.message).toContain(name)
    expect(error?.message).toContain(value)
  })

  test('auto does not pass over it in silence', () => {
    const { error } = child({ [name]: value })
    expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-argument' })
    expect(error?.message).toContain(name)
    expect(error?.message).toContain(value)
  })
})
