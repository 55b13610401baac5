/** Programs are kept by specification, in the process and in the directory BRAUER_CACHE. */
import { afterAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linear, O, S, Sp } from '../../lib/index.js'
import { Compiled } from '../../lib/runtime/compiled.js'
import { inProcess } from '../layers/child.js'

const made: string[] = []
function folder(): string {
  made.push(mkdtempSync(join(tmpdir(), 'brauer-cache-')))
  return made.at(-1) as string
}
afterAll(() => made.forEach((path) => rmSync(path, { recursive: true, force: true })))

describe('in the process', () => {
  const options = { backend: 'reference', expectedBatch: 977 }

  test('the same specification has the same plan, whatever its seed, dtype and order of keys', () => {
    const first = linear(O(3), { 1: 2, 2: 1 }, { 0: 1, 2: 3 }, options)
    const second = linear(O(3), { 2: 1, 1: 2 }, { 2: 3, 0: 1 }, { ...options, seed: 9, dtype: 'float64' })
    expect(second.plan).toBe(first.plan)
  })

  test('another specification has another plan', () => {
    const first = linear(S(3), { 1: 2 }, { 1: 2 }, options)
    const others = [
      linear(S(4), { 1: 2 }, { 1: 2 }, options),
      linear(O(3), { 1: 2 }, { 1: 2 }, options),
      linear(S(3), { 1: 3 }, { 1: 2 }, options),
      linear(S(3), { 1: 2 }, { 1: 3 }, options),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, bias: true }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, normalize: 'mean' }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, basis: 'spanning' }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, layout: 'channels-first' }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, expectedBatch: 1 }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, strategy: 'shared' }),
      linear(S(3), { 1: 2 }, { 1: 2 }, { ...options, steps: { share: false } }),
      linear(S(4), { 1: 2 }, { 1: 2 }, options).at(3),
    ]
    // The last computes the same as the first; it may share or not.
    for (const other of others.slice(0, -1)) expect(other.plan).not.toBe(first.plan)
    expect(others.at(-1)!.parameters['weight.1.1']!.shape).toEqual([2, 2, 2])
  })

  test('at() comes back to the programs of its n', () => {
    const layer = linear(S(5), { 1: 1 }, { 1: 1 }, options)
    expect(layer.at(6).plan).toBe(layer.at(6).plan)
    expect(layer.at(5).plan).toBe(layer.plan)
  })
})

