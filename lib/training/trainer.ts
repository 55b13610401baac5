import { BrauerError, expected, show } from '../errors.js'
import { readSafetensors, writeSafetensors } from '../interop/safetensors.js'
import { End } from '../layers/end.js'
import { checkSignal } from '../layers/job.js'
import type { Parameters } from '../layers/linear.js'
import { parseSpace } from '../layers/operands.js'
import { checkInteger, ownOptions } from '../layers/options.js'
import { groupBySize } from '../layers/sizes.js'
import { sequential, specificationOf } from '../networks/combine.js'
import type { Module } from '../networks/module.js'
import { applyModule, Network } from '../networks/network.js'
import { scalar } from '../tape/contract.js'
import { gradients } from '../tape/gradient.js'
import type { Values } from '../tape/layer.js'
import { corners } from '../tape/sizes.js'
import { evaluate, fresh, input, type Data, type Value } from '../tape/value.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { meanSquaredError, type Loss } from './losses.js'
import { shuffle } from './minibatches.js'
import { adamW, startMoments, type Optimizer } from './optimizers.js'
import { Progress } from './progress.js'

type Tensors = Readonly<Record<string, TensorLike>>
type Named = Readonly<Record<string, Tensor<'float32' | 'float64'>>>

/** Inputs and what the outputs should be: one tensor per order, [items, n, …, n, C]. */
export interface TrainingData {
  readonly x: Tensors
  readonly y: Tensors
  /** The n of each item, for items that are smaller than the module's n, as in a call of the module. The loss sees zeros around them. */
  readonly sizes?: readonly number[]
}

export interface TrainerOptions {
  /** `meanSquaredError` when left out. */
  readonly loss?: Loss
  /** `adamW()` when left out. */
  readonly optimizer?: Optimizer
  /** Items of a step, 64 when left out; the last ones of an epoch may be fewer. */
  readonly batch?: number
  /** Of the order of the items, 0 when left out. */
  readonly seed?: number
  /** A factor for the learning rate, by the number of the step from 0 on; 1 when left out. */
  readonly schedule?: (step: number) => number
}

export interface RunOptions {
  /** Stops after the step in hand; `run` then throws `aborted`, and the trainer can go on. */
  readonly signal?: AbortSignal
  /** Called after each step with the number of steps that are done and the loss of this one. */
  readonly onStep?: (done: number, loss: number) => void
  /** Shows on stderr how far it has come; false when left out. */
  readonly progress?: boolean
}

/** What is run for batches of one size: recorded once. */
interface Recorded {
  readonly x: readonly Value[]
  readonly y: readonly Value[]
  readonly parameters: readonly Value[]
  /** The loss, and its gradients. */
  readonly targets: readonly Value[]
}

/** Trains a module on minibatches. Each step depends on parameters, moments, seed and its number alone, so that a trainer made again from a
 *  checkpoint goes on as if nothing had happened, to the bit. */
export class Trainer {
  /** The module that is trained; `run` leaves its parameters in it. */
  readonly module: Module
  readonly #network: Network
  readonly #optimizer: Optimizer
  readonly #loss: Loss
  readonly #batch: number
  readonly #seed: number
  readonly #schedule: (step: number) => number
  readonly #x: readonly Data[]
  readonly #y: readonly Data[]
  readonly #ends: { readonly x: End; readonly y: End }
  readonly #count: number
  readonly #sizes: readonly number[] | undefined
  readonly #recorded = new Map<number, Recorded>()
  #parameters: Named
  #moments: Named
  #step = 0
  #order: { readonly epoch: number; readonly items: Uint32Array } | undefined

