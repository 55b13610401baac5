import type { Order } from '../groups/group.js'
import { parseSpace } from '../layers/operands.js'
import type { Module } from '../networks/module.js'

/** One order of an input or output space, with its name outside. */
export interface ModulePort {
  readonly name: string
  /** Its name in the space. */
  readonly key: string
  readonly channels: number
  readonly extents: readonly number[]
}

/** The inputs x0, x1, … or the outputs y0, y1, … of a module, by ascending order. The word without letters, of products of groups, goes by
 *  the name 0. */
export function portsOf(module: Module, side: 'input' | 'output'): ModulePort[] {
  const nameOf = (order: Order): string => `${side === 'input' ? 'x' : 'y'}${order === '' ? '0' : order}`
  return parseSpace(module.group, module[side], side).map(({ key, order, channels, extents }) => ({
    name: nameOf(order),
    key,
    channels,
    extents,
  }))
}
