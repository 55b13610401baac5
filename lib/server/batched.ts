import { BrauerError, expected, show } from '../errors.js'
import { isGroup } from '../groups/group.js'
import { checkSignal } from '../layers/job.js'
import type { Space, TensorsOf } from '../layers/linear.js'
import { checkInteger, ownOptions } from '../layers/options.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Tensor } from '../tensor/tensor.js'
import { Joint, type Batchable, type Taken } from './join.js'

export type { Batchable } from './join.js'

/** Options of `batched`. All are optional. */
export interface BatchedOptions {
  /** Items of one run at most; a request of more runs alone. Default: the layer's expectedBatch. */
  readonly maxBatch?: number
  /** Milliseconds that a request may wait for others while the engine is idle, unless a batch is full. Default 0: none. */
  readonly maxDelay?: number
  /** Requests that may wait, of whatever batch sizes; those of the run in flight do not count. Default 1024. */
  readonly maxQueue?: number
}

/** What became of the requests until now:
 *  requests = answered + aborted + refused + failed + waiting + running. */
export interface BatchedStats {
  /** Calls of `forward`. */
  readonly requests: number
  readonly answered: number
  readonly aborted: number
  /** Never queued: invalid, `queue-full` or `closed`. */
  readonly refused: number
  /** Rejected with the error of their run. */
  readonly failed: number
  readonly waiting: number
  /** In the run in flight, without those that were aborted since it started. */
  readonly running: number
  /** Runs started. */
  readonly runs: number
  /** Items of these runs. */
  readonly items: number
  /** Items of the largest of them. */
  readonly largestBatch: number
}

type Result<Out extends Space, D extends Dtype> = TensorsOf<Out, Tensor<D>>

interface Request<Answer> extends Taken {
  readonly since: number
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

const names = ['maxBatch', 'maxDelay', 'maxQueue']
/** A timer of more fires at once. */
const longestDelay = 2 ** 31 - 1

/** Joins concurrent calls of a layer's `forward` into runs. One run is in flight at a time, on all threads; requests that come
 *  meanwhile go out together when it ends, first come, first served. */
export class Batched<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly #layer: Batchable<In, Out, D>
  readonly #joint: Joint<In, Out, D>
  readonly #maxBatch: number
  readonly #maxDelay: number
  readonly #maxQueue: number
  readonly #waiting = new Set<Request<Result<Out, D>>>()
  readonly #running = new Set<Request<Result<Out, D>>>()
  readonly #counts = { requests: 0, answered: 0, aborted: 0, refused: 0, failed: 0, runs: 0, items: 0, largestBatch: 0 }
  #waitingItems = 0
  #busy = false
  #soon = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Stops the run in flight; only where every request of it can be aborted. */
  #cancel: AbortController | undefined
  #closing: { readonly done: Promise<void>; readonly resolve: () => void } | undefined

  /** @internal Made by `batched`. */
  constructor(layer: Batchable<In, Out, D>, options: BatchedOptions | undefined) {
    if (!isLayer(layer)) throw expected('invalid-argument', 'batched: layer', 'a layer', show(layer))
    const given = ownOptions(options, names, 'batched: options')
    const { maxBatch = layer.options.expectedBatch, maxDelay = 0, maxQueue = 1024 } = given
    this.#maxBatch = checkInteger(maxBatch, 'batched: option maxBatch', 1)
    this.#maxDelay = checkInteger(maxDelay, 'batched: option maxDelay', 0, longestDelay)
    this.#maxQueue = checkInteger(maxQueue, 'batched: option maxQueue', 1)
    this.#layer = layer
    this.#joint = new Joint(layer)
  }

