import { expected, show } from '../errors.js'
import type { Group } from '../groups/group.js'

/** Items of one call that have the same n. */
export interface SizeGroup {
  readonly n: number
  readonly items: readonly number[]
}

/** Groups the items of a call by their n, ascending. @throws BrauerError `invalid-argument`, `invalid-group` */
export function groupBySize(sizes: unknown, batch: number, group: Group, where: string): SizeGroup[] {
  if (!group.sharesOverN)
    throw expected('invalid-group', `${where}: sizes`, 'a group whose diagrams serve every n (S)', group.toString())
  // One n for all kinds, so the smallest kind bounds it.
  const largest = Math.min(...group.kinds.map((kind) => kind.n))
  if (!Array.isArray(sizes) || sizes.length !== batch) {
    throw expected('invalid-argument', `${where}: sizes`, `one n for each of ${batch} items`, show(sizes))
  }
  const groups = new Map<number, number[]>()
  // Holes count as what reading them gives.
  Array.from(sizes as unknown[]).forEach((n, item) => {
    if (!Number.isSafeInteger(n) || (n as number) < 1 || (n as number) > largest) {
      throw expected('invalid-argument', `${where}: sizes[${item}]`, `an integer from 1 to ${largest}`, show(n))
    }
    const items = groups.get(n as number)
    if (items) items.push(item)
    else groups.set(n as number, [item])
  })
  return [...groups].map(([n, items]) => ({ n, items })).sort((a, b) => a.n - b.n)
}
