import { types } from 'node:util'
import type { Data, Operand } from '../backends/backend.js'
import { BrauerError, expected, show } from '../errors.js'
import type { Group, Order } from '../groups/group.js'
import { allocate, allocateUnset, arrayName, holds, type Dtype } from '../tensor/dtype.js'
import { own } from '../tensor/owned.js'
import { product } from '../tensor/size.js'
import type { DeviceData, DeviceMemory } from '../tensor/device.js'
import { deviceDataOf, Tensor, type TensorLike } from '../tensor/tensor.js'
import { checkInteger } from './options.js'

/** One order of a space: ⊗ of `extents` with `channels`. */
export interface Entry {
  readonly key: string
  readonly order: Order
  readonly channels: number
  readonly extents: readonly number[]
  /** Elements of one batch item. */
  readonly size: number
}

/** Reads a space such as `{ 0: 32, 1: 16 }` and sorts it by order.
 *  @throws BrauerError `invalid-argument`, `invalid-order`, `size-overflow` */
export function parseSpace(group: Group, space: unknown, where: string): Entry[] {
  if (typeof space !== 'object' || space === null || Array.isArray(space) || ArrayBuffer.isView(space)) {
    throw expected('invalid-argument', where, 'a record of order to channels such as { 1: 8, 2: 8 }', show(space))
  }
  const entries = Object.entries(space).map(([key, channels]): Entry => {
    const order = group.parseOrder(key)
    checkInteger(channels, `${where}, order ${key}`, 1)
    const extents = group.indices(order).map((kind) => group.kinds[kind]!.n)
    return {
      key,
      order,
      channels,
      extents,
      size: product([...extents, channels], `${where}, order ${key}`),
    }
  })
  if (entries.length === 0) throw expected('invalid-argument', where, 'at least one order', '{}')
  const length = (entry: Entry): number => entry.extents.length
  entries.forEach(({ key, order }, i) => {
    const twin = entries.slice(0, i).find((other) => other.order === order)
    if (twin) throw expected('invalid-order', where, 'each order once', `${show(twin.key)} and ${show(key)}`)
  })
  entries.sort((a, b) => length(a) - length(b) || (a.key < b.key ? -1 : 1))
  return entries
}

/** Operands of one call: one array per entry, and the batch they share. */
export interface Operands {
  readonly batch: number
  readonly data: Operand[]
  /** The tensors they were taken from, by entry. */
  readonly tensors: readonly TensorLike[]
}

/** Checks a record of tensors against a space and takes their elements, without copying.
 *  @param memory where else than on the host they may lie
 *  @throws BrauerError `invalid-argument`, `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `tensor-on-device` */
export function takeInputs(
  entries: readonly Entry[],
  x: unknown,
  dtype: Dtype,
  channelsFirst: boolean,
  where: string,
  memory?: DeviceMemory,
): Operands {
  if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x) || 'dims' in x) {
    throw expected('invalid-argument', where, `a record of order to tensor (${names(entries)})`, show(x))
  }
  checkKeys(entries, x, where)
  const data: Operand[] = []
  const tensors: TensorLike[] = []
  let batch = -1
  for (const entry of entries) {
    const value = (x as Record<string, unknown>)[entry.key]
    if (value === undefined) throw expected('invalid-order', where, `a tensor for order ${entry.key}`, 'none')
    const tensor = asTensor(value, `${where}, order ${entry.key}`)
    const { dims } = tensor
    const first = dims[0]
    const shape = shapeOf(entry, batch < 0 ? 'batch' : batch, channelsFirst)
    const fits = dims.length === shape.length && shape.every((size, i) => size === 'batch' || size === dims[i])
    if (!fits || !Number.isSafeInteger(first) || first! < 0) {
      throw expected('invalid-shape', `${where}, order ${entry.key}`, `shape [${shape.join(', ')}]`, show(dims))
    }
    if (batch < 0) batch = first!
    const size = product([batch, entry.size], where)
    const place = `${where}, order ${entry.key}`
    const remote = deviceDataOf(value)
    data.push(remote ? takeRemote(remote, dtype, size, memory, place) : takeData(tensor, dtype, size, place))
    tensors.push(Tensor.is(value) ? value : tensor)
  }
  return { batch, data, tensors }
}

/** Zeroed memory that no one can transfer away during an asynchronous call. @throws BrauerError `out-of-memory` */
export function fresh(dtype: Dtype, size: number): Data {
  return owning(dtype, size, allocate)
}

/** The same with anything in it, for what is written as a whole before anybody sees it. */
export function unset(dtype: Dtype, size: number): Data {
  return owning(dtype, size, allocateUnset)
}

