import type { Operand } from '../backends/backend.js'
import { BrauerError, expected, show } from '../errors.js'
import { isGroup } from '../groups/group.js'
import { checkSignal } from '../layers/job.js'
import { isRemote } from '../layers/end.js'
import type { Space, TensorsOf } from '../layers/linear.js'
import { checkInteger, ownOptions } from '../layers/options.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Tensor } from '../tensor/tensor.js'
import { Batch, Joint, type Batchable } from './join.js'
import type { RemotePart } from './join-there.js'

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

/** A call of `forward`. */
class Request<Answer> implements RemotePart {
  at = 0
  held: Operand[] = []
  isSettled = false
  onAbort: (() => void) | undefined = undefined

  constructor(
    readonly batch: number,
    readonly place: Run<Answer>,
    /** When it came; only where something depends on that. */
    readonly since: number,
    readonly signal: AbortSignal | undefined,
    readonly resolve: (answer: Answer) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  get isWanted(): boolean {
    return !this.isSettled
  }
}

/** Requests that go out together. */
class Run<Answer> extends Batch<Request<Answer>> {
  hasStarted = false
  /** Requests that are not settled, once it has started. */
  left = 0
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
  /** Runs to come: a request joins the last of them, or begins another one. */
  readonly #queue: Run<Result<Out, D>>[] = []
  readonly #counts = { requests: 0, answered: 0, aborted: 0, refused: 0, failed: 0, runs: 0, items: 0, largestBatch: 0 }
  #waiting = 0
  #waitingItems = 0
  #running = 0
  #busy = false
  /** From the end of a run until those whom it answered have had their turn. */
  #answering = false
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
   *  the layer's bit for bit. Results of one run are views of one buffer: they share no elements, nothing is written to them
   *  again, and one that is kept keeps the memory of its whole run; `data.slice()` is free of that, and what to send to
   *  another thread. Where a tensor of x lies on the layer's device, so do the results, each in memory of its own; it is read there
   *  when its run starts, so that it may be disposed of at once, but not be written to (as `out`) before the answer. Such requests
   *  are joined with each other. A run uses the parameters that the layer has when it starts. An abort rejects at once; the run goes on
   *  while anyone waits for it.
   *  @throws BrauerError what `forward` of the layer throws, `queue-full`, `closed`, `aborted` */
  forward(x: TensorsOf<In>, options?: { readonly signal?: AbortSignal | undefined }): Promise<Result<Out, D>> {
    return new Promise((resolve, reject) => {
      this.#counts.requests++
      try {
        this.#admit(x, options, resolve, reject)
      } catch (error) {
        this.#counts[error instanceof BrauerError && error.code === 'aborted' ? 'aborted' : 'refused']++
        return reject(error)
      }
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
    return Object.freeze({ ...this.#counts, waiting: this.#waiting, running: this.#running })
  }

  #admit(
    x: unknown,
    options: unknown,
    resolve: (answer: Result<Out, D>) => void,
    reject: (error: unknown) => void,
  ): void {
    const signal = options === undefined ? undefined : ownOptions(options, ['signal'], 'forward: options')['signal']
    const operands = this.#joint.check(x)
    checkSignal(signal, 'forward')
    if (this.#closing) throw expected('closed', 'forward', 'a call before close', 'one after it')
    if (this.#waiting >= this.#maxQueue)
      throw expected('queue-full', 'forward', `at most ${this.#maxQueue} requests that wait`, 'one more')
    const remote = operands.data.some(isRemote)
    let run = this.#queue.findLast((each) => each.isRemote === remote)
    if (!run || run.items + operands.batch > this.#maxBatch) run = new Run(remote)
    const since = this.#maxDelay > 0 ? performance.now() : 0
    const request = new Request(operands.batch, run, since, signal, resolve, reject)
    this.#joint.add(run, request, operands, this.#maxBatch)
    if (run.parts.length === 1) this.#queue.push(run)
    this.#waiting++
    this.#waitingItems += request.batch
    if (signal) {
      request.onAbort = () => this.#abort(request)
      signal.addEventListener('abort', request.onAbort)
    }
  }

  /** Starts a run, or sees to it that one starts in time. */
  #schedule(): void {
    if (this.#busy) return
    const oldest = this.#queue[0]?.parts[0]
    if (!oldest) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#closing?.resolve()
      return
    }
    if (this.#isDue()) return this.#start()
    const delay = this.#maxDelay > 0 ? this.#maxDelay - (performance.now() - oldest.since) : 0
    if (delay > 0) this.#timer ??= setTimeout(() => this.#start(), delay)
    else this.#startSoon()
  }

  /** Whether what waits is worth a run at once. */
  #isDue(): boolean {
    if (this.#closing || this.#waitingItems >= this.#maxBatch || this.#waiting >= this.#maxQueue) return true
    // Half a batch while callers take their answers: the engine works on this half while they come back with the other one.
    return this.#answering && this.#maxDelay === 0 && 2 * this.#waitingItems >= this.#maxBatch
  }

  /** Once the event loop would go on: callers that call in one go, such as those whom a run has just answered, go together. */
  #startSoon(): void {
    if (this.#soon) return
    this.#soon = true
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#soon = this.#answering = false
        this.#start()
      }),
    )
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const run = this.#busy ? undefined : this.#queue.shift()
    if (!run) return
    this.#busy = true
    run.hasStarted = true
    run.left = run.parts.length
    this.#running += run.left
    this.#waiting -= run.left
    this.#waitingItems -= run.items
    this.#counts.runs++
    this.#counts.items += run.items
    this.#counts.largestBatch = Math.max(this.#counts.largestBatch, run.items)
    void this.#run(run)
  }

  async #run(run: Run<Result<Out, D>>): Promise<void> {
    this.#cancel = run.parts.every(({ signal }) => signal) ? new AbortController() : undefined
    let answer: (request: Request<Result<Out, D>>) => Result<Out, D>
    let answers: Map<Request<Result<Out, D>>, object> | undefined
    try {
      if (run.isRemote) {
        const signal = this.#cancel?.signal
        const forward = (x: object) => this.#layer.forward(x as TensorsOf<In>, { signal }) as Promise<never>
        answers = await this.#joint.there!.run(run.parts, forward)
        answer = (request) => answers!.get(request) as Result<Out, D>
      } else {
        const { x, out } = this.#joint.operands(run)
        const y = await this.#layer.forward(x, { signal: this.#cancel?.signal, out })
        answer = run.parts.length === 1 ? () => y : this.#joint.answers(y, out)
      }
    } catch (error) {
      answer = () => {
        throw error
      }
    }
    this.#busy = false
    this.#joint.release(run, this.#maxBatch)
    // The next run before the answers to this one: the engine then works while they are taken.
    this.#answering = this.#maxDelay === 0
    if (this.#waiting > 0 && this.#isDue()) this.#start()
    for (const request of run.parts) {
      if (request.isSettled) {
        // Aborted meanwhile: nobody else gives its memory back.
        for (const each of Object.values(answers?.get(request) ?? {})) (each as Tensor).dispose()
        continue
      }
      try {
        request.resolve(answer(request))
        this.#settle(request, 'answered')
      } catch (error) {
        request.reject(error)
        this.#settle(request, 'failed')
      }
    }
    if (this.#answering) this.#startSoon()
    this.#schedule()
  }

  #abort(request: Request<Result<Out, D>>): void {
    const { place } = request
    if (!place.hasStarted) {
      this.#joint.drop(place, request)
      if (place.parts.length === 0) this.#queue.splice(this.#queue.indexOf(place), 1)
      this.#waiting--
      this.#waitingItems -= request.batch
    }
    request.reject(aborted(request.signal!))
    this.#settle(request, 'aborted')
    if (place.hasStarted && place.left === 0) this.#cancel?.abort()
    this.#schedule()
  }

  #settle(request: Request<Result<Out, D>>, outcome: 'answered' | 'aborted' | 'failed'): void {
    request.isSettled = true
    if (request.place.hasStarted) {
      request.place.left--
      this.#running--
    }
    this.#counts[outcome]++
    if (request.onAbort) request.signal!.removeEventListener('abort', request.onAbort)
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
