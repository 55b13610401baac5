import type { BackendChoice } from '../backends/index.js'
import { cpuInfo, estimateOnDevice } from '../backends/native.js'
import type { Backend, Data, DeviceEstimates, Executable, Operand } from '../backends/backend.js'
import type { Diagram } from '../diagrams/diagram.js'
import { expected, show } from '../errors.js'
import type { Group, Order } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { compile, type Compiled, type ProgramName } from '../runtime/compiled.js'
import { explainPlan } from '../runtime/explain.js'
import { predictTime, type Prediction } from '../runtime/predict.js'
import { compileInWorker } from '../runtime/plan-worker-client.js'
import { diagramsOf, type Specification } from '../runtime/specification.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { checkHost, End, release } from './end.js'
import { type CallMemory, withMemory } from './call-memory.js'
import { callOptions, checkSignal, runAsync, runSync, type Job } from './job.js'
import { fresh, parseSpace, type Entry } from './operands.js'
import { checkInteger, ownOptions, type LinearOptions, type ResolvedOptions } from './options.js'
import { ParameterStore } from './parameters.js'
import { setUp, type Setup } from './setup.js'
import { freshCorners, groupBySize, putCorners, takeCorners, type SizeGroup } from './sizes.js'

/** What `explain` assumes of the cache where no backend tells. */
const defaultTileBytes = 2 ** 20

/** A direct sum of tensor powers: order to channels. */
export type Space = Readonly<Record<number | string, number>>
/** One tensor per order of a space. */
export type TensorsOf<S extends Space, T = TensorLike> = { readonly [K in keyof S]: T }
/** Parameters by name: weight.k.l [diagrams, C_in, C_out] and bias.l [diagrams, C_out]. */
export type Parameters = Readonly<Record<string, Tensor<'float32' | 'float64'>>>

/** Options of one call. */
export interface CallOptions<Out extends Space = Space> {
  /** Stops the call, which then throws `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Tensors to write the results to. */
  readonly out?: TensorsOf<Out> | undefined
  /** Other parameters than the layer's; a name left out counts as zero. */
  readonly parameters?: Readonly<Record<string, TensorLike>> | undefined
  /** One n per item, at most the layer's; the rest of each item is padding, never read, and zero in the results. */
  readonly sizes?: readonly number[] | undefined
}

/** Options of `weightGradient`. */
export type WeightGradientOptions = Pick<CallOptions, 'signal' | 'sizes'>