function owning(dtype: Dtype, size: number, make: (dtype: Dtype, size: number) => Data): Data {
  let data: Data
  try {
    data = make(dtype, size)
  } catch (error) {
    throw new BrauerError(
      'out-of-memory',
      `outputs: expected memory for ${size} elements of ${dtype}, received ${(error as Error).message}`,
    )
  }
  own(data.buffer as ArrayBuffer)
  return data
}

export function shapeOf(entry: Entry, batch: number | 'batch', channelsFirst: boolean): (number | 'batch')[] {
  return channelsFirst ? [batch, entry.channels, ...entry.extents] : [batch, ...entry.extents, entry.channels]
}

/** A tensor's members, each read once. @throws BrauerError `invalid-argument` unless the value looks like a tensor */
export function asTensor(value: unknown, where: string): TensorLike {
  const isTensor = Tensor.is(value)
  if (isTensor && value.isLive) return value
  if (!isTensor && value instanceof Tensor)
    throw expected('invalid-argument', where, 'a tensor', 'an object that only looks like one')
  if (typeof value === 'object' && value !== null && !isTensor && 'data' in value) {
    const { dims, type, data } = value as Partial<TensorLike>
    if (Array.isArray(dims) && typeof type === 'string')
      return { dims: Array.from(dims as unknown[]) as number[], type, data }
  }
  if (isTensor)
    throw new BrauerError(
      'disposed',
      `${where}, tensor ${show(value.shape)}: expected a live tensor, received a disposed one`,
    )
  throw expected('invalid-argument', where, 'a tensor (anything with dims, type and data)', show(value))
}

/** The elements of a tensor on a device, checked. @throws BrauerError `invalid-dtype`, `invalid-shape`, `tensor-on-device` */
function takeRemote(
  data: DeviceData,
  dtype: Dtype,
  size: number,
  memory: DeviceMemory | undefined,
  where: string,
): DeviceData {
  if (data.dtype !== dtype) throw expected('invalid-dtype', where, dtype, show(data.dtype))
  // The shape is a public member: anybody could have written another one.
  if (data.size !== size) throw expected('invalid-shape', where, `${size} elements`, String(data.size))
  if (data.device === memory?.device) return data
  const wanted = memory === undefined ? 'a tensor on the host' : `a tensor on ${memory.device} or on the host`
  throw expected('tensor-on-device', where, `${wanted} (to() moves it)`, `one on ${data.device}`)
}

/** The array of a tensor, checked. @throws BrauerError `invalid-dtype`, `invalid-shape`, `invalid-buffer`, `tensor-on-device` */
export function takeData(tensor: TensorLike, dtype: Dtype, size: number, where: string): Data {
  if (tensor.type !== dtype) throw expected('invalid-dtype', where, dtype, show(tensor.type))
  const remote = deviceDataOf(tensor)
  if (remote)
    throw expected('tensor-on-device', where, "a tensor on the host (to('cpu') makes one)", `one on ${remote.device}`)
  let data = tensor.data
  // Newer runtimes keep half floats in an array class of their own; the bits are the same.
  if (dtype === 'float16' && ArrayBuffer.isView(data) && data.constructor.name === 'Float16Array') {
    data = new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2)
  }
  if (!holds(dtype, data)) throw expected('invalid-dtype', where, `a ${arrayName(dtype)} for ${dtype}`, show(data))
  checkBuffer(data, where)
  if (data.length !== size) throw expected('invalid-shape', where, `${size} elements`, String(data.length))
  return data
}

function checkBuffer(data: Data, where: string): void {
  const buffer = data.buffer as ArrayBuffer & { readonly resizable?: boolean; readonly detached?: boolean }
  if (types.isSharedArrayBuffer(buffer))
    throw expected('invalid-buffer', where, 'an ArrayBuffer of its own', 'a SharedArrayBuffer')
  if (buffer.resizable) throw expected('invalid-buffer', where, 'a buffer of fixed length', 'a resizable one')
  if (buffer.detached ?? (data.length === 0 && data.byteOffset === 0 && isDetached(buffer))) {
    throw expected('invalid-buffer', where, 'a live buffer', 'a detached one (transferred away)')
  }
}

/** For runtimes without ArrayBuffer.detached: a detached buffer cannot be viewed. */
function isDetached(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

function checkKeys(entries: readonly Entry[], x: object, where: string): void {
  for (const key of Object.keys(x)) {
    if (!entries.some((entry) => entry.key === key))
      throw expected('invalid-order', where, `the orders ${names(entries)}`, show(key))
  }
}

const names = (entries: readonly Entry[]): string => entries.map((entry) => entry.key).join(', ')