  /** @throws BrauerError `invalid-argument`, `invalid-shape`, `invalid-dtype`, `unknown-option` */
  constructor(module: Module, data: TrainingData, options?: TrainerOptions) {
    const given = ownOptions(
      options,
      ['loss', 'optimizer', 'batch', 'seed', 'schedule'],
      'Trainer: options',
    ) as TrainerOptions
    this.module = module
    this.#network = module instanceof Network ? module : sequential(module)
    const { group, input: from, output: to, options: { dtype } } = this.#network // prettier-ignore
    const end = (space: typeof from): End => new End(parseSpace(group, space, 'Trainer'), dtype, false)
    this.#ends = { x: end(from), y: end(to) }
    const { x, y, sizes } = ownOptions(data, ['x', 'y', 'sizes'], 'Trainer: data') as Partial<TrainingData>
    const [inputs, outputs] = [this.#ends.x.take(x, 'Trainer: x'), this.#ends.y.take(y, 'Trainer: y')]
    if (inputs.batch !== outputs.batch)
      throw expected('invalid-shape', 'Trainer: y', `${inputs.batch} items, as of x`, String(outputs.batch))
    if (inputs.batch === 0) throw expected('invalid-shape', 'Trainer: x', 'at least one item', 'none')
    this.#x = inputs.data as Data[]
    this.#y = outputs.data as Data[]
    if (sizes !== undefined) groupBySize(sizes, inputs.batch, group, 'Trainer: data')
    this.#sizes = sizes && [...sizes]
    this.#count = inputs.batch
    this.#loss = given.loss ?? meanSquaredError
    this.#optimizer = given.optimizer ?? adamW()
    this.#batch = Math.min(checkInteger(given.batch ?? 64, 'Trainer: option batch', 1), this.#count)
    this.#seed = checkInteger(given.seed ?? 0, 'Trainer: option seed', 0)
    this.#schedule = given.schedule ?? (() => 1)
    this.#parameters = this.#network.parameters
    this.#moments = startMoments(this.#optimizer, this.#parameters)
  }

  /** Steps that are done. */
  get step(): number {
    return this.#step
  }

  /** Steps of one pass over all items. */
  get stepsPerEpoch(): number {
    return Math.ceil(this.#count / this.#batch)
  }

  /** Takes so many steps and then leaves the parameters in the module. @returns the mean loss of the steps
   *  @throws BrauerError `aborted`, `invalid-argument` where the loss is no number any more */
  async run(steps: number, options?: RunOptions): Promise<number> {
    checkInteger(steps, 'Trainer.run: steps', 1)
    const given = ownOptions(options, ['signal', 'onStep', 'progress'], 'Trainer.run: options') as RunOptions
    const bar = given.progress ? new Progress('training', steps) : undefined
    let total = 0
    try {
      for (let done = 0; done < steps; done++) {
        checkSignal(given.signal, 'Trainer.run')
        const loss = await this.#take()
        total += loss
        given.onStep?.(this.#step, loss)
        bar?.update(done + 1)
      }
    } finally {
      bar?.end()
      this.#network.load(this.#parameters)
    }
    return total / steps
  }

  async #take(): Promise<number> {
    const items = this.#items()
    const recorded = (this.#recorded.get(items.length) ?? this.#record(items.length)) as Recorded
    const bound = new Map<Value, Data>()
    const sizes = this.#sizes && Array.from(items, (item) => this.#sizes![item]!)
    const bind = (values: readonly Value[], data: readonly Data[]): void =>
      values.forEach((value, i) => bound.set(value, pick(value, data[i]!, this.#count, items)))
    bind(recorded.x, this.#x)
    bind(recorded.y, this.#y)
    const names = Object.keys(this.#parameters)
    names.forEach((name, i) => bound.set(recorded.parameters[i]!, this.#parameters[name]!.data))
    const [[loss], ...found] = (await evaluate(recorded.targets, bound, { sizes })) as [Data, ...Data[]]
    if (!Number.isFinite(loss))
      throw new BrauerError(
        'invalid-argument',
        `Trainer: expected a loss that is a number, received ${loss} in step ${this.#step}`,
      )
    // New arrays: nothing that was handed out changes.
    const rate = this.#schedule(this.#step)
    const copy = (values: Named): Record<string, Tensor<'float32' | 'float64'>> =>
      Object.fromEntries(
        Object.entries(values).map(([name, { data, shape, dtype }]) => [
          name,
          new Tensor(data.slice() as never, shape, dtype),
        ]),
      )
    const [parameters, moments] = [copy(this.#parameters), copy(this.#moments)]
    names.forEach((name, i) => {
      const own = this.#optimizer.moments.map((moment) => moments[`${moment}.${name}`]!.data)
      this.#optimizer.update(parameters[name]!.data, found[i]!, own, this.#step + 1, rate)
    })
    this.#parameters = parameters
    this.#moments = moments
    this.#step++
    return loss!
  }

  /** The items of the next step. */
  #items(): Uint32Array {
    const epoch = Math.floor(this.#step / this.stepsPerEpoch)
    if (this.#order?.epoch !== epoch) this.#order = { epoch, items: shuffle(this.#count, this.#seed, epoch) }
    const first = (this.#step % this.stepsPerEpoch) * this.#batch
    return this.#order.items.subarray(first, Math.min(first + this.#batch, this.#count))
  }

  #record(batch: number): Recorded {
    const { dtype } = this.#network.options
    const leaves = (end: End): Record<string, Value> =>
      Object.fromEntries(end.entries.map(({ key }, i) => [key, input(end.shapes(batch)[i]!, dtype)]))
    const [x, y] = [leaves(this.#ends.x), leaves(this.#ends.y)]
    const parameters = Object.fromEntries(
      Object.entries(this.#parameters).map(([name, { shape }]) => [name, input(shape, dtype)]),
    )
    const inside = (values: Values): Values => (this.#sizes ? corners(values) : values)
    const loss = this.#loss(inside(applyModule(this.#network, inside(x), parameters)), inside(y))
    const by = Object.values(parameters)
    const recorded: Recorded = {
      x: Object.values(x),
      y: Object.values(y),
      parameters: by,
      targets: [loss, ...gradients(loss, by, scalar(1, dtype))],
    }
    this.#recorded.set(batch, recorded)
    return recorded
  }

  /** A checkpoint (safetensors): parameters, moments, and what they belong to. */
  save(): Uint8Array {
    const parameters = Object.entries(this.#parameters).map(([name, value]) => [`parameter.${name}`, value] as const)
    const tensors = Object.fromEntries([...parameters, ...Object.entries(this.#moments)])
    return writeSafetensors(tensors, {
      brauer: JSON.stringify({ format: 1, training: this.#identity(), step: this.#step }),
    })
  }

  /** Goes on where a checkpoint was saved. The trainer must have been made with the same module, data and options.
   *  @throws BrauerError `invalid-file` for a checkpoint of something else; then nothing has changed */
  restore(bytes: Uint8Array): void {
    const { tensors, metadata } = readSafetensors(bytes)
    const stored = readMetadata(metadata['brauer'])
    const own = this.#identity()
    for (const [name, value] of Object.entries(own)) {
      const [wanted, received] = [JSON.stringify(value), JSON.stringify(stored.training[name])]
      if (wanted !== received) throw invalid(`checkpoint: ${name}`, wanted, received ?? 'none')
    }
    const take = (like: Named, prefix: string): Named =>
      Object.fromEntries(
        Object.entries(like).map(([name, { shape, dtype }]) => {
          const found = tensors[prefix + name]
          if (!found || found.dtype !== dtype || found.shape.join() !== shape.join())
            throw invalid(
              `checkpoint: ${prefix}${name}`,
              `${dtype} [${shape.join(', ')}]`,
              found ? `${found.dtype} [${found.shape.join(', ')}]` : 'none',
            )
          return [name, found as Tensor<'float32' | 'float64'>]
        }),
      )
    const [parameters, moments] = [take(this.#parameters, 'parameter.'), take(this.#moments, '')]
    this.#network.load(parameters)
    this.#parameters = parameters
    this.#moments = moments
    this.#step = stored.step
  }

  /** What a checkpoint must agree with. */
  #identity(): Record<string, unknown> {
    return {
      module: specificationOf(this.#network),
      optimizer: this.#optimizer.specification,
      items: this.#count,
      batch: this.#batch,
      seed: this.#seed,
    }
  }

  /** The parameters of now: those of the module after `run`. */
  get parameters(): Parameters {
    return this.module.parameters
  }
}

function pick({ dtype, size }: Value, data: Data, count: number, items: Uint32Array): Data {
  const item = data.length / count
  const picked = fresh(dtype, size)
  items.forEach((from, to) => picked.set(data.subarray(from * item, (from + 1) * item), to * item))
  return picked
}

function readMetadata(text: string | undefined): { training: Record<string, unknown>; step: number } {
  let value: { format?: unknown; training?: unknown; step?: unknown } | null
  try {
    value = JSON.parse(text ?? 'null') as typeof value
  } catch (error) {
    throw invalid('checkpoint: metadata', 'JSON', (error as Error).message)
  }
  if (value?.format !== 1 || typeof value.training !== 'object' || value.training === null)
    throw invalid('checkpoint: metadata', 'a checkpoint of format 1', show(value))
  if (!Number.isSafeInteger(value.step) || (value.step as number) < 0)
    throw invalid('checkpoint: step', 'a number of steps', show(value.step))
  return { training: value.training as Record<string, unknown>, step: value.step as number }
}

const invalid = (where: string, wanted: string, received: string): BrauerError =>
  expected('invalid-file', where, wanted, received.length > 200 ? `${received.slice(0, 199)}…` : received)
