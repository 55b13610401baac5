import type { Data } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { Dtype } from '../tensor/dtype.js'
import { overlap } from '../tensor/memory.js'
import { product } from '../tensor/size.js'
import { elementsOf, Tensor, wrap, type TensorLike } from '../tensor/tensor.js'
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

  constructor(entries: readonly Entry[], dtype: Dtype, channelsFirst: boolean) {
    this.entries = entries
    this.#dtype = dtype
    this.#channelsFirst = channelsFirst
    this.#dims = entries.map((entry) => shapeOf(entry, 0, channelsFirst).slice(1) as number[])
    this.#fields = entries.map(({ key }) => (String(Number(key)) === key ? (Number(key) as unknown as string) : key))
    this.#blank = Object.fromEntries(entries.map(({ key }) => [key, undefined as unknown as TensorLike]))
  }

  /** Checks a record of tensors and takes their arrays, without copying.
   *  @throws BrauerError `invalid-argument`, `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer` */
  take(x: unknown, where: string): Operands {
    return this.#quick(x) ?? takeInputs(this.entries, x, this.#dtype, this.#channelsFirst, where)
  }

  /** Outputs of our own, for a program to fill. @throws BrauerError `size-overflow`, `out-of-memory` */
  make(batch: number, where: string): Operands {
    const data = this.entries.map(({ size }) => unset(this.#dtype, product([batch, size], where)))
    const shapes = this.shapes(batch)
    return { batch, data, tensors: data.map((each, i) => wrap(each, shapes[i]!, this.#dtype)) }
  }

  /** The caller's outputs after the checks of inputs. None may share memory with anything else of the call. */
  takeOut(out: unknown, from: End, { batch, data: input }: Operands, where: string): Operands {
    const given = this.#quick(out) ?? takeInputs(this.entries, out, this.#dtype, this.#channelsFirst, `${where}: out`)
    const { data } = given
    if (given.batch !== batch)
      throw expected('invalid-shape', `${where}: out`, `a batch of ${batch}`, String(given.batch))
    const refuse = (i: number, what: string): never => {
      const place = `${where}: out, order ${this.entries[i]!.key}`
      throw expected('invalid-buffer', place, 'memory of its own', `memory of ${what}`)
    }
    for (let i = 0; i < data.length; i++) {
      for (let k = 0; k < input.length; k++)
        if (overlap(data[i]!, input[k]!)) refuse(i, `the input of order ${from.entries[k]!.key}`)
      for (let k = 0; k < i; k++)
        if (overlap(data[i]!, data[k]!)) refuse(i, `the output of order ${this.entries[k]!.key}`)
    }
    const tensors = given.tensors.map((each, i) =>
      Tensor.is(each) ? each : new Tensor(data[i]!, each.dims, this.#dtype),
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

function fits(shape: readonly unknown[], batch: number, item: readonly number[]): boolean {
  if (shape.length !== item.length + 1 || shape[0] !== batch) return false
  for (let i = 0; i < item.length; i++) if (shape[i + 1] !== item[i]) return false
  return true
}
