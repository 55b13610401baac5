/** Networks that together use every module, for every group. */
import {
  bilinear, directSum, gated, groupFrom, invariants, layerNorm, linear, norms, pointwise, residual, sequential, sum,
  type LinearOptions, type Network, type Space,
} from '../../lib/index.js' // prettier-ignore
import { on, type BackendName } from '../support/backends.js'

export type Dtype = 'float32' | 'float64'

/** Names of groups with the networks that are made for them. */
export const groupNames = ['S(3)', 'O(3)', 'SO(3)', 'Sp(4)', 'S(3)×O(2)'] as const
export type GroupName = (typeof groupNames)[number]

/** @param more further options of the layers */
export function networksOf(
  name: GroupName | `S(${number})`,
  backend: BackendName,
  dtype: Dtype,
  more: LinearOptions = {},
): Record<string, Network> {
  const group = groupFrom(name)
  const [zero, one, two] = name === 'S(3)×O(2)' ? (['', 'b', 'ab'] as const) : (['0', '1', '2'] as const)
  const options = { ...on(backend), ...more, dtype }
  let seed = 0
  const layer = (input: Space, output: Space) =>
    linear(group, input, output, { ...options, bias: true, seed: (seed += 1000) })
  const space = { [zero]: 2, [one]: 2, [two]: 2 }
  const wide = { [zero]: 6, [one]: 2, [two]: 2 }
  const shared: Record<string, Network> = {
    gated: sequential(layer(space, wide), gated(group, space, { dtype, gate: 'tanh' }), layer(space, { [one]: 1 })),
    'gated by contractions': sequential(
      layer({ [one]: 2 }, space),
      gated(group, space, { dtype, gates: 'contractions' }),
    ),
    bilinear: sequential(
      layer({ [one]: 2 }, { [one]: 4 }),
      bilinear(group, { [one]: 2 }, { [one]: 2 }, { [zero]: 2, [one]: 1 }, options),
    ),
    'a residual sum': residual(sequential(layer(space, wide), gated(group, space, { dtype, activation: 'gelu' }))),
    sums: sum(layer({ [one]: 2 }, { [one]: 2 }), residual(layer({ [one]: 2 }, { [one]: 2 }))),
    'direct sums': directSum(layer({ [one]: 1, [zero]: 1 }, { [one]: 2 }), layer({ [one]: 2 }, { [one]: 1, [two]: 1 })),
    'an invariant of everything': sequential(
      layer({ [one]: 2 }, space),
      invariants(group, space, { dtype }),
      pointwise(group, { [zero]: 6 }, 'silu', { dtype }),
      layer({ [zero]: 6 }, { [zero]: 2 }),
    ),
  }
  if (name === 'Sp(4)') return shared
  return {
    ...shared,
    norms: sequential(layer({ [one]: 1 }, space), norms(group, space, { dtype }), layer(space, { [two]: 1 })),
    'layer norm': sequential(
      layerNorm(group, space, { dtype }),
      layer(space, space),
      layerNorm(group, space, { dtype }),
    ),
    ...(/^S\(\d+\)$/.test(name)
      ? {
          pointwise: sequential(layer({ 1: 1 }, { 1: 2, 2: 1 }), pointwise(group, { 1: 2, 2: 1 }, 'tanh', { dtype })),
          'functions that are not 0 at 0': sequential(
            pointwise(group, { 2: 2 }, 'sigmoid', { dtype }),
            norms(group, { 2: 2 }, { dtype }),
            layer({ 2: 2 }, { 1: 1 }),
            pointwise(group, { 1: 1 }, 'sigmoid', { dtype }),
          ),
        }
      : {}),
  }
}

/** Shapes of inputs or outputs. */
export function shapesOf(network: Network, side: 'input' | 'output', batch: number): Record<string, number[]> {
  const { group } = network
  return Object.fromEntries(
    Object.entries(network[side]).map(([order, channels]) => {
      const sizes = group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind]!.n)
      return [order, [batch, ...sizes, channels]]
    }),
  )
}
