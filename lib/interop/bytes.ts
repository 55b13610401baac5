import { expected, show } from '../errors.js'
import { allocate, bytesPerElement, checkDtype, type DataOf, type Dtype } from '../tensor/dtype.js'
import { checkShape, type TensorLike } from '../tensor/tensor.js'

/** @throws BrauerError `invalid-argument` unless it is the bytes of a file: a Uint8Array, a Buffer too. */
export function checkSource(bytes: unknown, where: string): asserts bytes is Uint8Array {
  // By shape, not by class: the value may come from another realm.
  if (ArrayBuffer.isView(bytes) && (bytes as Uint8Array).BYTES_PER_ELEMENT === 1) return
  throw expected('invalid-argument', where, 'the bytes of a file as a Uint8Array', show(bytes))
}

/** The elements of a dtype that lie at `offset`: a view where they are aligned, else a copy. */
export function viewOf<D extends Dtype>(bytes: Uint8Array, offset: number, dtype: D, count: number): DataOf[D] {
  const empty = allocate(dtype, 0)
  const at = bytes.byteOffset + offset
  const make = empty.constructor as new (buffer: ArrayBufferLike, offset: number, count: number) => DataOf[D]
  if (at % bytesPerElement(dtype) === 0) return new make(bytes.buffer, at, count)
  return new make(copyOf(bytes, offset, count * bytesPerElement(dtype)).buffer, 0, count)
}

export function copyOf(bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length)
  copy.set(bytes.subarray(offset, offset + length))
  return copy
}

/** The bytes of a tensor's elements, not copied.
 *  @throws BrauerError when it is no tensor, or its data does not fit its shape and dtype */
export function bytesOf(value: TensorLike, where: string): Uint8Array {
  if (typeof value !== 'object' || value === null || !('dims' in value))
    throw expected('invalid-argument', where, 'a tensor', show(value))
  const dtype = checkDtype(value.type, where)
  checkShape(value.dims, where)
  const data = value.data
  const wanted = allocate(dtype, 0).constructor.name
  // By name, not by class: the array may come from another realm.
  if (!ArrayBuffer.isView(data) || data.constructor.name !== wanted) {
    throw expected('invalid-buffer', where, `a ${wanted} for ${dtype}`, show(data))
  }
  const length = elements(value.dims) * bytesPerElement(dtype)
  if (data.byteLength !== length) {
    throw expected(
      'invalid-shape',
      where,
      `${length} bytes for ${dtype} [${value.dims.join(', ')}]`,
      `${data.byteLength}`,
    )
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The number of elements of a shape; NaN or past 2^53 where it is no size. */
export function elements(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1)
}

/** The value as a list of sizes, or undefined when it is none. */
export function sizesOf(value: unknown): number[] | undefined {
  const isSize = (item: unknown): boolean => Number.isSafeInteger(item) && (item as number) >= 0
  return Array.isArray(value) && value.every(isSize) ? (value as number[]) : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
