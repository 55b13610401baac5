import { types } from 'node:util'
import { BrauerError, expected, show } from '../errors.js'
import { allocate, arrayName, checkDtype, holds, type DataOf, type Dtype } from './dtype.js'
import { decoder, encoder } from './half.js'
import { isFixed, lengthOf } from './memory.js'
import { product } from './size.js'

/** Anything that every function of this package accepts as a tensor: onnxruntime tensors are such values as they are. */
export interface TensorLike {
  readonly dims: readonly number[]
  readonly type: string
  readonly data: unknown
}

/** The data of a tensor of this class and dtype, if there are `size` elements of it in memory that stays as it is: one look for
 *  what nearly every call gets. Undefined for everything else, which longer checks then name. */
export let elementsOf: (value: object, dtype: Dtype, size: number) => DataOf[Dtype] | undefined
/** A tensor over memory that the package has made: `shape` is frozen and of the size of `data`. */
export let wrap: <D extends Dtype>(data: DataOf[D], shape: readonly number[], dtype: D) => Tensor<D>
const ours = Symbol('ours')

/** A dense row-major array of numbers on the host. `data` is not copied: it is the array the tensor was made from, or the one
 *  a backend wrote. float16 and bfloat16 are held as their bits in a Uint16Array. */
export class Tensor<D extends Dtype = Dtype> implements TensorLike {
  readonly shape: readonly number[]
  readonly dtype: D
  readonly device: string = 'cpu'
  readonly size: number
  #data: DataOf[D] | undefined
  /** What `data` holds, and whether its memory is known to keep its length, whatever becomes of the public members. */
  readonly #kind: D
  #fixed: boolean

  static {
    elementsOf = (value, dtype, size) => {
      if (!(#data in value)) return undefined
      const data = value.#data
      // Detached memory has no elements.
      if (data === undefined || value.#kind !== dtype || size === 0 || lengthOf(data) !== size) return undefined
      if (!value.#fixed) value.#fixed = isFixed(data)
      return value.#fixed ? data : undefined
    }
    wrap = (data, shape, dtype) => new Tensor(data, shape, dtype, ours)
  }

  /** @throws BrauerError `invalid-argument`, `invalid-shape`, `invalid-dtype`; `tensor` converts data, this does not */
  constructor(data: DataOf[D], shape: readonly number[], dtype: D)
  /** @internal Without checks. */
  constructor(data: DataOf[D], shape: readonly number[], dtype: D, whose: typeof ours)
  constructor(data: DataOf[D], shape: readonly number[], dtype: D, whose?: typeof ours) {
    this.#kind = dtype
    this.#fixed = whose === ours
    if (whose === ours) {
      this.#data = data
      this.shape = shape
      this.dtype = dtype
      this.size = data.length
      return
    }
    checkDtype(dtype, 'tensor: dtype')
    checkShape(shape, 'tensor: shape')
    if (!holds(dtype, data))
      throw expected('invalid-argument', 'tensor: data', `a ${arrayName(dtype)} for ${dtype}`, show(data))
    this.#data = data
    this.shape = Object.freeze([...shape])
    this.dtype = dtype
    this.size = product(shape, 'tensor')
  }

  /** The shape, under the name onnxruntime gives it. */
  get dims(): readonly number[] {
    return this.shape
  }

  /** The dtype, under the name onnxruntime gives it. */
  get type(): D {
    return this.dtype
  }

  /** Whether a value is a tensor of this class, and not one that only inherits from it. */
  static is(value: unknown): value is Tensor {
    return typeof value === 'object' && value !== null && #data in value
  }

  /** False once the tensor is disposed. */
  get isLive(): boolean {
    return this.#data !== undefined
  }

  /** The elements. @throws BrauerError `disposed` */
  get data(): DataOf[D] {
    if (!this.#data)
      throw new BrauerError(
        'disposed',
        `tensor [${this.shape.join(', ')}]: expected a live tensor, received a disposed one`,
      )
    return this.#data
  }

  /** The elements, also of a tensor that lives on a device. */
  async getData(): Promise<DataOf[D]> {
    return this.data
  }

  /** The elements as numbers, whatever the dtype. */
  toNumbers(): number[] {
    return Array.from(this.data as ArrayLike<number>, decoder(this.dtype))
  }

  dispose(): void {
    this.#data = undefined
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** What `tensor` takes as data. */
export type TensorData = Float32Array | Float64Array | Uint16Array | readonly number[]

/** Makes a tensor of `data` in row-major order. Without a dtype a Float64Array gives float64, everything else float32. A typed
 *  array that already holds the dtype is used without a copy (a Uint16Array holds the bits of a 16-bit dtype); other
 *  data is converted.
 *  @throws BrauerError `invalid-shape` when the sizes do not multiply to the length, `invalid-dtype`, `size-overflow`
 *  @example tensor(new Float32Array(12), [4, 3]) */
export function tensor<D extends Dtype = 'float32'>(data: TensorData, shape: readonly number[], dtype?: D): Tensor<D> {
  const type = (
    dtype === undefined ? (types.isFloat64Array(data) ? 'float64' : 'float32') : checkDtype(dtype, 'tensor: dtype')
  ) as D
  checkShape(shape, 'tensor: shape')
  if (!Array.isArray(data) && !isData(data)) {
    throw expected(
      'invalid-argument',
      'tensor: data',
      'a Float32Array, Float64Array, Uint16Array or an array of numbers',
      show(data),
    )
  }
  const size = product(shape, 'tensor: shape')
  if (data.length !== size) {
    throw expected(
      'invalid-shape',
      'tensor: data',
      `${size} elements for the shape [${shape.join(', ')}]`,
      show(data.length),
    )
  }
  return new Tensor(store(data as TensorData, type), shape, type)
}

function store<D extends Dtype>(data: TensorData, dtype: D): DataOf[D] {
  if (holds(dtype, data)) return data
  if (types.isUint16Array(data)) {
    throw expected('invalid-dtype', 'tensor: dtype', 'float16 or bfloat16 for a Uint16Array, which holds bits', dtype)
  }
  const encode = encoder(dtype)
  const result = allocate(dtype, data.length)
  for (let i = 0; i < data.length; i++) {
    const value = data[i]
    if (typeof value !== 'number') throw expected('invalid-argument', `tensor: data[${i}]`, 'a number', show(value))
    result[i] = encode(value)
  }
  return result
}

export function isData(data: unknown): data is Float32Array | Float64Array | Uint16Array {
  return types.isFloat32Array(data) || types.isFloat64Array(data) || types.isUint16Array(data)
}

/** @throws BrauerError `invalid-shape` unless every size is a non-negative integer */
export function checkShape(shape: unknown, where: string): asserts shape is readonly number[] {
  if (!Array.isArray(shape)) throw expected('invalid-shape', where, 'an array of sizes', show(shape))
  // Holes count as what reading them gives.
  for (const size of Array.from(shape as unknown[])) {
    if (!Number.isSafeInteger(size) || (size as number) < 0)
      throw expected('invalid-shape', where, 'non-negative integers', show(shape))
  }
}
