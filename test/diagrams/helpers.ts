import { BlockDiagram } from '../../lib/diagrams/diagram.js'
import { determinantDiagrams, matchings, setPartitions } from '../../lib/diagrams/enumerate.js'
import type { GroupName } from '../support/dense.js'

/** Set partitions, and diagrams with 1 to 4 free vertices. */
export function* enumerateAll(l: number, k: number): Generator<BlockDiagram> {
  yield* diagramsOf('S', 0, l, k)
  for (let n = 1; n <= 4; n++) {
    for (const { word, free } of determinantDiagrams(l + k, n)) yield new BlockDiagram(l, k, word, free)
  }
}

/** The diagrams of a group in the order of the generators. */
export function diagramsOf(group: GroupName, n: number, l: number, k: number): BlockDiagram[] {
  const words = group === 'S' ? setPartitions(l + k) : matchings(l + k)
  const list = Array.from(words, (word) => new BlockDiagram(l, k, word, -1))
  if (group !== 'SO') return list
  for (const { word, free } of determinantDiagrams(l + k, n)) list.push(new BlockDiagram(l, k, word, free))
  return list
}

/** The matrix product of a [rows, inner] and b [inner, cols]. */
export function multiply(a: Float64Array, b: Float64Array, inner: number): Float64Array {
  const [rows, cols] = [a.length / inner, b.length / inner]
  const product = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) {
    for (let m = 0; m < inner; m++) {
      const factor = a[i * inner + m]!
      if (factor === 0) continue
      for (let j = 0; j < cols; j++) product[i * cols + j]! += factor * b[m * cols + j]!
    }
  }
  return product
}

/** Σ coefficient · matrix, to compare with `expectSame`. */
export function combine(size: number, terms: readonly { coefficient: number; matrix: Float64Array }[]): Float64Array {
  const total = new Float64Array(size)
  for (const { coefficient, matrix } of terms) matrix.forEach((value, i) => (total[i]! += coefficient * value))
  return total
}

/** Whether two arrays hold the same numbers, 0 and −0 being one. */
export function same(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
/** The code and message of what a call throws, in one line. */
export function thrown(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return `${code} | ${message}`
  }
  return 'nothing thrown'
}
