import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { measureRoofline } from '../../dist/backends/native.js'
import { main } from '../../bench/main.js'
import { beyondKernel, overheadText } from '../../bench/overhead.js'
import { predictedText } from '../../bench/predicted.js'
import { rooflineText } from '../../bench/report.js'
import { boundOf, type CaseResult, type Results } from '../../bench/results.js'
import { summaryText } from '../../bench/summary.js'
import { interleave, summarise } from '../../bench/timing.js'
import { holds, trainingText, type Training } from '../../bench/training.js'
import { timeOf } from '../../bench/contenders/contender.js'
import { contenders, ownContenders } from '../../bench/contenders/index.js'
import { suite } from '../../bench/cases.js'
import { caseResult } from './results.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...words: string[]): Promise<{ status: number; text: string }> {
  const lines: string[] = []
  const status = await main(words, (text) => lines.push(text))
  return { status, text: lines.join('\n') }
}

test('--quick --case matvec: every contender of this package proves its answer and is timed', async () => {
  const file = join(folder, 'results.json')
  const own = ownContenders.map(({ name }) => name)
  const words = ['--quick', '--case', 'matvec', '--threads', '1', '--save', file, '--contenders', own.join()]
  const { status, text } = await run(...words)
  expect(status).toBe(0)
  expect(text).toContain('matvec  O(5) {3: 1} -> {3: 1}, batch 1')
  const { machine, roofline, cases, quick } = JSON.parse(readFileSync(file, 'utf8')) as Results
  expect([machine.threads, machine.node, quick]).toEqual([1, process.version, true])
  expect(roofline!.first.copy).toBeGreaterThan(1e8)
  expect(roofline!.best.copy).toBeGreaterThanOrEqual(roofline!.first.copy)
  expect(cases.map((each) => each.case.name)).toEqual(['matvec'])
  const { rows, minimalFlops, bytes } = cases[0]!
  // Dimension times squared multiplicity: 5·3² + 30·1² + 35·2² + 10·1² = 225 products.
  expect([minimalFlops, bytes]).toEqual([{ flops: 450, kind: 'exact' }, { x: 500, y: 500 }]) // prettier-ignore
  expect(rows.map(({ contender }) => contender)).toEqual(own)
  for (const { contender, error, times, share } of rows) {
    expect([contender, error! < 2e-6, times!.median > 0, share! > 0]).toEqual([contender, true, true, true])
  }
})

test('a layer of the command line', async () => {
  const { status, text } = await run(
    '--group',
    'S(4)',
    '--in',
    '1:3,2:2',
    '--out',
    '0:5',
    '--batch',
    '3',
    '--layout',
    'channels-first',
    '--bias',
    '--contenders',
    'reference',
    '--quick',
  )
  expect(status).toBe(0)
  expect(text).toContain('own  S(4) {1: 3, 2: 2} -> {0: 5}, bias, channels-first, batch 1')
})

test('--list names all cases and contenders', async () => {
  const { status, text } = await run('--list')
  expect(status).toBe(0)
  for (const { name } of [...suite, ...contenders]) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'))
})

describe('a wrong command line', () => {
  test('ends with status 2, a layer that does not exist with 1', async () => {
    const complain = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(await main(['--case', 'nothing'])).toBe(2)
    expect(await main(['--group', 'Sp(3)', '--in', '1:1', '--out', '1:1'], () => undefined)).toBe(1)
    expect(complain.mock.calls.map(([text]) => String(text).slice(0, 15))).toEqual([
      'brauer: bench: ',
      'brauer: bench: ',
    ])
    complain.mockRestore()
  })
})

describe('timing', () => {
  const timed = (run: () => void) => ({ time: timeOf(run) })

  test('medians, least and quartiles', () => {
    expect(summarise([5, 1, 3])).toEqual({ median: 3, least: 1, spread: [2, 4], rounds: 3 })
    expect(summarise([4, 1, 2, 3]).median).toBe(2.5)
  })

  test('another contender begins each round', async () => {
    const order: string[] = []
    const run = (name: string) =>
      timed(() => {
        order.push(name)
        for (const end = performance.now() + 1.5; performance.now() < end;);
      })
    await interleave([run('a'), run('b'), run('c')], { budget: 1, rounds: 3 })
    expect(order.join('')).toMatch(/^a+b+c+aabbccbbccaaccaabb$/)
  })

  test('contenders take turns; slow ones in fewer rounds, but three', async () => {
    const order: string[] = []
    // By a clock of its own, which nothing else on the machine makes slower.
    const runner = (name: string, ms: number) => ({
      time(repeats: number): number {
        order.push(name.repeat(repeats))
        return ms * repeats
      },
    })
    const [quick, slow] = await interleave([runner('q', 2), runner('s', 30)], { budget: 40, rounds: 12 })
    expect(quick).toMatchObject({ rounds: 12, least: 2 })
    expect(slow).toMatchObject({ rounds: 3, median: 30 })
    expect(order.join('')).toMatch(/^qqssq{6}ssq{8}ssq{8}ssqq$/)
  })
})

