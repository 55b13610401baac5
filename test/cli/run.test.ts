import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  linear,
  O,
  readNpy,
  readSafetensors,
  S,
  saveModel,
  type Tensor,
  tensor,
  writeNpy,
  writeSafetensors,
} from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { brauer, type Outcome, scratch } from './support.js'

let folder: ReturnType<typeof scratch>
beforeAll(() => {
  folder = scratch()
})
afterAll(() => folder.remove())

const path = (name: string): string => join(folder.path, name)
const run = (words: string[], env?: Record<string, string>): Outcome =>
  brauer(['run', ...words], { cwd: folder.path, ...(env ? { env } : {}) })

const normals = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => normalAt(1, i))
const values = (tensors: Readonly<Record<string, Tensor>>): unknown =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, dtype, data }]) => [
      name,
      [shape, dtype, Array.from(data as Float32Array)],
    ]),
  )

describe('the output file is what the layer gives', () => {
  test('npy in, npy out, with a table', () => {
    const layer = linear(O(3), { 2: 2 }, { 2: 3 }, { bias: true })
    writeFileSync(path('o3.safetensors'), saveModel(layer))
    const x = tensor(Float32Array.from(normals(5 * 9 * 2)), [5, 3, 3, 2])
    writeFileSync(path('x.npy'), writeNpy(x))
    const { status, stdout, stderr } = run(['o3.safetensors', 'x.npy', '-o', 'y.npy'])
    expect([status, stderr]).toEqual([0, ''])
    expect(values({ 2: readNpy(readFileSync(path('y.npy'))) })).toEqual(values(layer.forwardSync({ 2: x })))
    const { name, device, reason } = layer.backend
    expect(stdout.split('\n').slice(0, -2)).toEqual([
      'layer    O(3), {2: 2} -> {2: 3}, float32, from o3.safetensors',
      'input    x.npy  order 2  float32 [5, 3, 3, 2]  360 B',
      'output   y.npy  order 2  float32 [5, 3, 3, 3]  540 B',
      `backend  ${name} (${device}): ${reason.replace(/\s*\n\s*/g, ' ')}`,
    ])
    expect(stdout).toMatch(/^time {5}[\d.]+ (µs|ms|s), [\d.]+( [kMG])? items\/s, [\d.]+ GB\/s$/m)
  })

  test('safetensors of several orders, bfloat16, channels-first', () => {
    const layer = linear(S(4), { 0: 1, 1: 2 }, { 0: 2, 2: 1 }, { dtype: 'bfloat16', layout: 'channels-first' })
    writeFileSync(path('s4.safetensors'), saveModel(layer))
    const x = { 0: tensor(normals(3), [3, 1], 'bfloat16'), 1: tensor(normals(24), [3, 2, 4], 'bfloat16') }
    writeFileSync(path('x.safetensors'), writeSafetensors(x))
    expect(run(['s4.safetensors', 'x.safetensors', '-o', 'y.safetensors']).status).toBe(0)
    expect(values(readSafetensors(readFileSync(path('y.safetensors'))).tensors)).toEqual(values(layer.forwardSync(x)))
  })

  test('an input of another dtype is converted, and the table says so', () => {
    const layer = linear(S(4), { 1: 1 }, { 1: 1 })
    writeFileSync(path('s1.safetensors'), saveModel(layer))
    writeFileSync(path('wide.npy'), writeNpy(tensor(normals(8), [2, 4, 1])))
    const { status, stdout } = run(['s1.safetensors', 'wide.npy', '-o', 'y.npy'])
    expect(status).toBe(0)
    expect(stdout).toContain('wide.npy  order 1  float64 [2, 4, 1]  64 B, converted to float32\n')
    const narrow = tensor(Float32Array.from(normals(8)), [2, 4, 1])
    expect(values({ 1: readNpy(readFileSync(path('y.npy'))) })).toEqual(values(layer.forwardSync({ 1: narrow })))
  })

  test('a batch of none', () => {
    writeFileSync(path('none.npy'), writeNpy(tensor(new Float32Array(0), [0, 4, 1])))
    expect(run(['s1.safetensors', 'none.npy', '-o', 'y.npy']).status).toBe(0)
    expect(readNpy(readFileSync(path('y.npy'))).shape).toEqual([0, 4, 1])
  })

  test('a batch of many pieces: the bits are those of one piece, and what takes longer than a second shows its progress', () => {
    const layer = linear(O(3), { 1: 2 }, { 0: 1, 1: 1 }, { backend: 'reference', bias: true })
    writeFileSync(path('vectors.safetensors'), saveModel(layer))
    const batch = 400_000
    const x = tensor(
      Float32Array.from({ length: batch * 6 }, (_, i) => Math.fround(Math.sin(i))),
      [batch, 3, 2],
    )
    writeFileSync(path('many.npy'), writeNpy(x))
    const { status, stderr, stdout } = run([
      'vectors.safetensors',
      'many.npy',
      '-o',
      'y.safetensors',
      '--backend',
      'reference',
    ])
    expect(status).toBe(0)
    const y = readSafetensors(readFileSync(path('y.safetensors'))).tensors
    const wanted = layer.forwardSync({ 1: x })
    for (const order of [0, 1] as const) {
      expect(y[order]!.shape).toEqual(wanted[order].shape)
      expect(
        Buffer.compare(
          Buffer.from(y[order]!.data.buffer, y[order]!.data.byteOffset, y[order]!.data.byteLength),
          Buffer.from(wanted[order].data.buffer),
        ),
      ).toBe(0)
    }
    const seconds = Number(/^time +([\d.]+) s,/m.exec(stdout)?.[1] ?? 0)
    if (seconds > 2) expect(stderr).toMatch(/^run: \d+ of 400000 \(\d+%\), about \S+ s to go$/m)
    else expect(stderr.split('\n').length).toBeLessThan(3)
  })
})

