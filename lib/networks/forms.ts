import type { Group } from '../groups/group.js'
import type { Space } from '../layers/linear.js'
import { joinChannels, takeChannels } from '../tape/channels.js'
import { contract } from '../tape/contract.js'
import { scale } from '../tape/elementwise.js'
import type { ProductLoop } from '../tape/form.js'
import { perPoint } from '../tape/sizes.js'
import type { Value } from '../tape/value.js'

/** The name of the group that acts on each index of an order: 'S', 'O', 'SO' or 'Sp'. */
export function groupsOf(group: Group, order: string): string[] {
  const names = group.name.split('×')
  return group.indices(group.parseOrder(order)).map((kind) => names[kind]!)
}

/** The extents of the indices of an order. */
export function extentsOf(group: Group, order: string): number[] {
  return group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind]!.n)
}

/** The order without indices, as a key of a space. */
export function scalarOrder(group: Group): string {
  return group.kinds.length === 1 ? '0' : ''
}

export const isScalar = (group: Group, order: string): boolean => groupsOf(group, order).length === 0

/** Orders with indices, and their channels. */
export function tensorOrders(group: Group, space: Space): [string, number][] {
  return Object.entries(space).filter(([order]) => !isScalar(group, order))
}

/** Whether the invariant of `contractions` is ε of odd power, which is zero for a channel with itself. */
export function isOdd(group: Group, order: string): boolean {
  return groupsOf(group, order).filter((name) => name === 'Sp').length % 2 === 1
}

/** Invariants of a value [batch, n, …, n, C] of some order: [batch, C], each index contracted by the form that its group keeps (δ; ε for
 *  Sp), divided by the number of components (of an item's own n). A channel is paired with itself or, where that gives zero or `neighbours` asks for it, with
 *  the next one. */
export function contractions(group: Group, order: string, x: Value, neighbours = false): Value {
  const channels = x.shape.at(-1)!
  const next = neighbours || isOdd(group, order)
  const other = next && channels > 1 ? joinChannels([takeChannels(x, 1, channels - 1), takeChannels(x, 0, 1)]) : x
  const extents = extentsOf(group, order)
  const points = extents.reduce((a, b) => a * b, 1)
  const batch = x.shape[0]!
  const indices: ProductLoop[] = []
  let bBase = 0
  let stride = points * channels
  groupsOf(group, order).forEach((name, i) => {
    const n = extents[i]!
    stride /= n
    if (name !== 'Sp') {
      indices.push({ extent: n, out: 0, a: stride, b: stride })
      return
    }
    // ε(2t, 2t+1) = 1, ε(2t+1, 2t) = −1.
    indices.push({ extent: n / 2, out: 0, a: 2 * stride, b: 2 * stride })
    indices.push({ extent: 2, out: 0, a: stride, b: -stride, alternate: true })
    bBase += stride
  })
  const item = points * channels
  const loops = [
    { extent: batch, out: channels, a: item, b: item },
    ...indices,
    { extent: channels, out: 1, a: 1, b: 1 },
  ]
  const sums = contract(x, other, [batch, channels], { loops, bBase })
  return group.sharesOverN ? perPoint(sums, extents) : scale(sums, 1 / points)
}

/** Every component of a value [batch, n, …, n, C] times the number of its item and channel, [batch, C]. */
export function scaleChannels(x: Value, by: Value): Value {
  const [batch, channels] = [x.shape[0]!, x.shape.at(-1)!]
  const points = batch * channels === 0 ? 0 : x.size / batch / channels
  const loops = [
    { extent: batch, out: points * channels, a: points * channels, b: channels },
    { extent: points, out: channels, a: channels, b: 0 },
    { extent: channels, out: 1, a: 1, b: 1 },
  ]
  return contract(x, by, x.shape, { loops })
}

/** [C] or [1] to [batch, C]. */
export function spread(value: Value, one: Value, batch: number, channels: number): Value {
  const loops = [
    { extent: batch, out: channels, a: 0, b: 0 },
    { extent: channels, out: 1, a: value.size === 1 ? 0 : 1, b: 0 },
  ]
  return contract(value, one, [batch, channels], { loops })
}
