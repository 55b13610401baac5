import { choose, parts, rearrangements } from './count.js'
import type { Class, Factored } from './factor.js'
import { transform, transformableKind } from './fourier.js'
import type { PlanRequest, Product, Side } from './plan.js'
import { visits } from './rows.js'

/** Work per batch item. */
export interface Cost {
  /** Floating-point operations, a product and a sum counted as two. */
  readonly flops: number
  /** Elements read or written by index operations (downs, ups, transforms). */
  readonly elements: number
  /** Elements of all weight matrices. */
  readonly weights: number
  /** Instructions, each run once per tile of items. */
  readonly steps: number
}

/** What each strategy costs; `plan` is the chosen one. */
export interface Costs {
  readonly plan: Cost
  readonly dense: Cost
  readonly diagrams: Cost
  readonly shared: Cost
  readonly fourier: Cost
}

/** An element moved by an index operation costs as much time as this many flops of a channel product. Measured on AVX2 and
 *  AVX-512 cores: strided passes run at 2 to 4 elements, products at 15 to 40 flops a cycle. */
export const flopsPerElement = 8

/** A few dozen nanoseconds to begin an instruction; a weight read from the second-level cache. */
const flopsPerStep = 5000
const flopsPerWeight = 4

/** Elements of a tile, and of a vector: what items share the cost of an instruction, and how many channels of one element are moved
 *  at once. With batches of that many items they lie side by side instead. */
const tileElements = 2 ** 17
const vectorElements = 16

/** Time of an item in flops of a channel product. Small layers and small batches pay for the start of every instruction and the
 *  reading of the weights, which the items of a tile share, and for rows shorter than a vector. */
export function time(
  cost: Cost,
  { inputs, outputs, expectedBatch }: Pick<PlanRequest, 'inputs' | 'outputs' | 'expectedBatch'>,
): number {
  const spaces = [...inputs, ...outputs]
  const elements = spaces.reduce((sum, { channels, extents }) => sum + extents.reduce((a, b) => a * b, channels), 0)
  const items = Math.max(1, Math.min(expectedBatch, tileElements / Math.max(1, elements)))
  const channels = spaces.reduce((most, space) => Math.max(most, space.channels), 1)
  const waste = expectedBatch >= vectorElements ? 1 : Math.max(1, vectorElements / channels)
  return (
    cost.flops +
    waste * flopsPerElement * cost.elements +
    (flopsPerStep * cost.steps + flopsPerWeight * cost.weights) / items
  )
}

/** A class whose strands take more than this many bytes is computed in boxes, and only transformed classes can be: one permuted
 *  copy per permutation would pass through memory, and take as much of it as the item itself. */
const boxedBytes = 2 ** 20

/** Operations per column of one transform over d strands of extent n, all orbits; of a pair, a sum and a difference. */
export function transformFlops(n: number, d: number): number {
  let flops = 0
  for (let code = 0; code < 2 ** (d - 1); code++) {
    const size = rearrangements(code, d)
    flops += choose(n, parts(code)) * (size <= 2 ? 2 * (size - 1) : 2 * size * size)
  }
  return flops
}

/** Σ over λ of rows·dimension²: the share of a channel product that is left after the transform, times n^d. */
function transformedRows(n: number, d: number): number {
  return transform(d).lambdas.reduce((sum, { dimension, kostka }) => {
    const rows = kostka.reduce((all, copies, code) => all + copies * choose(n, parts(code)), 0)
    return sum + rows * dimension * dimension
  }, 0)
}

/** Whether the transform costs less than one permuted copy of the input per permutation, or is needed to cut the item. */
export function fourierPays(
  request: PlanRequest,
  factored: Factored,
  cls: Class,
  terms: readonly number[],
  kind: number,
  size: number,
): boolean {
  const { plain, transformed } = classCosts(request, factored, cls, terms, kind, size)
  const whole = cls.strands.every((d, other) => d === 0 || other === kind) && cls.compact === 1
  return (whole && 4 * plain.elements > boxedBytes) || time(transformed, request) < time(plain, request)
}

function classCosts(
  request: PlanRequest,
  factored: Factored,
  cls: Class,
  terms: readonly number[],
  kind: number,
  size: number,
): { plain: Cost; transformed: Cost } {
  const downs = new Set<number>()
  const columns = new Set<string>()
  const ups = new Set<number>()
  for (const t of terms) {
    ups.add(cls.terms[t + 3]!)
    if (cls.terms[t + 2]! < 0) continue
    downs.add(cls.terms[t + 2]!)
    columns.add(`${cls.terms[t + 2]}/${cls.terms[t + 4]}`)
  }
  const width = (down: number): number => request.inputs[factored.downs[down]!.tensor]!.channels
  const inner = [...downs].reduce((sum, down) => sum + width(down), 0)
  const cols = [...ups].reduce((sum, up) => sum + request.outputs[factored.ups[up]!.tensor]!.channels, 0)
  const permuted = [...columns].reduce((sum, column) => sum + width(parseInt(column)), 0)
  const plain = {
    flops: 2 * size * permuted * cols,
    elements: 2 * size * (permuted - inner),
    weights: permuted * cols,
    steps: 1 + columns.size - downs.size,
  }
  if (kind < 0) return { plain, transformed: plain }
  return { plain, transformed: transformedCost(request.group.kinds[kind]!.n, cls.strands[kind]!, size, inner, cols) }
}

