import type { Data, Operand } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { DeviceData, DeviceMemory } from '../tensor/device.js'
import type { Dtype } from '../tensor/dtype.js'
import { overlap } from '../tensor/memory.js'
import { product } from '../tensor/size.js'
import { elementsOf, Tensor, wrap, wrapDevice, type TensorLike } from '../tensor/tensor.js'
import { shapeOf, takeInputs, unset, type Entry, type Operands } from './operands.js'

/** One end of a layer, its input or its output: the entries of a space, with what every call needs of them. */
export class End {
  readonly entries: readonly Entry[]
  readonly #dtype: Dtype
  readonly #channelsFirst: boolean
  /** Sizes of one item as it lies in memory. */
  readonly #dims: readonly (readonly number[])[]
  /** The keys in the form in which the engine finds them fastest. */
  readonly #fields: readonly string[]
  readonly #blank: Record<string, TensorLike>
  #batch = -1
  #shapes: readonly (readonly number[])[] = []
  readonly #memory: DeviceMemory | undefined

  /** @param memory where else than on the host tensors may lie */
  constructor(entries: readonly Entry[], dtype: Dtype, channelsFirst: boolean, memory?: DeviceMemory) {
    this.entries = entries
    this.#memory = memory
    this.#dtype = dtype
    this.#channelsFirst = channelsFirst
    this.#dims = entries.map((entry) => shapeOf(entry, 0, channelsFirst).slice(1) as number[])
    this.#fields = entries.map(({ key }) => (String(Number(key)) === key ? (Number(key) as unknown as string) : key))
    this.#blank = Object.fromEntries(entries.map(({ key }) => [key, undefined as unknown as TensorLike]))
  }

  /** Checks a record of tensors and takes their elements, without copying.
   *  @throws BrauerError `invalid-argument`, `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `tensor-on-device` */
  take(x: unknown, where: string): Operands {
    return this.#quick(x) ?? takeInputs(this.entries, x, this.#dtype, this.#channelsFirst, where, this.#memory)
  }

  /** Outputs of our own, for a program to fill: on the device where one of its inputs lies there.
   *  @throws BrauerError `size-overflow`, `out-of-memory`, `device-lost` */
  make(batch: number, inputs: readonly Operand[], where: string): Operands {
    const memory = this.#memory
    if (memory !== undefined && inputs.some(isRemote)) return this.#makeThere(batch, memory, where)
    const data = this.entries.map(({ size }) => unset(this.#dtype, product([batch, size], where)))
    const shapes = this.shapes(batch)
    return { batch, data, tensors: data.map((each, i) => wrap(each, shapes[i]!, this.#dtype)) }
  }

  #makeThere(batch: number, memory: DeviceMemory, where: string): Operands {
    const data: DeviceData[] = []
    try {
      for (const { size } of this.entries) data.push(memory.allocate(this.#dtype, product([batch, size], where)))
    } catch (error) {
      for (const each of data) each.dispose()
      throw error
    }
    const shapes = this.shapes(batch)
    return { batch, data, tensors: data.map((each, i) => wrapDevice(each, shapes[i]!)) }
  }

  /** The caller's outputs after the checks of inputs. None may share memory with anything else of the call. */
  takeOut(out: unknown, from: End, { batch, data: input }: Operands, where: string): Operands {
    const given = this.take(out, `${where}: out`)
    const { data } = given
    if (given.batch !== batch)
      throw expected('invalid-shape', `${where}: out`, `a batch of ${batch}`, String(given.batch))
    const refuse = (i: number, what: string): never => {
      const place = `${where}: out, order ${this.entries[i]!.key}`
      throw expected('invalid-buffer', place, 'memory of its own', `memory of ${what}`)
    }
    for (let i = 0; i < data.length; i++) {
      for (let k = 0; k < input.length; k++)
        if (share(data[i]!, input[k]!)) refuse(i, `the input of order ${from.entries[k]!.key}`)
      for (let k = 0; k < i; k++)
        if (share(data[i]!, data[k]!)) refuse(i, `the output of order ${this.entries[k]!.key}`)
    }
    const tensors = given.tensors.map((each, i) =>
      Tensor.is(each) ? each : new Tensor(data[i] as Data, each.dims, this.#dtype),
    )
    return { batch, data, tensors }
  }

  /** Tensors under the keys of their orders. */
  record(tensors: readonly TensorLike[]): Record<string, TensorLike> {
    // A copy of a record that has the keys takes a tenth of the time of one that gets them.
    const record = { ...this.#blank }
    for (let i = 0; i < tensors.length; i++) record[this.#fields[i]!] = tensors[i]!
    return record
  }

  /** Frozen shapes, which tensors share. */
  shapes(batch: number): readonly (readonly number[])[] {
    if (batch !== this.#batch) {
      this.#shapes = this.#dims.map((dims) => Object.freeze([batch, ...dims]))
      this.#batch = batch
    }
    return this.#shapes
  }

  /** What `take` gives for tensors of our own that are right; undefined for all else. */
  #quick(x: unknown): Operands | undefined {
    if (typeof x !== 'object' || x === null) return undefined
    const { entries } = this
    const keys = Object.keys(x)
    if (keys.length !== entries.length) return undefined
    // Of their final size: arrays that grow take many times the memory.
    const data = new Array<Data>(entries.length)
    const tensors = new Array<TensorLike>(entries.length)
    let batch = -1
    for (let i = 0; i < entries.length; i++) {
      const value = (x as Record<string, unknown>)[this.#fields[i]!]
      if (keys[i] !== entries[i]!.key || typeof value !== 'object' || value === null) return undefined
      const dims: unknown = (value as Partial<Tensor>).shape
      if (!Array.isArray(dims)) return undefined
      if (i === 0) batch = dims[0] as number
      if (!Number.isSafeInteger(batch) || !fits(dims, batch, this.#dims[i]!)) return undefined
      const elements = elementsOf(value, this.#dtype, batch * entries[i]!.size)
      if (elements === undefined) return undefined
      data[i] = elements
      tensors[i] = value as Tensor
    }
    return { batch, data, tensors }
  }
}

/** Whether an operand lies on a device. */
export const isRemote = (operand: Operand): operand is DeviceData => !ArrayBuffer.isView(operand)

/** Frees what lies on a device. */
export function release(operands: readonly Operand[]): void {
  for (const operand of operands) if (isRemote(operand)) operand.dispose()
}

function share(a: Operand, b: Operand): boolean {
  return isRemote(a) || isRemote(b) ? a === b : overlap(a, b)
}

function fits(shape: readonly unknown[], batch: number, item: readonly number[]): boolean {
  if (shape.length !== item.length + 1 || shape[0] !== batch) return false
  for (let i = 0; i < item.length; i++) if (shape[i + 1] !== item[i]) return false
  return true
}
