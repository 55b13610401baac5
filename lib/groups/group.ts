import { expected } from '../errors.js'
import type { Diagram } from '../diagrams/diagram.js'

/** An order of a space: the number of indices, or for products of groups a word with one letter per index. */
export type Order = number | string

/** A kind of index: its letter in order words and the size n of R^n. A simple group has one kind. */
export interface Kind {
  readonly letter: string
  readonly n: number
}

/** A bilinear form on two positions as a signed loop nest: with t_j running over `extent`, the index pair is
 *  `base + Σ t_j · step_j` and the sign is the product of (−1)^t_j over the alternating loops. */
export interface Form {
  readonly name: string
  readonly base: readonly [number, number]
  readonly loops: readonly {
    readonly extent: number
    readonly step: readonly [number, number]
    readonly alternate: boolean
  }[]
}

/** A signed list: entry (compact, values, sign) couples the compact index with the index values at the positions. */
export interface SignedList {
  readonly name: string
  /** Extent of the compact index. */
  readonly size: number
  readonly entries: readonly { readonly compact: number; readonly values: readonly number[]; readonly sign: 1 | -1 }[]
}

/** What a diagram does on one of its rows. `at` holds 0-based positions in that row, ascending (for a form: left, right).
 *  - diagonal: all positions share one index, which is a strand of the class
 *  - sum: all positions share one index that is contracted (bottom row) or broadcast (top row)
 *  - form: two positions are coupled by a form and contracted or broadcast
 *  - list: the positions are coupled with the compact index of the class by a signed list */
export type Piece =
  | { readonly type: 'diagonal'; readonly at: readonly number[] }
  | { readonly type: 'sum'; readonly at: readonly number[] }
  | { readonly type: 'form'; readonly at: readonly number[]; readonly form: Form }
  | { readonly type: 'list'; readonly at: readonly number[]; readonly list: SignedList }

/** A diagram taken apart: up ∘ strands ∘ down (arXiv 2304.14165, section 3). In both rows the diagonal pieces come first,
 *  ordered by kind, then by least position: the p-th one is strand p. `sigma[p]` is the down strand joined to up strand p;
 *  it permutes within kinds only. */
export interface Pieces {
  readonly down: readonly Piece[]
  readonly up: readonly Piece[]
  /** Number of strands of each kind. */
  readonly strands: readonly number[]
  /** Tells classes with equal strands apart; '' for ordinary diagrams. */
  readonly tag: string
  /** Extent of the compact index, 1 where there is none (then no list piece is needed on a row without positions). */
  readonly compact: number
  readonly sigma: readonly number[]
}

/** A coefficient times a diagram. */
export interface Term {
  readonly coefficient: number
  readonly diagram: Diagram
}

/** A group together with the diagrams that span its equivariant maps R^n^(⊗k) -> R^n^(⊗l). Groups are frozen values. */
export interface Group {
  /** 'S', 'O', 'SO', 'Sp', or the factors joined by '×'. */
  readonly name: string
  readonly kinds: readonly Kind[]
  /** True where one set of diagrams serves every n (design 1.1, "Sharing over n"). */
  readonly sharesOverN: boolean
  /** 'O(3)', 'S(5)×O(3)'. */
  toString(): string
  /** Reads an order from a record key or a number. @throws BrauerError `invalid-order` */
  parseOrder(value: unknown): Order
  /** The kind of each index of an order, left to right. */
  indices(order: Order): readonly number[]
  /** All (k,l)-diagrams in canonical order. k is the input order, l the output order. */
  spanning(k: Order, l: Order): Diagram[]
  /** The greedy independent subset over Q, in canonical order. */
  independent(k: Order, l: Order): Diagram[]
  /** Reads a diagram from its key. @throws BrauerError `invalid-diagram` */
  parse(key: string, k: Order, l: Order): Diagram
  pieces(diagram: Diagram): Pieces
  /** The inner product of two matrices, in closed form (design 1.2). */
  gram(a: Diagram, b: Diagram): number
  transpose(diagram: Diagram): Term
  /** The matrix product (matrix of b)·(matrix of a) for a: k -> m, b: m -> l, as a combination of (k,l)-diagrams. */
  compose(b: Diagram, a: Diagram): Term[]
  /** A random element: one row-major n×n matrix per kind. `random` is uniform on [0, 1).
   *  Permutations for S, Haar for O and SO, ‖g‖ ≤ 2 for Sp. */
  sample(random: () => number): Float64Array[]
  /** The group at other sizes, one n per kind. @throws BrauerError `invalid-group` */
  at(n: readonly number[]): Group
}

/** Indices of one tensor at most; far past every layer that can be computed, and short enough to be listed. */
export const mostIndices = 1000

/** @throws BrauerError `size-overflow` for an order of more indices than any layer can have */
export function checkLength(indices: number): number {
  if (indices <= mostIndices) return indices
  throw expected('size-overflow', 'order of a space', `at most ${mostIndices} indices`, String(indices))
}

/** Whether a value has everything of a group. */
export function isGroup(value: unknown): value is Group {
  if (typeof value !== 'object' || value === null) return false
  const group = value as Partial<Group>
  const methods = ['parseOrder', 'indices', 'spanning', 'independent', 'pieces', 'gram', 'at'] as const
  return Array.isArray(group.kinds) && methods.every((name) => typeof group[name] === 'function')
}
