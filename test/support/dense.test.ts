import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import {
  basisOf,
  bottomOnly,
  diagramOf,
  independent,
  matrices,
  matrix,
  spanning,
  type DenseDiagram,
  type GroupName,
} from './dense.js'
import { compose, countPartitions, gram, transpose } from './formulas.js'
import { act, determinant, Random, randomElement } from './group-elements.js'
import { expectClose, relativeError } from './compare.js'
import { orbitCombination } from './mobius.js'
import { greedyRows } from './rank.js'

interface Vector {
  readonly group: GroupName
  readonly kind: 'D' | 'X' | 'E' | 'H' | 'F'
  readonly diagram: number[][] | { free: number[]; pairs: number[][] }
  readonly k: number
  readonly l: number
  readonly n: number
  readonly v: number[]
  readonly y: number[]
}

const { vectors } = JSON.parse(readFileSync(new URL('../fixtures/test_vectors.json', import.meta.url), 'utf8')) as {
  vectors: Vector[]
}

function multiplyVector(dense: Float64Array, v: readonly number[]): number[] {
  return Array.from({ length: dense.length / v.length }, (_, i) =>
    v.reduce((sum, value, j) => sum + (dense[i * v.length + j] as number) * value, 0),
  )
}

function answerTo({ group, kind, diagram, k, l, n, v }: Vector): number[] {
  const [blocks, free] = Array.isArray(diagram) ? [diagram, null] : [diagram.pairs, diagram.free]
  if (kind !== 'X') return multiplyVector(matrix(group, n, diagramOf(k, l, blocks, free)), v)
  const sum = new Float64Array(n ** (k + l))
  for (const term of orbitCombination(k, l, blocks)) {
    matrix(group, n, term.diagram).forEach((value, i) => (sum[i] = (sum[i] as number) + term.coefficient * value))
  }
  return multiplyVector(sum, v)
}

describe('test vectors', () => {
  test('all 323 are there, of every kind', () => {
    const kinds = new Map<string, number>()
    for (const { kind } of vectors) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    expect(Object.fromEntries(kinds)).toEqual({ D: 113, X: 60, E: 60, H: 45, F: 45 })
  })

  test.each(
    vectors.map(
      (vector) => [`${vector.group}(${vector.n}) ${vector.kind} ${JSON.stringify(vector.diagram)}`, vector] as const,
    ),
  )('%s', (_, vector) => expect(answerTo(vector).map((value) => value + 0)).toEqual(vector.y))
})

describe('canonical order and keys', () => {
  const keys = (group: GroupName, n: number, k: number, l: number): string[] =>
    spanning(group, n, k, l).map((d) => d.key)

  test('partitions of three vertices', () =>
    expect(keys('S', 3, 2, 1)).toEqual(['1,2,3', '1,2|3', '1,3|2', '1|2,3', '1|2|3']))
  test('matchings of four vertices', () => expect(keys('O', 3, 2, 2)).toEqual(['1,2|3,4', '1,3|2,4', '1,4|2,3']))
  test('no matching of three vertices', () => expect(keys('Sp', 2, 2, 1)).toEqual([]))
  test('determinant diagrams come last, SO(2) ties by the free vertices', () =>
    expect(keys('SO', 2, 2, 2)).toEqual([
      '1,2|3,4',
      '1,3|2,4',
      '1,4|2,3',
      '!1,2|3,4',
      '1,2|!3,4',
      '!1,3|2,4',
      '1,3|!2,4',
      '!1,4|2,3',
      '1,4|!2,3',
    ]))
  test('SO(3) with five vertices', () =>
    expect(keys('SO', 3, 3, 2)).toEqual([
      '!1,2,3|4,5',
      '!1,2,4|3,5',
      '!1,2,5|3,4',
      '1,2|!3,4,5',
      '!1,3,4|2,5',
      '!1,3,5|2,4',
      '1,3|!2,4,5',
      '!1,4,5|2,3',
      '1,4|!2,3,5',
      '1,5|!2,3,4',
    ]))
  test('the (0,0) diagram has the empty key', () => expect(keys('S', 2, 0, 0)).toEqual(['']))
})

/** Every group with its n up to 5. */
const groups: readonly (readonly [GroupName, number])[] = [
  ...[1, 2, 3, 4, 5].flatMap((n) => (['S', 'O', 'SO'] as const).map((group) => [group, n] as const)),
  ['Sp', 2],
  ['Sp', 4],
]

function rankByGram(group: GroupName, n: number, order: number): number {
  const all = spanning(group, n, order, 0)
  const rows = all.map(() => new Float64Array(all.length))
  for (const [i, a] of all.entries()) {
    for (let j = 0; j <= i; j++) {
      const value = gram(group, n, a, all[j] as DenseDiagram)
      ;(rows[i] as Float64Array)[j] = value
      ;(rows[j] as Float64Array)[i] = value
    }
  }
  return greedyRows(rows).length
}

