import { expected, show } from '../errors.js'
import { isGroup, type Group } from '../groups/group.js'
import type { Space } from '../layers/linear.js'
import { ownOptions } from '../layers/options.js'
import { joinChannels, takeChannels } from '../tape/channels.js'
import { contract, scalar } from '../tape/contract.js'
import { add, apply, combine, multiply, scale, shift } from '../tape/elementwise.js'
import { corners } from '../tape/sizes.js'
import type { Value, ValueDtype } from '../tape/value.js'
import { contractions, groupsOf, isOdd, isScalar, scalarOrder, scaleChannels, spread, tensorOrders } from './forms.js'
import { Network } from './network.js'

/** Functions of one number, of every derivative. gelu is x·Φ(x) with the normal distribution function Φ; leakyRelu has slope 0.01 below
 *  zero. */
export type ActivationName = keyof typeof activations

const activations = {
  relu: (x: Value): Value => apply('relu', x),
  leakyRelu: (x: Value): Value => combine([x, apply('relu', x)], [0.01, 0.99]),
  silu: (x: Value): Value => multiply(x, apply('sigmoid', x)),
  gelu: (x: Value): Value => multiply(x, apply('normal', x)),
  tanh: (x: Value): Value => apply('tanh', x),
  sigmoid: (x: Value): Value => apply('sigmoid', x),
}

/** Options of the modules of this file. */
export interface ActivationOptions {
  /** 'float32' when left out. */
  readonly dtype?: ValueDtype
}

export interface GatedOptions extends ActivationOptions {
  /** Of the scalars that are no gates, 'silu' when left out. */
  readonly activation?: ActivationName
  /** Of the gates, 'sigmoid' when left out. */
  readonly gate?: ActivationName
  /** Where gates come from. 'scalars' (default): from channels of order 0 of their own, the last ones. 'contractions': from products of a
   *  channel with the next one, contracted by the form that the group keeps: ε for Sp. */
  readonly gates?: 'scalars' | 'contractions'
}

export interface NormOptions extends ActivationOptions {
  /** 'sigmoid' when left out. */
  readonly activation?: ActivationName
}

export interface LayerNormOptions extends ActivationOptions {
  /** Added to the mean square, 1e-5 when left out. */
  readonly epsilon?: number
}

/** A function of every component, from a space to itself: for S(n) on every order, for other groups on order 0 alone.
 *  @throws BrauerError `invalid-argument` for components that the group mixes */
export function pointwise(group: Group, space: Space, name: ActivationName, options?: ActivationOptions): Network {
  const where = 'pointwise'
  const { dtype } = read(where, group, options, [])
  checkName(where, name)
  for (const order of Object.keys(space)) {
    const mixing = groupsOf(group, order).find((each) => each !== 'S')
    if (mixing !== undefined)
      throw expected(
        'invalid-argument',
        `${where}: order ${order}`,
        'order 0, or indices that S(n) permutes',
        `${group}, which mixes components; use gated, ${mixing === 'Sp' ? '' : 'norms '}or bilinear`,
      )
  }
  return new Network({
    specification: { kind: 'pointwise', group: String(group), space, name, dtype },
    group,
    input: space,
    output: space,
    dtype,
    apply: (x) => {
      const y = Object.fromEntries(Object.entries(x).map(([order, value]) => [order, activations[name](value)]))
      // Around items that are smaller than n there is zero, which this one does not keep.
      return name === 'sigmoid' ? corners(y) : y
    },
  })
}

/** Tensors times functions of scalars. The output is `space`; the input has, with gates from scalars, as many more channels of order 0 as the
 *  space has channels of higher orders, in ascending order. Scalars that are no gates go through an activation.
 *  @throws BrauerError `invalid-argument` */
export function gated(group: Group, space: Space, options?: GatedOptions): Network {
  const where = 'gated'
  const given = read(where, group, options, ['activation', 'gate', 'gates']) as Required<GatedOptions>
  const { dtype, activation = 'silu', gate = 'sigmoid', gates = 'scalars' } = given
  checkName(where, activation)
  checkName(where, gate)
  if (gates !== 'scalars' && gates !== 'contractions')
    throw expected('invalid-argument', `${where}: gates`, 'scalars or contractions', show(gates))
  const tensors = tensorOrders(group, space)
  const zero = Object.keys(space).find((order) => isScalar(group, order)) ?? scalarOrder(group)
  const scalars = space[zero] ?? 0
  const needed = gates === 'scalars' ? tensors.reduce((total, [, channels]) => total + channels, 0) : 0
  if (gates === 'contractions') checkPairs(where, group, space)
  return new Network({
    specification: { kind: 'gated', group: String(group), space, activation, gate, gates, dtype },
    group,
    input: needed > 0 ? { ...space, [zero]: scalars + needed } : space,
    output: space,
    dtype,
    apply: (x) => {
      let at = scalars
      const y: Record<string, Value> = {}
      if (scalars > 0) y[zero] = activations[activation](takeChannels(x[zero]!, 0, scalars))
      for (const [order, channels] of sorted(group, tensors)) {
        const value = x[order]!
        const from =
          gates === 'scalars' ? takeChannels(x[zero]!, at, channels) : contractions(group, order, value, true)
        at += channels
        y[order] = scaleChannels(value, activations[gate](from))
      }
      return y
    },
  })
}

/** x·a(‖x‖ + b) for each channel, with a learned b (`bias.k` [C]) and the norm over its components divided by the root of their number.
 *  @throws BrauerError `invalid-argument` for Sp, which keeps no norm */
