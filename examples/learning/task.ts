import type { Group, Network } from 'brauer'
import type { Matrix, Random } from './random.js'

/** Shapes of one item by order: [n, …, n, channels]. */
export type Shapes = Readonly<Record<string, readonly number[]>>

/** Items by order, one after another. */
export type Fields = Readonly<Record<string, Float64Array>>

export interface Samples {
  readonly count: number
  readonly x: Fields
  readonly y: Fields
}

/** Something to be learned from samples, whose answer turns with its input. */
export interface Task {
  /** Also the name of the files of results. */
  readonly name: string
  readonly about: string
  readonly group: Group
  readonly n: number
  readonly shapes: { readonly x: Shapes; readonly y: Shapes }
  draw(count: number, random: Random): Samples
  /** A random element of the group. */
  element(random: Random): Matrix
  network(): Network
  /** Of training, the same for every network: steps, items of each, and the rate at which AdamW begins; it ends at 0. */
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Zeros for so many items. */
export function empty(shapes: Shapes, count: number): Record<string, Float64Array> {
  return Object.fromEntries(
    Object.entries(shapes).map(([order, shape]) => [order, new Float64Array(count * sizeOf(shape))]),
  )
}
