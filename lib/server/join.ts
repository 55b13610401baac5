import type { Data, Operand } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { Group } from '../groups/group.js'
import { End, isRemote, release } from '../layers/end.js'
import type { CallOptions, Space, TensorsOf } from '../layers/linear.js'
import { parseSpace, unset, type Operands } from '../layers/operands.js'
import type { ResolvedOptions } from '../layers/options.js'
import type { DeviceMemory } from '../tensor/device.js'
import { allocate, bytesPerElement, view, type DataOf, type Dtype } from '../tensor/dtype.js'
import { lengthOf } from '../tensor/memory.js'
import { product } from '../tensor/size.js'
import { wrap, type Tensor, type TensorLike } from '../tensor/tensor.js'
import { JointThere } from './join-there.js'

/** What `batched` needs of a layer; any object with these members can be batched. */
export interface Batchable<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly group: Group
  readonly input: In
  readonly output: Out
  readonly options: Pick<ResolvedOptions<D>, 'dtype' | 'layout' | 'expectedBatch'>
  /** @internal Where tensors may lie besides the host. */
  readonly deviceMemory?: DeviceMemory | undefined
  forward(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<TensorsOf<Out, Tensor<D>>>
}

/** Some items of a batch. */
export interface Part {
  /** How many, and how many stand before them. */
  readonly batch: number
  at: number
  /** The inputs of one whose run is on a device. */
  held: Operand[]
}

/** What goes out as one run: the inputs of some requests, copied one behind the other. */
export class Batch<P extends Part> {
  parts: P[] = []
  /** @param isRemote whether some of the inputs of each part lie on a device */
  constructor(readonly isRemote: boolean) {}

  /** Items in `parts`, and in memory: those of parts that were taken out are there until the run. */
  items = 0
  end = 0
  capacity = 0
  x: readonly Data[] = []
}

/** The memory in which requests meet. That of inputs is used again from run to run; results are new with every run. */
export class Joint<In extends Space, Out extends Space, D extends Dtype> {
  readonly #dtype: D
  readonly #in: End
  readonly #out: End
  /** Of batches that have run. One is filled while another one runs. */
  readonly #free: { readonly capacity: number; readonly x: readonly Data[] }[] = []
  #usual = 0

  /** For batches on a device. */
  readonly there: JointThere | undefined