describe('dimensions', () => {
  test.each([1, 2, 3, 4, 5])('S(%i): partitions into at most n blocks', (n) => {
    for (let order = 0; order <= 6; order++) {
      expect(independent('S', n, 0, order)).toHaveLength(countPartitions(order, n))
      const few = spanning('S', n, 0, order).flatMap((diagram, i) => (diagram.blocks.length <= n ? [i] : []))
      expect(independent('S', n, 0, order)).toEqual(few)
    }
  })

  test.each([
    ['O', 4, [1, 2, 3, 4, 5], [1, 3, 3, 3, 3]],
    ['O', 6, [1, 2, 3, 4], [1, 10, 15, 15]],
    ['O', 8, [1, 2, 3, 4, 5], [1, 35, 91, 105, 105]],
    ['O', 10, [1, 2, 3, 4, 5], [1, 126, 603, 903, 945]],
    ['Sp', 4, [2, 4, 6], [2, 3, 3]],
    ['Sp', 6, [2, 4, 6], [5, 14, 15]],
    ['Sp', 8, [2, 4, 6, 8], [14, 84, 104, 105]],
  ] as const)('%s, l+k = %i', (group, order, sizes, dims) => {
    expect(sizes.map((n) => rankByGram(group, n, order))).toEqual(dims)
  })

  test('SO(3) and SO(2), by dense matrices', () => {
    expect([2, 3, 4, 5, 6, 7].map((order) => independent('SO', 3, 0, order).length)).toEqual([1, 1, 3, 6, 15, 36])
    expect([2, 4, 6, 8].map((order) => independent('SO', 2, 0, order).length)).toEqual([2, 6, 20, 70])
  })

  test('SO(3), eight vertices, by the Gram matrix', () => expect(rankByGram('SO', 3, 8)).toBe(91))

  test.each(groups)('%s(%i): the independent choice depends on l+k only', (group, n) => {
    for (let order = 0; order <= 5; order++) {
      const words = Array.from({ length: order + 1 }, (_, k) => independent(group, n, k, order - k).join())
      expect(new Set(words).size).toBe(1)
    }
  })

  test('matchings: all independent iff 2n >= l+k for O and n >= l+k for Sp; SO dependent from l+k >= n+2', () => {
    for (const [group, n] of groups) {
      for (let order = 0; order <= 6; order += 1) {
        const [all, chosen] = [spanning(group, n, 0, order).length, independent(group, n, 0, order).length]
        if (all === 0) continue
        if (group === 'O') expect([group, n, order, chosen === all]).toEqual([group, n, order, 2 * n >= order])
        if (group === 'Sp') expect([group, n, order, chosen === all]).toEqual([group, n, order, n >= order])
        const determinants = spanning(group, n, 0, order).filter((d) => d.free !== null).length
        if (group === 'SO' && determinants > 0) {
          const kept = independent(group, n, 0, order).filter(
            (i) => spanning(group, n, 0, order)[i]?.free !== null,
          ).length
          expect([group, n, order, kept === determinants]).toEqual([group, n, order, order < n + 2])
        }
      }
    }
  })

  test('SO(1) keeps the first diagram', () => {
    for (let order = 0; order <= 6; order++) expect(independent('SO', 1, order, 0)).toEqual([0])
  })
})

/** Pairs of orders whose dense matrices are small enough to be multiplied out. */
const pairsUpTo = (most: number): (readonly [number, number])[] =>
  Array.from({ length: most + 1 }, (_, k) => Array.from({ length: most + 1 - k }, (_, l) => [k, l] as const)).flat()

const inner = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)