describe('the roofline', () => {
  test('the addon measures it', () => {
    const { copy, peak } = measureRoofline(1, 'float64')
    expect(copy).toBeGreaterThan(1e8)
    expect(copy).toBeLessThan(1e13)
    expect(peak).toBeGreaterThan(1e8)
    expect(peak).toBeLessThan(1e13)
    expect(() => measureRoofline(-1, 'float32')).toThrow(
      'roofline: threads: expected an integer from 0 to 4096, received -1',
    )
  })

  test('a better measurement than the first one is a warning', () => {
    expect(rooflineText({ copy: 40e9, peak: 2e11 }, { copy: 45e9, peak: 2e11 })).toBe(
      'best of all measurements: copy 45.0 GB/s, peak 200 GFLOP/s',
    )
    expect(rooflineText({ copy: 40e9, peak: 1e11 }, { copy: 40e9, peak: 2e11 })).toMatch(/the machine was busy/)
  })

  test('the greater of two times bounds a run', () => {
    const roofline = { copy: 1e9, peak: 1e10 }
    expect(boundOf(2e6, 1e7, roofline)).toEqual({ ms: 2, by: 'memory' })
    expect(boundOf(2e6, 5e7, roofline)).toEqual({ ms: 5, by: 'arithmetic' })
  })
})

test('the summary names the cases on which another contender is faster', () => {
  const result = (name: string, ...medians: (number | undefined)[]) => ({
    case: { name },
    rows: medians.map((median, i) => ({ contender: 'abc'[i], ...(median ? { times: { median } } : { skip: '' }) })),
  })
  const cases = [result('one', 1, 8), result('two', 4, 2), result('three', 1, undefined, 3)] as unknown as CaseResult[]
  expect(summaryText(cases).split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['time over that of a', 'geometric mean', 'cases', 'less on'],
    ['b', '2.00', '2', 'two 0.50'],
    ['c', '3.00', '1', 'nowhere'],
  ]) // prettier-ignore
  expect(summaryText(cases.slice(0, 1))).toBe('')
})

test('predictions stand beside what was measured, where there are some', () => {
  const one = caseResult('one', { cpu: 3, other: 2 })
  expect(predictedText(one)).toBe('')
  const rows = one.rows.map((row) => (row.contender === 'cpu' ? { ...row, predicted: 2 } : row))
  expect(predictedText({ ...one, rows }).split('\n')).toEqual([
    '',
    '  prediction  ms    measured  measured / predicted',
    '  cpu         2.00  3.00      1.50',
  ])
})

test('a step of training is judged by its time, its share and its memory', () => {
  const times = (median: number) => ({ median, least: median, spread: [median, median], rounds: 1 }) as const
  const step = { case: suite[5]!, forward: times(10), step: times(30), bounds: { forward: 8, step: 20 }, bytes: 100, growth: 150 } // prettier-ignore
  expect([holds(step), trainingText([step])]).toEqual([
    true,
    expect.stringMatching(/3\.00 holds +0\.80 +0\.83 holds +1\.50 holds$/),
  ])
  for (const wrong of [{ step: times(34) }, { bounds: { forward: 8, step: 19 } }, { growth: 201 }]) {
    expect([holds({ ...step, ...wrong }), trainingText([{ ...step, ...wrong }])]).toEqual([false, expect.stringContaining('DOES NOT HOLD')]) // prettier-ignore
  }
})

test('--training proves its gradients, times both and measures memory', async () => {
  const file = join(folder, 'training.json')
  const words = ['--group', 'SO(3)', '--in', '1:2,2:1', '--out', '1:1,2:2', '--bias', '--batch', '100']
  expect([0, 1]).toContain((await run('--training', '--quick', '--threads', '1', '--save', file, ...words)).status)
  const { training } = JSON.parse(readFileSync(file, 'utf8')) as { training: Training[] }
  const [{ forward, step, bytes, growth }] = training as [Training]
  const parameters = 2 + 4 + 1 + 6 + 2
  expect([training.length, bytes]).toEqual([1, 8 * (7 * (15 + 21) + parameters)])
  expect(Math.min(forward.median, step.median)).toBeGreaterThan(0)
  expect(growth).toBeGreaterThanOrEqual(0)
})

test('the overhead of a call is what it takes beyond its kernel', () => {
  const overhead = { forwardSync: 9, direct: 6, empty: 1 }
  expect(beyondKernel(overhead)).toBe(4)
  expect(overheadText(overhead)).toMatch(/beyond it +4\.00 µs .*: holds$/)
  expect(overheadText({ ...overhead, forwardSync: 19 })).toMatch(/: DOES NOT HOLD$/)
})

test('--overhead measures all three', async () => {
  const file = join(folder, 'overhead.json')
  expect([0, 1]).toContain((await run('--overhead', '--threads', '1', '--save', file)).status)
  const { overhead } = JSON.parse(readFileSync(file, 'utf8')) as { overhead: Record<string, number> }
  for (const name of ['forwardSync', 'direct', 'empty']) expect(overhead[name]).toBeGreaterThan(0)
})