/** A channel product [size, inner] × [inner, cols] between the transform of d strands of extent n and its inverse. */
function transformedCost(n: number, d: number, size: number, inner: number, cols: number): Cost {
  const others = size / n ** d
  return {
    flops: others * (2 * transformedRows(n, d) * inner * cols + transformFlops(n, d) * (inner + cols)),
    elements: 2 * size * (inner + cols),
    weights: transform(d).weights.length * inner * cols,
    steps: 2 + transform(d).lambdas.length,
  }
}

/** Costs of the plan and of the strategies it was chosen from. */
export function costs(
  request: PlanRequest,
  factored: Factored,
  bottom: Side,
  top: Side,
  products: readonly Product[],
): Costs {
  const passes = [...bottom.rows.map((row) => [bottom, row] as const), ...top.rows.map((row) => [top, row] as const)]
  const index = passes.reduce((sum, [side, row]) => {
    if (row.direct) return sum
    const { channels, extents } = side.tensors[row.tensor]!
    const from = row.from < 0 ? extents : products[side.rows[row.from]!.product]!.extents
    const listed = row.fromPieces.some((piece) => piece.type === 'list')
    return (
      sum +
      channels *
        row.fromPieces.reduce((all, piece) => all * visits(piece, from), listed ? 1 : products[row.product]!.compact)
    )
  }, 0)
  const steps = passes.filter(([, row]) => !row.direct).length
  const mixed = products.map((product) => {
    const { size, inner, cols, fourier } = product
    if (fourier < 0) return { flops: 2 * size * inner * cols, elements: 0, weights: inner * cols, steps: 1 }
    return transformedCost(request.group.kinds[fourier]!.n, product.strands[fourier]!, size, inner, cols)
  })
  const classwise = (pick: 'plain' | 'transformed'): Cost =>
    total(
      factored.classes.map((cls) => {
        const size = cls.strands.reduce((all, d, kind) => all * request.group.kinds[kind]!.n ** d, cls.compact)
        const kind = transformableKind(cls.strands)
        const terms = Array.from({ length: cls.terms.length / 5 }, (_, t) => 5 * t)
        return classCosts(request, factored, cls, terms, kind, size)[pick]
      }),
      index,
      steps,
    )
  return {
    plan: total(mixed, index, steps),
    dense: dense(request),
    diagrams: diagramwise(request, factored),
    shared: classwise('plain'),
    fourier: classwise('transformed'),
  }
}

function total(parts: readonly Cost[], elements: number, steps: number): Cost {
  return {
    flops: parts.reduce((sum, part) => sum + part.flops, 0),
    elements: parts.reduce((sum, part) => sum + part.elements, elements),
    weights: parts.reduce((sum, part) => sum + part.weights, 0),
    steps: parts.reduce((sum, part) => sum + part.steps, steps),
  }
}

function dense(request: PlanRequest): Cost {
  const weights = request.pairs.reduce((sum, { input, output }) => {
    if (input < 0) return sum
    const rows = request.inputs[input]!
    const cols = request.outputs[output]!
    return sum + rows.channels * cols.channels * [...rows.extents, ...cols.extents].reduce((a, b) => a * b, 1)
  }, 0)
  return { flops: 2 * weights, elements: 0, weights, steps: 1 + request.pairs.length }
}

function diagramwise(request: PlanRequest, factored: Factored): Cost {
  let flops = 0
  let elements = 0
  let weights = 0
  let steps = 0
  for (const cls of factored.classes) {
    const size = cls.strands.reduce((all, d, kind) => all * request.group.kinds[kind]!.n ** d, cls.compact)
    for (let t = 0; t < cls.terms.length; t += 5) {
      const down = factored.downs[cls.terms[t + 2]!]
      const up = factored.ups[cls.terms[t + 3]!]!
      const output = request.outputs[up.tensor]!
      elements += output.channels * up.pieces.reduce((all, piece) => all * visits(piece, output.extents), cls.compact)
      if (!down) continue
      const input = request.inputs[down.tensor]!
      elements += input.channels * down.pieces.reduce((all, piece) => all * visits(piece, input.extents), cls.compact)
      flops += 2 * size * input.channels * output.channels
      weights += input.channels * output.channels
      steps += 3
    }
  }
  return { flops, elements, weights, steps }
}