export function norms(group: Group, space: Space, options?: NormOptions): Network {
  const where = 'norms'
  const { dtype, activation = 'sigmoid' } = read(where, group, options, ['activation']) as NormOptions & {
    dtype: ValueDtype
  }
  checkName(where, activation)
  checkNorms(where, group, space)
  return new Network({
    specification: { kind: 'norms', group: String(group), space, activation, dtype },
    group,
    input: space,
    output: space,
    dtype,
    initial: Object.fromEntries(
      Object.entries(space).map(([order, channels]) => [`bias.${order}`, { shape: [channels], value: 0 }]),
    ),
    apply: (x, own) =>
      Object.fromEntries(
        Object.entries(x).map(([order, value]) => {
          // Away from zero, where the root has no derivative.
          const norm = apply('sqrt', shift(contractions(group, order, value), 1e-12))
          const bias = spread(own[`bias.${order}`]!, scalar(1, dtype), norm.shape[0]!, norm.shape[1]!)
          return [order, scaleChannels(value, activations[activation](add(norm, bias)))]
        }),
      ),
  })
}

/** Each order divided by the root of the mean square of all its components and channels, times a learned factor (`scale.k` [C]).
 *  @throws BrauerError `invalid-argument` for Sp, which keeps no norm */
export function layerNorm(group: Group, space: Space, options?: LayerNormOptions): Network {
  const where = 'layerNorm'
  const { dtype, epsilon = 1e-5 } = read(where, group, options, ['epsilon']) as LayerNormOptions & { dtype: ValueDtype }
  if (!(epsilon > 0)) throw expected('invalid-argument', `${where}: epsilon`, 'a number above 0', show(epsilon))
  checkNorms(where, group, space)
  return new Network({
    specification: { kind: 'layerNorm', group: String(group), space, epsilon, dtype },
    group,
    input: space,
    output: space,
    dtype,
    initial: Object.fromEntries(
      Object.entries(space).map(([order, channels]) => [`scale.${order}`, { shape: [channels], value: 1 }]),
    ),
    apply: (x, own) =>
      Object.fromEntries(
        Object.entries(x).map(([order, value]) => {
          const squares = contractions(group, order, value)
          const [batch, channels] = squares.shape as [number, number]
          const rows = [{ extent: batch, out: 1, a: channels, b: 0 }, { extent: channels, out: 0, a: 1, b: 0 }] // prettier-ignore
          const mean = scale(contract(squares, scalar(1, dtype), [batch], { loops: rows }), 1 / channels)
          const factor = apply('reciprocal', apply('sqrt', shift(mean, epsilon)))
          // [batch] and [C] to their outer product.
          const outer = [{ extent: batch, out: channels, a: 1, b: 0 }, { extent: channels, out: 1, a: 0, b: 1 }] // prettier-ignore
          return [
            order,
            scaleChannels(value, contract(factor, own[`scale.${order}`]!, [batch, channels], { loops: outer })),
          ]
        }),
      ),
  })
}

/** Invariants of all channels: order 0 as it is, then one number for each channel of a higher order, in ascending order: its form with itself
 *  (δ, so a mean square), for odd orders of Sp that with the next channel. No parameters; a linear layer of order 0 usually follows.
 *  @throws BrauerError `invalid-argument` */
export function invariants(group: Group, space: Space, options?: ActivationOptions): Network {
  const { dtype } = read('invariants', group, options, [])
  checkPairs('invariants', group, space, (order) => isOdd(group, order))
  const all = sorted(group, Object.entries(space))
  return new Network({
    specification: { kind: 'invariants', group: String(group), space, dtype },
    group,
    input: space,
    output: { [scalarOrder(group)]: all.reduce((total, [, channels]) => total + channels, 0) },
    dtype,
    apply: (x) => ({
      [scalarOrder(group)]: joinChannels(
        all.map(([order]) => (isScalar(group, order) ? x[order]! : contractions(group, order, x[order]!))),
      ),
    }),
  })
}

/** By number of indices, then by name, as spaces have them. */
function sorted(group: Group, entries: readonly [string, number][]): [string, number][] {
  const length = (order: string): number => groupsOf(group, order).length
  return [...entries].sort(([a], [b]) => length(a) - length(b) || (a < b ? -1 : 1))
}

function read(where: string, group: unknown, options: unknown, names: readonly string[]) {
  if (!isGroup(group))
    throw expected('invalid-group', `${where}: group`, 'a group such as S(5), O(3), SO(3) or Sp(4)', show(group))
  const given = ownOptions(options, [...names, 'dtype'], `${where}: options`)
  const { dtype = 'float32' } = given
  if (dtype !== 'float32' && dtype !== 'float64')
    throw expected('invalid-dtype', `${where}: option dtype`, 'float32 or float64', show(dtype))
  return { ...given, dtype } as { readonly dtype: ValueDtype }
}

function checkName(where: string, name: unknown): asserts name is ActivationName {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return
  throw expected('invalid-argument', `${where}: activation`, Object.keys(activations).join(', '), show(name))
}

function checkNorms(where: string, group: Group, space: Space): void {
  const order = Object.keys(space).find((each) => groupsOf(group, each).includes('Sp'))
  if (order !== undefined)
    throw expected(
      'invalid-argument',
      `${where}: order ${order}`,
      'indices whose group keeps norms',
      `${group}, which does not; use gated with gates: 'contractions', which are by ε`,
    )
}

/** @throws BrauerError `invalid-argument` where a channel has no other one to be paired with and its form with itself is zero */
function checkPairs(where: string, group: Group, space: Space, needed = (order: string) => isOdd(group, order)): void {
  const lonely = tensorOrders(group, space).find(([order, channels]) => needed(order) && channels < 2)
  if (lonely)
    throw expected(
      'invalid-argument',
      `${where}: order ${lonely[0]}`,
      'at least 2 channels: ε of one with itself is zero',
      '1',
    )
}
