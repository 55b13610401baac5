import { expect, test } from '@jest/globals'
import { pairwise, type Factors } from './pairwise.js'

const factors = { a: [1, 3, 16], b: ['x', 'y'], c: [0, 1, 2, 7], d: [false, true], e: [false, true], f: [1, 2, 3] }

function missing(rows: readonly Record<string, unknown>[], wanted: Factors): string[] {
  const names = Object.keys(wanted)
  return names.flatMap((first, i) =>
    names
      .slice(i + 1)
      .flatMap((second) =>
        (wanted[first] as readonly unknown[]).flatMap((u) =>
          (wanted[second] as readonly unknown[]).flatMap((v) =>
            rows.some((row) => row[first] === u && row[second] === v)
              ? []
              : [`${first}=${String(u)}, ${second}=${String(v)}`],
          ),
        ),
      ),
  )
}

test.each([1, 2, 3])('every pair of values meets in some row (seed %i)', (seed) => {
  const rows = pairwise(factors, seed)
  expect(missing(rows, factors)).toEqual([])
  expect(rows.length).toBeLessThanOrEqual(20) // the product of all is 288
})

test('the check sees a pair that is missing', () => {
  const rows = pairwise(factors, 1).filter((row) => !(row.a === 16 && row.c === 7))
  expect(missing(rows, factors)).toContain('a=16, c=7')
})

test('another seed gives other rows, the same seed the same', () => {
  expect(pairwise(factors, 5)).toEqual(pairwise(factors, 5))
  expect(pairwise(factors, 5)).not.toEqual(pairwise(factors, 6))
})
