import { types } from 'node:util'
import { BrauerError, expected, show } from '../errors.js'
import { allocate, arrayName, checkDtype, holds, type DataOf, type Dtype } from './dtype.js'
import { decoder, encoder } from './half.js'
import { memoryOf, type DeviceData, type DeviceMemory } from './device.js'
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
/** A tensor on a device: `shape` is frozen and of the size of `data`. */
export let wrapDevice: <D extends Dtype>(data: DeviceData<D>, shape: readonly number[]) => Tensor<D>
/** Where the elements of a tensor lie on a device; undefined for values that are none such. */
export let deviceDataOf: (value: unknown) => DeviceData | undefined
const ours = Symbol('ours')

/** A dense row-major array of numbers, on the host or in memory of a device. `data` is not copied: it is the array the tensor was made
 *  from, or the one a backend wrote. float16 and bfloat16 are held as their bits in a Uint16Array. */
export class Tensor<D extends Dtype = Dtype> implements TensorLike {
  readonly shape: readonly number[]
  readonly dtype: D
  /** 'cpu', or where the elements lie: 'cuda:0' and so on. */
  readonly device: string
  readonly size: number
  #data: DataOf[D] | undefined
  #remote: DeviceData<D> | undefined
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
    wrapDevice = (data, shape) => new Tensor(data, shape, data.dtype, ours)
    deviceDataOf = (value) => (Tensor.is(value) ? value.#remote : undefined)
  }

  /** @throws BrauerError `invalid-argument`, `invalid-shape`, `invalid-dtype`; `tensor` converts data, this does not */
  constructor(data: DataOf[D], shape: readonly number[], dtype: D)
  /** @internal Without checks. */
  constructor(data: DataOf[D] | DeviceData<D>, shape: readonly number[], dtype: D, whose: typeof ours)
  constructor(data: DataOf[D] | DeviceData<D>, shape: readonly number[], dtype: D, whose?: typeof ours) {
    this.#kind = dtype
    this.#fixed = whose === ours
    if (whose === ours) {
      this.shape = shape
      this.dtype = dtype
      if (ArrayBuffer.isView(data)) {
        this.#data = data
        this.device = 'cpu'
        this.size = data.length
      } else {
        this.#remote = data
        this.device = data.device
        this.size = data.size
      }
      return
    }
    this.device = 'cpu'
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
    return this.#data !== undefined || this.#remote?.isLive === true
  }

  /** The elements. @throws BrauerError `disposed`; `tensor-on-device` where they do not lie on the host: `getData` reads them */
  get data(): DataOf[D] {
    if (this.#data) return this.#data
    if (!this.isLive) throw this.#disposed()
    throw expected(
      'tensor-on-device',
      this.#name(),
      'a tensor on the host (await getData() reads it)',
      `one on ${this.device}`,
    )
  }

  /** The elements; a copy of them where they lie on a device. @throws BrauerError `disposed`, `out-of-memory`, `device-lost` */
  async getData(): Promise<DataOf[D]> {
    return this.#remote?.isLive ? this.#remote.read() : this.data
  }

  /** A copy on a device, 'cuda', 'cuda:1' and so on, or on the host, 'cpu'; the tensor itself where it lies there already.
   *  @throws BrauerError `disposed`, `invalid-argument`, `backend-unavailable`, `out-of-memory`, `device-lost` */
  async to(device: string): Promise<Tensor<D>> {
    const memory = this.#target(device)
    if (memory === undefined) return this
    // What lies on the host is taken before this returns: the caller may write to it then.
    const data = this.#remote ? await this.#remote.read() : this.data
    return memory === 'cpu'
      ? wrap(data, this.shape, this.dtype)
      : wrapDevice(await memory.upload(this.dtype, data), this.shape)
  }

  /** `to` on the calling thread. */
  toSync(device: string): Tensor<D> {
    const memory = this.#target(device)
    if (memory === undefined) return this
    const data = this.#remote ? this.#remote.readSync() : this.data
    return memory === 'cpu'
      ? wrap(data, this.shape, this.dtype)
      : wrapDevice(memory.uploadSync(this.dtype, data), this.shape)
  }

  /** Where a move goes; undefined where there is nothing to do. */
  #target(device: string): DeviceMemory | 'cpu' | undefined {
    if (!this.isLive) throw this.#disposed()
    if (device === this.device) return undefined
    if (device === 'cpu') return 'cpu'
    const memory = memoryOf(device)
    return memory.device === this.device ? undefined : memory
  }

  #disposed(): BrauerError {
    return expected('disposed', this.#name(), 'a live tensor', 'a disposed one')
  }

  #name(): string {
    return `tensor [${this.shape.join(', ')}]`
  }

  /** The elements as numbers, whatever the dtype. */
  toNumbers(): number[] {
    return Array.from(this.data as ArrayLike<number>, decoder(this.dtype))
  }

  /** Lets go of the elements. Those on a device are freed now, or when calls in flight are done with them. */
  dispose(): void {
    this.#data = undefined
    this.#remote?.dispose()
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
