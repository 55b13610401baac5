import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { change, compareResults, isSlower } from '../../bench/compare.js'
import { compareText } from '../../bench/compare-text.js'
import { main } from '../../bench/main.js'
import { summarise } from '../../bench/timing.js'
import { normalAt } from '../../lib/tensor/random.js'
import { caseResult, growth, results, timesOf } from './results.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-compare-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the verdict', () => {
  test.each([
    ['clearly slower', timesOf(10), timesOf(12), 'slower'],
    ['clearly faster', timesOf(10), timesOf(8), 'faster'],
    ['the same', timesOf(10), timesOf(10.1), 'the same within noise'],
    ['less apart than two calm runs are', timesOf(10, 0, 41), timesOf(10.29, 0, 41), 'the same within noise'],
    ['a little more than that', timesOf(10, 0, 41), timesOf(10.31, 0, 41), 'slower'],
    ['noisy', timesOf(10, 0.6), timesOf(12, 0.6), 'the same within noise'],
    ['as noisy, but many rounds', timesOf(10, 0.6, 1000), timesOf(12, 0.6, 1000), 'slower'],
    ['calm, but few rounds', timesOf(10, 0.1, 3), timesOf(12, 0.1, 3), 'the same within noise'],
    ['one of the two noisy', timesOf(10, 0.01), timesOf(12, 0.6), 'the same within noise'],
  ])('%s', (_, a, b, verdict) => {
    expect(change('case', 'cpu', a, b).verdict).toBe(verdict)
  })

  test('is wrong about equal programs once in a hundred', () => {
    const trials = 2000
    let wrong = 0
    for (let trial = 0; trial < trials; trial++) {
      // A spread of 20%, so that the 3% that always pass as noise do not help.
      const samples = (run: number) =>
        summarise(Array.from({ length: 15 }, (_, i) => 10 * Math.exp(0.2 * normalAt(2 * trial + run, i))))
      if (change('case', 'cpu', samples(0), samples(1)).verdict !== 'the same within noise') wrong++
    }
    expect(wrong / trials).toBeLessThan(0.03)
    expect(wrong).toBeGreaterThan(0)
  })

  test('of a difference of a half at the same spread is right almost always', () => {
    let right = 0
    for (let trial = 0; trial < 200; trial++) {
      const samples = (run: number, scale: number) =>
        summarise(Array.from({ length: 15 }, (_, i) => scale * Math.exp(0.2 * normalAt(2 * trial + run, i))))
      if (change('case', 'cpu', samples(0, 10), samples(1, 15)).verdict === 'slower') right++
    }
    expect(right).toBeGreaterThan(180)
  })
})

const a = results([caseResult('one', { cpu: 1, other: 2 }), caseResult('two', { cpu: 3 })], {
  growth: [growth([2, 4], (n) => n)],
})

test('rows are matched by case and contender, growth too', () => {
  const b = results([caseResult('one', { cpu: 1.5, other: 1 })], { growth: [growth([4], () => 4.8)] })
  const { rows, missing, warnings } = compareResults(a, b)
  expect(rows.map(({ case: name, contender, a, b, verdict }) => [name, contender, a, b, verdict])).toEqual([
    ['one', 'cpu', 1, 1.5, 'slower'],
    ['one', 'other', 2, 1, 'faster'],
    ['n 4', 'cpu', 4, 4.8, 'slower'],
  ])
  expect(missing).toEqual(['two cpu, not in B', 'n 2 cpu, not in B'])
  expect(warnings).toEqual([])
})

test('a case of the same name and another size is another case', () => {
  const [one] = a.cases
  const other = { ...one!, case: { ...one!.case, batch: 7 } }
  expect(compareResults(results([one!]), results([other])).rows).toEqual([])
})

test('what only one has times for says why', () => {
  const b = results([caseResult('one', { cpu: { refused: 'wrong by 1' }, other: { skip: 'absent' }, third: 1 })])
  expect(compareResults(results([caseResult('one', { cpu: 1, other: 2 })]), b).missing).toEqual([
    'one cpu, REFUSED in B: wrong by 1',
    'one other, not in B: absent',
    'one third, not in A',
  ])
})

test('warns where machine, threads or roofline differ', () => {
  const slow = { copy: 2e10, peak: 2.1e11 }
  const b = results([], {
    quick: true,
    machine: { ...a.machine, threads: 4, isa: 'neon', blas: 'libfast' },
    roofline: { first: slow, best: slow },
  })
  expect(compareResults(a, b).warnings).toEqual([
    'isa differs: avx2 and neon',
    'blas differs: none and libfast',
    'threads differs: 2 and 4',
    'one is a quick run and the other is not',
    expect.stringMatching(/^the copy of the roofline is 0\.50 times as high in B/),
  ])
})

test('the table, and the exit status', async () => {
  const [first, second] = [join(folder, 'a.json'), join(folder, 'b.json')]
  writeFileSync(first, JSON.stringify(results([caseResult('one', { cpu: 1, other: 2 })])))
  writeFileSync(second, JSON.stringify(results([caseResult('one', { cpu: 1.2, other: 2 })])))
  const lines: string[] = []
  const status = (...words: string[]) => main(['--compare', first, second, ...words], (text) => lines.push(text))
  expect(await status()).toBe(0)
  expect(lines[0]!.split('\n')).toEqual([
    'case  contender  A ms  B ms  B/A   noise  verdict',
    'one   cpu        1.00  1.20  1.20  ± 3%   slower',
    'one   other      2.00  2.00  1.00  ± 3%   the same within noise',
    '0 faster, 1 slower, 1 the same within noise',
  ])
  expect(await status('--fail-slower', '25')).toBe(0)
  expect(await status('--fail-slower', '15')).toBe(1)
  expect(compareText(compareResults(a, results([])))).toContain('only one has times: two cpu, not in B')
})

test('slower within noise does not fail, whatever the percentage', () => {
  expect(isSlower(change('one', 'cpu', timesOf(1, 0.9, 3), timesOf(1.3, 0.9, 3)), 5)).toBe(false)
  expect(isSlower(change('one', 'cpu', timesOf(1), timesOf(1.3)), 5)).toBe(true)
})

test.each([
  ['absent.json', undefined, /absent\.json: expected a file that `bench --save` wrote, received ENOENT/],
  ['broken.json', '{', /broken\.json: expected a file that `bench --save` wrote/],
  ['other.json', '{"format":2,"cases":[]}', /other\.json: expected results of format 1/],
  ['null.json', 'null', /null\.json: expected results of format 1/],
])('%s is refused by name', async (name, text, message) => {
  const path = join(folder, name)
  if (text !== undefined) writeFileSync(path, text)
  const complain = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  expect(await main(['--compare', path, path])).toBe(1)
  expect(complain.mock.calls[0]![0]).toMatch(message)
  complain.mockRestore()
})
