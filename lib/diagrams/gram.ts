import type { BlockDiagram } from './diagram.js'
import { crossings, factorial, partners, sortingSign } from './matching.js'

/** Which matrices the diagrams stand for (design 1.1): block products of δ, pairs of δ, pairs with a determinant, pairs of δ and ε. */
export type Calculus = 'S' | 'O' | 'SO' | 'Sp'

/** The inner product Σ D_a[x] D_b[x] of two matrices of the same orders, in closed form (arXiv 2212.08630 gives the diagrams). */
export function gram(calculus: Calculus, n: number, a: BlockDiagram, b: BlockDiagram): number {
  if (a.freeBlock >= 0 && b.freeBlock >= 0) {
    const met = meet(partners(a), partners(b), n)
    return met === null ? 0 : met.sign * factorial(n) * n ** met.loops
  }
  // An antisymmetric tensor against a product of symmetric pairs, n ≥ 2; for n = 1 the orders differ in parity.
  if (a.freeBlock >= 0 || b.freeBlock >= 0) return 0
  const count = joinedBlocks(a, b)
  if (calculus !== 'Sp') return n ** count
  const turns = crossings(a.blocks) + crossings(b.blocks) + (a.l + a.k) / 2 + count
  return (turns % 2 === 0 ? 1 : -1) * n ** count
}

/** Number of blocks of the join π ∨ ρ. */
function joinedBlocks(a: BlockDiagram, b: BlockDiagram): number {
  // root[i] for the blocks of a; the blocks of b remember one block of a that they touch.
  const root: number[] = []
  const find = (i: number): number => {
    while (root[i] !== i) i = root[i] as number
    return i
  }
  const touched: number[] = []
  let count = 0
  for (let v = 0; v < a.word.length; v++) {
    const block = a.word.charCodeAt(v)
    if (block === root.length) {
      root.push(block)
      count++
    }
    const other = touched[b.word.charCodeAt(v)]
    if (other === undefined) {
      touched[b.word.charCodeAt(v)] = block
      continue
    }
    const [x, y] = [find(block), find(other)]
    if (x !== y) {
      root[x] = y
      count--
    }
  }
  return count
}

// Marks of visited vertices, by call, so that a call allocates nothing for them.
const visited: number[] = []
let call = 0

/** Follows the paths of α ∪ β from the free vertices of α (partner lists of `matching.ts`). Null where a path joins two free
 *  vertices of one diagram, else the sign of the map between free vertices and the number of closed loops. */
export function meet(a: readonly number[], b: readonly number[], n: number): { sign: 1 | -1; loops: number } | null {
  const size = a.length
  const reached: number[] = []
  call++
  let left = size
  for (let start = 0; start < size; start++) {
    if ((a[start] as number) >= 0) continue
    for (let v = start; ;) {
      visited[v] = call
      left--
      const across = b[v] as number
      if (across < 0) {
        reached.push(-1 - across)
        break
      }
      visited[across] = call
      left--
      v = a[across] as number
      if (v < 0) return null
    }
  }
  if (reached.length !== n) return null
  let loops = 0
  for (let start = 0; left > 0; start++) {
    if (visited[start] === call) continue
    loops++
    for (let v = start; visited[v] !== call; v = a[b[v] as number] as number) {
      visited[v] = visited[b[v] as number] = call
      left -= 2
    }
  }
  return { sign: sortingSign(reached), loops }
}
