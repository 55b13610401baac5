/** A layer as the plain sum over its dense matrices, in double precision and by plain loops. Data is channels last,
 *  [batch, n, …, n, channels], one flat array per order. */
import { basisOf, bottomOnly, type Basis, type GroupName } from './dense.js'

export type Space = Readonly<Record<number, number>>
export type Flat = ArrayLike<number>
export type Record64 = Record<string, Float64Array>

export interface DenseSpec {
  readonly group: GroupName
  readonly n: number
  readonly input: Space
  readonly output: Space
  readonly bias?: boolean
  readonly basis?: Basis
  readonly normalize?: 'sum' | 'mean'
  /** The n whose independent diagrams are used, where it is not `n`. */
  readonly chosenAt?: number
  /** Squares the entries of every matrix: applied to squared data it gives the variance of the result under random signs. */
  readonly squared?: boolean
}

export interface Parameter {
  readonly shape: readonly number[]
  readonly data: Flat
}
export type Parameters = Readonly<Record<string, Parameter>>
export type Values = Readonly<Record<number, Flat>>

export const orders = (space: Space): number[] =>
  Object.keys(space)
    .map(Number)
    .sort((a, b) => a - b)

export const sizeOf = (n: number, space: Space, order: number): number => n ** order * (space[order] as number)

interface Term {
  readonly name: string
  readonly k: number
  readonly l: number
  readonly row: number
  readonly matrix: Float64Array
  /** 1, or 1/n per bottom-only block under `mean`. */
  readonly scale: number
  /** Of every entry; 2 where the specification asks for squares. */
  readonly power: 1 | 2
}

function weightTerms(spec: DenseSpec): Term[] {
  return orders(spec.input).flatMap((k) =>
    orders(spec.output).flatMap((l) =>
      basisOf(spec.group, spec.n, k, l, spec.basis ?? 'independent', spec.chosenAt).map(({ diagram, matrix }, row) => {
        const scale = spec.normalize === 'mean' ? spec.n ** -bottomOnly(diagram) : 1
        return { name: `weight.${k}.${l}`, k, l, row, matrix, scale, power: spec.squared ? 2 : 1 }
      }),
    ),
  )
}

function biasTerms(spec: DenseSpec): Term[] {
  if (!spec.bias) return []
  return orders(spec.output).flatMap((l) =>
    basisOf(spec.group, spec.n, 0, l, spec.basis ?? 'independent', spec.chosenAt).map(({ matrix }, row) => {
      return { name: `bias.${l}`, k: 0, l, row, matrix, scale: 1, power: spec.squared ? 2 : 1 }
    }),
  )
}

/** Names and shapes of the parameters; pairs of orders without diagrams have none. */
export function parameterShapes(spec: DenseSpec): Record<string, number[]> {
  const shapes: Record<string, number[]> = {}
  for (const { name, k, l } of weightTerms(spec)) {
    shapes[name] ??= [0, spec.input[k] as number, spec.output[l] as number]
    ;(shapes[name] as [number])[0]++
  }
  for (const { name, l } of biasTerms(spec)) {
    shapes[name] ??= [0, spec.output[l] as number]
    ;(shapes[name] as [number])[0]++
  }
  return shapes
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Random parameters of the right shapes, from a source of numbers. */
export function drawParameters(
  spec: DenseSpec,
  draw: () => number,
): Record<string, { shape: number[]; data: Float64Array }> {
  return Object.fromEntries(
    Object.entries(parameterShapes(spec)).map(([name, shape]) => {
      return [name, { shape, data: Float64Array.from({ length: product(shape) }, draw) }]
    }),
  )
}

function zeros(spec: DenseSpec, space: Space, batch: number): Record64 {
  return Object.fromEntries(
    orders(space).map((order) => [order, new Float64Array(batch * sizeOf(spec.n, space, order))]),
  )
}

function check(spec: DenseSpec, space: Space, values: Values, batch: number): void {
  for (const order of orders(space)) {
    const [wanted, received] = [batch * sizeOf(spec.n, space, order), values[order]?.length]
    if (wanted !== received)
      throw new Error(`dense layer: order ${order} expected ${wanted} values, received ${received}`)
  }
}

/** target[b, I, :] += scale · matrix[I, J] · source[b, J, :], or with the matrix transposed. */
function applyMatrix(
  term: Term,
  n: number,
  transposed: boolean,
  source: Flat,
  target: Float64Array,
  batch: number,
  channels: number,
): void {
  const [rows, columns] = [n ** term.l, n ** term.k]
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const entry = term.matrix[i * columns + j] as number
      if (entry === 0) continue
      const value = (entry * term.scale) ** term.power
      for (let b = 0; b < batch; b++) {
        const to = transposed ? b * columns + j : b * rows + i
        const from = transposed ? b * rows + i : b * columns + j
        for (let c = 0; c < channels; c++) {
          const at = to * channels + c
          target[at] = (target[at] as number) + value * (source[from * channels + c] as number)
        }
      }
    }
  }
}

/** mixed[row, o] += Σ_c source[row, c] · weight[c, o], or Σ_o source[row, o] · weight[c, o] into mixed[row, c]. */
function mix(
  source: Flat,
  weight: Flat,
  offset: number,
  inner: number,
  outer: number,
  transposed: boolean,
  target: Float64Array,
): void {
  const rows = source.length / (transposed ? outer : inner)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < inner; c++) {
      for (let o = 0; o < outer; o++) {
        const w = weight[offset + c * outer + o] as number
        const to = transposed ? r * inner + c : r * outer + o
        const from = transposed ? r * outer + o : r * inner + c
        target[to] = (target[to] as number) + w * (source[from] as number)
      }
    }
  }
}

