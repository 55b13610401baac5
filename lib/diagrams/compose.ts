import { BlockDiagram, Diagram } from './diagram.js'
import type { Calculus } from './gram.js'
import { crossings, factorial, partners, permutations, sortingSign } from './matching.js'
import { sortDiagrams } from './order.js'

/** A combination of diagrams. */
export type Combination = { readonly coefficient: number; readonly diagram: BlockDiagram }[]

const parity = (exponent: number): 1 | -1 => (exponent % 2 === 0 ? 1 : -1)

/** The transpose of a diagram's matrix: the rows swapped. Free vertices are read top row first, so s of them on top pass
 *  n − s below, which costs a sign. */
export function transposeDiagram(calculus: Calculus, n: number, diagram: BlockDiagram): Combination[number] {
  const { l, k, free } = diagram
  const swapped = (block: readonly number[]): number[] => block.map((v) => (v <= l ? v + k : v - l))
  const above = free?.filter((v) => v <= l).length ?? 0
  return {
    coefficient: calculus === 'SO' && free ? parity(above * (n - above)) : 1,
    diagram: Diagram.of(k, l, diagram.blocks.map(swapped), free && swapped(free)),
  }
}

/** The matrix product of b: m -> l after a: k -> m. One diagram for S, O and Sp; for SO up to n! of them, or none. */
export function composeDiagrams(calculus: Calculus, n: number, b: BlockDiagram, a: BlockDiagram): Combination {
  if (calculus === 'SO') return composeMarked(n, b, a)
  const { blocks, removed } = stack(b, a)
  const diagram = Diagram.of(b.l, a.k, blocks)
  if (calculus !== 'Sp') return [{ coefficient: n ** removed, diagram }]
  // A pair within a row is ε or, read from the other side, −ε: the sign counts how often the strands turn.
  const exponent = [b, a, diagram].reduce((total, d) => total + drawnCrossings(d) + bottomPairs(d), removed)
  return [{ coefficient: parity(exponent) * n ** removed, diagram }]
}

/** b above a, joined along the middle row: the blocks that reach the outer rows, and the number of those that do not. */
function stack(b: BlockDiagram, a: BlockDiagram): { blocks: number[][]; removed: number } {
  const [l, m, k] = [b.l, b.k, a.k]
  const root = Array.from({ length: l + m + k + 1 }, (_, v) => v)
  const find = (v: number): number => {
    while (root[v] !== v) v = root[v] as number
    return v
  }
  for (const block of b.numbered) for (const v of block) root[find(v)] = find(block[0] as number)
  for (const block of a.numbered) for (const v of block) root[find(v + l)] = find((block[0] as number) + l)
  const blocks = new Map<number, number[]>()
  for (let v = 1; v <= l + m + k; v++) {
    const block = blocks.get(find(v)) ?? []
    blocks.set(find(v), block)
    if (v <= l) block.push(v)
    else if (v > l + m) block.push(v - m)
  }
  const reaching = [...blocks.values()].filter((block) => block.length > 0)
  return { blocks: reaching, removed: blocks.size - reaching.length }
}

/** Crossings of the picture: around its border the bottom row runs from right to left. */
function drawnCrossings({ blocks, l, k }: BlockDiagram): number {
  return crossings(blocks, (v) => (v <= l ? v : 2 * l + k + 1 - v))
}

function bottomPairs({ blocks, l }: BlockDiagram): number {
  return blocks.filter(([least]) => (least as number) > l).length
}

/** The end of a strand: a vertex of the outer rows, from 1; or, with vertex 0, the free vertex of b or a of a rank from 0. */
interface End {
  readonly vertex: number
  readonly of: 'a' | 'b' | null
  readonly rank: number
}

const outer = (vertex: number): End => ({ vertex, of: null, rank: -1 })

/** SO: strands that end in free vertices pass the determinant on. Where both diagrams have one, the product of two Levi-Civita
 *  symbols that share c values is c! times the determinant of the δ between the values that they do not share. */