describe('what cannot be run is refused before the work', () => {
  test.each<[string, string[], number, string]>([
    ['no such input', ['s1.safetensors', 'no.npy', '-o', 'y.npy'], 1, 'no.npy: expected a file that can be read'],
    [
      'an output of no format',
      ['s1.safetensors', 'wide.npy', '-o', 'y.csv'],
      1,
      'output file: expected a name that ends in .npy or .safetensors, received "y.csv"',
    ],
    [
      'an output folder that is none',
      ['s1.safetensors', 'wide.npy', '-o', 'no/y.npy'],
      1,
      'no/y.npy: expected a file that can be written, received no such file or directory',
    ],
    [
      'npy for two orders out',
      ['vectors.safetensors', 'many.npy', '-o', 'y.npy'],
      1,
      'y.npy: expected safetensors with the orders 0, 1, received npy, which holds one tensor',
    ],
    [
      'npy for two orders in',
      ['s4.safetensors', 'x.npy', '-o', 'y.safetensors'],
      1,
      'x.npy: expected safetensors with the orders 0, 1, received npy',
    ],
    [
      'an input of another shape',
      ['s1.safetensors', 'x.npy', '-o', 'y.npy'],
      1,
      'forward, order 1: expected shape [batch, 4, 1], received [5, 3, 3, 2]',
    ],
    [
      'an input of other orders',
      ['s1.safetensors', 'x.safetensors', '-o', 'y.npy'],
      1,
      'forward: expected the orders 1, received "0"',
    ],
    [
      'a model that is none',
      ['x.safetensors', 'x.npy', '-o', 'y.npy'],
      1,
      'model file: metadata: expected an entry "brauer"',
    ],
    [
      'a damaged input',
      ['s1.safetensors', 'short.npy', '-o', 'y.npy'],
      1,
      'npy: data: expected 64 bytes for <f8 [2, 4, 1], received 60',
    ],
    [
      'a backend that is not there',
      ['s1.safetensors', 'wide.npy', '-o', 'y.npy', '--backend', 'cuda'],
      1,
      'backend cuda: expected',
    ],
  ])('%s', (_, words, status, message) => {
    writeFileSync(path('short.npy'), writeNpy(tensor(normals(8), [2, 4, 1])).subarray(0, -4))
    const outcome = run(words)
    expect([outcome.status, outcome.stdout]).toEqual([status, ''])
    expect(outcome.stderr).toContain(message)
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('two inputs that disagree on the batch', () => {
    const x = { 0: tensor([1, 2], [2, 1], 'bfloat16'), 1: tensor(normals(24), [3, 2, 4], 'bfloat16') }
    writeFileSync(path('uneven.safetensors'), writeSafetensors(x))
    const { status, stderr } = run(['s4.safetensors', 'uneven.safetensors', '-o', 'y.safetensors'])
    expect([status, stderr]).toEqual([1, 'brauer: forward, order 1: expected shape [2, 2, 4], received [3, 2, 4]\n'])
  })

  test('bfloat16 has no npy', () => {
    writeFileSync(path('bf.safetensors'), saveModel(linear(S(4), { 1: 1 }, { 1: 1 }, { dtype: 'bfloat16' })))
    const { status, stderr } = run(['bf.safetensors', 'wide.npy', '-o', 'y.npy'])
    expect([status, stderr]).toEqual([
      1,
      'brauer: y.npy: expected a .safetensors file for bfloat16, which npy lacks, received .npy\n',
    ])
  })
})
