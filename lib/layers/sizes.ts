import type { Data } from '../backends/backend.js'
import { expected, show } from '../errors.js'
import type { Group } from '../groups/group.js'
import type { Dtype } from '../tensor/dtype.js'
import { fresh, type Entry } from './operands.js'

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

/** The n^k corner of every item of a group, without the padding around it. */
export function takeCorners(
  entries: readonly Entry[],
  small: readonly Entry[],
  group: SizeGroup,
  data: readonly Data[],
  dtype: Dtype,
  channelsFirst: boolean,
): Data[] {
  const corners = freshCorners(small, group, dtype)
  entries.forEach((entry, i) => {
    for (const [packed, padded, row] of cornerRows(entry, small[i]!, group, channelsFirst)) {
      corners[i]!.set(data[i]!.subarray(padded, padded + row), packed)
    }
  })
  return corners
}

/** Puts corners back in their items. */
export function putCorners(
  entries: readonly Entry[],
  small: readonly Entry[],
  group: SizeGroup,
  corners: readonly Data[],
  data: readonly Data[],
  channelsFirst: boolean,
): void {
  entries.forEach((entry, i) => {
    for (const [packed, padded, row] of cornerRows(entry, small[i]!, group, channelsFirst)) {
      data[i]!.set(corners[i]!.subarray(packed, packed + row), padded)
    }
  })
}

/** Room for the corners of a group. */
export function freshCorners(small: readonly Entry[], { items }: SizeGroup, dtype: Dtype): Data[] {
  return small.map((entry) => fresh(dtype, items.length * entry.size))
}

/** Contiguous rows of the corners: where each starts without and with padding, and its length. */
function* cornerRows(
  entry: Entry,
  small: Entry,
  { items }: SizeGroup,
  channelsFirst: boolean,
): Generator<[number, number, number]> {
  const dims = ({ extents, channels }: Entry): number[] =>
    channelsFirst ? [channels, ...extents] : [...extents, channels]
  const [outer, inner] = [dims(entry), dims(small)]
  const row = inner.at(-1)!
  let packed = 0
  for (const item of items) {
    for (let at = 0; at < small.size; at += row) {
      // The multi-index of a row, read off its place in the packed item, gives its place in the padded one.
      let rest = at / row
      let padded = 0
      let stride = outer.at(-1)!
      for (let p = inner.length - 2; p >= 0; p--) {
        padded += (rest % inner[p]!) * stride
        rest = Math.floor(rest / inner[p]!)
        stride *= outer[p]!
      }
      yield [packed + at, item * entry.size + padded, row]
    }
    packed += small.size
  }
}
