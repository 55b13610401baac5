import { expected, show } from '../errors.js'
import { act } from '../groups/act.js'
import type { Group } from '../groups/group.js'
import { decoder } from '../tensor/half.js'
import { normalAt, uniform } from '../tensor/random.js'
import { Tensor, tensor } from '../tensor/tensor.js'
import { linear, type Linear } from '../layers/linear.js'
import { ownOptions } from '../layers/options.js'
import { copyModule } from './model.js'
import type { Module } from './module.js'
import { Network } from './network.js'

type Tensors = Readonly<Record<string, Tensor>>

/** What a check needs of a layer; any object with these members can be checked. */
export type Checkable = Pick<
  Linear,
  | 'group'
  | 'input'
  | 'output'
  | 'options'
  | 'backend'
  | 'parameters'
  | 'forwardSync'
  | 'inputGradientSync'
  | 'weightGradientSync'
>

export interface CheckOptions {
  /** Number of random group elements and inputs, 8 when left out. */
  readonly trials?: number
  /** Of the random numbers, 0 when left out. */
  readonly seed?: number
  /** Largest error that passes, 1e-10 when left out. */
  readonly tolerance?: number
  /** Called after every trial. */
  readonly onTrial?: (done: number) => void
}

/** One property that a layer must have, with the largest error over the trials, relative to what the numbers of the
 *  comparison could have been. */
export interface CheckRow {
  readonly name: string
  readonly error: number
  readonly holds: boolean
}

/** The largest error of a derivative beside finite differences that passes, whatever the tolerance. */
const differences = 1e-6
const step = 1e-4

/** Checks a layer or a network under random group elements and random inputs, in float64 (a layer of another dtype through a float64 copy
 *  of it on the same backend):
 *  - f(g x) = g f(x), for each output order l, relative to ‖g‖^(k+l)·‖f(x)‖ with k the largest input order;
 *  - ⟨f(x) − f(0), y⟩ = ⟨x, inputGradient(y)⟩;
 *  - ⟨f(x), y⟩ = ⟨parameters, weightGradient(x, y)⟩.
 *
 *  For a network, the last two are instead, with derivatives df along random tangents of x and of the parameters:
 *  - ⟨df, y⟩ = ⟨tangents, pullback(y)⟩;
 *  - df is the limit of finite differences (to 1e-6).
 *  @throws BrauerError `invalid-argument` */
export function check(layer: Checkable | Module, options?: CheckOptions): CheckRow[] {
  const names = ['trials', 'seed', 'tolerance', 'onTrial']
  const {
    trials = 8,
    seed = 0,
    tolerance = 1e-10,
    onTrial,
  } = ownOptions(options, names, 'check: options') as CheckOptions
  if (typeof (layer as Partial<Checkable> | null)?.forwardSync !== 'function')
    throw expected('invalid-argument', 'check: layer', 'a layer', show(layer))
  if (onTrial !== undefined && typeof onTrial !== 'function')
    throw expected('invalid-argument', 'check: onTrial', 'a function', show(onTrial))
  if (!Number.isSafeInteger(trials) || trials < 1)
    throw expected('invalid-argument', 'check: trials', 'an integer of at least 1', show(trials))
  if (!Number.isSafeInteger(seed)) throw expected('invalid-argument', 'check: seed', 'an integer', show(seed))
  if (!(tolerance >= 0))
    throw expected('invalid-argument', 'check: tolerance', 'a number of at least 0', show(tolerance))
  const exact = layer instanceof Network ? networkInFloat64(layer) : inFloat64(layer as Checkable)
  const errors = new Map<string, number>()
  for (let trial = 0; trial < trials; trial++) {
    for (const [name, error] of measure(exact, seed + trial)) {
      // NaN is an error past every tolerance, and Math.max keeps it.
      errors.set(name, Math.max(errors.get(name) ?? 0, error))
    }
    onTrial?.(trial + 1)
  }
  return [...errors].map(([name, error]) => ({
    name,
    error,
    holds: error <= (name === limit ? Math.max(tolerance, differences) : tolerance),
  }))
}

const limit = 'df = lim (f(x + hu) − f(x)) / h'

