import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Case } from '../../bench/cases.js'
import { expectedOutputs, inputAt, writeData } from '../../bench/gpu/data.js'
import { vectorLayers } from '../../bench/gpu/vectors.js'
import { makeProblem } from '../../bench/problem.js'
import { groupFrom, linear, tensor, type Tensor } from '../../lib/index.js'
import { decode } from '../../lib/program/encode.js'
import { verify } from '../../lib/program/verify.js'
import { uniformAt } from '../../lib/tensor/random.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'brauer-gpu-'))
const batch = 5
const base = { batch: 2, gpuBatch: batch } as const
const cases: readonly Case[] = [
  {
    ...base,
    name: 'o',
    group: 'O(3)',
    input: { 0: 2, 2: 3 },
    output: { 1: 2, 2: 4 },
    bias: true,
    layout: 'channels-last',
  },
  { ...base, name: 's', group: 'S(4)', input: { 2: 2 }, output: { 2: 3 }, bias: false, layout: 'channels-first' },
]
const numbers = (path: string): Float64Array =>
  new Float64Array(Uint8Array.from(readFileSync(join(folder, path))).buffer)

beforeAll(() => writeData(folder, cases))
afterAll(() => rmSync(folder, { recursive: true }))

test('the generator gives the numbers that C++ gives', () => {
  const lines = readFileSync(join(root, 'test/fixtures/uniform.txt'), 'utf8').trim().split('\n')
  expect(lines).toHaveLength(40)
  for (const [seed, index, value] of lines.map((line) => line.split(' '))) {
    expect(uniformAt(Number(seed), Number(index))).toBe(Number(value))
  }
})

test('vectors cover every group and dtype, and their file holds all their outputs', () => {
  const groups = new Set(vectorLayers.map(({ group }) => groupFrom(group).name))
  expect([...groups].sort()).toEqual(['O', 'S', 'SO', 'Sp'])
  expect(new Set(vectorLayers.map(({ name }) => name)).size).toBe(vectorLayers.length)
  const total = { wide: 0, narrow: 0 }
  const lines = readFileSync(join(folder, 'vectors.txt'), 'utf8').trim().split('\n')
  expect(lines).toHaveLength(3 * 4 * vectorLayers.length)
  for (const [name, map, dtype, , , count] of lines.map((line) => line.split(' '))) {
    verify(decode(numbers(`programs/${name}.${map}.bin`)))
    total[dtype === 'float64' ? 'wide' : 'narrow'] += Number(count)
  }
  expect(statSync(join(folder, 'expected.f64.bin')).size).toBe(8 * total.wide)
  expect(statSync(join(folder, 'expected.f32.bin')).size).toBe(4 * total.narrow)
})

test('expected outputs have inputs as the dtype stores them', () => {
  const program = decode(numbers('programs/O2-3-3.forward.bin'))
  const half = expectedOutputs(program, 'bfloat16', 1, 7)
  const single = expectedOutputs(program, 'float32', 1, 7)
  const difference = Math.hypot(...half.map((value, i) => value - single[i]!)) / Math.hypot(...single)
  expect(difference).toBeGreaterThan(1e-4)
  expect(difference).toBeLessThan(2 ** -8)
})

const find = 'import importlib.util as u; exit(not all(map(u.find_spec, ("numpy", "torch"))))'
const hasTorch = spawnSync('python3', ['-c', find]).status === 0
const whenTorch = hasTorch ? test : test.skip

whenTorch(
  `PyTorch is proved on generated inputs, and timed where it is right${hasTorch ? '' : ' (not installed)'}`,
  () => {
    writeTruth(cases[0]!, 1)
    writeTruth(cases[1]!, 1 + 1e-5)
    const results = join(folder, 'results.json')
    writeFileSync(results, '[\n]\n')
    const { status, stderr } = spawnSync(
      'python3',
      [join(root, 'bench/gpu/torch_suite.py'), folder, folder, results, '100', '0.01', String(batch)],
      {
        env: { ...process.env, PYTHONPATH: join(root, 'bench/python'), PYTHONDONTWRITEBYTECODE: '1' },
        encoding: 'utf8',
      },
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const rows = JSON.parse(readFileSync(results, 'utf8')) as Record<string, unknown>[]
    expect(rows.map(({ kind, case: of, contender }) => [kind, of, contender])).toEqual([
      ['software', undefined, undefined],
      ['throughput', 'o', 'torch einsum'],
      ['throughput', 'o', 'torch shared'],
      ['failure', 's', 'torch einsum'],
      ['failure', 's', 'torch shared'],
    ])
    for (const { ms, error } of rows.slice(1, 3)) {
      expect(ms).toBeGreaterThan(0)
      expect(error).toBeLessThan(2e-6)
    }
    expect(rows.slice(3).map(({ ms }) => ms)).toEqual([undefined, undefined])
  },
  120_000,
)

/** The right answers for the items 0, 2 and 4 of a batch of 5, times a factor. */
function writeTruth(given: Case, factor: number): void {
  const { group, input, output, bias, layout } = given
  const problem = makeProblem({ ...given, batch: 1 }, 1)
  const layer = linear(groupFrom(group), input, output, { bias, layout, dtype: 'float64', backend: 'reference' })
  layer.load(
    Object.fromEntries(
      Object.entries(problem.parameters).map(([name, { shape, data }]) => [
        name,
        tensor(Float64Array.from(data), shape),
      ]),
    ),
  )
  const items = [0, 2, 4]
  const x = problem.inputs.map(({ order, shape, size }, operand): [string, Tensor] => {
    const data = items.flatMap((item) =>
      Array.from({ length: size }, (_, at) => Math.fround(inputAt(1 + operand, item * size + at))),
    )
    return [order, tensor(Float64Array.from(data), [items.length, ...shape])]
  })
  for (const [order, { data }] of Object.entries(layer.forwardSync(Object.fromEntries(x)))) {
    const scaled = Float64Array.from(data, (value) => factor * value)
    writeFileSync(join(folder, `${given.name}.y${order}.bin`), new Uint8Array(scaled.buffer))
  }
}