function composeMarked(n: number, b: BlockDiagram, a: BlockDiagram): Combination {
  const [l, m, k] = [b.l, b.k, a.k]
  const [above, below] = [partners(b), partners(a)]
  let middleLeft = m
  const passed = new Array<boolean>(m).fill(false)
  const pass = (middle: number): void => {
    if (!passed[middle]) middleLeft--
    passed[middle] = true
  }
  // Follows a strand that enters a diagram at a vertex (from 0) of it.
  const follow = (into: 'a' | 'b', at: number): End => {
    let [inB, v] = [into === 'b', at]
    for (;;) {
      if (inB && v >= l) pass(v - l)
      if (!inB && v < m) pass(v)
      const next = (inB ? above : below)[v] as number
      if (next < 0) return { vertex: 0, of: inB ? 'b' : 'a', rank: -1 - next }
      if (inB && next < l) return outer(next + 1)
      if (!inB && next >= m) return outer(next - m + l + 1)
      const middle = inB ? next - l : next
      pass(middle)
      inB = !inB
      v = inB ? middle + l : middle
    }
  }

  const pairs: number[][] = []
  for (let vertex = 1; vertex <= l + k; vertex++) {
    const end = vertex <= l ? follow('b', vertex - 1) : follow('a', vertex - 1 - l + m)
    if (end.vertex > vertex) pairs.push([vertex, end.vertex])
  }
  const freeEnds = (diagram: 'a' | 'b'): End[] =>
    (diagram === 'b' ? above : below).flatMap((partner, v): End[] => {
      if (partner >= 0) return []
      if (diagram === 'b') return [v < l ? outer(v + 1) : follow('a', v - l)]
      return [v >= m ? outer(v - m + l + 1) : follow('b', v + l)]
    })
  const [endsB, endsA] = [freeEnds('b'), freeEnds('a')]
  const joinsItself = (ends: End[], of: 'a' | 'b'): boolean => ends.some((end) => end.of === of)
  if (joinsItself(endsB, 'b') || joinsItself(endsA, 'a')) return []

  let loops = 0
  for (let start = 0; middleLeft > 0; start++) {
    if (passed[start]) continue
    loops++
    for (let v = start; !passed[v]; v = (above[(below[v] as number) + l] as number) - l) {
      pass(v)
      pass(below[v] as number)
    }
  }
  const factor = n ** loops
  if (b.freeBlock < 0 && a.freeBlock < 0) return [{ coefficient: factor, diagram: Diagram.of(l, k, pairs) }]
  if (b.freeBlock < 0 || a.freeBlock < 0) {
    const free = (b.freeBlock < 0 ? endsA : endsB).map((end) => end.vertex)
    return [{ coefficient: sortingSign(free) * factor, diagram: Diagram.of(l, k, pairs, free) }]
  }
  const { coefficient, opens } = contractPair(endsB, endsA)
  return expand(opens, pairs, coefficient * factor, l, k)
}

/** Two symbols with the ends of their values: both lists are rearranged so that the shared values come first, in one order. */
function contractPair(
  endsB: readonly End[],
  endsA: readonly End[],
): { coefficient: number; opens: [number[], number[]] } {
  const shared = endsB.flatMap((end, rank) => (end.vertex === 0 ? [{ b: rank, a: end.rank }] : []))
  const open = (ends: readonly End[]): number[] => ends.flatMap((end, rank) => (end.vertex > 0 ? [rank] : []))
  const [openB, openA] = [open(endsB), open(endsA)]
  const sign =
    sortingSign([...shared.map(({ b }) => b), ...openB]) * sortingSign([...shared.map(({ a }) => a), ...openA])
  const vertices = (ends: readonly End[], ranks: number[]): number[] => ranks.map((rank) => (ends[rank] as End).vertex)
  return { coefficient: sign * factorial(shared.length), opens: [vertices(endsB, openB), vertices(endsA, openA)] }
}

/** Σ over π of sgn π times the diagram of the given pairs and the pairs (p_i, q_π(i)), in canonical order. */
function expand(
  [p, q]: readonly [readonly number[], readonly number[]],
  pairs: readonly (readonly number[])[],
  coefficient: number,
  l: number,
  k: number,
): Combination {
  const signs = new Map<BlockDiagram, 1 | -1>()
  for (const { image, sign } of permutations(p.length)) {
    const joined = p.map((vertex, i) => [vertex, q[image[i] as number] as number])
    signs.set(Diagram.of(l, k, [...pairs, ...joined]), sign)
  }
  return sortDiagrams(signs.keys()).map((diagram) => ({
    coefficient: coefficient * (signs.get(diagram) as number),
    diagram,
  }))
}

/** The Kronecker product of the matrices of a: k₁ -> l₁ and b: k₂ -> l₂, side by side. Two determinants expand to pairs. */
export function tensorDiagrams(a: BlockDiagram, b: BlockDiagram): Combination {
  const [l, k] = [a.l + b.l, a.k + b.k]
  const left = (v: number): number => (v <= a.l ? v : v + b.l)
  const right = (v: number): number => (v <= b.l ? v + a.l : v + a.l + a.k)
  const pairs = [...a.blocks.map((block) => block.map(left)), ...b.blocks.map((block) => block.map(right))]
  const [p, q] = [a.free?.map(left) ?? null, b.free?.map(right) ?? null]
  if (p && q) return expand([p, q], pairs, 1, l, k)
  return [{ coefficient: 1, diagram: Diagram.of(l, k, pairs, p ?? q) }]
}
