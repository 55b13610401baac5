import { describe, expect, test } from '@jest/globals'
import { composeDiagrams, tensorDiagrams, transposeDiagram } from '../../lib/diagrams/compose.js'
import { Diagram, type BlockDiagram } from '../../lib/diagrams/diagram.js'
import { gram } from '../../lib/diagrams/gram.js'
import { matrix, type GroupName } from '../support/dense.js'
import { combine, diagramsOf, multiply, same } from './helpers.js'

/** Group, n, largest order, largest l+m and m+k. */
const CASES: [GroupName, number, number, number][] = [
  ['S', 1, 2, 4], ['S', 2, 2, 4], ['S', 3, 3, 4], ['S', 2, 3, 5],
  ['O', 1, 3, 6], ['O', 2, 3, 6], ['O', 3, 3, 6],
  ['Sp', 2, 3, 6], ['Sp', 4, 3, 6],
  ['SO', 1, 3, 5], ['SO', 2, 3, 6], ['SO', 3, 3, 6], ['SO', 4, 3, 5], ['SO', 4, 4, 4],
] // prettier-ignore

const cache = new Map<string, Float64Array>()
function dense(group: GroupName, n: number, diagram: BlockDiagram): Float64Array {
  const name = `${group} ${n} ${diagram.k} ${diagram.l} ${diagram.key}`
  if (!cache.has(name)) cache.set(name, matrix(group, n, diagram))
  return cache.get(name)!
}

test.each(CASES)('%s(%i), orders up to %i: every composition is the matrix product', (group, n, most, sum) => {
  const kinds = new Set<string>()
  for (let l = 0; l <= most; l++) {
    for (let m = 0; m <= most && l + m <= sum; m++) {
      for (let k = 0; k <= most && m + k <= sum; k++) {
        for (const b of diagramsOf(group, n, l, m)) {
          for (const a of diagramsOf(group, n, m, k)) {
            const terms = composeDiagrams(group, n, b, a)
            const made = combine(
              n ** (l + k),
              terms.map(({ coefficient, diagram }) => ({ coefficient, matrix: dense(group, n, diagram) })),
            )
            const wanted = multiply(dense(group, n, b), dense(group, n, a), n ** m)
            if (!same(made, wanted)) throw new Error(`${b.key} after ${a.key}, orders ${k} -> ${m} -> ${l}`)
            if (terms.some(({ diagram }) => diagram.l !== l || diagram.k !== k)) throw new Error(`orders of ${b.key}`)
            kinds.add(`${b.freeBlock >= 0}${a.freeBlock >= 0}${Math.min(terms.length, 2)}`)
          }
        }
      }
    }
  }
  // Every combination with and without free vertices has come up, also those that vanish and those that are sums.
  if (group === 'SO' && n > 1)
    for (const kind of ['truetrue', 'falsetrue', 'truefalse']) expect([...kinds].join()).toMatch(kind)
  if (group === 'SO' && (n === 2 || n === 3))
    expect([...kinds]).toEqual(expect.arrayContaining(['truetrue0', 'truetrue2']))
})

test.each(CASES)('%s(%i): the transpose is the diagram with its rows swapped', (group, n, most, sum) => {
  for (let l = 0; l <= most; l++) {
    for (let k = 0; k <= most && l + k <= sum; k++) {
      for (const diagram of diagramsOf(group, n, l, k)) {
        const { coefficient, diagram: swapped } = transposeDiagram(group, n, diagram)
        const [rows, cols] = [n ** l, n ** k]
        const source = dense(group, n, diagram)
        const wanted = Float64Array.from(
          { length: rows * cols },
          (_, i) => source[(i % rows) * cols + Math.floor(i / rows)]!,
        )
        const made = combine(rows * cols, [{ coefficient, matrix: dense(group, n, swapped) }])
        if (!same(made, wanted)) throw new Error(`${diagram.key}, orders ${k} -> ${l}`)
        if (group !== 'SO') expect(coefficient).toBe(1)
      }
    }
  }
})