  constructor({ group, input, output, options, deviceMemory }: Batchable<In, Out, D>) {
    const { dtype, layout } = options
    this.#dtype = dtype
    const end = (space: Space, name: string): End =>
      new End(parseSpace(group, space, `batched: ${name} space`), dtype, layout === 'channels-first', deviceMemory)
    this.#in = end(input, 'input')
    this.#out = end(output, 'output')
    if (deviceMemory) this.there = new JointThere(deviceMemory, dtype, this.#in, this.#out)
  }

  /** The checks of `forward`, whose messages these are. Copies nothing.
   *  @throws BrauerError `invalid-argument`, `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `disposed` */
  check(x: unknown): Operands {
    return this.#in.take(x, 'forward')
  }

  /** Copies an input to the end of a batch, out of reach of its caller; what lies on a device stays there. What fails leaves the batch
   *  as it was.
   *  @param most items for which memory is made ahead of need
   *  @throws BrauerError `invalid-buffer`, `out-of-memory` */
  add<P extends Part>(batch: Batch<P>, part: P, { data }: Operands, most: number): void {
    const { entries } = this.#in
    if (batch.isRemote) {
      part.held = data.map((each) => (isRemote(each) ? each.share() : unset(this.#dtype, each.length)))
      data.forEach((each, i) => isRemote(each) || (part.held[i] as Data).set(each))
      batch.items += part.batch
      batch.parts.push(part)
      return
    }
    const end = batch.end + part.batch
    if (end > batch.capacity || batch.x.length === 0) this.#grow(batch, end, most)
    for (let i = 0; i < entries.length; i++) {
      const { key, size } = entries[i]!
      // A getter of the caller's may have run since the check.
      const elements = data[i] as Data
      if (lengthOf(elements) !== part.batch * size)
        throw expected('invalid-buffer', `forward, order ${key}`, 'a live buffer', 'one transferred away meanwhile')
      batch.x[i]!.set(elements, batch.end * size)
    }
    part.at = batch.end
    batch.end = end
    batch.items += part.batch
    batch.parts.push(part)
  }

  /** Takes parts out of a batch that has not run. */
  drop<P extends Part>(batch: Batch<P>, part: P): void {
    batch.parts.splice(batch.parts.indexOf(part), 1)
    batch.items -= part.batch
    release(part.held)
  }

  /** The operands of a run. `out` is new, and of this run alone. @throws BrauerError `out-of-memory` */
  operands<P extends Part>(batch: Batch<P>): { x: TensorsOf<In>; out: TensorsOf<Out, Tensor<D>> } {
    if (batch.items < batch.end) this.#moveUp(batch)
    const { items } = batch
    const x = this.#in.entries.map(({ size }, i) => batch.x[i]!.subarray(0, items * size))
    return { x: this.#record<In>(this.#in, x, items), out: this.#record<Out>(this.#out, this.#results(items), items) }
  }

  /** Keeps the memory of a batch that has run for another one. */
  release<P extends Part>({ x, capacity, isRemote: none }: Batch<P>, most: number): void {
    if (none || capacity > most || this.#free.length === 2) return
    this.#free.push({ x, capacity })
    this.#usual = capacity
  }

  /** What makes the answer to a part of a batch out of the results `y`. Answers are views of `out`; what a
   *  layer returns in other memory is copied, because it may use that again. */
  answers(y: TensorsOf<Out, Tensor<D>>, out: TensorsOf<Out, Tensor<D>>): (part: Part) => TensorsOf<Out, Tensor<D>> {
    const { entries } = this.#out
    const of = (record: TensorsOf<Out, Tensor<D>>, key: string): Tensor<D> =>
      (record as Record<string, Tensor<D>>)[key]!
    const whole = entries.map(({ key }) => of(y, key).data)
    const isOurs = entries.every(({ key }, i) => of(out, key).data === whole[i])
    const bytes = bytesPerElement(this.#dtype)
    const buffers = whole.map((data) => data.buffer as ArrayBuffer)
    const starts = whole.map((data) => data.byteOffset)
    const tensors = new Array<Tensor<D>>(entries.length)
    return ({ at, batch }) => {
      const shapes = this.#out.shapes(batch)
      for (let i = 0; i < entries.length; i++) {
        const { size } = entries[i]!
        const data = isOurs
          ? view(this.#dtype, buffers[i]!, starts[i]! + at * size * bytes, batch * size)
          : copyOf(this.#dtype, whole[i]!, at * size, (at + batch) * size)
        tensors[i] = wrap(data, shapes[i]!, this.#dtype)
      }
      return this.#out.record(tensors) as TensorsOf<Out, Tensor<D>>
    }
  }

  /** Closes the gaps of parts that were taken out. */
  #moveUp<P extends Part>(batch: Batch<P>): void {
    let to = 0
    for (const part of batch.parts) {
      const from = part.at
      if (from > to) {
        this.#in.entries.forEach(({ size }, i) => {
          batch.x[i]!.copyWithin(to * size, from * size, (from + part.batch) * size)
        })
      }
      part.at = to
      to += part.batch
    }
    batch.end = to
  }

  #grow<P extends Part>(batch: Batch<P>, end: number, most: number): void {
    // What is too small goes first: both at once may be more than there is.
    const free = batch.x.length === 0 ? this.#free.pop() : undefined
    if (free && free.capacity >= end) return void Object.assign(batch, free)
    const capacity = Math.max(end, Math.min(most, Math.max(2 * batch.capacity, this.#usual)))
    const x = this.#in.entries.map(({ key, size }) =>
      unset(this.#dtype, product([capacity, size], `forward, order ${key}`)),
    )
    batch.x.forEach((data, i) => x[i]!.set(data.subarray(0, batch.end * this.#in.entries[i]!.size)))
    Object.assign(batch, { x, capacity })
  }

  /** Room for the results of a run, in one buffer: one each, and its collection, costs many times the copy of an item. */
  #results(items: number): Data[] {
    const { entries } = this.#out
    const memory = unset(
      this.#dtype,
      entries.reduce((sum, { size }) => sum + items * size, 0),
    )
    let next = 0
    return entries.map(({ size }) => memory.subarray(next, (next += items * size)))
  }

  #record<S extends Space>(end: End, data: readonly Data[], items: number): TensorsOf<S, Tensor<D>> {
    const shapes = end.shapes(items)
    const tensors: TensorLike[] = data.map((each, i) => wrap(each as DataOf[D], shapes[i]!, this.#dtype))
    return end.record(tensors) as unknown as TensorsOf<S, Tensor<D>>
  }
}

function copyOf<D extends Dtype>(dtype: D, data: DataOf[D], from: number, to: number): DataOf[D] {
  const copy = allocate(dtype, to - from)
  copy.set(data.subarray(from, to))
  return copy
}
