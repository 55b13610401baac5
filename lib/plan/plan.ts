import type { Diagram } from '../diagrams/diagram.js'
import type { Group, Order, Piece } from '../groups/group.js'
import { factor } from './factor.js'
import { costs, time, type Costs } from './cost.js'
import { share } from './share.js'

/** Which of the three steps beyond the published algorithm are taken (design 1.3). Left out: the planner decides. */
export interface Steps {
  /** Equal downs and ups are computed once, and one from another. */
  readonly share?: boolean | undefined
  /** One channel product per class, instead of one per diagram. */
  readonly classes?: boolean | undefined
  /** The orthogonal transform over the strands. Without `classes` there is nothing to transform. */
  readonly fourier?: boolean | undefined
}

/** `dense` multiplies by the matrix, which pays for the smallest layers and batches; `diagrams` is the published algorithm, one diagram
 *  at a time; `shared` and `fourier` add the steps of design 1.3; `auto` chooses by the cost model. */
export type Strategy = 'auto' | 'dense' | 'diagrams' | 'shared' | 'fourier'

export interface SpaceEntry {
  readonly order: Order
  readonly channels: number
  /** Extent of each index. */
  readonly extents: readonly number[]
}

/** The diagrams between one input order and one output order; `input` is −1 for the bias. */
export interface Pair {
  readonly name: string
  readonly input: number
  readonly output: number
  readonly diagrams: readonly Diagram[]
}

export interface PlanRequest {
  readonly group: Group
  readonly inputs: readonly SpaceEntry[]
  readonly outputs: readonly SpaceEntry[]
  readonly pairs: readonly Pair[]
  readonly mean: boolean
  readonly channelsFirst: boolean
  readonly strategy: Strategy
  readonly steps: Steps
  readonly expectedBatch: number
}

/** A down or an up: what a product does with one row of diagram vertices of one tensor. */
export interface Row {
  readonly tensor: number
  /** Diagonal pieces first, in strand order. */
  readonly pieces: readonly Piece[]
  readonly scale: number
  /** Used where it stands, as a view of the tensor; else it has columns of its own in the product's pool. */
  readonly direct: boolean
  /** First column among all columns of the product's side. */
  column: number
  product: number
  /** The row it is computed from (pushed into), −1 for the tensor; then `fromPieces` act on that row's strands. */
  from: number
  fromPieces: readonly Piece[]
}

export interface Side {
  readonly tensors: readonly SpaceEntry[]
  readonly rows: Row[]
}

/** All diagrams of a class that share downs and ups: one channel product. Columns: pooled rows first, then direct ones. */
export interface Product {
  /** Number of strands of each kind. */
  readonly strands: readonly number[]
  /** Extent of every strand, kind by kind. */
  readonly extents: readonly number[]
  readonly compact: number
  /** Number of strand multi-indices times compact. */
  readonly size: number
  /** Rows of the bottom side and of the top side. */
  readonly bottom: readonly number[]
  readonly top: readonly number[]
  readonly pooled: readonly [number, number]
  /** Channel columns of the two sides. */
  readonly inner: number
  readonly cols: number
  /** The kind whose strands are transformed, −1 for none. */
  readonly fourier: number
  /** One product per (down, up) instead of one for all. */
  readonly split: boolean
  /** Five numbers per diagram: pair, index in the pair, position in bottom (−1 for a bias), position in top,
   *  lexicographic rank of the permutation of the transformed strands. */
  readonly terms: Int32Array
}

/** How a layer is computed: data, pure, printable by `explain`. */
export interface Plan {
  readonly group: string
  readonly kinds: readonly number[]
  readonly strategy: Exclude<Strategy, 'auto'>
  readonly reason: string
  readonly pairs: readonly Pair[]
  readonly bottom: Side
  readonly top: Side
  readonly products: readonly Product[]
  readonly mean: boolean
  /** Inputs and outputs are [batch, C, n, …]. */
  readonly channelsFirst: boolean
  readonly costs: Costs
  readonly expectedBatch: number
}

/** Plans a layer. Same request, same plan. */
export function plan(request: PlanRequest): Plan {
  const factored = factor(request)
  const { bottom, top, products } = share(request, factored)
  const cost = costs(request, factored, bottom, top, products)
  return freeze({
    group: request.group.toString(),
    kinds: request.group.kinds.map((kind) => kind.n),
    ...choose(request, products, cost),
    pairs: request.pairs,
    bottom,
    top,
    products,
    mean: request.mean,
    channelsFirst: request.channelsFirst,
    costs: cost,
    expectedBatch: request.expectedBatch,
  })
}

/** A plan is a value: nothing of it changes once it is made. */
function freeze(plan: Plan): Plan {
  for (const side of [plan.bottom, plan.top]) {
    for (const row of side.rows) Object.freeze(row)
    Object.freeze(side.rows)
    Object.freeze(side)
  }
  for (const product of plan.products) Object.freeze(product)
  Object.freeze(plan.products)
  Object.freeze(plan.costs)
  return Object.freeze(plan)
}

/** The dense product is chosen only where its matrices, of all pairs of orders together, have at most this many elements: every new
 *  set of parameters forms them anew. And only where it wins clearly: nothing of it is left when the batch grows. */
const denseElements = 2 ** 18
const denseGain = 0.8

function choose(request: PlanRequest, products: readonly Product[], cost: Costs): Pick<Plan, 'strategy' | 'reason'> {
  if (request.strategy !== 'auto') return { strategy: request.strategy, reason: 'asked for' }
  const free = Object.values(request.steps).every((step) => step === undefined)
  if (free && cost.dense.weights <= denseElements && time(cost.dense, request) < denseGain * time(cost.plan, request))
    return { strategy: 'dense', reason: 'least time by the cost model' }
  if (request.steps.share === false) return { strategy: 'diagrams', reason: 'steps.share is off' }
  if (products.some((product) => product.fourier >= 0))
    return { strategy: 'fourier', reason: 'fewest operations by the cost model' }
  return {
    strategy: 'shared',
    reason: request.steps.fourier === false ? 'steps.fourier is off' : 'no class gains from the transform',
  }
}