test.each(CASES)('%s(%i): every inner product', (group, n, most, sum) => {
  for (let size = 0; size <= sum; size++) {
    const l = Math.min(most, size)
    const all = diagramsOf(group, n, l, size - l)
    for (const a of all) {
      for (const b of all) {
        const [x, y] = [dense(group, n, a), dense(group, n, b)]
        const wanted = x.reduce((total, value, i) => total + value * y[i]!, 0)
        if (gram(group, n, a, b) !== wanted)
          throw new Error(`${a.key} and ${b.key}: ${gram(group, n, a, b)}, not ${wanted}`)
      }
    }
  }
})

test.each(CASES.map(([group, n]) => [group, n] as const))(
  '%s(%i): the tensor product is the Kronecker product',
  (group, n) => {
    const orders = [[0, 1], [1, 1], [2, 0], [1, 2]] as const // prettier-ignore
    for (const [l1, k1] of orders) {
      for (const [l2, k2] of orders) {
        if (n ** (l1 + l2 + k1 + k2) > 5000) continue
        for (const a of diagramsOf(group, n, l1, k1)) {
          for (const b of diagramsOf(group, n, l2, k2)) {
            const [x, y] = [dense(group, n, a), dense(group, n, b)]
            const [rows2, cols1, cols2] = [n ** l2, n ** k1, n ** k2]
            const cols = cols1 * cols2
            const wanted = Float64Array.from({ length: n ** (l1 + l2) * cols }, (_, i) => {
              const [row, col] = [Math.floor(i / cols), i % cols]
              const left = x[Math.floor(row / rows2) * cols1 + Math.floor(col / cols2)]!
              return left * y[(row % rows2) * cols2 + (col % cols2)]!
            })
            const terms = tensorDiagrams(a, b)
            const made = combine(
              wanted.length,
              terms.map(({ coefficient, diagram }) => ({ coefficient, matrix: dense(group, n, diagram) })),
            )
            if (!same(made, wanted)) throw new Error(`${a.key} beside ${b.key}`)
          }
        }
      }
    }
  },
)

describe('by hand', () => {
  const of = (key: string, k: number, l: number): BlockDiagram => Diagram.parse(key, k, l)
  const text = (terms: readonly { coefficient: number; diagram: Diagram }[]): string =>
    terms.map(({ coefficient, diagram }) => `${coefficient} ${diagram.key}`).join(' + ')

  test('a cup under a cap is a loop', () => {
    const [cup, cap] = [of('1,2', 0, 2), of('1,2', 2, 0)]
    expect(text(composeDiagrams('O', 7, cap, cup))).toBe('7 ')
    expect(text(composeDiagrams('Sp', 6, cap, cup))).toBe('6 ')
    expect(text(composeDiagrams('S', 7, of('1|2', 2, 0), of('1|2', 0, 2)))).toBe('49 ')
  })

  test('a set partition may come out with more than n blocks', () => {
    expect(text(composeDiagrams('S', 1, of('1|2', 1, 1), of('1|2', 1, 1)))).toBe('1 1|2')
  })

  test('the cross product of a cross product: ε ε = δ δ − δ δ', () => {
    // a × (b × c) = b (a·c) − c (a·b), inputs a, b, c.
    const inner = of('1,3|!2,4,5', 3, 2)
    const outer = of('!1,2,3', 2, 1)
    expect(text(composeDiagrams('SO', 3, outer, inner))).toBe('1 1,3|2,4 + -1 1,4|2,3')
  })

  test('free vertices that get joined give nothing', () => {
    expect(composeDiagrams('SO', 3, of('!1,2,3', 2, 1), of('1,2', 0, 2))).toEqual([])
    expect(composeDiagrams('SO', 3, of('1,2', 2, 0), of('!1,2,3', 1, 2))).toEqual([])
  })

  test('all values shared: n!', () => {
    expect(text(composeDiagrams('SO', 4, of('!1,2,3,4', 4, 0), of('!1,2,3,4', 0, 4)))).toBe('24 ')
  })

  test('swapping rows of a determinant with one of two free vertices on top turns its sign', () => {
    expect(transposeDiagram('SO', 2, of('!1,2', 1, 1)).coefficient).toBe(-1)
    expect(transposeDiagram('SO', 2, of('!1,2', 0, 2)).coefficient).toBe(1)
    expect(transposeDiagram('SO', 3, of('!1,2,3', 1, 2)).coefficient).toBe(1)
  })
})