/** y = Σ over diagrams of (D ⊗ W_D) x, plus the bias. Parameters left out count as zero. */
export function forward(spec: DenseSpec, parameters: Parameters, x: Values, batch: number): Record64 {
  check(spec, spec.input, x, batch)
  const y = zeros(spec, spec.output, batch)
  for (const term of weightTerms(spec)) {
    const weight = parameters[term.name]
    if (!weight) continue
    const [inner, outer] = [spec.input[term.k] as number, spec.output[term.l] as number]
    const mixed = new Float64Array(batch * spec.n ** term.k * outer)
    mix(x[term.k] as Flat, weight.data, term.row * inner * outer, inner, outer, false, mixed)
    applyMatrix(term, spec.n, false, mixed, y[term.l] as Float64Array, batch, outer)
  }
  for (const term of biasTerms(spec)) {
    const bias = parameters[term.name]
    if (!bias) continue
    const channels = spec.output[term.l] as number
    const ones = Float64Array.from(
      { length: batch * channels },
      (_, i) => bias.data[term.row * channels + (i % channels)] as number,
    )
    applyMatrix(term, spec.n, false, ones, y[term.l] as Float64Array, batch, channels)
  }
  return y
}

/** The adjoint of the linear part: x̄ = Σ over diagrams of (Dᵀ ⊗ W_Dᵀ) g. */
export function inputGradient(spec: DenseSpec, parameters: Parameters, g: Values, batch: number): Record64 {
  check(spec, spec.output, g, batch)
  const x = zeros(spec, spec.input, batch)
  for (const term of weightTerms(spec)) {
    const weight = parameters[term.name]
    if (!weight) continue
    const [inner, outer] = [spec.input[term.k] as number, spec.output[term.l] as number]
    const pulled = new Float64Array(batch * spec.n ** term.k * outer)
    applyMatrix(term, spec.n, true, g[term.l] as Flat, pulled, batch, outer)
    mix(pulled, weight.data, term.row * inner * outer, inner, outer, true, x[term.k] as Float64Array)
  }
  return x
}

/** The gradient of ⟨f(x), g⟩ by the parameters, bias included. */
export function weightGradient(spec: DenseSpec, x: Values, g: Values, batch: number): Record64 {
  check(spec, spec.input, x, batch)
  check(spec, spec.output, g, batch)
  const gradient: Record64 = {}
  for (const [name, shape] of Object.entries(parameterShapes(spec))) gradient[name] = new Float64Array(product(shape))
  for (const term of weightTerms(spec)) {
    const [inner, outer] = [spec.input[term.k] as number, spec.output[term.l] as number]
    const rows = batch * spec.n ** term.k
    const pulled = new Float64Array(rows * outer)
    applyMatrix(term, spec.n, true, g[term.l] as Flat, pulled, batch, outer)
    const target = (gradient[term.name] as Float64Array).subarray(
      term.row * inner * outer,
      (term.row + 1) * inner * outer,
    )
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < inner; c++) {
        const value = (x[term.k] as Flat)[r * inner + c] as number
        for (let o = 0; o < outer; o++) {
          target[c * outer + o] = (target[c * outer + o] as number) + value * (pulled[r * outer + o] as number)
        }
      }
    }
  }
  for (const term of biasTerms(spec)) {
    const channels = spec.output[term.l] as number
    const pulled = new Float64Array(batch * channels)
    applyMatrix(term, spec.n, true, g[term.l] as Flat, pulled, batch, channels)
    const target = gradient[term.name] as Float64Array
    pulled.forEach((value, i) => {
      const at = term.row * channels + (i % channels)
      target[at] = (target[at] as number) + value
    })
  }
  return gradient
}

/** The norm that a result has on average when every number in it is given a random sign. Rounding errors are judged by this
 *  where the result itself happens to cancel: one scalar of random data is a hundredth of its usual size once in a hundred times. */
export function typicalNorm(squares: Record64): number {
  let sum = 0
  for (const values of Object.values(squares)) for (const value of values) sum += value
  return Math.sqrt(sum)
}

const square = (values: Flat): Float64Array => Float64Array.from(values, (value) => value * value)

export const squareValues = (values: Record64): Record64 =>
  Object.fromEntries(Object.entries(values).map(([name, data]) => [name, square(data)]))

export const squareParameters = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape, data }]) => [name, { shape, data: square(data) }]))

/** [batch, n, …, n, channels] -> [batch, channels, n, …, n]. */
export function toChannelsFirst(data: Flat, batch: number, n: number, order: number, channels: number): Float64Array {
  const points = n ** order
  const moved = new Float64Array(data.length)
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < points; p++) {
      for (let c = 0; c < channels; c++)
        moved[(b * channels + c) * points + p] = data[(b * points + p) * channels + c] as number
    }
  }
  return moved
}

/** [batch, channels, n, …, n] -> [batch, n, …, n, channels]. */
export function fromChannelsFirst(data: Flat, batch: number, n: number, order: number, channels: number): Float64Array {
  const points = n ** order
  const moved = new Float64Array(data.length)
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < points; p++) {
      for (let c = 0; c < channels; c++)
        moved[(b * points + p) * channels + c] = data[(b * channels + c) * points + p] as number
    }
  }
  return moved
}
