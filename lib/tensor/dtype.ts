import { types } from 'node:util'
import { expected, show } from '../errors.js'

/** Storage types of tensors. Arithmetic is float64 for float64 and float32 for all others. */
export const dtypes = ['float32', 'float64', 'float16', 'bfloat16'] as const
export type Dtype = (typeof dtypes)[number]

/** The array that holds elements of a dtype on the host; float16 and bfloat16 as their bits. */
export interface DataOf {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  bfloat16: Uint16Array
}

const constructors = { float32: Float32Array, float64: Float64Array, float16: Uint16Array, bfloat16: Uint16Array }

// These see the kind of an array whatever context made it, where `instanceof` knows only its own.
const { isFloat32Array, isFloat64Array, isUint16Array } = types
const tests = { float32: isFloat32Array, float64: isFloat64Array, float16: isUint16Array, bfloat16: isUint16Array }

/** @throws BrauerError `invalid-dtype` */
export function checkDtype(value: unknown, where: string): Dtype {
  if ((dtypes as readonly unknown[]).includes(value)) return value as Dtype
  throw expected('invalid-dtype', where, `one of ${dtypes.join(', ')}`, show(value))
}

/** A zeroed array for `size` elements of a dtype. */
export function allocate<D extends Dtype>(dtype: D, size: number): DataOf[D] {
  return new constructors[dtype](size) as DataOf[D]
}

/** Bytes from which zeros cost more than the detour around them: fresh pages are touched one by one. */
const zeroing = 2 ** 14
/** Bytes up to which every supported runtime makes buffers. */
const largestBuffer = 2 ** 31

/** `allocate` with anything in it. */
export function allocateUnset<D extends Dtype>(dtype: D, size: number): DataOf[D] {
  const bytes = size * constructors[dtype].BYTES_PER_ELEMENT
  if (!(bytes >= zeroing && bytes <= largestBuffer)) return allocate(dtype, size)
  return new constructors[dtype](Buffer.allocUnsafeSlow(bytes).buffer) as DataOf[D]
}

/** `size` elements of a dtype in a buffer, from a byte on. */
export function view<D extends Dtype>(dtype: D, buffer: ArrayBuffer, from: number, size: number): DataOf[D] {
  return new constructors[dtype](buffer, from, size) as DataOf[D]
}

/** The dtype of arithmetic and of parameters for a storage dtype. */
export function computeDtype(dtype: Dtype): 'float32' | 'float64' {
  return dtype === 'float64' ? 'float64' : 'float32'
}

/** Whether an array is the kind that holds elements of a dtype. */
export function holds<D extends Dtype>(dtype: D, data: unknown): data is DataOf[D] {
  // An array with members of its own in place of the built-in ones would answer differently at every look.
  return tests[dtype](data) && !Object.hasOwn(data, 'constructor') && !Object.hasOwn(data, 'length')
}

/** Name of the array class of a dtype. */
export function arrayName(dtype: Dtype): string {
  return constructors[dtype].name
}

export function bytesPerElement(dtype: Dtype): number {
  return constructors[dtype].BYTES_PER_ELEMENT
}
