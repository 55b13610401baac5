import { describe, expect, test } from '@jest/globals'
import { O, S, SO, Sp } from '../../lib/groups/index.js'
import type { Group, Pieces } from '../../lib/groups/group.js'
import { matrix, type GroupName } from '../support/dense.js'
import { same } from '../diagrams/helpers.js'
import { formEntry, matrixOfPieces } from './dense-pieces.js'

const GROUPS: Group[] = [...[1, 2, 3, 4].map(S), ...[1, 2, 3, 4].map(O), ...[1, 2, 3, 4].map(SO), ...[2, 4].map(Sp)]

/** What `group.ts` promises about the order of pieces and σ. */
function wellFormed(pieces: Pieces): boolean {
  const strands = pieces.strands.reduce((total, d) => total + d, 0)
  const rows = [pieces.down, pieces.up].every((row) => {
    const [first, rest] = [row.slice(0, strands), row.slice(strands)]
    const least = first.map((piece) => piece.at[0]!)
    return (
      first.every((piece) => piece.type === 'diagonal') &&
      rest.every((piece) => piece.type !== 'diagonal') &&
      row.every((piece) => piece.at.every((p, i) => i === 0 || piece.at[i - 1]! < p)) &&
      least.every((p, i) => i === 0 || least[i - 1]! < p)
    )
  })
  return (
    rows &&
    [...pieces.sigma].sort((a, b) => a - b).every((strand, i) => strand === i) &&
    pieces.sigma.length === strands
  )
}

test.each(GROUPS.map((group) => [String(group), group] as const))(
  '%s: pieces rebuild the matrix of every diagram',
  (_, group) => {
    let count = 0
    for (let l = 0; l <= 3; l++) {
      for (let k = 0; k <= 3; k++) {
        for (const diagram of group.spanning(k, l)) {
          const pieces = group.pieces(diagram)
          const wanted = matrix(group.name as GroupName, group.kinds[0]!.n, diagram as never)
          if (!wellFormed(pieces)) throw new Error(`${diagram.key}: ${JSON.stringify(pieces)}`)
          if (!same(matrixOfPieces(group, pieces, k, l), wanted)) throw new Error(`${diagram.key}, ${k} -> ${l}`)
          count++
        }
      }
    }
    expect(count).toBeGreaterThan(20)
  },
)

describe('by hand', () => {
  test('S: sums, diagonals, σ', () => {
    const pieces = S(5).pieces(S(5).parse('1,6|2,4,5|3|7', 4, 3))
    expect(pieces).toEqual({
      up: [
        { type: 'diagonal', at: [0] },
        { type: 'diagonal', at: [1] },
        { type: 'sum', at: [2] },
      ],
      down: [
        { type: 'diagonal', at: [0, 1] },
        { type: 'diagonal', at: [2] },
        { type: 'sum', at: [3] },
      ],
      strands: [2],
      tag: '',
      compact: 1,
      sigma: [1, 0],
    })
  })

  test('Sp: the form is ε', () => {
    const { up, down, strands } = Sp(6).pieces(Sp(6).parse('1,2|3,4', 2, 2))
    expect(strands).toEqual([0])
    const form = up[0]!.type === 'form' ? up[0]!.form : undefined
    expect(form).toBe(down[0]!.type === 'form' ? down[0]!.form : null)
    for (let a = 0; a < 6; a++) {
      for (let b = 0; b < 6; b++) expect(formEntry(form!, a, b)).toBe((a ^ 1) !== b ? 0 : a < b ? 1 : -1)
    }
  })

  test('SO(3): one free vertex above, two below', () => {
    const { up, down, compact, tag } = SO(3).pieces(SO(3).parse('!1,2,3', 2, 1))
    expect([compact, tag]).toEqual([3, 'det1'])
    expect(up[0]).toMatchObject({ type: 'list', at: [0], list: { size: 3 } })
    expect(down[0]).toMatchObject({
      type: 'list',
      at: [0, 1],
      list: {
        size: 3,
        entries: [
          { compact: 0, values: [1, 2], sign: 1 },
          { compact: 0, values: [2, 1], sign: -1 },
          { compact: 1, values: [0, 2], sign: -1 },
          { compact: 1, values: [2, 0], sign: 1 },
          { compact: 2, values: [0, 1], sign: 1 },
          { compact: 2, values: [1, 0], sign: -1 },
        ],
      },
    })
  })

  test('SO: a determinant within one row belongs to the ordinary class', () => {
    const above = SO(3).pieces(SO(3).parse('!1,2,3|4,5', 1, 4))
    expect([above.compact, above.tag, above.strands]).toEqual([1, '', [1]])
    expect(above.down.map(({ type }) => type)).toEqual(['diagonal'])
    expect(above.up.map(({ type }) => type)).toEqual(['diagonal', 'list'])
    const below = SO(3).pieces(SO(3).parse('1,2|!3,4,5', 4, 1))
    expect([below.compact, below.tag, below.strands]).toEqual([1, '', [1]])
    expect(below.up.map(({ type }) => type)).toEqual(['diagonal'])
  })

  test('a determinant with too many entries is refused', () => {
    const group = SO(12)
    const diagram = group.spanning(12, 0).at(-1)!
    expect(() => group.pieces(diagram)).toThrow(expect.objectContaining({ code: 'size-overflow' }))
  })
})

describe('sharing', () => {
  test('equal rows are one object: S 3 -> 3 has 22 and 22', () => {
    const group = S(6)
    const all = group.spanning(3, 3).map((diagram) => group.pieces(diagram))
    expect([all.length, new Set(all.map(({ down }) => down)).size, new Set(all.map(({ up }) => up)).size]).toEqual([
      203, 22, 22,
    ])
    // Different objects are different rows.
    for (const rows of [all.map(({ down }) => down), all.map(({ up }) => up)]) {
      expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(22)
    }
  })

  test('O 5 -> 5 has 26 and 26', () => {
    const group = O(5)
    const all = group.spanning(5, 5).map((diagram) => group.pieces(diagram))
    expect([all.length, new Set(all.map(({ down }) => down)).size, new Set(all.map(({ up }) => up)).size]).toEqual([
      945, 26, 26,
    ])
  })

  test('all 109,299 of S(6) 5 -> 5 in under 2.5 s', () => {
    const start = performance.now()
    const group = S(6)
    const all = group.independent(5, 5).map((diagram) => group.pieces(diagram))
    expect(performance.now() - start).toBeLessThan(2500)
    expect([all.length, new Set(all.map(({ down }) => down)).size, new Set(all.map(({ up }) => up)).size]).toEqual([
      109299, 454, 454,
    ])
  })

  test('pieces cannot be changed', () => {
    const { down } = SO(2).pieces(SO(2).parse('!1,2', 2, 0))
    expect(() => (down as unknown[]).push(1)).toThrow(TypeError)
    expect(() => ((down[0] as { type: string }).type = 'sum')).toThrow(TypeError)
    expect(() => (down[0]!.at as number[]).push(1)).toThrow(TypeError)
  })
})
