import { describe, expect, test } from '@jest/globals'
import { BlockDiagram } from '../../lib/diagrams/diagram.js'
import { matchings } from '../../lib/diagrams/enumerate.js'
import {
  independentDeterminants,
  independentOrthogonal,
  independentSymplectic,
} from '../../lib/diagrams/independent.js'
import { modular } from '../../lib/diagrams/modular.js'
import { O, S, SO, Sp } from '../../lib/groups/index.js'
import { independent, spanning, type GroupName } from '../support/dense.js'
import { countPartitions } from '../support/formulas.js'

const FAMILIES = { S, O, SO, Sp }

/** Group, n, l+k, small enough for dense matrices. */
const CASES: [GroupName, number, number][] = [
  ['S', 1, 4], ['S', 2, 4], ['S', 3, 4], ['S', 3, 5], ['S', 4, 5], ['S', 2, 6],
  ['O', 1, 2], ['O', 1, 4], ['O', 2, 4], ['O', 2, 6], ['O', 3, 6], ['O', 2, 8],
  ['Sp', 2, 2], ['Sp', 2, 4], ['Sp', 2, 6], ['Sp', 4, 4], ['Sp', 4, 6], ['Sp', 2, 8],
  ['SO', 1, 0], ['SO', 1, 1], ['SO', 1, 3], ['SO', 1, 4], ['SO', 2, 2], ['SO', 2, 4], ['SO', 2, 6], ['SO', 2, 8],
  ['SO', 3, 3], ['SO', 3, 4], ['SO', 3, 5], ['SO', 3, 6], ['SO', 3, 7], ['SO', 4, 4], ['SO', 4, 6],
] // prettier-ignore

test.each(CASES)('%s(%i) on %i vertices: the greedy choice among dense matrices', (group, n, size) => {
  const l = size >> 1
  const all = spanning(group, n, size - l, l)
  const wanted = independent(group, n, size - l, l).map((i) => all[i]!.key)
  expect(
    FAMILIES[group](n)
      .independent(size - l, l)
      .map(({ key }) => key),
  ).toEqual(wanted)
})

describe('dimensions', () => {
  test('S: Stirling numbers', () => {
    for (let n = 1; n <= 6; n++) {
      for (let size = 0; size <= 8; size++) expect(S(n).independent(0, size).length).toBe(countPartitions(size, n))
    }
    expect(S(6).independent(5, 5).length).toBe(109299)
  })

  test.each([
    [O, [1, 2], 4, [1, 3]],
    [O, [1, 2, 3], 6, [1, 10, 15]],
    [O, [1, 2, 3, 4], 8, [1, 35, 91, 105]],
    [O, [1, 2, 3, 4, 5], 10, [1, 126, 603, 903, 945]],
    [Sp, [2, 4], 4, [2, 3]],
    [Sp, [2, 4, 6], 6, [5, 14, 15]],
    [Sp, [2, 4, 6, 8], 8, [14, 84, 104, 105]],
  ])('%p(%j) on %i vertices', (family, sizes, size, dims) => {
    expect(sizes.map((n) => family(n).independent(2, size - 2).length)).toEqual(dims)
  })

  test('SO(3) and SO(2)', () => {
    expect([2, 3, 4, 5, 6, 7, 8].map((size) => SO(3).independent(size, 0).length)).toEqual([1, 1, 3, 6, 15, 36, 91])
    expect([2, 4, 6, 8].map((size) => SO(2).independent(0, size).length)).toEqual([2, 6, 20, 70])
    // Over C the vector representation is two characters, z and 1/z: the middle binomial coefficient counts.
    expect(SO(2).independent(5, 5).length).toBe(252)
  })

  test('O(n) keeps everything from 2n ≥ l+k on, Sp(n) from n ≥ l+k on, and not before', () => {
    for (const size of [2, 4, 6, 8]) {
      const all = Array.from(matchings(size), (word) => new BlockDiagram(size, 0, word, -1))
      for (let n = 1; n <= 5; n++) {
        expect(all.every((diagram) => independentOrthogonal(diagram, n))).toBe(2 * n >= size)
        expect(all.every((diagram) => independentSymplectic(diagram, 2 * n))).toBe(2 * n >= size)
      }
    }
  })

  test('SO(n) loses free-vertex diagrams from l+k = n+2 on', () => {
    for (const n of [2, 3, 4, 5]) {
      const lost = (size: number): number => SO(n).spanning(size, 0).length - SO(n).independent(size, 0).length
      expect(lost(n)).toBe(0)
      expect(lost(n + 2)).toBeGreaterThan(0)
    }
  })
})

describe('elimination', () => {
  test.each([
    [2, 8],
    [3, 7],
    [3, 9],
    [4, 8],
    [5, 9],
  ])('SO(%i) on %i vertices: two primes agree', (n, size) => {
    const one = independentDeterminants(size, n)
    expect(one.length).toBeGreaterThan(0)
    for (const prime of [1_073_741_831, 2_147_482_583]) expect(independentDeterminants(size, n, prime)).toEqual(one)
  })

  test('it is the elimination that decides: a small prime chooses otherwise', () => {
    expect(independentDeterminants(7, 3, 3)).not.toEqual(independentDeterminants(7, 3))
  })

  test('SO(3) 5 -> 4 has 232 of 1,260, in under 2 s', () => {
    const start = performance.now()
    expect(SO(3).independent(5, 4).length).toBe(232)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(SO(3).spanning(5, 4).length).toBe(1260)
  })

  test('O(3) 5 -> 5 in under 0.3 s', () => {
    const start = performance.now()
    expect(O(3).independent(5, 5).length).toBe(603)
    expect(performance.now() - start).toBeLessThan(300)
  })

  test('choices do not depend on how the vertices are split into rows', () => {
    for (const group of [S(2), O(2), SO(3), Sp(2)]) {
      for (let l = 0; l <= 7; l++) {
        const size = group.name === 'O' || group.name === 'Sp' ? 6 : 7
        if (l > size) continue
        expect(group.independent(size - l, l).map(({ key }) => key)).toEqual(
          group.independent(size, 0).map(({ key }) => key),
        )
      }
    }
  })
})

test.each([1_073_741_827, 1_073_741_831, 2_147_482_583])('products modulo %i are those of big integers', (prime) => {
  const { times, inverse } = modular(prime)
  let a = 12345
  for (let i = 0; i < 5000; i++) {
    const b = i % 7 === 0 ? prime - 1 - (i % 11) : (a * 69069 + i) % prime
    const wanted = Number((BigInt(a) * BigInt(b)) % BigInt(prime))
    if (times(a, b) !== wanted) expect([a, b, times(a, b)]).toEqual([a, b, wanted])
    a = wanted === 0 ? 1 : wanted
    // Remainders next to 0 and to the prime, where the quotient in doubles may be one off.
    if (i % 20 !== 0) continue
    for (const rest of [1, 2, prime - 2, prime - 1]) {
      const c = Number((BigInt(inverse(a)) * BigInt(rest)) % BigInt(prime))
      if (times(a, c) !== rest) expect([a, c, times(a, c)]).toEqual([a, c, rest])
    }
  }
  for (const [x, y] of [
    [0, 5],
    [1, prime - 1],
    [prime - 1, prime - 1],
    [65536, 65536],
  ] as const) {
    expect(times(x, y)).toBe(Number((BigInt(x) * BigInt(y)) % BigInt(prime)))
  }
})
