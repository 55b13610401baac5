import { describe, expect, test } from '@jest/globals'
import { BrauerError } from '../../dist/index.js'
import type { Case } from '../../bench/cases.js'
import { ContenderError, type Contender, type Outputs, type Prepared } from '../../bench/contenders/contender.js'
import { reference } from '../../bench/contenders/reference.js'
import { measureCase } from '../../bench/measure.js'
import { makeProblem, type Problem } from '../../bench/problem.js'
import { relativeError, truthOf } from '../../bench/proof.js'
import { caseText } from '../../bench/report.js'

const small: Case = {
  name: 'small',
  group: 'O(3)',
  input: { 1: 2, 2: 3 },
  output: { 0: 2, 2: 1 },
  batch: 7,
  gpuBatch: 7,
  bias: true,
  layout: 'channels-last',
}

interface InProcess extends Prepared {
  time(repeats: number): number
  output(): Outputs
}

/** The reference with `spoil` applied to what it has written. */
function spoiled(name: string, spoil: (y: () => Outputs, problem: Problem) => void): Contender {
  return {
    name,
    summary: '',
    prepare(problem) {
      const { output, time } = reference.prepare(problem) as InProcess
      const spoilt = (repeats: number) => {
        const ms = time(repeats)
        spoil(output, problem)
        return ms
      }
      return { output, time: spoilt }
    },
  }
}

const measure = (...contenders: Contender[]) =>
  measureCase(small, {
    contenders,
    threads: 1,
    effort: { budget: 1, rounds: 3 },
    roofline: { copy: 1e10, peak: 1e11 },
    progress: () => undefined,
  })

/** A little more than rounding: 1e-4 of the element. */
const nudge = (data: Float32Array, at: number): number => (data[at]! *= 1.0001)

test('a contender that is right is timed', async () => {
  const result = await measure(reference)
  const [row] = result.rows
  expect(row!.error).toBeLessThan(2e-6)
  expect(row!.times!.rounds).toBe(3)
  expect(row!.times!.least).toBeGreaterThan(0)
  expect(row!.times!.least).toBeLessThanOrEqual(row!.times!.median)
  expect(result.bytes).toEqual({ x: 4 * 7 * (3 * 2 + 9 * 3), y: 4 * 7 * (2 + 9) })
  expect(row!.bytesPerSecond).toBeCloseTo((1e3 * (result.bytes.x + result.bytes.y)) / row!.times!.median)
  expect(row!.share).toBeCloseTo(result.bound!.ms / row!.times!.median)
  // λ = 0: 3 of order 2 meet 2 + 1; λ = 1: none at the top; 1,1: 3 to 1; 2: 3 to 1; per item.
  expect(result.minimalFlops).toEqual({ flops: 7 * 2 * (3 * 3 + 3 * 3 + 5 * 3), kind: 'exact' })
})

describe('a contender is refused, and prints no time,', () => {
  test.each<[string, Contender]>([
    ['for one changed element', spoiled('wrong', (y) => nudge(y()[2]!, 0))],
    ['for one changed element of the last item', spoiled('wrong', (y) => nudge(y()[0]!, y()[0]!.length - 1))],
    ['for one that it left unwritten', spoiled('wrong', (y) => (y()[2]![5] = NaN))],
    [
      'for one that only the whole batch gets wrong',
      spoiled('wrong', (y, { batch }) => batch === 7 && nudge(y()[2]!, 3)),
    ],
    ['for one that only a small batch gets wrong', spoiled('wrong', (y, { batch }) => batch < 7 && nudge(y()[2]!, 3))],
    [
      'for an output it lacks',
      {
        ...reference,
        name: 'wrong',
        prepare: (problem) => ({ ...(reference.prepare(problem) as Prepared), output: () => ({}) }),
      },
    ],
    [
      'when it fails',
      spoiled('wrong', () => {
        throw new BrauerError('internal', 'here: expected an answer, received none')
      }),
    ],
  ])('%s', async (_, wrong) => {
    const result = await measure(reference, wrong)
    expect(
      result.rows.map(({ contender, times, refused }) => [contender, times !== undefined, refused !== undefined]),
    ).toEqual([
      ['reference', true, false],
      ['wrong', false, true],
    ])
    const line = caseText(result).split('\n').at(-1)!
    expect(line).toMatch(/^ {2}wrong +REFUSED: (wrong by .* at order [02], items 0, 1, 6|here: expected)/)
  })
})

