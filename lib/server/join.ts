import type { Data } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { Group } from '../groups/group.js'
import type { CallOptions, Space, TensorsOf } from '../layers/linear.js'
import { byKey, fresh, parseSpace, shapeOf, takeInputs, type Entry } from '../layers/operands.js'
import type { ResolvedOptions } from '../layers/options.js'
import type { DataOf, Dtype } from '../tensor/dtype.js'
import { Tensor } from '../tensor/tensor.js'

/** What `batched` needs of a layer; any object with these members can be batched. */
export interface Batchable<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly group: Group
  readonly input: In
  readonly output: Out
  readonly options: Pick<ResolvedOptions<D>, 'dtype' | 'layout' | 'expectedBatch'>
  forward(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<TensorsOf<Out, Tensor<D>>>
}

/** The input of one request: a copy, one array per order. */
export interface Taken {
  readonly batch: number
  readonly data: readonly Data[]
}

/** Elements of a buffer that small inputs share. */
const slab = 2 ** 16

/** The memory in which requests meet. One run at a time uses it, so it is kept from run to run and grows to the largest. */
export class Joint<In extends Space, Out extends Space, D extends Dtype> {
  readonly #dtype: D
  readonly #channelsFirst: boolean
  readonly #inputs: readonly Entry[]
  readonly #outputs: readonly Entry[]
  #slab: Data | undefined
  #used = 0
  /** Items that fit; below zero before there is any memory, so that a batch of 0 makes some too. */
  #capacity = -1
  #memory: { readonly x: readonly Data[]; readonly y: readonly Data[] } = { x: [], y: [] }

  constructor({ group, input, output, options }: Batchable<In, Out, D>) {
    this.#dtype = options.dtype
    this.#channelsFirst = options.layout === 'channels-first'
    this.#inputs = parseSpace(group, input, 'batched: input space')
    this.#outputs = parseSpace(group, output, 'batched: output space')
  }

  /** The checks of `forward`, whose messages these are. Copies nothing.
   *  @throws BrauerError `invalid-argument`, `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `disposed` */
  check(x: unknown): Taken {
    return takeInputs(this.#inputs, x, this.#dtype, this.#channelsFirst, 'forward')
  }

  /** A copy that nobody else can change or transfer away. @throws BrauerError `invalid-buffer`, `out-of-memory` */
  copy({ batch, data }: Taken): Taken {
    const copies = this.#inputs.map(({ key, size }, i) => {
      const copy = this.#room(batch * size)
      // A getter of the caller's may have run since the check.
      if (data[i]!.length !== copy.length)
        throw expected('invalid-buffer', `forward, order ${key}`, 'a live buffer', 'one transferred away meanwhile')
      copy.set(data[i]!)
      return copy
    })
    return { batch, data: copies }
  }

  /** The operands of one run. A request alone is passed on as it is, and gets outputs of its own. `last`: no other input that
   *  was copied is still to be joined. */
  join(
    requests: readonly Taken[],
    batch: number,
    most: number,
    last: boolean,
  ): { x: TensorsOf<In>; out?: TensorsOf<Out> } {
    if (requests.length === 1) return { x: this.#record<In>(this.#inputs, requests[0]!.data, batch) }
    this.#grow(batch, most)
    const { x, y } = this.#memory
    const joined = this.#inputs.map(({ size }, i) => {
      let at = 0
      for (const { data } of requests) {
        x[i]!.set(data[i]!, at)
        at += data[i]!.length
      }
      return x[i]!.subarray(0, batch * size)
    })
    // Everything in the shared buffer has been copied out of it.
    if (last) this.#used = 0
    const out = this.#outputs.map(({ size }, i) => y[i]!.subarray(0, batch * size))
    return { x: this.#record<In>(this.#inputs, joined, batch), out: this.#record<Out>(this.#outputs, out, batch) }
  }

  /** A copy of `batch` items of a joined result. */
  part(y: TensorsOf<Out, Tensor<D>>, from: number, batch: number): TensorsOf<Out, Tensor<D>> {
    const data = this.#outputs.map(({ key, size }) => {
      // A buffer each, never a view: whoever looks at the whole buffer must not see what others asked.
      return (y as Record<string, Tensor>)[key]!.data.slice(from * size, (from + batch) * size)
    })
    return this.#record<Out>(this.#outputs, data, batch)
  }

  /** Memory for one input. Small ones share a buffer: one each, and its collection, costs many times the copy. */
  #room(size: number): Data {
    if (size > slab / 8) return fresh(this.#dtype, size)
    if (this.#slab === undefined || this.#used + size > slab) {
      this.#slab = fresh(this.#dtype, slab)
      this.#used = 0
    }
    this.#used += size
    return this.#slab.subarray(this.#used - size, this.#used)
  }

  #grow(batch: number, most: number): void {
    if (batch <= this.#capacity) return
    const capacity = Math.min(most, Math.max(batch, 2 * this.#capacity))
    // Let go first: both at once may be more than there is. What fails here leaves nothing half made.
    this.#capacity = -1
    this.#memory = { x: [], y: [] }
    const make = (entries: readonly Entry[]): Data[] => entries.map(({ size }) => fresh(this.#dtype, capacity * size))
    this.#memory = { x: make(this.#inputs), y: make(this.#outputs) }
    this.#capacity = capacity
  }

  #record<S extends Space>(entries: readonly Entry[], data: readonly Data[], batch: number) {
    const tensors = entries.map(
      (entry, i) =>
        new Tensor(data[i]! as DataOf[D], shapeOf(entry, batch, this.#channelsFirst) as number[], this.#dtype),
    )
    return byKey(entries, tensors) as unknown as TensorsOf<S, Tensor<D>>
  }
}
