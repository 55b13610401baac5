import { describe, expect, test } from '@jest/globals'
import { O, S, SO, Sp, act, product } from '../../lib/groups/index.js'
import type { Group } from '../../lib/groups/group.js'
import { matrix, type GroupName } from '../support/dense.js'
import { act as actByDefinition, determinant, Random } from '../support/group-elements.js'
import { thrown } from '../diagrams/helpers.js'

const DRAWS = 60

function draws(group: Group, seed = 1): Float64Array[] {
  const random = new Random(seed)
  return Array.from({ length: DRAWS }, () => group.sample(() => random.uniform())[0]!)
}

/** Largest difference between gᵀ·form·g and form. */
function defect(g: Float64Array, n: number, form: (a: number, b: number) => number): number {
  let worst = 0
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      let sum = 0
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sum += g[i * n + a]! * form(i, j) * g[j * n + b]!
      worst = Math.max(worst, Math.abs(sum - form(a, b)))
    }
  }
  return worst
}

const delta = (a: number, b: number): number => Number(a === b)
const epsilon = (a: number, b: number): number => ((a ^ 1) !== b ? 0 : a < b ? 1 : -1)

/** The largest singular value, by power iteration on gᵀg. */
function norm(g: Float64Array, n: number): number {
  let x = Float64Array.from({ length: n }, (_, i) => 1 + i * 0.37)
  let size = 0
  for (let step = 0; step < 100; step++) {
    const y = Float64Array.from({ length: n }, (_, i) => x.reduce((sum, value, j) => sum + g[i * n + j]! * value, 0))
    const z = Float64Array.from({ length: n }, (_, j) => y.reduce((sum, value, i) => sum + g[i * n + j]! * value, 0))
    size = Math.hypot(...z)
    x = z.map((value) => value / size)
  }
  return Math.sqrt(size)
}

describe('random elements', () => {
  test.each([1, 2, 3, 6])('S(%i): permutation matrices, all of them', (n) => {
    const seen = new Set<string>()
    for (const g of draws(S(n))) {
      expect(defect(g, n, delta)).toBe(0)
      expect([...g].every((value) => value === 0 || value === 1)).toBe(true)
      seen.add(g.join(''))
    }
    if (n <= 3) expect(seen.size).toBe([1, 2, 6][n - 1])
  })

  test.each([1, 2, 3, 5, 9])('O(%i) and SO(%i): orthogonal, of both determinants and of one', (n) => {
    const signs = draws(O(n)).map((g) => {
      expect(defect(g, n, delta)).toBeLessThan(1e-14 * Math.max(4, n))
      return Math.round(determinant(g, n))
    })
    expect(new Set(signs)).toEqual(new Set([1, -1]))
    for (const g of draws(SO(n))) {
      expect(defect(g, n, delta)).toBeLessThan(1e-14 * Math.max(4, n))
      expect(determinant(g, n)).toBeCloseTo(1, 12)
    }
  })

  test.each([O(3), SO(3)])('%s: the moments of the Haar measure', (group) => {
    const random = new Random(5)
    const count = 5000
    const total = new Float64Array(9)
    let fourth = 0
    for (let i = 0; i < count; i++) {
      const [g] = group.sample(() => random.uniform())
      g!.forEach((value, j) => (total[j]! += value / count))
      fourth += g!.reduce((sum, value) => sum + value ** 4, 0) / 9 / count
    }
    // An entry has mean 0, variance 1/3 and fourth moment 3/(n(n+2)) = 1/5.
    for (const mean of total) expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / 3 / count))
    expect(Math.abs(fourth - 0.2)).toBeLessThan(0.01)
  })

  test.each([2, 4, 6])('Sp(%i): keeps ε, norm between 1 and 2, not orthogonal', (n) => {
    const norms = draws(Sp(n)).map((g) => {
      expect(defect(g, n, epsilon)).toBeLessThan(1e-13)
      return norm(g, n)
    })
    expect(Math.max(...norms)).toBeLessThan(2 + 1e-9)
    expect(Math.max(...norms)).toBeGreaterThan(1.5)
    expect(Math.min(...norms)).toBeGreaterThan(1 - 1e-9)
  })

  test('a product draws one element per kind', () => {
    const random = new Random(2)
    const element = product(S(4), SO(3), Sp(2)).sample(() => random.uniform())
    expect(element.map(({ length }) => length)).toEqual([16, 9, 4])
  })

  test('a draw depends on its random numbers only', () => {
    expect(draws(SO(3), 7)).toEqual(draws(SO(3), 7))
    expect(draws(SO(3), 7)).not.toEqual(draws(SO(3), 8))
  })
})

