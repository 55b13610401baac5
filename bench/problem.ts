import { groupFrom, linear, tensor, type Linear, type LinearOptions, type Plan, type Tensor } from '../dist/index.js'
import { uniform } from '../dist/tensor/random.js'
import { describeCase, type Case } from './cases.js'

/** Everything a contender is given: a layer by its specification and parameters, and what to apply it to. */
export interface Problem {
  readonly case: Case
  /** May be smaller than the case's. */
  readonly batch: number
  readonly threads: number
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Operand[]
  /** By input order, items back to back. */
  readonly x: Readonly<Record<string, Float32Array>>
  readonly parameters: Readonly<Record<string, Parameter>>
  /** How the planner would compute it, with the costs of all strategies. */
  readonly plan: Plan
}

/** The tensor of one order: the shape and the number of elements of one item. */
export interface Operand {
  readonly order: string
  readonly shape: readonly number[]
  readonly size: number
}

export interface Parameter {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Options of `linear` that a problem leaves open. */
export type Choices = Pick<LinearOptions, 'backend' | 'strategy'>

/** Random inputs and parameters, the same for the same case. */
export function makeProblem(given: Case, threads: number): Problem {
  const { group, input, output, bias, layout, batch } = given
  const inputs = operands(given, input)
  const random = uniform(1)
  // A mean of 1/4: a contraction that is left out or counted twice must not drown in cancellation.
  const numbers = (size: number): Float32Array => {
    const data = new Float32Array(size)
    for (let i = 0; i < size; i++) data[i] = 2 * random() - 0.75
    return data
  }
  const x = Object.fromEntries(inputs.map(({ order, size }) => [order, numbers(batch * size)]))
  const layer = linear(groupFrom(group), input, output, { bias, layout, expectedBatch: batch })
  const parameters = Object.fromEntries(
    Object.entries(layer.parameters).map(([name, { shape, data }]) => {
      // A new layer's bias is zero, which would not show whether it is added.
      return [name, { shape, data: name.startsWith('bias') ? numbers(data.length) : (data as Float32Array) }]
    }),
  )
  return { case: given, batch, threads, inputs, outputs: operands(given, output), x, parameters, plan: layer.plan }
}

function operands({ group, layout }: Case, space: Case['input']): Operand[] {
  const of = groupFrom(group)
  return Object.entries(space).map(([order, channels]) => {
    const extents = of.indices(of.parseOrder(order)).map((kind) => of.kinds[kind]!.n)
    const shape = layout === 'channels-first' ? [channels, ...extents] : [...extents, channels]
    return { order, shape, size: shape.reduce((a, b) => a * b, 1) }
  })
}

/** The same problem on some of its items. */
export function takeItems(problem: Problem, items: readonly number[]): Problem {
  const x = problem.inputs.map(({ order, size }) => [order, pickItems(problem.x[order]!, size, items)])
  return { ...problem, batch: items.length, x: Object.fromEntries(x) as Problem['x'] }
}

/** Copies items of `size` elements each. */
export function pickItems(data: Float32Array, size: number, items: readonly number[]): Float32Array {
  const picked = new Float32Array(items.length * size)
  items.forEach((item, at) => picked.set(data.subarray(item * size, (item + 1) * size), at * size))
  return picked
}

/** The problem's layer. The plan is made for the case's batch, also where the problem has fewer items. */
export function layerOf<D extends 'float32' | 'float64'>(
  problem: Problem,
  dtype: D,
  choices: Choices,
): Linear<Case['input'], Case['output'], D> {
  const { group, input, output, bias, layout, batch } = problem.case
  const layer = linear(groupFrom(group), input, output, {
    bias,
    layout,
    dtype,
    expectedBatch: batch,
    threads: problem.threads,
    ...choices,
  })
  const parameters = Object.entries(problem.parameters).map(([name, { shape, data }]) => [
    name,
    tensor(widen(data, dtype), shape, dtype),
  ])
  layer.load(Object.fromEntries(parameters) as Record<string, Tensor>)
  return layer
}

/** The inputs as tensors. */
export function inputsOf<D extends 'float32' | 'float64'>(
  { inputs, x, batch }: Problem,
  dtype: D,
): Record<string, Tensor<D>> {
  return Object.fromEntries(
    inputs.map(({ order, shape }) => [order, tensor(widen(x[order]!, dtype), [batch, ...shape], dtype)]),
  )
}

function widen(data: Float32Array, dtype: 'float32' | 'float64'): Float32Array | Float64Array {
  return dtype === 'float64' ? Float64Array.from(data) : data
}

/** Bytes of the inputs and of the outputs of one run. */
export function bytesOf({ inputs, outputs, batch }: Problem): { readonly x: number; readonly y: number } {
  const total = (all: readonly Operand[]): number => 4 * batch * all.reduce((sum, { size }) => sum + size, 0)
  return { x: total(inputs), y: total(outputs) }
}

export function describeProblem({ case: given, batch }: Problem): string {
  return `${describeCase(given)}, batch ${batch}`
}