function measure(layer: Checkable | Module, seed: number): [string, number][] {
  const { group } = layer
  const element = group.sample(uniform(seed))
  const norm = Math.max(...element.map((matrix, kind) => spectralNorm(matrix, group.kinds[kind]!.n)))
  const x = draw(group, layer.input, 2 * seed)
  const y = draw(group, layer.output, 2 * seed + 1)
  const fx = layer.forwardSync(x)
  const moved = layer.forwardSync(transform(group, element, layer.input, x))
  const wanted = transform(group, element, layer.output, fx)
  const longest = Math.max(0, ...Object.keys(layer.input).map((order) => group.indices(group.parseOrder(order)).length))
  const rows: [string, number][] = Object.keys(layer.output).map((order) => {
    const scale = norm ** (longest + group.indices(group.parseOrder(order)).length) * length(fx[order]!)
    return [`f(gx) = g f(x), order ${order || "''"}`, distance(moved[order]!, wanted[order]!) / (scale || 1)]
  })

  const derivatives = layer instanceof Network ? smooth(layer, x, y, seed) : linearly(layer as Checkable, x, y, fx)
  return [...rows, ...derivatives]
}

/** The adjoints of a map that is linear up to a constant. */
function linearly(layer: Checkable, x: Tensors, y: Tensors, fx: Tensors): [string, number][] {
  const rows: [string, number][] = []
  const constant = layer.forwardSync(zeros(x))
  const back = layer.inputGradientSync(y)
  const size = Math.max(lengths(fx) * lengths(y), lengths(x) * lengths(back)) || 1
  rows.push(['⟨f(x) − f(0), y⟩ = ⟨x, fᵀ(y)⟩', Math.abs(inner(fx, y) - inner(constant, y) - inner(x, back)) / size])

  const parameters = layer.parameters
  const gradient = layer.weightGradientSync(x, y)
  const weight = Math.max(lengths(fx) * lengths(y), lengths(parameters) * lengths(gradient)) || 1
  rows.push(['⟨f(x), y⟩ = ⟨w, weight gradient⟩', Math.abs(inner(fx, y) - inner(parameters, gradient)) / weight])
  return rows
}

/** The derivative of a network, its adjoint, and finite differences. */
function smooth(network: Network, x: Tensors, y: Tensors, seed: number): [string, number][] {
  const { parameters } = network
  let next = 2 ** 29
  const random = (values: Tensors): Tensors =>
    map(values, ({ shape, size }) => {
      const first = next
      next += size
      return tensor(
        Float64Array.from({ length: size }, (_, i) => normalAt(seed, first + i)),
        shape,
      )
    })
  const [dx, dw] = [random(x), random(parameters)]
  const { tangent } = network.jvpSync(x, { x: dx, parameters: dw })
  const back = network.vjpSync(x).pullback(y)
  const size =
    lengths(tangent) * lengths(y) + lengths(dx) * lengths(back.x) + lengths(dw) * lengths(back.parameters) || 1
  const adjoint = Math.abs(inner(tangent, y) - inner(dx, back.x) - inner(dw, back.parameters)) / size

  const moved = (by: number): Tensors => {
    const along = (values: Tensors, direction: Tensors): Tensors =>
      Object.fromEntries(
        Object.entries(values).map(([name, { data, shape }]) => [
          name,
          tensor(
            Float64Array.from(data, (value, i) => value + by * direction[name]!.data[i]!),
            shape,
          ),
        ]),
      )
    return network.forwardSync(along(x, dx), { parameters: along(parameters, dw) })
  }
  // The fourth-order difference quotient.
  const [a, b, c, d] = [2, 1, -1, -2].map((by) => moved(by * step)) as [Tensors, Tensors, Tensors, Tensors]
  let [apart, whole] = [0, 0]
  for (const [order, { data }] of Object.entries(tangent)) {
    const at = (values: Tensors, i: number): number => values[order]!.data[i]!
    for (let i = 0; i < data.length; i++) {
      const quotient = (8 * (at(b, i) - at(c, i)) - (at(a, i) - at(d, i))) / (12 * step)
      apart += (data[i]! - quotient) ** 2
      whole += data[i]! ** 2 + at(b, i) ** 2
    }
  }
  return [
    ['⟨df, y⟩ = ⟨tangents, pullback(y)⟩', adjoint],
    [limit, Math.sqrt(apart / (whole || 1))],
  ]
}

