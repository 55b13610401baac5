import { types } from 'node:util'

type Elements = Float32Array | Float64Array | Uint16Array

// The built-in members of a typed array, whatever members of its own somebody has given it.
const prototype: object = Object.getPrototypeOf(Float32Array.prototype) as object
const getter = (name: string): unknown => Object.getOwnPropertyDescriptor(prototype, name)!.get
const length = getter('length') as (this: Elements) => number
const buffer = getter('buffer') as (this: Elements) => ArrayBufferLike & { readonly resizable?: boolean }
const byteOffset = getter('byteOffset') as (this: Elements) => number
const byteLength = getter('byteLength') as (this: Elements) => number

/** Elements of an array; none where its memory was transferred away. */
export const lengthOf = (array: Elements): number => length.call(array)
export const bufferOf = (array: Elements): ArrayBufferLike => buffer.call(array)
export const bytesOf = (array: Elements): number => byteLength.call(array)

/** Whether two arrays have elements in common. */
export function overlap(a: Elements, b: Elements): boolean {
  if (buffer.call(a) !== buffer.call(b)) return false
  const [first, second] = [byteOffset.call(a), byteOffset.call(b)]
  return first < second + byteLength.call(b) && second < first + byteLength.call(a)
}

/** Whether no other thread sees the memory of an array, and its length stays until it is transferred away. */
export function isFixed(array: Elements): boolean {
  const memory = buffer.call(array)
  return types.isArrayBuffer(memory) && memory.resizable !== true
}
