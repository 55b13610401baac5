import { orbitRows } from '../plan/count.js'
import { transform } from '../plan/fourier.js'
import type { Product } from '../plan/plan.js'

/** Part of the columns of one side of a product, as it lies in a buffer. */
export interface Segment {
  readonly buffer: number
  readonly base: number
  readonly stride: number
  readonly column: number
  readonly count: number
  /** Positions of the covered rows in the product's side. */
  readonly rows: readonly number[]
  /** The tensor a direct segment is. */
  readonly tensor: number
}

/** Boxes are cut over the strands of one kind, with no compact index beside them. */
export function boxable(product: Product): boolean {
  return (
    product.fourier >= 0 &&
    product.compact === 1 &&
    product.strands.every((d, kind) => d === 0 || kind === product.fourier)
  )
}

/** The first strand of the transformed kind. */
export function firstTransformed(product: Product): number {
  return product.strands.slice(0, product.fourier).reduce((a, b) => a + b, 0)
}

/** n^d of the transformed kind. */
export function transformedSize(product: Product): number {
  return product.extents[firstTransformed(product)]! ** product.strands[product.fourier]!
}

/** Rows of λ over the whole range of the transformed strands. */
export function transformRows(product: Product, d: number, λ: number): number {
  return orbitRows(product.extents[firstTransformed(product)]!, transform(d).lambdas[λ]!.kostka)
}