describe.each(groups)('%s(%i): closed forms against dense matrices', (group, n) => {
  test('Gram matrix', () => {
    for (const [k, l] of pairsUpTo(n <= 3 ? 5 : 4)) {
      const [all, dense] = [spanning(group, n, k, l), matrices(group, n, k, l)]
      all.forEach((a, i) =>
        all.forEach((b, j) => {
          const wanted = inner(dense[i] as Float64Array, dense[j] as Float64Array)
          if (gram(group, n, a, b) !== wanted)
            throw new Error(`Gram ${a.key} ${b.key} (k=${k}, l=${l}): expected ${wanted}`)
        }),
      )
      expect(dense).toHaveLength(all.length)
    }
  })

  test('transpose', () => {
    let checked = 0
    for (const [k, l] of pairsUpTo(5)) {
      for (const [i, diagram] of spanning(group, n, k, l).entries()) {
        const turned = transpose(group, n, diagram)
        const received = matrix(group, n, turned.diagram)
        const [rows, columns] = [n ** l, n ** k]
        const dense = matrices(group, n, k, l)[i] as Float64Array
        const wanted = received.map(
          (_, at) => turned.sign * (dense[(at % rows) * columns + Math.floor(at / rows)] as number),
        )
        expect(relativeError(received, wanted)).toBe(0)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(0)
  })

  if (group !== 'SO') {
    test('composition', () => {
      const most = n <= 2 ? 3 : 2
      for (let k = 0; k <= most; k++) {
        for (let m = 0; m <= most; m++) {
          for (let l = 0; l <= most; l++) checkComposition(group, n, k, m, l)
        }
      }
    })
  }

  test('every matrix commutes with the group', () => {
    const random = new Random(n)
    for (const [k, l] of pairsUpTo(4)) {
      for (const { diagram, matrix: dense } of basisOf(group, n, k, l, 'spanning')) {
        const g = randomElement(group, n, random)
        const x = random.normals(n ** k)
        const moved = multiplyVector(dense, [...act(g, x, n, k, 1)])
        const wanted = act(g, multiplyVector(dense, [...x]), n, l, 1)
        const size = Math.hypot(...x) * Math.hypot(...dense) * 2 ** (group === 'Sp' ? k + l : 0)
        const distance = Math.hypot(...moved.map((value, i) => value - (wanted[i] as number)))
        if (!(distance <= 1e-13 * size)) throw new Error(`${diagram.key} (k=${k}, l=${l}): off by ${distance}`)
      }
    }
    expect(n).toBeGreaterThan(0)
  })
})

function checkComposition(group: GroupName, n: number, k: number, m: number, l: number): void {
  for (const [b, upper] of spanning(group, n, m, l).entries()) {
    for (const [a, lower] of spanning(group, n, k, m).entries()) {
      const { coefficient, diagram } = compose(group, n, upper, lower)
      const [top, bottom] = [matrices(group, n, m, l)[b] as Float64Array, matrices(group, n, k, m)[a] as Float64Array]
      const wanted = new Float64Array(n ** (k + l))
      for (let i = 0; i < n ** l; i++) {
        for (let j = 0; j < n ** k; j++) {
          for (let p = 0; p < n ** m; p++) {
            const at = i * n ** k + j
            wanted[at] = (wanted[at] as number) + (top[i * n ** m + p] as number) * (bottom[p * n ** k + j] as number)
          }
        }
      }
      const received = matrix(group, n, diagram).map((value) => coefficient * value)
      expectClose(received, wanted, 0, `${group}(${n}) ${upper.key} after ${lower.key} (k=${k}, m=${m}, l=${l})`)
    }
  }
}

describe('random elements', () => {
  const n = 4
  const transposed = (g: Float64Array): Float64Array => g.map((_, at) => g[(at % n) * n + Math.floor(at / n)] as number)
  const times = (a: Float64Array, b: Float64Array): Float64Array => {
    const columns = Array.from({ length: n }, (_, j) =>
      multiplyVector(
        a,
        Array.from({ length: n }, (_, i) => b[i * n + j] as number),
      ),
    )
    return a.map((_, at) => columns[at % n]?.[Math.floor(at / n)] as number)
  }
  const identity = Float64Array.from({ length: n * n }, (_, at) => Number(at % (n + 1) === 0))

  test.each(['S', 'O', 'SO'] as const)('%s: orthogonal', (group) => {
    const random = new Random(7)
    const signs = new Set<number>()
    for (let draw = 0; draw < 20; draw++) {
      const g = randomElement(group, n, random)
      expectClose(times(transposed(g), g), identity, 1e-14, 'gᵀg')
      signs.add(Math.round(determinant(g, n)))
      if (group === 'S') expect([...g].filter((value) => value === 1)).toHaveLength(n)
    }
    expect([...signs].sort()).toEqual(group === 'SO' ? [1] : [-1, 1])
  })

  test('Sp: keeps the form of 1,1′,2,2′, is bounded by 2 and not orthogonal', () => {
    const form = matrix('Sp', n, diagramOf(0, 2, [[1, 2]], null))
    expect([...form.slice(0, 4)]).toEqual([0, 1, 0, 0])
    const random = new Random(8)
    for (let draw = 0; draw < 20; draw++) {
      const g = randomElement('Sp', n, random)
      expectClose(times(times(transposed(g), form), g), form, 1e-14, 'gᵀεg')
      for (let trial = 0; trial < 20; trial++) {
        const x = [...random.normals(n)]
        expect(Math.hypot(...multiplyVector(g, x))).toBeLessThanOrEqual(2 * Math.hypot(...x) * (1 + 1e-14))
      }
      expect(relativeError(times(transposed(g), g), identity)).toBeGreaterThan(1e-3)
    }
  })
})

test('bottom-only blocks: pairs and blocks count, the free block never', () => {
  const count = (k: number, l: number, blocks: number[][], free: number[] | null): number =>
    bottomOnly(diagramOf(k, l, blocks, free))
  expect(count(3, 1, [[1, 2], [3], [4]], null)).toBe(2)
  expect(count(3, 0, [], [1, 2, 3])).toBe(0)
  expect(
    count(
      4,
      1,
      [
        [1, 2],
        [3, 4],
      ],
      [5],
    ),
  ).toBe(1)
  const unused: DenseDiagram = diagramOf(0, 2, [[1, 2]], null)
  expect(bottomOnly(unused)).toBe(0)
})