/** A learnable linear map between direct sums of tensor powers of R^n that is equivariant to a group. */
export class Linear<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly group: Group
  readonly input: In
  readonly output: Out
  readonly options: ResolvedOptions<D>
  /** The backend that runs, its device, and why it was chosen. */
  readonly backend: BackendChoice
  readonly #specification: Specification
  readonly #compiled: Compiled
  readonly #backend: Backend
  readonly #inputs: End
  readonly #outputs: End
  readonly #store: ParameterStore
  readonly #executables: Partial<Record<ProgramName, Executable>> = {}
  #packed: { readonly version: number; readonly weights: Operand } | undefined

  /** @internal Made by `linear`, `linear.async` and `at`. */
  constructor(setup: Setup<In, Out, D>, compiled: Compiled, store?: ParameterStore) {
    this.group = setup.specification.group
    this.input = setup.input
    this.output = setup.output
    this.options = setup.options
    this.backend = setup.choice
    this.#specification = setup.specification
    this.#compiled = compiled
    this.#backend = setup.backend
    const { dtype, layout } = setup.options
    const { memory } = setup.backend
    this.#inputs = new End(setup.inputs, dtype, layout === 'channels-first', memory)
    this.#outputs = new End(setup.outputs, dtype, layout === 'channels-first', memory)
    this.#store =
      store ?? new ParameterStore(compiled.parameters, computeDtype(setup.options.dtype), setup.options.seed)
    // Loaded now, so that a program that a backend refuses fails where the layer is made.
    this.#executable('forward')
    this.#weights()
  }

  /** f(x) = W x + b. x: one tensor per input order, [batch, n, …, n, C]; the result likewise for the output orders, on the device of the
   *  layer where one of the inputs lies there.
   *  @throws BrauerError `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `tensor-on-device`, `aborted`,
   *  `out-of-memory`, `device-lost` */
  forward(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<TensorsOf<Out, Tensor<D>>> {
    return runAsync(() => this.#mapJob<Out>('forward', x, options))
  }

  /** `forward` on the calling thread. */
  forwardSync(x: TensorsOf<In>, options?: CallOptions<Out>): TensorsOf<Out, Tensor<D>> {
    return runSync(this.#mapJob<Out>('forward', x, options))
  }

  /** Wᵀ g: the gradient of ⟨g, f(x)⟩ by x. g: one tensor per output order. */
  inputGradient(g: TensorsOf<Out>, options?: CallOptions<In>): Promise<TensorsOf<In, Tensor<D>>> {
    return runAsync(() => this.#mapJob<In>('inputGradient', g, options))
  }

  /** `inputGradient` on the calling thread. */
  inputGradientSync(g: TensorsOf<Out>, options?: CallOptions<In>): TensorsOf<In, Tensor<D>> {
    return runSync(this.#mapJob<In>('inputGradient', g, options))
  }

  /** The gradient of ⟨g, f(x)⟩, summed over the batch, by every parameter. */
  weightGradient(x: TensorsOf<In>, g: TensorsOf<Out>, options?: WeightGradientOptions): Promise<Parameters> {
    return runAsync(() => this.#weightJob(x, g, options))
  }

  /** `weightGradient` on the calling thread. */
  weightGradientSync(x: TensorsOf<In>, g: TensorsOf<Out>, options?: WeightGradientOptions): Parameters {
    return runSync(this.#weightJob(x, g, options))
  }

  /** The diagrams from order k to order l in canonical order: the rows of weight.k.l, for k = 0 also those of bias.l. Any orders. */
  diagrams(k: Order, l: Order): Diagram[] {
    return diagramsOf(this.#specification, this.group.parseOrder(k), this.group.parseOrder(l))
  }

  /** A copy of the parameters. */
  get parameters(): Parameters {
    return this.#store.read()
  }

  /** Replaces all parameters, also of the layers made by `at`; calls in flight finish with the old ones.
   *  @throws BrauerError `invalid-parameters`, `invalid-dtype`, `out-of-memory`, `device-lost`; then nothing has changed */
  load(parameters: Readonly<Record<string, TensorLike>>): void {
    const values = this.#store.take(parameters, 'load', false)
    const weights = this.#pack(values)
    this.#replace(this.#store.replace(values), weights)
  }

  /** How the layer is computed, as data. */
  get plan(): Plan {
    return this.#compiled.plan
  }

  /** How the layer is computed, as text: stages, operations, bytes, and what the other strategies would cost.
   *  @param options.device an NVIDIA device, as a part of its name ('h200', 'a100') or 'cuda:0': what a forward would move, compute
   *  and take there, by a model; it need not be here. A layer with the backend cuda shows its own device.
   *  @throws BrauerError `unknown-option`, `invalid-argument` */
  explain(options?: { readonly batch?: number; readonly program?: boolean; readonly device?: string }): string {
    const given = ownOptions(options, ['batch', 'program', 'device'], 'explain: options') as {
      batch?: number
      program?: boolean
      device?: string
    }
    const { batch, program, device = /\(cuda:\d+\)$/.exec(this.backend.device)?.[0].slice(1, -1) } = given
    if (batch !== undefined) checkInteger(batch, 'explain: batch', 1)
    if (device !== undefined && typeof device !== 'string')
      throw expected('invalid-argument', 'explain: device', 'the name of a device', show(device))
    const backend = `${this.backend.name} on ${this.backend.device} (${this.backend.reason})`
    const budget = this.backend.name === 'cpu' ? cpuInfo().tileBytes : defaultTileBytes
    return explainPlan(this.plan, {
      batch,
      program,
      dtype: this.options.dtype,
      backend,
      forward: this.#compiled.program('forward'),
      budget,
      predicted: this.predict(batch ?? this.options.expectedBatch),
      estimates: device === undefined ? undefined : this.estimate(device, batch ?? this.options.expectedBatch),
    })
  }

  /** What a forward of a batch would move, compute and take on an NVIDIA device, for either way to run it there, by a model.
   *  @param device a part of its name ('h200'), or 'cuda:0'
   *  @throws BrauerError `backend-unavailable` when there is no addon, `invalid-argument` */
  estimate(device: string, batch: number): DeviceEstimates {
    checkInteger(batch, 'estimate: batch', 1)
    return estimateOnDevice(this.#compiled.program('forward'), this.options.dtype, device, batch)
  }

  /** Milliseconds that `forwardSync` is expected to take for a batch, from constants of this machine (`brauer bench --calibrate`)
   *  or, where there are none, of a usual server; undefined on backends that cannot tell.
   *  @throws BrauerError `invalid-argument` */
  predict(batch: number): Prediction | undefined {
    const work = this.work(batch)
    return work && predictTime(work, batch)
  }

  /** @internal The work of a `forward`, by kinds. */
  work(batch: number): readonly number[] | undefined {
    checkInteger(batch, 'predict: batch', 1)
    return this.#executable('forward').work?.(batch, this.options.threads ?? 0)
  }

  /** The same parameters at another n, or n for each kind of a product. For S and its relatives.
   *  @throws BrauerError `n-too-small` with an independent basis where n or the layer's own n is below the largest number of
   *  indices of a diagram, `invalid-group` for groups whose diagrams depend on n */
  at(n: number | readonly number[]): Linear<In, Out, D> {
    return this.#at(n, true)
  }

  #at(n: number | readonly number[], strict: boolean): Linear<In, Out, D> {
    if (!this.group.sharesOverN)
      throw expected('invalid-group', 'at', 'a group whose diagrams serve every n (S)', this.group.toString())
    const sizes = Array.isArray(n) ? (n as readonly number[]) : this.group.kinds.map(() => n as number)
    const group = this.group.at(sizes)
    const most =
      Math.max(...this.#outputs.entries.map((y) => y.extents.length)) +
      Math.max(...this.#inputs.entries.map((x) => x.extents.length))
    if (strict && this.options.basis === 'independent') {
      for (const value of [...sizes, ...this.#specification.basisGroup.kinds.map((kind) => kind.n)]) {
        if (value < most)
          throw expected(
            'n-too-small',
            'at',
            `n of at least ${most} with the independent basis (use basis: 'spanning' for smaller ones)`,
            String(value),
          )
      }
    }
    const specification = { ...this.#specification, group }
    const space = (entries: readonly Entry[]): Entry[] =>
      parseSpace(group, Object.fromEntries(entries.map((entry) => [entry.key, entry.channels])), 'at')
    const setup: Setup<In, Out, D> = {
      specification,
      input: this.input,
      output: this.output,
      options: this.options,
      choice: this.backend,
      backend: this.#backend,
      inputs: space(this.#inputs.entries),
      outputs: space(this.#outputs.entries),
    }
    return new Linear(setup, compile(specification), this.#store)
  }

  /** @internal Everything that determines the layer's programs. */
  get specification(): Specification {
    return this.#specification
  }

  #executable(name: ProgramName): Executable {
    return (this.#executables[name] ??= this.#compiled.executable(name, this.#backend, this.options.dtype))
  }

  /** The packed weights of the current parameters, made anew after a load of another layer. */
  #weights(): Operand {
    const { version, values } = this.#store
    if (this.#packed?.version !== version) this.#replace(version, this.#pack(values))
    return this.#packed!.weights
  }

  /** What was packed before goes; runs in flight keep it until they are done. */
  #replace(version: number, weights: Operand): void {
    this.#drop()
    this.#packed = { version, weights }
  }

  #drop(): void {
    if (this.#packed) release([this.#packed.weights])
    this.#packed = undefined
  }

  #pack(values: readonly Data[]): Operand {
    const weights = this.#freshWeights()
    try {
      this.#executable('pack').runSync(1, [...values, weights])
    } catch (error) {
      release([weights])
      throw error
    }
    return weights
  }

  /** The packed weights of a call: of its own parameters, or of the layer's. Made now, since the call has to begin before it returns:
   *  until then its inputs are the caller's. */
  #weightsOf(parameters: CallOptions['parameters'], where: string, memory?: CallMemory): Operand {
    if (parameters === undefined) return this.#weights()
    const weights = this.#pack(this.#store.take(parameters, `${where}: parameters`, true))
    return memory?.keep(weights) ?? weights
  }

  #mapJob<To extends Space>(
    name: 'forward' | 'inputGradient',
    x: unknown,
    options: CallOptions | undefined,
  ): Job<TensorsOf<To, Tensor<D>>> {
    const { signal, out, parameters, sizes } = callOptions(options, name) as CallOptions
    const [from, to] = this.#ends(name)
    const operands = from.take(x, name)
    const { batch, data: input } = operands
    const given = out === undefined ? undefined : to.takeOut(out, from, operands, name)
    checkSignal(signal, name)
    const call = { signal, threads: this.options.threads }
    if (sizes === undefined && this.#backend.memory === undefined) {
      // Memory of the host needs no looking after, and small calls have no time for it.
      const weights = this.#weightsOf(parameters, name)
      const { data: output, tensors } = given ?? to.make(batch, input, name)
      const run = { executable: this.#executable(name), batch, operands: [...input, weights, ...output] }
      return { runs: [run], options: call, finish: () => to.record(tensors) as TensorsOf<To, Tensor<D>> }
    }
    if (sizes === undefined) {
      return withMemory(call, (memory) => {
        const weights = this.#weightsOf(parameters, name, memory)
        const executable = this.#executable(name)
        const { data: output, tensors } = given ?? memory.results(to.make(batch, input, name))
        const run = { executable, batch, operands: [...input, weights, ...output] }
        return { runs: [run], finish: () => to.record(tensors) as TensorsOf<To, Tensor<D>> }
      })
    }
    checkHost([...input, ...(given?.data ?? [])], name)
    const { data: output, tensors } = given ?? to.make(batch, input, name)
    const { dtype, layout } = this.options
    const channelsFirst = layout === 'channels-first'
    return withMemory(call, (memory) => {
      const parts = this.#partsBySize(sizes, batch, name, memory).map(({ layer, group }) => {
        const [{ entries: source }, { entries: target }] = layer.#ends(name)
        const corners = freshCorners(target, group, dtype)
        const taken = takeCorners(from.entries, source, group, input as Data[], dtype, channelsFirst)
        const weights = layer.#weightsOf(parameters, name, memory)
        const executable = layer.#executable(name)
        const run = { executable, batch: group.items.length, operands: [...taken, weights, ...corners] }
        const put = (): void => putCorners(to.entries, target, group, corners, output as Data[], channelsFirst)
        return { run, put }
      })
      const finish = (): TensorsOf<To, Tensor<D>> => {
        for (const data of output as Data[]) data.fill(0)
        for (const { put } of parts) put()
        return to.record(tensors) as TensorsOf<To, Tensor<D>>
      }
      return { runs: parts.map(({ run }) => run), finish }
    })
  }

  #weightJob(x: unknown, g: unknown, options: WeightGradientOptions | undefined): Job<Parameters> {
    const where = 'weightGradient'
    const { signal, sizes } = ownOptions(options, ['signal', 'sizes'], `${where}: options`) as WeightGradientOptions
    const { dtype, layout, threads } = this.options
    const channelsFirst = layout === 'channels-first'
    const { batch, data: inputs } = this.#inputs.take(x, `${where}: x`)
    const { batch: other, data: gradients } = this.#outputs.take(g, `${where}: g`)
    if (batch !== other) throw expected('invalid-shape', `${where}: g`, `a batch of ${batch}`, String(other))
    checkSignal(signal, where)
    if (sizes !== undefined) checkHost([...inputs, ...gradients], where)
    return withMemory({ signal, threads }, (memory) => {
      const parts =
        sizes === undefined
          ? [{ layer: this as Linear<In, Out, D>, batch, operands: [...inputs, ...gradients] }]
          : this.#partsBySize(sizes, batch, where, memory).map(({ layer, group }) => {
              const small = { x: layer.#inputs.entries, g: layer.#outputs.entries }
              const xs = takeCorners(this.#inputs.entries, small.x, group, inputs as Data[], dtype, channelsFirst)
              const gs = takeCorners(this.#outputs.entries, small.g, group, gradients as Data[], dtype, channelsFirst)
              return { layer, batch: group.items.length, operands: [...xs, ...gs] }
            })
      const jobs = parts.map(({ layer, batch: items, operands }) => {
        const [executable, unpack] = [layer.#executable('weightGradient'), layer.#executable('unpack')]
        const weights = memory.keep(layer.#freshWeights(items === 0))
        const values = this.#store.fresh()
        const sum = { executable, batch: items, operands: [...operands, weights] }
        return { values, runs: [sum, { executable: unpack, batch: 1, operands: [weights, ...values] }] }
      })
      return {
        runs: jobs.flatMap(({ runs }) => runs),
        finish: () => this.#store.wrap(jobs.map(({ values }) => values)),
      }
    })
  }

  #ends(name: 'forward' | 'inputGradient'): [End, End] {
    return name === 'forward' ? [this.#inputs, this.#outputs] : [this.#outputs, this.#inputs]
  }

  /** The layers that serve the items of a call which differ in n. */
  #partsBySize(
    sizes: unknown,
    batch: number,
    where: string,
    memory: CallMemory,
  ): { layer: Linear<In, Out, D>; group: SizeGroup }[] {
    if (!this.group.sharesOverN) {
      throw expected(
        'invalid-group',
        `${where}: sizes`,
        'a group whose diagrams serve every n (S)',
        this.group.toString(),
      )
    }
    // One n for all kinds, so the smallest kind bounds it.
    const largest = Math.min(...this.group.kinds.map((kind) => kind.n))
    return groupBySize(sizes, batch, largest, where).map((group) => {
      const layer = this.#at(group.n, false)
      memory.atEnd(() => layer.#drop())
      return { layer, group }
    })
  }

  /** Room for packed weights, on the device that runs where there is one; elements of the host are zero. */
  #freshWeights(host = false): Operand {
    const packed = this.#compiled.program('pack').buffers.find((buffer) => buffer.role === 'output')!
    const dtype = computeDtype(this.options.dtype)
    const { memory } = this.#backend
    return memory === undefined || host ? fresh(dtype, packed.size) : memory.allocate(dtype, packed.size)
  }
}

/** Makes an equivariant linear layer; plans it now, on this thread.
 *  @param group S(n), O(n), SO(n), Sp(n) or a product
 *  @param input order to channels, such as `{ 1: 8, 2: 8 }`
 *  @throws BrauerError `invalid-group`, `invalid-argument`, `invalid-order`, `unknown-option`, `size-overflow`, `backend-unavailable`
 *  @example const layer = linear(O(3), { 2: 1 }, { 0: 4 }); layer.forwardSync({ 2: tensor(data, [32, 3, 3, 1]) })[0] */
export function linear<const In extends Space, const Out extends Space, D extends Dtype = 'float32'>(
  group: Group,
  input: In,
  output: Out,
  options?: LinearOptions<D>,
): Linear<In, Out, D> {
  const setup = setUp(group, input, output, options)
  return new Linear(setup, compile(setup.specification))
}

/** `linear`, planned off the event loop. */
linear.async = async <const In extends Space, const Out extends Space, D extends Dtype = 'float32'>(
  group: Group,
  input: In,
  output: Out,
  options?: LinearOptions<D>,
): Promise<Linear<In, Out, D>> => {
  const setup = setUp(group, input, output, options)
  return new Linear(setup, await compileInWorker(setup.specification))
}
