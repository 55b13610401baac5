import type { Diagram } from '../diagrams/diagram.js'
import type { Group, Order } from '../groups/group.js'
import type { Pair, PlanRequest, SpaceEntry, Steps, Strategy } from '../plan/plan.js'
import { product } from '../tensor/size.js'

/** Everything that determines a layer's programs; equal specifications share plans and programs. */
export interface Specification {
  readonly group: Group
  /** The group whose independent diagrams are used; another one than `group` in layers made by `at`. */
  readonly basisGroup: Group
  readonly inputs: readonly { readonly order: Order; readonly channels: number }[]
  readonly outputs: readonly { readonly order: Order; readonly channels: number }[]
  readonly bias: boolean
  readonly basis: 'independent' | 'spanning'
  readonly normalize: 'sum' | 'mean'
  readonly layout: 'channels-last' | 'channels-first'
  readonly strategy: Strategy
  readonly steps: Steps
  readonly expectedBatch: number
}

/** Equal for specifications with equal programs. */
export function specificationKey(specification: Specification): string {
  const { group, basisGroup, inputs, outputs, ...rest } = specification
  const space = (entries: Specification['inputs']): unknown => entries.map(({ order, channels }) => [order, channels])
  return JSON.stringify([
    group.toString(),
    basisGroup.toString(),
    space(inputs),
    space(outputs),
    Object.entries(rest).sort(),
  ])
}

/** Name of a parameter: weight.k.l, or bias.l. */
export function parameterName(input: Order | undefined, output: Order): string {
  // The empty word of a product goes by the name 0, as the order without indices does everywhere.
  const name = (order: Order): Order => (order === '' ? 0 : order)
  return input === undefined ? `bias.${name(output)}` : `weight.${name(input)}.${name(output)}`
}

/** The diagrams from order k to order l that the layer's parameters stand for, in canonical order. */
export function diagramsOf(specification: Pick<Specification, 'basis' | 'basisGroup'>, k: Order, l: Order): Diagram[] {
  return specification.basis === 'spanning'
    ? specification.basisGroup.spanning(k, l)
    : specification.basisGroup.independent(k, l)
}

/** What the planner is asked. @throws BrauerError `size-overflow` */
export function planRequest(specification: Specification): PlanRequest {
  const { group, inputs, outputs, bias, normalize } = specification
  const entry = ({ order, channels }: { order: Order; channels: number }): SpaceEntry => {
    const extents = group.indices(order).map((kind) => group.kinds[kind]!.n)
    product([...extents, channels], `space of order ${order}`)
    return { order, channels, extents }
  }
  const pairs: Pair[] = []
  outputs.forEach(({ order: l }, output) => {
    inputs.forEach(({ order: k }, input) => {
      pairs.push({ name: parameterName(k, l), input, output, diagrams: diagramsOf(specification, k, l) })
    })
    if (bias)
      pairs.push({
        name: parameterName(undefined, l),
        input: -1,
        output,
        diagrams: diagramsOf(specification, emptyOrder(group), l),
      })
  })
  return {
    group,
    inputs: inputs.map(entry),
    outputs: outputs.map(entry),
    pairs: pairs.filter((pair) => pair.diagrams.length > 0),
    mean: normalize === 'mean',
    channelsFirst: specification.layout === 'channels-first',
    strategy: specification.strategy,
    steps: stepsOf(specification),
    expectedBatch: specification.expectedBatch,
  }
}

/** The order without indices. */
export function emptyOrder(group: Group): Order {
  return group.kinds.length === 1 ? 0 : ''
}

/** Strategies are names for settings of the steps; steps given beside a strategy win. */
function stepsOf({ strategy, steps }: Specification): Steps {
  const implied: Record<Strategy, Steps> = {
    auto: {},
    dense: {},
    diagrams: { share: false, classes: false, fourier: false },
    shared: { share: true, classes: true, fourier: false },
    fourier: { share: true, classes: true, fourier: true },
  }
  return { ...implied[strategy], ...steps }
}