describe('every contender is closed', () => {
  const closed: string[] = []
  const closing = (contender: Contender, name: string): Contender => ({
    ...contender,
    name,
    async prepare(problem) {
      const prepared = (await contender.prepare(problem)) as Prepared
      const close = () => void closed.push(`${name} of ${problem.batch}`)
      return { time: (repeats) => prepared.time(repeats), output: () => prepared.output(), close }
    },
  })

  test('one that is right after its rounds, one that is wrong at once', async () => {
    closed.length = 0
    const wrong = spoiled('wrong', (y) => nudge(y()[2]!, 0))
    await measure(closing(reference, 'right'), closing(wrong, 'wrong'))
    expect(closed).toEqual(['right of 3', 'wrong of 3', 'wrong of 7', 'right of 7'])
  })

  test('also when the benchmark itself fails', async () => {
    closed.length = 0
    const broken: Contender = {
      ...reference,
      prepare: () => {
        throw new TypeError('a mistake')
      },
    }
    await expect(measure(closing(reference, 'right'), broken)).rejects.toThrow('a mistake')
    expect(closed).toEqual(['right of 3', 'right of 7'])
  })
})

test('a contender that fails while it is timed is refused, and the others are timed', async () => {
  const failing: Contender = {
    name: 'failing',
    summary: '',
    prepare(problem) {
      const { output, time } = reference.prepare(problem) as InProcess
      let runs = 0
      return {
        output,
        time(repeats) {
          if (++runs > 5) throw new ContenderError('the worker ended')
          return time(repeats)
        },
      }
    },
  }
  const { rows } = await measure(failing, reference)
  expect(rows[0]).toEqual({ contender: 'failing', refused: 'the worker ended' })
  expect(rows[1]!.times!.median).toBeGreaterThan(0)
})

test('a contender that takes too long sits the case out', async () => {
  const slow: Contender = {
    name: 'slow',
    summary: '',
    prepare(problem) {
      const { output, time } = reference.prepare(problem) as InProcess
      return { output, time: (repeats) => time(repeats) + 2500 * repeats }
    },
  }
  expect((await measure(slow)).rows).toEqual([{ contender: 'slow', skip: 'a run takes 2.5 s' }])
})

test('one that sits a case out says why', async () => {
  const absent: Contender = { name: 'absent', summary: '', prepare: () => ({ skip: 'not installed' }) }
  const result = await measure(absent)
  expect(result.rows).toEqual([{ contender: 'absent', skip: 'not installed' }])
  expect(caseText(result)).toMatch(/absent +– not installed$/)
})

test('the truth of the first items and the last one, in float64', () => {
  const truth = truthOf(makeProblem(small, 1))
  expect(truth.items).toEqual([0, 1, 6])
  expect(truth.by).toBe('reference, diagrams, float64')
  expect(truth.y[2]).toBeInstanceOf(Float64Array)
  expect(truth.y[2]!.length).toBe(3 * 9)
})

test('relative errors', () => {
  expect(relativeError([3, 4], [3, 4])).toBe(0)
  expect(relativeError([0, 5], [3, 4])).toBeCloseTo(Math.sqrt(10) / 5)
  expect(relativeError([0, 2], [0, 0])).toBe(2)
  expect(relativeError([1, 2], [1])).toBe(Infinity)
  expect(relativeError([1, NaN], [1, 2])).toBeNaN()
})
