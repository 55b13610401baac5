import type { Data } from '../backends/backend.js'
import { expected, show } from '../errors.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import type { Dtype } from '../tensor/dtype.js'
import { fresh, shapeOf, type Entry } from './operands.js'

/** Runs the layer of one n on the items that have it. */
export type MapOfSize = (n: number, x: Record<string, TensorLike>, options: { out: Record<string, Tensor> }) => unknown

/** A call whose items differ in n: items of one n are taken out of the padding together, run as a batch of their own, and put
 *  back; the padding of the results is zero. */
export interface SizedCall {
  readonly from: readonly Entry[]
  readonly to: readonly Entry[]
  readonly batch: number
  readonly input: readonly Data[]
  readonly output: readonly Data[]
  readonly sizes: readonly number[]
  readonly dtype: Dtype
  readonly channelsFirst: boolean
  readonly where: string
  readonly options: object
}

/** @throws BrauerError `invalid-argument` for sizes that do not fit */
export function runBySize(call: SizedCall, map: MapOfSize): { forEachSync(): void; forEach(): Promise<void> } {
  const groups = bySize(call)
  for (const data of call.output) data.fill(0)
  const steps = [...groups].map(([n, items]) => () => {
    const x = tensors(call, call.from, n, items, call.input)
    const out = tensors(call, call.to, n, items, undefined) as Record<string, Tensor>
    const finish = (): void =>
      call.to.forEach((entry, i) => copy(call, entry, n, items, call.output[i]!, out[entry.key]!.data, true))
    return { result: map(n, x, { ...call.options, out }), finish }
  })
  return {
    forEachSync: () => steps.forEach((step) => step().finish()),
    forEach: async () => {
      for (const step of steps) {
        const { result, finish } = step()
        await result
        finish()
      }
    },
  }
}

function bySize({ sizes, batch, from, to, where }: SizedCall): Map<number, number[]> {
  const most = Math.max(1, ...[...from, ...to].flatMap((entry) => entry.extents))
  if (!Array.isArray(sizes) || sizes.length !== batch)
    throw expected('invalid-argument', `${where}: sizes`, `one n for each of ${batch} items`, show(sizes))
  const groups = new Map<number, number[]>()
  sizes.forEach((n: unknown, item) => {
    if (!Number.isSafeInteger(n) || (n as number) < 1 || (n as number) > most) {
      throw expected('invalid-argument', `${where}: sizes[${item}]`, `an integer from 1 to ${most}`, show(n))
    }
    const items = groups.get(n as number)
    if (items) items.push(item)
    else groups.set(n as number, [item])
  })
  return groups
}

/** The items of one n without their padding; empty tensors where there is no data to take. */
function tensors(
  call: SizedCall,
  entries: readonly Entry[],
  n: number,
  items: readonly number[],
  data: readonly Data[] | undefined,
): Record<string, Tensor> {
  return Object.fromEntries(
    entries.map((entry, i) => {
      const small = { ...entry, extents: entry.extents.map(() => n) }
      const shape = shapeOf(small, items.length, call.channelsFirst) as number[]
      const part = fresh(
        call.dtype,
        shape.reduce((a, b) => a * b, 1),
      )
      if (data) copy(call, entry, n, items, data[i]!, part, false)
      return [entry.key, new Tensor(part, shape, call.dtype)]
    }),
  )
}

/** Copies the n^k corner of every item between the padded array and the packed one. */
function copy(
  call: SizedCall,
  entry: Entry,
  n: number,
  items: readonly number[],
  padded: Data,
  packed: Data,
  back: boolean,
): void {
  const { extents, channels, size } = entry
  const dims = call.channelsFirst ? [channels, ...extents] : [...extents, channels]
  const corner = call.channelsFirst ? [channels, ...extents.map(() => n)] : [...extents.map(() => n), channels]
  const row = corner.at(-1)!
  let at = 0
  const visit = (depth: number, offset: number): void => {
    if (depth === corner.length - 1) {
      if (back) padded.set(packed.subarray(at, at + row), offset)
      else packed.set(padded.subarray(offset, offset + row), at)
      at += row
      return
    }
    const stride = dims.slice(depth + 1).reduce((a, b) => a * b, 1)
    for (let i = 0; i < corner[depth]!; i++) visit(depth + 1, offset + i * stride)
  }
  for (const item of items) visit(0, item * size)
}