describe('act', () => {
  test('is the action of the definition', () => {
    const random = new Random(3)
    const group = O(3)
    for (const order of [0, 1, 2, 3]) {
      const element = group.sample(() => random.uniform())
      const x = random.normals(3 ** order * 2)
      const wanted = actByDefinition(element[0]!, x, 3, order, 2)
      const made = act(group, element, order, x, 2)
      made.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 13))
      expect(made).not.toBe(x)
    }
  })

  test('moves each index by the matrix of its kind', () => {
    const random = new Random(4)
    const group = product(S(3), O(2))
    const [g, h] = group.sample(() => random.uniform()) as [Float64Array, Float64Array]
    const x = random.normals(2 * 3 * 2)
    const made = act(group, [g, h], 'bab', x, 1)
    for (let a = 0; a < 2; a++) {
      for (let b = 0; b < 3; b++) {
        for (let c = 0; c < 2; c++) {
          let sum = 0
          for (let i = 0; i < 2; i++) {
            for (let j = 0; j < 3; j++) {
              for (let m = 0; m < 2; m++) sum += h[a * 2 + i]! * g[b * 3 + j]! * h[c * 2 + m]! * x[(i * 3 + j) * 2 + m]!
            }
          }
          expect(made[(a * 3 + b) * 2 + c]).toBeCloseTo(sum, 13)
        }
      }
    }
  })

  test('refuses data and elements of other sizes', () => {
    const one = new Float64Array(9)
    expect(thrown(() => act(O(3), [one], 2, new Float64Array(8), 1))).toBe(
      'invalid-shape | act of O(3) on order 2: expected 9 elements, received 8',
    )
    expect(thrown(() => act(O(3), [new Float64Array(4)], 1, new Float64Array(3), 1))).toBe(
      'invalid-shape | act of O(3): expected an 3×3 matrix for kind 0, received 4 elements',
    )
    expect(thrown(() => act(product(O(3), S(2)), [one], 'a', new Float64Array(3), 1))).toMatch(/kind 1, received none$/)
  })
})

/** Every matrix of every group commutes with the action: the definition, the sampler and `act` fit together. */
test.each([S(3), O(3), SO(2), SO(3), Sp(2), Sp(4)])('%s: the matrices of its diagrams are equivariant', (group) => {
  const random = new Random(11)
  const n = group.kinds[0]!.n
  const orders = [
    [1, 1],
    [2, 1],
    [2, 2],
    [0, 2],
  ] as const
  for (const [k, l] of orders) {
    for (const diagram of group.spanning(k, l)) {
      const dense = matrix(group.name as GroupName, n, diagram as never)
      const apply = (x: Float64Array): Float64Array =>
        Float64Array.from({ length: n ** l }, (_, i) =>
          x.reduce((sum, value, j) => sum + dense[i * n ** k + j]! * value, 0),
        )
      const element = group.sample(() => random.uniform())
      const x = random.normals(n ** k)
      const [left, right] = [apply(act(group, element, k, x, 1)), act(group, element, l, apply(x), 1)]
      left.forEach((value, i) => expect(value).toBeCloseTo(right[i]!, 10))
    }
  }
})
