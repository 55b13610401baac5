/** The definition that everything is tested against: diagrams by brute force and their matrices straight from the table of
 *  entries. It imports nothing of the library on purpose, and is as slow as it is simple. */
import { greedyRows } from './rank.js'

export type GroupName = 'S' | 'O' | 'SO' | 'Sp'
export type Basis = 'independent' | 'spanning'

/** A (k,l)-diagram: vertices 1..l on top, l+1..l+k below. `free` are the free vertices of a determinant diagram, ascending,
 *  and null for all others; `blocks` does not contain them. */
export interface DenseDiagram {
  readonly k: number
  readonly l: number
  readonly blocks: readonly (readonly number[])[]
  readonly free: readonly number[] | null
  readonly key: string
}

/** All set partitions of the given vertices (ascending), in no order that anybody relies on. */
function* setPartitions(vertices: readonly number[]): Generator<number[][]> {
  if (vertices.length === 0) return yield []
  const last = vertices.at(-1) as number
  for (const smaller of setPartitions(vertices.slice(0, -1))) {
    for (let b = 0; b < smaller.length; b++) {
      yield smaller.map((block, i) => (i === b ? [...block, last] : block))
    }
    yield [...smaller, [last]]
  }
}

function* matchings(vertices: readonly number[]): Generator<number[][]> {
  if (vertices.length === 0) return yield []
  const [first, ...others] = vertices as [number, ...number[]]
  for (const partner of others) {
    for (const rest of matchings(others.filter((v) => v !== partner))) yield [[first, partner], ...rest]
  }
}

function* subsets(vertices: readonly number[], size: number): Generator<number[]> {
  if (size === 0) return yield []
  for (let i = 0; i < vertices.length; i++) {
    for (const rest of subsets(vertices.slice(i + 1), size - 1)) yield [vertices[i] as number, ...rest]
  }
}

const ascending = (a: number, b: number): number => a - b
const least = (block: readonly number[]): number => Math.min(...block)

/** Puts a diagram into canonical form: blocks ascending inside and by their least vertex, the free block marked `!`. */
export function diagramOf(
  k: number,
  l: number,
  blocks: readonly (readonly number[])[],
  free: readonly number[] | null,
): DenseDiagram {
  const sorted = blocks.map((block) => [...block].sort(ascending)).sort((a, b) => least(a) - least(b))
  const sortedFree = free === null ? null : [...free].sort(ascending)
  const parts = sorted.map((block) => ({ least: least(block), text: block.join(',') }))
  if (sortedFree !== null) parts.push({ least: least(sortedFree), text: '!' + sortedFree.join(',') })
  parts.sort((a, b) => a.least - b.least)
  return { k, l, blocks: sorted, free: sortedFree, key: parts.map((part) => part.text).join('|') }
}

/** The restricted growth string: block numbers of vertex 1, 2, …, numbered as they first appear. */
export function growthString(diagram: DenseDiagram): number[] {
  const blocks = diagram.free === null ? diagram.blocks : [...diagram.blocks, diagram.free]
  const numbers = new Map<number, number>()
  const word: number[] = []
  for (let vertex = 1; vertex <= diagram.k + diagram.l; vertex++) {
    const block = blocks.findIndex((candidate) => candidate.includes(vertex))
    if (!numbers.has(block)) numbers.set(block, numbers.size)
    word.push(numbers.get(block) as number)
  }
  return word
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return 0
}

const spanningCache = new Map<string, readonly DenseDiagram[]>()

/** The spanning set in canonical order. */
export function spanning(group: GroupName, n: number, k: number, l: number): readonly DenseDiagram[] {
  const name = `${group} ${n} ${k} ${l}`
  const known = spanningCache.get(name)
  if (known) return known
  const vertices = Array.from({ length: k + l }, (_, i) => i + 1)
  const list: DenseDiagram[] = []
  if (group === 'S') for (const blocks of setPartitions(vertices)) list.push(diagramOf(k, l, blocks, null))
  else for (const pairs of matchings(vertices)) list.push(diagramOf(k, l, pairs, null))
  if (group === 'SO') {
    for (const free of subsets(vertices, n)) {
      const others = vertices.filter((v) => !free.includes(v))
      for (const pairs of matchings(others)) list.push(diagramOf(k, l, pairs, free))
    }
  }
  const decorated = list.map((diagram) => ({ diagram, word: growthString(diagram) }))
  decorated.sort(
    (a, b) =>
      Number(a.diagram.free !== null) - Number(b.diagram.free !== null) ||
      compareLists(a.word, b.word) ||
      compareLists(a.diagram.free ?? [], b.diagram.free ?? []),
  )
  const sorted = decorated.map(({ diagram }) => diagram)
  spanningCache.set(name, sorted)
  return sorted
}

