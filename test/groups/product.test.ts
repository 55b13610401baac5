import { describe, expect, test } from '@jest/globals'
import { O, S, SO, Sp, product } from '../../lib/groups/index.js'
import type { Group } from '../../lib/groups/group.js'
import { compareDiagrams } from '../../lib/diagrams/order.js'
import type { Diagram, ProductDiagram } from '../../lib/diagrams/diagram.js'
import { entry, type GroupName } from '../support/dense.js'
import { greedyRows } from '../support/rank.js'
import { combine, multiply, same, thrown } from '../diagrams/helpers.js'
import { matrixOfPieces, tuples } from './dense-pieces.js'

const GROUPS: [Group, GroupName[]][] = [
  [product(S(3), O(2)), ['S', 'O']],
  [product(O(2), S(3)), ['O', 'S']],
  [product(SO(3), S(2)), ['SO', 'S']],
  [product(S(2), SO(2)), ['S', 'SO']],
  [product(Sp(2), O(3)), ['Sp', 'O']],
  [product(S(2), O(1), Sp(2)), ['S', 'O', 'Sp']],
]
const WORDS = ['', 'a', 'b', 'ab', 'ba', 'aa', 'bab', 'aab', 'abab']

/** The matrix by definition: the entry of a product is the product of the factors' entries at the values of their letters. */
function dense(group: Group, names: readonly GroupName[], diagram: Diagram): Float64Array {
  const { factors, top, bottom } = diagram as ProductDiagram
  const kinds = [...group.indices(top), ...group.indices(bottom)]
  const values = tuples(kinds.map((kind) => group.kinds[kind]!.n)).map((x) => {
    const one = (i: number): number =>
      entry(
        names[i]!,
        factors[i]!,
        x.filter((_, place) => kinds[place] === i),
      )
    return names.reduce((total, _, i) => total * one(i), 1)
  })
  return Float64Array.from(values)
}

const sizeOf = (group: Group, order: string): number =>
  group.indices(order).reduce((total, kind) => total * group.kinds[kind]!.n, 1)

function* pairs(group: Group, most: number): Generator<[string, string]> {
  const words = [...WORDS, ...(group.kinds.length > 2 ? ['c', 'cac', 'cb'] : [])]
  for (const k of words) for (const l of words) if (sizeOf(group, k) * sizeOf(group, l) <= most) yield [k, l]
}

describe.each(GROUPS.map(([group, names]) => [String(group), group, names] as const))('%s', (_, group, names) => {
  test('lists diagrams in canonical order, keys read back', () => {
    for (const [k, l] of pairs(group, 700)) {
      const all = group.spanning(k, l)
      all.forEach((diagram, i) => {
        if (i > 0) expect(compareDiagrams(all[i - 1]!, diagram)).toBeLessThan(0)
        expect(group.parse(diagram.key, k, l).equals(diagram)).toBe(true)
        expect([diagram.k, diagram.l]).toEqual([k.length, l.length])
      })
    }
  })

  test('pieces rebuild the matrix of every diagram', () => {
    let count = 0
    for (const [k, l] of pairs(group, 700)) {
      for (const diagram of group.spanning(k, l)) {
        const made = matrixOfPieces(group, group.pieces(diagram), k, l)
        if (!same(made, dense(group, names, diagram))) throw new Error(`${diagram.key}, ${k} -> ${l}`)
        count++
      }
    }
    expect(count).toBeGreaterThan(20)
  })

  test('the independent choice is the greedy one among dense matrices', () => {
    for (const [k, l] of pairs(group, 700)) {
      const all = group.spanning(k, l)
      const wanted = greedyRows(all.map((diagram) => dense(group, names, diagram))).map((i) => all[i]!.key)
      expect(group.independent(k, l).map(({ key }) => key)).toEqual(wanted)
    }
  })

  test('inner products and transposes', () => {
    for (const [k, l] of pairs(group, 200)) {
      const all = group.spanning(k, l)
      const matrices = all.map((diagram) => dense(group, names, diagram))
      for (const [i, a] of all.entries()) {
        const x = matrices[i]!
        for (const [j, b] of all.entries()) {
          const wanted = x.reduce((total, value, at) => total + value * matrices[j]![at]!, 0)
          if (group.gram(a, b) !== wanted) throw new Error(`${a.key} and ${b.key}: ${group.gram(a, b)}, not ${wanted}`)
        }
        const { coefficient, diagram } = group.transpose(a)
        const [rows, cols] = [sizeOf(group, l), sizeOf(group, k)]
        const wanted = Float64Array.from({ length: x.length }, (_, i) => x[(i % rows) * cols + Math.floor(i / rows)]!)
        expect(same(combine(x.length, [{ coefficient, matrix: dense(group, names, diagram) }]), wanted)).toBe(true)
      }
    }
  })

  test('composition is the matrix product', () => {
    let count = 0
    for (const [k, m] of pairs(group, 60)) {
      for (const l of ['', 'a', 'ba', 'bb']) {
        for (const b of group.spanning(m, l)) {
          for (const a of group.spanning(k, m)) {
            const terms = group.compose(b, a)
            const wanted = multiply(dense(group, names, b), dense(group, names, a), sizeOf(group, m))
            const made = terms.map(({ coefficient, diagram }) => ({
              coefficient,
              matrix: dense(group, names, diagram),
            }))
            if (!same(combine(wanted.length, made), wanted)) throw new Error(`${b.key} after ${a.key}`)
            count++
          }
        }
      }
    }
    expect(count).toBeGreaterThan(20)
  })
})