  /** The layer's `forward` of x as it is at this moment: what the caller does with x afterwards changes nothing. The result is
   *  the layer's bit for bit, in memory of its own. A run uses the parameters that the layer has when it starts. An abort
   *  rejects at once; the run goes on while anyone waits for it.
   *  @throws BrauerError what `forward` of the layer throws, `queue-full`, `closed`, `aborted` */
  async forward(x: TensorsOf<In>, options?: { readonly signal?: AbortSignal | undefined }): Promise<Result<Out, D>> {
    this.#counts.requests++
    const { taken, signal } = this.#admit(x, options)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#abort(request)
      const request: Request<Result<Out, D>> = {
        batch: taken.batch,
        data: taken.data,
        since: performance.now(),
        signal,
        onAbort,
        resolve,
        reject,
      }
      this.#waiting.add(request)
      this.#waitingItems += request.batch
      signal?.addEventListener('abort', onAbort)
      this.#schedule()
    })
  }

  /** Takes no more requests, answers those that wait without any delay, and is done when all are. */
  close(): Promise<void> {
    if (!this.#closing) {
      let resolve = (): void => undefined
      const done = new Promise<void>((settle) => (resolve = settle))
      this.#closing = { done, resolve }
      this.#schedule()
    }
    return this.#closing.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The counts at this moment; they do not change. */
  get stats(): BatchedStats {
    return Object.freeze({ ...this.#counts, waiting: this.#waiting.size, running: this.#running.size })
  }

  #admit(x: unknown, options: unknown): { taken: Taken; signal: AbortSignal | undefined } {
    try {
      const { signal } = ownOptions(options, ['signal'], 'forward: options')
      const checked = this.#joint.check(x)
      checkSignal(signal, 'forward')
      if (this.#closing) throw expected('closed', 'forward', 'a call before close', 'one after it')
      if (this.#waiting.size >= this.#maxQueue)
        throw expected('queue-full', 'forward', `at most ${this.#maxQueue} requests that wait`, 'one more')
      return { taken: this.#joint.copy(checked), signal }
    } catch (error) {
      this.#counts[error instanceof BrauerError && error.code === 'aborted' ? 'aborted' : 'refused']++
      throw error
    }
  }

  /** Starts a run, or sees to it that one starts in time. */
  #schedule(): void {
    if (this.#busy) return
    const [oldest] = this.#waiting
    if (!oldest) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#closing?.resolve()
      return
    }
    const full = this.#waitingItems >= this.#maxBatch || this.#waiting.size >= this.#maxQueue
    if (full || this.#closing) return this.#start()
    const delay = this.#maxDelay - (performance.now() - oldest.since)
    if (this.#maxDelay > 0 && delay > 0) this.#timer ??= setTimeout(() => this.#start(), delay)
    else if (!this.#soon) {
      this.#soon = true
      // Once the event loop would go on: callers that call in one go, such as those whom a run has just answered, go together.
      queueMicrotask(() => process.nextTick(() => this.#start()))
    }
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#soon = false
    if (this.#busy || this.#waiting.size === 0) return
    this.#busy = true
    const group: Request<Result<Out, D>>[] = []
    let batch = 0
    for (const request of this.#waiting) {
      if (group.length > 0 && batch + request.batch > this.#maxBatch) break
      this.#waiting.delete(request)
      this.#running.add(request)
      group.push(request)
      batch += request.batch
    }
    this.#waitingItems -= batch
    this.#counts.runs++
    this.#counts.items += batch
    this.#counts.largestBatch = Math.max(this.#counts.largestBatch, batch)
    void this.#run(group, batch)
  }

  async #run(group: readonly Request<Result<Out, D>>[], batch: number): Promise<void> {
    this.#cancel = group.every(({ signal }) => signal) ? new AbortController() : undefined
    try {
      const { x, out } = this.#joint.join(group, batch, this.#maxBatch, this.#waiting.size === 0)
      const y = await this.#layer.forward(x, { signal: this.#cancel?.signal, out })
      let from = 0
      for (const request of group) {
        if (this.#running.has(request)) {
          const result = group.length === 1 ? y : this.#joint.part(y, from, request.batch)
          this.#settle(request, 'answered')
          request.resolve(result)
        }
        from += request.batch
      }
    } catch (error) {
      for (const request of this.#running) {
        this.#settle(request, 'failed')
        request.reject(error)
      }
    }
    this.#busy = false
    this.#schedule()
  }

  #abort(request: Request<Result<Out, D>>): void {
    if (this.#waiting.has(request)) this.#waitingItems -= request.batch
    this.#settle(request, 'aborted')
    request.reject(aborted(request.signal!))
    if (this.#running.size === 0) this.#cancel?.abort()
    this.#schedule()
  }

  #settle(request: Request<Result<Out, D>>, outcome: 'answered' | 'aborted' | 'failed'): void {
    this.#waiting.delete(request)
    this.#running.delete(request)
    this.#counts[outcome]++
    request.signal?.removeEventListener('abort', request.onAbort)
  }
}

/** Puts a queue in front of a layer, for servers: concurrent calls of `forward`, of any batch sizes, become one run.
 *  @throws BrauerError `invalid-argument`, `unknown-option`
 *  @example const queue = batched(layer, { maxBatch: 64 }); const y = await queue.forward(x, { signal }); await queue.close() */
export function batched<In extends Space, Out extends Space, D extends Dtype>(
  layer: Batchable<In, Out, D>,
  options?: BatchedOptions,
): Batched<In, Out, D> {
  return new Batched(layer, options)
}

function isLayer(value: unknown): boolean {
  const { forward, group, options } = (value ?? {}) as Partial<Batchable>
  return typeof forward === 'function' && isGroup(group) && typeof options === 'object' && options !== null
}

function aborted(signal: AbortSignal): BrauerError {
  return new BrauerError('aborted', 'forward: expected a signal that does not fire, received an aborted one', {
    cause: signal.reason,
  })
}