const networkInFloat64 = (network: Network): Module =>
  network.options.dtype === 'float64' ? network : copyModule(network, { dtype: 'float64', backend: backendOf(network) })

/** By name, where a layer of it has one. */
const backendOf = ({ backend }: Network): string => (backend.name === 'javascript' ? 'auto' : backend.name)

function inFloat64(layer: Checkable): Checkable {
  if (layer.options.dtype === 'float64' && layer.options.layout === 'channels-last') return layer
  const options = { ...layer.options, dtype: 'float64', layout: 'channels-last', backend: layer.backend.name } as const
  const copy = linear(layer.group, layer.input, layer.output, options)
  copy.load(map(layer.parameters, (value) => tensor(value.toNumbers(), value.shape, 'float64')))
  return copy
}

/** Two items of standard normal numbers, one stream per order. */
function draw(group: Group, space: Readonly<Record<string, number>>, seed: number): Tensors {
  return Object.fromEntries(
    Object.entries(space).map(([order, channels], stream) => {
      const sizes = group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind]!.n)
      const shape = [2, ...sizes, channels]
      const count = shape.reduce((total, n) => total * n, 1)
      const first = stream * 2 ** 24
      return [
        order,
        tensor(
          Float64Array.from({ length: count }, (_, i) => normalAt(seed, first + i)),
          shape,
        ),
      ]
    }),
  )
}

function transform(
  group: Group,
  element: readonly Float64Array[],
  space: Readonly<Record<string, number>>,
  x: Tensors,
): Tensors {
  return Object.fromEntries(
    Object.entries(x).map(([order, value]) => {
      const data = value.data as Float64Array
      const item = data.length / 2
      const moved = new Float64Array(data.length)
      for (const start of [0, item]) {
        moved.set(act(group, element, group.parseOrder(order), data.slice(start, start + item), space[order]!), start)
      }
      return [order, tensor(moved, value.shape)]
    }),
  )
}

/** The largest factor by which a matrix stretches a vector: power iteration on gᵀg from a start with all components. */
function spectralNorm(matrix: Float64Array, n: number): number {
  let vector = Float64Array.from({ length: n }, (_, i) => 1 + i / n)
  let norm = 0
  for (let step = 0; step < 100; step++) {
    const image = new Float64Array(n)
    const back = new Float64Array(n)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) image[i]! += matrix[i * n + j]! * vector[j]!
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) back[j]! += matrix[i * n + j]! * image[i]!
    const last = norm
    norm = Math.hypot(...image) / Math.hypot(...vector)
    if (Math.abs(norm - last) <= 1e-6 * norm) break
    const size = Math.hypot(...back)
    vector = back.map((value) => value / size)
  }
  return norm
}

const map = (values: Tensors, change: (value: Tensor) => Tensor): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]))

const zeros = (values: Tensors): Tensors => map(values, ({ shape, size }) => tensor(new Float64Array(size), shape))

/** Sum over all names; a name that only one of the records has is a fault and gives NaN. */
function inner(a: Tensors, b: Tensors): number {
  let sum = Object.keys(a).length === Object.keys(b).length ? 0 : NaN
  for (const [name, { data, dtype }] of Object.entries(b)) {
    const decode = decoder(dtype)
    const other = a[name]?.data
    for (let i = 0; i < data.length; i++) sum += decode(data[i]!) * (other?.[i] ?? NaN)
  }
  return sum
}

const lengths = (values: Tensors): number => Math.sqrt(inner(values, values))
const length = (value: Tensor): number => lengths({ value })

function distance(a: Tensor, b: Tensor): number {
  let sum = 0
  const [left, right] = [a.data, b.data]
  for (let i = 0; i < right.length; i++) sum += (left[i]! - right[i]!) ** 2
  return Math.sqrt(sum)
}