describe('by hand', () => {
  const group = product(S(5), O(3))

  test('point clouds: the diagrams of a vector per point', () => {
    expect(group.spanning('ab', 'ab').map(({ key }) => key)).toEqual(['1,2;1,2', '1|2;1,2'])
    expect(group.spanning('ab', 'a')).toEqual([])
    expect(group.spanning('', '').map(({ key }) => key)).toEqual([';'])
  })

  test('strands of both kinds, σ within kinds, places of the word', () => {
    const diagram = group.parse('1,4|2,3;1,2', 'aba', 'baa')
    const { down, up, strands, sigma } = group.pieces(diagram)
    expect([strands, sigma]).toEqual([
      [2, 1],
      [1, 0, 2],
    ])
    expect(down.map(({ type, at }) => [type, ...at])).toEqual([
      ['diagonal', 0],
      ['diagonal', 2],
      ['diagonal', 1],
    ])
    expect(up.map(({ type, at }) => [type, ...at])).toEqual([
      ['diagonal', 1],
      ['diagonal', 2],
      ['diagonal', 0],
    ])
  })

  test('equal rows are one object', () => {
    const all = group.spanning('aab', 'aab').map((diagram) => group.pieces(diagram))
    expect(new Set(all.map(({ down }) => down)).size).toBe(new Set(all.map(({ down }) => JSON.stringify(down))).size)
    expect(new Set(all.map(({ down }) => down)).size).toBeLessThan(all.length)
  })

  test('two determinants across the rows are refused, one is not', () => {
    const both = product(SO(2), SO(3))
    const across = both.parse('!1,2;!1,2,3', 'abb', 'ab')
    expect(thrown(() => both.pieces(across))).toMatch(
      /^invalid-group \| pieces of SO\(2\)×SO\(3\): expected one factor/,
    )
    const one = both.parse('!1,2;!1,2,3', 'bbb', 'aa')
    expect(both.pieces(one).compact).toBe(1)
    expect(both.pieces(both.parse('!1,2;!1,2,3', 'abbb', 'a'))).toMatchObject({ compact: 2, tag: 'det1;' })
  })

  test('orders that do not meet, keys of other shapes', () => {
    const [a, b] = [group.spanning('ab', 'ab')[0]!, group.spanning('ba', 'ba')[0]!]
    expect(thrown(() => group.compose(a, b))).toBe(
      'invalid-order | compose: expected an upper diagram from order ba, received one from ab',
    )
    expect(thrown(() => group.gram(a, b))).toMatch(/^invalid-order \| gram/)
    expect(thrown(() => group.parse('1,2', 'ab', 'ab'))).toMatch(
      /^invalid-diagram \| diagram key "1,2": expected 2 factors/,
    )
    expect(thrown(() => group.parse('1,2;1|2', 'ab', 'ab'))).toMatch(
      /^invalid-diagram \| diagram of O\(3\): expected pairs only/,
    )
    expect(thrown(() => group.parse('1,2;1,3', 'ab', 'ab'))).toMatch(/^invalid-diagram/)
  })
})
