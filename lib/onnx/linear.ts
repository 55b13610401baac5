import { reference } from '../backends/reference.js'
import type { Linear } from '../layers/linear.js'
import type { Plan, Product, Row } from '../plan/plan.js'
import { weightLayout } from '../program/weights.js'
import { compile } from '../runtime/compiled.js'
import type { Data } from '../tape/value.js'
import { allocate } from '../tensor/dtype.js'
import type { Graph, Value } from './graph.js'
import { contract, spread } from './pieces.js'

/** y = f(x; parameters) as nodes, every contraction once and one matrix product per class. Values have their channels last.
 *  @param inputs one value per order of the input space, ascending @param parameters one left out counts as zero
 *  @returns values for the output space likewise; an extent may be 1 where the value is the same along it */
export function addLinear(
  graph: Graph,
  layer: Linear,
  inputs: readonly Value[],
  parameters: Readonly<Record<string, Data>>,
): Value[] {
  // The orthogonal transform has no operator, and the dense product is what a graph in shared form avoids.
  const steps = { share: true, classes: true, fourier: false }
  const compiled = compile({ ...layer.specification, strategy: 'shared', steps })
  const { plan } = compiled
  const weights = allocate(graph.type, weightLayout(plan).size)
  const values = compiled.parameters.map(({ name, shape }) => parameters[name] ?? allocate(graph.type, shape.reduce((a, b) => a * b, 1))) // prettier-ignore
  reference.load(compiled.program('pack'), graph.type).runSync(1, [...values, weights])
  return new Rows(graph, plan, inputs, weights).outputs()
}

/** The rows of a plan as values: those of the input computed one from another, those of the output pushed one into another. */
class Rows {
  readonly #graph: Graph
  readonly #plan: Plan
  readonly #inputs: readonly Value[]
  readonly #weights: Float32Array | Float64Array
  readonly #read = new Map<number, Value>()
  /** What the products give the rows of the output. */
  readonly #parts = new Map<number, Value>()

  constructor(graph: Graph, plan: Plan, inputs: readonly Value[], weights: Float32Array | Float64Array) {
    this.#graph = graph
    this.#plan = plan
    this.#inputs = inputs
    this.#weights = weights
  }

  outputs(): Value[] {
    this.#plan.products.forEach((product, p) => this.#product(product, p))
    const { rows, tensors } = this.#plan.top
    return tensors.map(({ extents }, tensor) => {
      const roots = rows.flatMap((row, at) => (row.tensor === tensor && row.from < 0 ? [at] : []))
      const terms = roots.flatMap((at) => this.#up(at, extents))
      return this.#sum(terms) ?? this.#graph.constant([0], [...extents.map(() => 1), 1])
    })
  }

  /** One matrix product; its columns are the rows of the output's side. */
  #product(product: Product, p: number): void {
    const graph = this.#graph
    const { blocks, bias } = weightLayout(this.#plan).products[p]!
    const { inner, cols, extents, compact } = product
    const indices = compact > 1 ? [...extents, compact] : extents
    const row = bias < 0 ? undefined : this.#weights.subarray(bias, bias + cols)
    let result: Value
    if (inner > 0) {
      const rows = product.bottom.toSorted((a, b) => this.#row('bottom', a).column - this.#row('bottom', b).column)
      const stacked = graph.concat(rows.map((at) => this.#down(at)), indices.length) // prettier-ignore
      result = graph.product(stacked, this.#weights.subarray(blocks[0], blocks[0]! + inner * cols), row, cols)
    } else if (row) {
      const each = Array.from({ length: compact }, () => Array.from(row)).flat()
      result = graph.constant(each, [...extents.map(() => 1), ...indices.slice(extents.length), cols])
    } else return
    const rows = product.top.toSorted((a, b) => this.#row('top', a).column - this.#row('top', b).column)
    const sizes = rows.map((at) => this.#plan.top.tensors[this.#row('top', at).tensor]!.channels)
    graph.split(result, indices.length, sizes).forEach((part, i) => this.#parts.set(rows[i]!, part))
  }

  #row(side: 'bottom' | 'top', at: number): Row {
    return this.#plan[side].rows[at]!
  }

  /** What a row reads of the input, or of the row that it is computed from. */
  #down(at: number): Value {
    let value = this.#read.get(at)
    if (value) return value
    const row = this.#row('bottom', at)
    const source = row.from < 0 ? undefined : this.#row('bottom', row.from)
    const view = source ? this.#down(row.from) : this.#inputs[row.tensor]!
    value = contract(this.#graph, view, row.fromPieces)
    value = this.#graph.scale(value, row.scale / (source?.scale ?? 1))
    this.#read.set(at, value)
    return value
  }

  /** What a row of the output, with the rows that are pushed into it, adds to a view of these extents. */
  #up(at: number, extents: readonly number[]): Value[] {
    const row = this.#row('top', at)
    const own = this.#parts.get(at)
    const within = this.#plan.products[row.product]!.extents
    const pushed = this.#plan.top.rows.flatMap((child, from) => (child.from === at ? this.#up(from, within) : []))
    const total = this.#sum([...(own ? [own] : []), ...pushed])
    if (!total) return []
    const source = row.from < 0 ? undefined : this.#row('top', row.from)
    const result = spread(this.#graph, total, row.fromPieces, extents)
    return [this.#graph.scale(result, row.scale / (source?.scale ?? 1))]
  }

  /** Small terms first: their sums are small too. */
  #sum(terms: readonly Value[]): Value | undefined {
    const size = ({ shape }: Value): number => shape.reduce((a, b) => a * b, 1)
    const [first, ...others] = terms.toSorted((a, b) => size(a) - size(b))
    return others.reduce((sum: Value | undefined, term) => this.#graph.add(sum!, term), first)
  }
}