/** ε of the basis 1,1',2,2',…, indices from 0. */
export const epsilon = (a: number, b: number): number => ((a ^ 1) !== b ? 0 : a < b ? 1 : -1)

/** Sign of a list of values as a permutation of 0..length−1, 0 if it is none. */
export function permutationSign(values: readonly number[]): number {
  let sign = 1
  for (let i = 0; i < values.length; i++) {
    if ((values[i] as number) >= values.length) return 0
    for (let j = i + 1; j < values.length; j++) {
      if (values[i] === values[j]) return 0
      if ((values[i] as number) > (values[j] as number)) sign = -sign
    }
  }
  return sign
}

/** The matrix entry of a diagram at the index values x (from 0), x[0] the value at vertex 1. */
export function entry(group: GroupName, diagram: DenseDiagram, x: readonly number[]): number {
  let product = 1
  for (const block of diagram.blocks) {
    const first = x[(block[0] as number) - 1] as number
    if (group === 'Sp') {
      const [a, b] = block as [number, number]
      const second = x[b - 1] as number
      const sameRow = a <= diagram.l === b <= diagram.l
      product *= sameRow ? epsilon(first, second) : first === second ? 1 : 0
    } else for (const vertex of block) if (x[vertex - 1] !== first) return 0
    if (product === 0) return 0
  }
  if (diagram.free !== null) product *= permutationSign(diagram.free.map((vertex) => x[vertex - 1] as number))
  return product
}

/** The dense matrix [n^l, n^k] of a diagram, row-major. */
export function matrix(group: GroupName, n: number, diagram: DenseDiagram): Float64Array {
  const order = diagram.k + diagram.l
  const values = new Float64Array(n ** order)
  const x = new Array<number>(order).fill(0)
  for (let flat = 0; flat < values.length; flat++) {
    values[flat] = entry(group, diagram, x)
    for (let v = order - 1; v >= 0; v--) {
      x[v] = ((x[v] as number) + 1) % n
      if (x[v] !== 0) break
    }
  }
  return values
}

const matrixCache = new Map<string, readonly Float64Array[]>()

/** The matrices of the whole spanning set, cached. */
export function matrices(group: GroupName, n: number, k: number, l: number): readonly Float64Array[] {
  const name = `${group} ${n} ${k} ${l}`
  const known = matrixCache.get(name)
  if (known) return known
  const made = spanning(group, n, k, l).map((diagram) => matrix(group, n, diagram))
  matrixCache.set(name, made)
  return made
}

const independentCache = new Map<string, readonly number[]>()

/** Positions in the spanning set of the greedy choice over Q: a diagram stays iff its matrix is no combination of earlier ones. */
export function independent(group: GroupName, n: number, k: number, l: number): readonly number[] {
  const name = `${group} ${n} ${k} ${l}`
  const known = independentCache.get(name)
  if (known) return known
  const chosen = greedyRows(matrices(group, n, k, l))
  independentCache.set(name, chosen)
  return chosen
}

/** The diagrams of a basis with their matrices: the rows of the parameter `weight.k.l`. The independent choice is made at
 *  `chosenAt`, the layer's n, which is not n where an item of a padded batch is smaller. */
export function basisOf(
  group: GroupName,
  n: number,
  k: number,
  l: number,
  basis: Basis,
  chosenAt = n,
): { diagram: DenseDiagram; matrix: Float64Array }[] {
  const all = spanning(group, n, k, l)
  const dense = matrices(group, n, k, l)
  const positions = basis === 'spanning' ? all.map((_, i) => i) : independent(group, chosenAt, k, l)
  return positions.map((i) => ({ diagram: all[i] as DenseDiagram, matrix: dense[i] as Float64Array }))
}

/** Blocks or pairs wholly in the bottom row, the ones that `normalize: 'mean'` divides by n; the free block never counts. */
export function bottomOnly(diagram: DenseDiagram): number {
  return diagram.blocks.filter((block) => block.every((vertex) => vertex > diagram.l)).length
}
