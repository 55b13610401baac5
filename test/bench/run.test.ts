import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { measureRoofline } from '../../dist/backends/native.js'
import { readFlags, UsageError } from '../../bench/flags.js'
import { main } from '../../bench/main.js'
import { beyondKernel, overheadText } from '../../bench/overhead.js'
import { rooflineText } from '../../bench/report.js'
import { boundOf, type CaseResult, type Results } from '../../bench/results.js'
import { summaryText } from '../../bench/summary.js'
import { interleave, summarise } from '../../bench/timing.js'
import { contenders } from '../../bench/contenders/index.js'
import { suite } from '../../bench/cases.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(...words: string[]): { status: number; text: string } {
  const lines: string[] = []
  const status = main(words, (text) => lines.push(text))
  return { status, text: lines.join('\n') }
}

test('--quick --case matvec: every contender proves its answer and is timed', () => {
  const file = join(folder, 'results.json')
  const { status, text } = run('--quick', '--case', 'matvec', '--threads', '1', '--json', file)
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
  expect(rows.map(({ contender }) => contender)).toEqual(contenders.map(({ name }) => name))
  for (const { contender, error, times, share } of rows) {
    expect([contender, error! < 2e-6, times!.median > 0, share! > 0]).toEqual([contender, true, true, true])
  }
})

test('a layer of the command line', () => {
  const { status, text } = run(
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

test('--list names all cases and contenders', () => {
  const { status, text } = run('--list')
  expect(status).toBe(0)
  for (const { name } of [...suite, ...contenders]) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'))
})

describe('a wrong command line', () => {
  test.each([
    ['--case nothing', /expected some of s1-set, .*, received "nothing"/],
    ['--contenders cpu,gpu', /expected some of cpu, .*, received "gpu"/],
    ['--threads 0', /expected an integer of at least 1, received "0"/],
    ['--group O(3) --in 2:1', /needs --group, --in and --out/],
    ['--group O(3) --in 2 --out 2:1', /--in: expected order:channels/],
    ['--group O(3) --in 2:1 --out 2:1 --layout first', /--layout: expected channels-last or channels-first/],
    ['--group O(3) --in 2:1 --out 2:1 --case s4', /--case names a case of the suite/],
    ['--speed', /--speed/],
  ])('%s', (line, message) => {
    expect(() => readFlags(line.split(' '))).toThrow(message)
    expect(() => readFlags(line.split(' '))).toThrow(UsageError)
  })

  test('ends with status 2, a layer that does not exist with 1', () => {
    const complain = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(main(['--case', 'nothing'])).toBe(2)
    expect(main(['--group', 'Sp(3)', '--in', '1:1', '--out', '1:1'], () => undefined)).toBe(1)
    expect(complain.mock.calls.map(([text]) => String(text).slice(0, 7))).toEqual(['bench: ', 'bench: '])
    complain.mockRestore()
  })
})

describe('timing', () => {
  test('medians, least and quartiles', () => {
    expect(summarise([5, 1, 3])).toEqual({ median: 3, least: 1, spread: [2, 4], rounds: 3 })
    expect(summarise([4, 1, 2, 3]).median).toBe(2.5)
  })

  test('another contender begins each round', () => {
    const order: string[] = []
    const run = (name: string) => () => {
      order.push(name)
      for (const end = performance.now() + 1.5; performance.now() < end;);
    }
    interleave([run('a'), run('b'), run('c')], { budget: 1, rounds: 3 })
    expect(order.join('')).toMatch(/^a+b+c+aabbccbbccaaccaabb$/)
  })

  test('contenders take turns; slow ones in fewer rounds, but three', () => {
    const order: string[] = []
    const busy = (name: string, ms: number) => () => {
      order.push(name)
      for (const end = performance.now() + ms; performance.now() < end;);
    }
    const [quick, slow] = interleave([busy('q', 2), busy('s', 30)], { budget: 40, rounds: 12 })
    expect(quick!.rounds).toBe(12)
    expect(slow!.rounds).toBe(3)
    expect(quick!.least).toBeGreaterThanOrEqual(2)
    expect(slow!.median).toBeGreaterThanOrEqual(30)
    expect(order.join('')).toMatch(/^q+s{2,}q{6}ssq{8}ssq{8}ssqq$/)
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

test('the overhead of a call is what it takes beyond its kernel', () => {
  const overhead = { forwardSync: 9, direct: 6, empty: 1 }
  expect(beyondKernel(overhead)).toBe(4)
  expect(overheadText(overhead)).toMatch(/beyond it +4\.00 µs .*: holds$/)
  expect(overheadText({ ...overhead, forwardSync: 19 })).toMatch(/: DOES NOT HOLD$/)
})

test('--overhead measures all three', () => {
  const file = join(folder, 'overhead.json')
  expect([0, 1]).toContain(run('--overhead', '--threads', '1', '--json', file).status)
  const { overhead } = JSON.parse(readFileSync(file, 'utf8')) as { overhead: Record<string, number> }
  for (const name of ['forwardSync', 'direct', 'empty']) expect(overhead[name]).toBeGreaterThan(0)
})
