import type { Data, Operand } from '../backends/backend.js'
import type { DeviceData, DeviceMemory, DeviceProgram, RowMove } from '../tensor/device.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Space } from './call.js'
import type { CallMemory } from './call-memory.js'
import { isRemote } from './end.js'
import type { Run } from './job.js'
import { fresh, type Entry } from './operands.js'
import type { Setup } from './setup.js'
import type { SizeGroup } from './sizes.js'

/** Items of one n, and the entries of a layer of that n. */
export interface Part {
  readonly group: SizeGroup
  readonly small: readonly Entry[]
}

/** The n^k corners of the items of a call, without the padding around them: by part, then by entry, each where the padded operand
 *  lies. */
export interface Corners {
  readonly corners: readonly (readonly Operand[])[]
  /** Copies on a device, before or after the runs of the parts. */
  readonly runs: readonly Run[]
}

/** How the operands of a call lie, and what it takes of a device. */
export interface Layout {
  readonly dtype: Dtype
  readonly channelsFirst: boolean
  readonly device: DeviceMemory | undefined
  readonly memory: CallMemory
}

export const layoutOf = (
  { options, backend }: Pick<Setup<Space, Space, Dtype>, 'options' | 'backend'>,
  memory: CallMemory,
): Layout => ({
  dtype: options.dtype,
  channelsFirst: options.layout === 'channels-first',
  device: backend.memory,
  memory,
})

/** Cuts corners out of inputs: those on the host now. */
export function takeCorners(
  entries: readonly Entry[],
  parts: readonly Part[],
  data: readonly Operand[],
  layout: Layout,
): Corners {
  const corners = freshCorners(parts, data, layout)
  eachOnHost(entries, parts, data, corners, layout, (padded, packed, from, at, row) => {
    packed.set(padded.subarray(from, from + row), at)
  })
  return { corners, runs: copies(entries, parts, data, corners, layout, false) }
}

/** Room for corners of outputs, which `finish` and the runs put back; the padding becomes zero. */
export function putCorners(
  entries: readonly Entry[],
  parts: readonly Part[],
  data: readonly Operand[],
  layout: Layout,
): Corners & { finish(): void } {
  const corners = freshCorners(parts, data, layout)
  const finish = (): void => {
    for (const each of data) if (!isRemote(each)) each.fill(0)
    eachOnHost(entries, parts, data, corners, layout, (padded, packed, from, at, row) => {
      padded.set(packed.subarray(at, at + row), from)
    })
  }
  return { corners, runs: copies(entries, parts, data, corners, layout, true), finish }
}

function freshCorners(
  parts: readonly Part[],
  data: readonly Operand[],
  { dtype, device, memory }: Layout,
): readonly (readonly Operand[])[] {
  return parts.map(({ small, group: { items } }) =>
    small.map(({ size }, i) =>
      isRemote(data[i]!)
        ? memory.keep(device!.allocate(dtype, items.length * size))
        : fresh(dtype, items.length * size),
    ),
  )
}

/** Calls `move` with each contiguous row of the corners on the host: where it starts with padding and without. */
function eachOnHost(
  entries: readonly Entry[],
  parts: readonly Part[],
  data: readonly Operand[],
  corners: readonly (readonly Operand[])[],
  { channelsFirst }: Layout,
  move: (padded: Data, packed: Data, from: number, at: number, row: number) => void,
): void {
  parts.forEach(({ group, small }, part) => {
    entries.forEach((entry, i) => {
      const padded = data[i]!
      if (isRemote(padded)) return
      const { row, offsets } = rowsOf(entry, small[i]!, channelsFirst)
      let at = 0
      for (const item of group.items) {
        for (const offset of offsets) {
          move(padded, corners[part]![i] as Data, item * entry.size + offset, at, row)
          at += row
        }
      }
    })
  })
}

/** One run that moves all corners on the device; none where there are none. */
function copies(
  entries: readonly Entry[],
  parts: readonly Part[],
  data: readonly Operand[],
  corners: readonly (readonly Operand[])[],
  { dtype, channelsFirst, device, memory }: Layout,
  back: boolean,
): Run[] {
  const remote = entries.flatMap((_, i) => (isRemote(data[i]!) ? [i] : []))
  if (device === undefined || remote.length === 0) return []
  // The caller may dispose of theirs before the call has come to this.
  const padded = remote.map((i) => memory.keep((data[i] as DeviceData).share()))
  const packed = corners.flatMap((each) => remote.map((i) => each[i] as DeviceData))
  const [inputs, outputs] = back ? [packed, padded] : [padded, packed]
  const [firstPadded, firstPacked] = back ? [packed.length, 0] : [0, padded.length]
  const moves = parts.flatMap(({ group: { items }, small }, part) =>
    remote.map((i, at): RowMove => {
      const { row, offsets } = rowsOf(entries[i]!, small[i]!, channelsFirst)
      return {
        spread: firstPadded + at,
        packed: firstPacked + part * remote.length + at,
        row,
        items: items.map((item) => item * entries[i]!.size),
        rows: offsets,
      }
    }),
  )
  const sizes = (each: readonly DeviceData[]): number[] => each.map(({ size }) => size)
  const executable: DeviceProgram = device.mover(dtype, sizes(inputs), sizes(outputs), moves, back)
  memory.atEnd(() => executable.dispose())
  return [{ executable, batch: 1, operands: [...inputs, ...outputs] }]
}

/** The contiguous rows of an item's corner: where each starts in the padded item, and their length. */
function rowsOf(entry: Entry, small: Entry, channelsFirst: boolean): { row: number; offsets: readonly number[] } {
  const dims = ({ extents, channels }: Entry): number[] =>
    channelsFirst ? [channels, ...extents] : [...extents, channels]
  const [outer, inner] = [dims(entry), dims(small)]
  // Sizes that are equal, and the one before them, lie together in both.
  let first = inner.length - 1
  while (first > 0 && inner[first] === outer[first]) first--
  const below = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
  let offsets = [0]
  for (let p = 0; p < first; p++) {
    const stride = below(outer.slice(p + 1))
    offsets = offsets.flatMap((offset) => Array.from({ length: inner[p]! }, (_, i) => offset + i * stride))
  }
  return { row: below(inner.slice(first)), offsets }
}
