/** The facts of the diagram calculus that need no dense tensor: Gram matrices, transposes, composition. Each is checked
 *  against dense matrices before it is used where no dense matrix fits. */
import { diagramOf, growthString, permutationSign, type DenseDiagram, type GroupName } from './dense.js'

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1))

/** Vertices 1..count joined by blocks: the root of every vertex (index 0 unused) and the number of components. */
function components(count: number, ...joins: (readonly (readonly number[])[])[]): { root: number[]; count: number } {
  const root = [0]
  for (let v = 1; v <= count; v++) root.push(v)
  let left = count
  const find = (v: number): number => {
    while (root[v] !== v) v = root[v] as number
    return v
  }
  for (const blocks of joins) {
    for (const block of blocks) {
      const first = find(block[0] as number)
      for (let i = 1; i < block.length; i++) {
        const other = find(block[i] as number)
        if (other === first) continue
        root[other] = first
        left--
      }
    }
  }
  for (let v = 1; v <= count; v++) root[v] = find(v)
  return { root, count: left }
}

function crossings(pairs: readonly (readonly number[])[], position: (vertex: number) => number): number {
  const chords = pairs.map((pair) => pair.map(position).sort((a, b) => a - b) as [number, number])
  let count = 0
  for (const [a, b] of chords) for (const [c, d] of chords) if (a < c && c < b && b < d) count++
  return count
}

const parity = (exponent: number): number => (exponent % 2 === 0 ? 1 : -1)

/** ⟨D_a, D_b⟩ in closed form. */
export function gram(group: GroupName, n: number, a: DenseDiagram, b: DenseDiagram): number {
  const order = a.k + a.l
  const { root, count } = components(order, a.blocks, b.blocks)
  if (a.free === null && b.free === null) {
    if (group !== 'Sp') return n ** count
    const self = (v: number): number => v
    return parity(crossings(a.blocks, self) + crossings(b.blocks, self) + order / 2) * (-n) ** count
  }
  if (a.free === null || b.free === null) return 0
  const reached = a.free.map((v) => (b.free as number[]).findIndex((w) => root[v] === root[w]))
  if (reached.includes(-1) || new Set(reached).size < n) return 0
  return permutationSign(reached) * factorial(n) * n ** (count - n) // the other components are loops
}

/** The transpose of a diagram's matrix: the rows swapped, and a sign. */
export function transpose(group: GroupName, n: number, diagram: DenseDiagram): { sign: number; diagram: DenseDiagram } {
  const { k, l } = diagram
  const moved = (v: number): number => (v <= l ? v + k : v - l)
  const free = diagram.free === null ? null : diagram.free.map(moved)
  const top = diagram.free === null ? 0 : diagram.free.filter((v) => v <= l).length
  const sign = group === 'SO' && free !== null ? parity(top * (n - top)) : 1
  const blocks = diagram.blocks.map((block) => block.map(moved))
  return { sign, diagram: diagramOf(l, k, blocks, free) }
}

/** upper ∘ lower for S, O and Sp as a coefficient and one diagram; lower is k→m, upper m→l. */
export function compose(group: GroupName, n: number, upper: DenseDiagram, lower: DenseDiagram) {
  const [l, m, k] = [upper.l, upper.k, lower.k]
  // Drawn picture: upper's top 1..l, the middle row l+1..l+m, lower's bottom l+m+1..l+m+k.
  const shifted = lower.blocks.map((block) => block.map((v) => v + l))
  const { root } = components(l + m + k, upper.blocks, shifted)
  const groups = new Map<number, number[]>()
  const middle = new Set<number>()
  for (let v = 1; v <= l + m + k; v++) {
    const component = root[v] as number
    if (v > l && v <= l + m) middle.add(component)
    else groups.set(component, [...(groups.get(component) ?? []), v <= l ? v : v - m])
  }
  const removed = [...middle].filter((component) => !groups.has(component)).length
  const diagram = diagramOf(k, l, [...groups.values()], null)
  if (group !== 'Sp') return { coefficient: n ** removed, diagram }
  const exponent = [upper, lower, diagram].reduce((sum, d) => sum + drawnCrossings(d) + bottomPairs(d), 0)
  return { coefficient: parity(exponent) * (-n) ** removed, diagram }
}

/** Crossings of the drawn picture: around its boundary the bottom row runs right to left. */
function drawnCrossings({ blocks, k, l }: DenseDiagram): number {
  return crossings(blocks, (v) => (v <= l ? v : 2 * l + k + 1 - v))
}

function bottomPairs({ blocks, l }: DenseDiagram): number {
  return blocks.filter((block) => block.every((v) => v > l)).length
}

/** The number of set partitions of `size` things into at most `most` blocks. */
export function countPartitions(size: number, most: number): number {
  const stirling = (a: number, t: number): number =>
    a === 0 ? Number(t === 0) : t === 0 ? 0 : t * stirling(a - 1, t) + stirling(a - 1, t - 1)
  let total = 0
  for (let t = 0; t <= most; t++) total += stirling(size, t)
  return total
}

export const blockCount = (diagram: DenseDiagram): number => new Set(growthString(diagram)).size
