import { expected, show } from '../errors.js'
import { isGroup, type Group } from '../groups/group.js'
import { linear, type Space } from '../layers/linear.js'
import type { LinearOptions } from '../layers/options.js'
import { parseSpace } from '../layers/operands.js'
import { joinChannels } from '../tape/channels.js'
import { contract } from '../tape/contract.js'
import type { Values } from '../tape/layer.js'
import type { Value } from '../tape/value.js'
import { addSpaces, specificationOf, splitSpace } from './combine.js'
import { Network, type ModuleSpecification } from './network.js'

/** An equivariant map of x ⊗ y: the tensor products of every order of the left space with every order of the right one, channel by channel,
 *  through a linear layer, which contracts them by all diagrams. The input is the direct sum of both spaces, the left channels of an order
 *  before the right ones.
 *  @param left, right spaces in which every order has the same number of channels
 *  @param options of the linear layer
 *  @throws BrauerError `invalid-argument`, and the errors of `linear`
 *  @example bilinear(O(3), { 1: 8 }, { 1: 8 }, { 0: 4, 2: 4 }) // scalar products, outer products and traces */
export function bilinear(group: Group, left: Space, right: Space, output: Space, options?: LinearOptions): Network {
  if (!isGroup(group))
    throw expected('invalid-group', 'bilinear: group', 'a group such as S(5), O(3), SO(3) or Sp(4)', show(group))
  const [from, to] = [
    parseSpace(group, left, 'bilinear: left space'),
    parseSpace(group, right, 'bilinear: right space'),
  ]
  const channels = from[0]!.channels
  const other = [...from, ...to].find((entry) => entry.channels !== channels)
  if (other)
    throw expected(
      'invalid-argument',
      `bilinear: order ${other.key}`,
      `${channels} channels, as of the first order`,
      String(other.channels),
    )
  const pairs = from.flatMap((a) => to.map((b) => ({ a: a.key, b: b.key, order: joined(group, a.key, b.key) })))
  const products: Record<string, number> = {}
  for (const { order } of pairs) products[order] = (products[order] ?? 0) + channels
  const layer = linear(group, products, output, options)
  const { dtype, layout } = layer.options
  if (layout !== 'channels-last') throw expected('invalid-argument', 'bilinear: option layout', 'channels-last', layout)
  if (dtype !== 'float32' && dtype !== 'float64')
    throw expected('invalid-argument', 'bilinear: option dtype', 'float32 or float64', dtype)
  const spaces = [Object.freeze({ ...left }), Object.freeze({ ...right })] as const
  const specification: ModuleSpecification = { kind: 'bilinear', group: String(group), left: spaces[0], right: spaces[1], parts: [specificationOf(layer)] } // prettier-ignore
  return new Network({
    specification,
    group,
    input: addSpaces(spaces),
    output: layer.output,
    dtype,
    children: [layer],
    apply: (x, _, [part]) => {
      const [a, b] = splitSpace(x, spaces) as [Values, Values]
      const parts: Record<string, Value[]> = {}
      for (const pair of pairs) (parts[pair.order] ??= []).push(outer(a[pair.a]!, b[pair.b]!))
      return part!(Object.fromEntries(Object.entries(parts).map(([order, values]) => [order, joinChannels(values)])))
    },
  })
}

/** [batch, I…, C] and [batch, J…, C] to [batch, I…, J…, C]. */
function outer(a: Value, b: Value): Value {
  const [batch, channels] = [a.shape[0]!, a.shape.at(-1)!]
  const [rows, cols] = [a.shape, b.shape].map((shape) => shape.slice(1, -1).reduce((x, y) => x * y, 1)) as [
    number,
    number,
  ]
  const loops = [
    { extent: batch, out: rows * cols * channels, a: rows * channels, b: cols * channels },
    { extent: rows, out: cols * channels, a: channels, b: 0 },
    { extent: cols, out: channels, a: 0, b: channels },
    { extent: channels, out: 1, a: 1, b: 1 },
  ]
  return contract(a, b, [batch, ...a.shape.slice(1, -1), ...b.shape.slice(1)], { loops })
}

/** The order of a tensor product. */
function joined(group: Group, a: string, b: string): string {
  const [left, right] = [group.parseOrder(a), group.parseOrder(b)]
  return typeof left === 'number' ? String(left + Number(right)) : `${left}${right}`
}
