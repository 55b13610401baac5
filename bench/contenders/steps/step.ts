/** A layer as a list of tensor operations that every library has: what a careful user of one would write by hand. Each library
 *  interprets the list with its own operations (bench/python/, onnx.ts, tfjs.ts). Values have the shape [batch, …indices, C],
 *  channels-first [batch, C, …indices]; the axes below count the indices alone. */
export type Step = Pick | Sum | Gather | Stack | Mix | Constant | Add | Einsum

/** from's axis p is read at index pick[p] of `to`: diagonals and permutations. */
interface Pick {
  readonly op: 'pick'
  readonly from: string
  readonly to: string
  readonly pick: readonly number[]
}

interface Sum {
  readonly op: 'sum'
  readonly from: string
  readonly to: string
  readonly axes: readonly number[]
}

/** to[r] = Σ_m sign[r,m] · from[index[r,m]] over flattened indices; index and sign are [rows, terms], row-major. */
interface Gather {
  readonly op: 'gather'
  readonly from: string
  /** Channels begin … begin + count − 1 alone; all where there is no count. */
  readonly begin: number
  readonly count?: number
  readonly to: string
  readonly shape: readonly number[]
  readonly terms: number
  readonly index: readonly number[]
  readonly sign: readonly number[]
}

/** Side by side along the channels. */
interface Stack {
  readonly op: 'stack'
  readonly from: readonly string[]
  readonly to: string
}

/** The channels of several values, one after the other, times a constant [C, M], plus a constant [M]. */
interface Mix {
  readonly op: 'mix'
  readonly from: readonly string[]
  readonly to: string
  readonly weight: string
  readonly bias?: string
}

/** A constant [M] as the channels of a value without indices, the same for every item. */
interface Constant {
  readonly op: 'constant'
  readonly to: string
  readonly value: string
}

/** The sum of the terms; the first one may be the whole of `to`. */
interface Add {
  readonly op: 'add'
  readonly to: string
  readonly shape: readonly number[]
  readonly channels: number
  readonly terms: readonly Term[]
}

/** Channels begin … begin + count − 1 of a value, spread over the axes of a sum. */
export interface Term {
  readonly from: string
  readonly begin: number
  readonly count: number
  /** The value's axis that each axis of the sum runs along, −1 where it is spread. */
  readonly axes: readonly number[]
  /** Zero but where these hold. A value's axis stands at the first axis of a tie. */
  readonly ties: readonly Tie[]
}

/** Two axes of a sum that are coupled by a matrix: the sum of `lines`. */
export interface Tie {
  readonly at: readonly [number, number]
  readonly lines: readonly Line[]
}

/** `sign` at start + t · step for t = 0 … count − 1, in both axes. */
export interface Line {
  readonly start: readonly [number, number]
  readonly step: readonly [number, number]
  readonly count: number
  readonly sign: 1 | -1
}

/** torch.einsum of a value, constant tables and one matrix of a parameter. */
interface Einsum {
  readonly op: 'einsum'
  readonly equation: string
  readonly from: string
  readonly to: string
  readonly tables: readonly string[]
  readonly weight: readonly [name: string, index: number]
}

export interface Table {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Inputs are named x and the number of the input order, outputs y and theirs. */
export interface Program {
  readonly channelsFirst: boolean
  readonly steps: readonly Step[]
  readonly constants: Readonly<Record<string, Table>>
}
