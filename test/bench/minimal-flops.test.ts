import { describe, expect, test } from '@jest/globals'
import { groupFrom, type Group } from '../../lib/index.js'
import { decompose, minimalFlops } from '../../bench/minimal-flops.js'

const groups: readonly (readonly [string, readonly number[]])[] = [
  ['S', [1, 2, 3, 4, 5, 6]],
  ['O', [1, 2, 3, 4, 5, 6, 7]],
  ['SO', [1, 2, 3, 4, 5, 6]],
  ['Sp', [2, 4, 6, 8]],
]
const each = groups.flatMap(([name, sizes]) => sizes.map((n) => `${name}(${n})`))

const irreducibles = (group: string, order: number, channels = 1) => decompose(groupFrom(group), { [order]: channels })!

describe.each(each)('%s', (name) => {
  const n = groupFrom(name).kinds[0]!.n

  test('the dimensions of a tensor power add up to n^k', () => {
    for (let k = 0; k <= 6; k++) {
      const total = irreducibles(name, k).reduce(
        (sum, { dimension, multiplicity }) => sum + dimension * multiplicity,
        0,
      )
      expect([k, total]).toEqual([k, n ** k])
    }
  })

  test('by Schur, common irreducibles count the independent diagrams', () => {
    for (let k = 0; k <= 3; k++) {
      for (let l = 0; l <= 3; l++) {
        const to = new Map(irreducibles(name, l).map((irreducible) => [irreducible.label, irreducible.multiplicity]))
        const maps = irreducibles(name, k).reduce(
          (sum, { label, commuting, multiplicity }) => sum + commuting * multiplicity * (to.get(label) ?? 0),
          0,
        )
        expect([k, l, maps]).toEqual([k, l, groupFrom(name).independent(k, l).length])
      }
    }
  })
})

test.each([
  [
    'O(3)',
    2,
    [
      [1, 1],
      [3, 1],
      [5, 1],
    ],
  ],
  [
    'O(3)',
    3,
    [
      [1, 1],
      [3, 3],
      [5, 2],
      [7, 1],
    ],
  ],
  [
    'SO(3)',
    3,
    [
      [1, 1],
      [3, 3],
      [5, 2],
      [7, 1],
    ],
  ],
  [
    'SO(2)',
    2,
    [
      [1, 2],
      [2, 1],
    ],
  ],
  [
    'SO(4)',
    2,
    [
      [1, 1],
      [3, 1],
      [3, 1],
      [9, 1],
    ],
  ],
  [
    'Sp(4)',
    2,
    [
      [1, 1],
      [5, 1],
      [10, 1],
    ],
  ],
  [
    'Sp(6)',
    3,
    [
      [6, 3],
      [14, 1],
      [56, 1],
      [64, 2],
    ],
  ],
  [
    'S(1024)',
    1,
    [
      [1, 1],
      [1023, 1],
    ],
  ],
  [
    'S(64)',
    2,
    [
      [1, 2],
      [63, 3],
      [1952, 1],
      [1953, 1],
    ],
  ],
  [
    'S(3)',
    2,
    [
      [1, 2],
      [1, 1],
      [2, 3],
    ],
  ],
] as const)('irreducibles of %s in order %i', (name, order, wanted) => {
  const found = irreducibles(name, order).map(({ dimension, multiplicity }) => [dimension, multiplicity])
  expect(found.sort(([a], [b]) => a! - b!)).toEqual(wanted)
})

test('channels multiply the work: O(3), 2 -> 2, is one product for each of 1 + 3 + 5 rows', () => {
  expect(minimalFlops(groupFrom('O(3)'), { 2: 64 }, { 2: 64 }, 1)).toEqual({ flops: 2 * 9 * 64 * 64, kind: 'exact' })
  expect(minimalFlops(groupFrom('SO(3)'), { 0: 4, 1: 8, 2: 16 }, { 1: 32 }, 1)).toEqual({
    flops: 2 * 3 * (8 + 16) * 32,
    kind: 'exact',
  })
  // SO(2): a complex product of 2 × 2 real ones.
  expect(minimalFlops(groupFrom('SO(2)'), { 1: 3 }, { 1: 5 }, 1)).toEqual({ flops: 2 * 4 * 15, kind: 'exact' })
})

test('a product of groups keeps the flops of its program', () => {
  const group: Group = groupFrom('S(3)×O(2)')
  expect(minimalFlops(group, { a: 2 }, { a: 2 }, 123)).toEqual({ flops: 123, kind: 'program' })
})