describe('BRAUER_CACHE', () => {
  /** Makes a layer of a specification and says what it computes, and how often it was planned. */
  const body = `
    const layer = brauer.linear(brauer.Sp(4), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }, { bias: true, backend: 'reference', seed: 3 })
    const x = { 1: brauer.tensor(Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), [3, 4, 2]), 2: brauer.tensor(Float32Array.from({ length: 48 }, (_, i) => Math.cos(i)), [3, 4, 4, 1]) }
    const g = { 0: brauer.tensor([1, 2, 3], [3, 1]), 2: brauer.tensor(Float32Array.from({ length: 96 }, (_, i) => Math.sin(i)), [3, 4, 4, 2]) }
    const values = (record) => Object.entries(record).map(([name, value]) => [name, value.shape, value.toNumbers()])
    answer([values(layer.forwardSync(x)), values(layer.inputGradientSync(g)), values(layer.weightGradientSync(x, g)), values(layer.parameters), layer.diagrams(2, 2).map(String)])`
  const run = (directory: string) => inProcess(body, { BRAUER_CACHE: directory })
  const plain = () => run('').value
  const files = (directory: string) => readdirSync(directory).map((name) => join(directory, name))

  test('a file is written, and another process computes the same from it', () => {
    const directory = folder()
    const wanted = plain()
    expect(run(join(directory, 'a', 'b')).value).toEqual(wanted)
    const [path, ...rest] = files(join(directory, 'a', 'b')) as [string]
    expect(rest).toEqual([])
    const before = [readFileSync(path), statSync(path).ino] as const
    expect(run(join(directory, 'a', 'b')).value).toEqual(wanted)
    expect([readFileSync(path), statSync(path).ino]).toEqual(before)
  })

  test('what is read is the file: one of other programs is found out, or used', () => {
    // Programs of scaled weights under the right name and checksum: the cache trusts its directory, which this shows is read.
    const directory = folder()
    const wanted = run(directory).value as unknown[][]
    const [path] = files(directory) as [string]
    const bytes = readFileSync(path)
    const body = bytes.subarray(32)
    const end = body.indexOf(10)
    const header = JSON.parse(body.toString('utf8', 0, end)) as { parameters: { length: number }[] }
    const data = Buffer.from(body)
    const count = header.parameters.reduce((sum, { length }) => sum + length, 0)
    for (let i = 0; i < count; i++) data.writeDoubleLE(2 * data.readDoubleLE(end + 1 + 8 * i), end + 1 + 8 * i)
    writeFileSync(path, Buffer.concat([createHash('sha256').update(data).digest(), data]))
    const received = run(directory).value as unknown[][]
    expect(received[3]).not.toEqual(wanted[3])
  })

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut off in its checksum', (bytes) => bytes.subarray(0, 20)],
    ['cut off in its header', (bytes) => bytes.subarray(0, 60)],
    ['cut off before its last byte', (bytes) => bytes.subarray(0, -1)],
    ['with a byte more', (bytes) => Buffer.concat([bytes, Buffer.from([0])])],
    ['with a bit changed', (bytes) => { const copy = Buffer.from(bytes); copy[copy.length >> 1]! ^= 4; return copy }],
    ['no cache file at all', () => Buffer.from('x'.repeat(1000))],
    ['of another version', (bytes) => sealed(bytes, (text) => text.replace(/"format":"[^"]*"/, '"format":"0.0"'))],
    ['of another specification', (bytes) => sealed(bytes, (text) => text.replaceAll('Sp(4)', 'Sp(6)'))],
    ['with a header that is no JSON', (bytes) => sealed(bytes, (text) => text.slice(1))],
    ['with a header that is null', (bytes) => sealed(bytes, () => 'null')],
    ['with lengths that lie', (bytes) => sealed(bytes, (text) => text.replace(/"length":\d+/, '"length":-1'))],
    ['with lengths past the end', (bytes) => sealed(bytes, (text) => text.replace(/"length":(\d+),"buffers":(\[[^\]]*\])\}\]\}$/, '"length":$1000,"buffers":$2}]}'))],
    ['without a program', (bytes) => sealed(bytes, (text) => text.replace('"weightGradient"', '"other"'))],
    ['without parameters', (bytes) => sealed(bytes, (text) => text.replace(/"parameters":\[.*?\],"programs"/, '"parameters":[],"programs"'))],
  ])('a file that is %s counts as absent and is written anew', (_, spoil) => {
    const directory = folder()
    const wanted = run(directory).value
    const [path] = files(directory) as [string]
    const good = readFileSync(path)
    const bad = spoil(good)
    expect(bad.equals(good)).toBe(false)
    writeFileSync(path, bad)
    expect(run(directory)).toEqual({ value: wanted })
    expect(files(directory)).toEqual([path])
    expect(readFileSync(path).equals(good)).toBe(true)
  }) // prettier-ignore

  /** Another header under the right checksum. */
  function sealed(bytes: Buffer, change: (text: string) => string): Buffer {
    const body = bytes.subarray(32)
    const end = body.indexOf(10)
    const changed = Buffer.concat([Buffer.from(change(body.toString('utf8', 0, end))), body.subarray(end)])
    return Buffer.concat([createHash('sha256').update(changed).digest(), changed])
  }

  test('a directory that cannot be one is an error that names it', () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    for (const directory of [file, join(file, 'below')]) {
      const { error } = run(directory)
      expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-argument' })
      expect(error?.message).toMatch(/^BRAUER_CACHE: expected a directory that can be written, received /)
      expect(error?.message).toContain(directory)
    }
  })

  test('many specifications have many files; nothing temporary stays', () => {
    const directory = folder()
    const layers = [1, 2, 3]
      .map((n) => `brauer.linear(brauer.S(${n}), { 1: 1 }, { 1: 1 }, { backend: 'reference' })`)
      .join(';')
    expect(inProcess(`${layers}; answer(1)`, { BRAUER_CACHE: directory }).value).toBe(1)
    expect(files(directory).map((path) => path.endsWith('.brauer'))).toEqual([true, true, true])
  })

  test('linear.async writes and reads the same files', () => {
    const directory = folder()
    const wanted = plain()
    const async = body.replace('brauer.linear(', 'await brauer.linear.async(')
    expect(inProcess(async, { BRAUER_CACHE: directory }).value).toEqual(wanted)
    const [path] = files(directory) as [string]
    const { ino } = statSync(path)
    expect(run(directory).value).toEqual(wanted)
    expect(inProcess(async, { BRAUER_CACHE: directory }).value).toEqual(wanted)
    expect([files(directory), statSync(path).ino]).toEqual([[path], ino])
  })
})

test('what is handed to a thread is what was made', () => {
  const layer = linear(Sp(2), { 2: 1 }, { 2: 1 }, { backend: 'reference' })
  const compiled = new Compiled(layer.specification)
  const again = new Compiled(layer.specification, structuredClone(compiled.serialize()))
  expect(again.serialize()).toEqual(compiled.serialize())
})
