import type { BackendChoice } from '../backends/index.js'
import { precisions } from '../backends/cuda.js'
import { estimateOnDevice } from '../backends/native.js'
import type { Data, DeviceEstimates, Executable, Operand } from '../backends/backend.js'
import type { Diagram } from '../diagrams/diagram.js'
import { expected } from '../errors.js'
import type { Group, Order } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { compile, type Compiled, type ProgramName } from '../runtime/compiled.js'
import { predictTime, type Prediction } from '../runtime/predict.js'
import { compileInWorker } from '../runtime/plan-worker-client.js'
import { diagramsOf, type Specification } from '../runtime/specification.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import type { Tensor, TensorLike } from '../tensor/tensor.js'
import type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'
import {
  jvp,
  jvpSync,
  pullbackOptions,
  type PullbackOptions,
  type Gradients,
  type JvpResult,
  type Tangents,
  type VjpResult,
} from './derivatives.js'
import { withMemory, type CallMemory } from './call-memory.js'
import { checkHost, End, release } from './end.js'
import { explainLayer, type ExplainOptions } from './explain.js'
import { callOptions, checkSignal, runAsync, runSync, type Job } from './job.js'
import { fresh, type Operands } from './operands.js'
import { checkInteger, ownOptions, type LinearOptions, type ResolvedOptions } from './options.js'
import { ParameterStore } from './parameters.js'
import { setUp, setUpAt, type Setup } from './setup.js'
import { freshCorners, groupBySize, putCorners, takeCorners } from './sizes.js'

export type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'

/** A learnable linear map between direct sums of tensor powers of R^n that is equivariant to a group. */
export class Linear<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly group: Group
  readonly input: In
  readonly output: Out
  readonly options: ResolvedOptions<D>
  /** The backend that runs, its device, and why it was chosen. */
  readonly backend: BackendChoice
  readonly #setup: Setup<In, Out, D>
  readonly #compiled: Compiled
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
    this.#setup = setup
    this.#compiled = compiled
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

  /** Both gradients, from one pass over g. `out` is for those by x. */
  gradients(x: TensorsOf<In>, g: TensorsOf<Out>, options?: CallOptions<In>): Promise<Gradients<In, D>> {
    return runAsync(() => this.#bothJob(x, g, options))
  }

  /** `gradients` on the calling thread. */
  gradientsSync(x: TensorsOf<In>, g: TensorsOf<Out>, options?: CallOptions<In>): Gradients<In, D> {
    return runSync(this.#bothJob(x, g, options))
  }

  /** y = f(x), and a function from g to the gradients of ⟨g, f(x)⟩ by x and by every parameter, both from one pass over g. It reads x
   *  again, which must not change until then, and goes by the parameters of now. */
  async vjp(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<VjpResult<In, Out, D, 'async'>> {
    const { forward, pull } = this.#vjp(x, options)
    return { y: await runAsync(() => forward), pullback: (g, given) => runAsync(() => pull(g, given)) }
  }

  /** `vjp` on the calling thread. */
  vjpSync(x: TensorsOf<In>, options?: CallOptions<Out>): VjpResult<In, Out, D, 'sync'> {
    const { forward, pull } = this.#vjp(x, options)
    return { y: runSync(forward), pullback: (g, given) => runSync(pull(g, given)) }
  }

  /** y = f(x), and its derivative along tangents of x and of the parameters; what is left out of them counts as zero. */
  jvp(x: TensorsOf<In>, tangents: Tangents<In>, options?: DerivativeOptions): Promise<JvpResult<Out, D>> {
    return jvp(this, x, tangents, options)
  }

  /** `jvp` on the calling thread. */
  jvpSync(x: TensorsOf<In>, tangents: Tangents<In>, options?: DerivativeOptions): JvpResult<Out, D> {
    return jvpSync(this, x, tangents, options)
  }

  /** The diagrams from order k to order l in canonical order: the rows of weight.k.l, for k = 0 also those of bias.l. Any orders. */
  diagrams(k: Order, l: Order): Diagram[] {
    return diagramsOf(this.#setup.specification, this.group.parseOrder(k), this.group.parseOrder(l))
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
  explain(options?: ExplainOptions): string {
    return explainLayer(this, this.#compiled.program('forward'), options)
  }

  /** What a forward of a batch would move, compute and take on an NVIDIA device, for either way to run it there, by a model.
   *  @param device a part of its name ('h200'), or 'cuda:0'
   *  @throws BrauerError `backend-unavailable` when there is no addon, `invalid-argument` */
  estimate(device: string, batch: number): DeviceEstimates {
    checkInteger(batch, 'estimate: batch', 1)
    const { dtype, precision } = this.options
    return estimateOnDevice(this.#compiled.program('forward'), dtype, device, batch, precisions.indexOf(precision))
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
    const setup = setUpAt(this.#setup, n, strict)
    return new Linear(setup, compile(setup.specification), this.#store)
  }

  /** @internal Everything that determines the layer's programs. */
  get specification(): Specification {
    return this.#setup.specification
  }

  #executable(name: ProgramName): Executable {
    return (this.#executables[name] ??= this.#compiled.executable(name, this.#setup.backend, this.options.dtype))
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
    weights?: WeightsOf<In, Out, D>,
  ): Job<TensorsOf<To, Tensor<D>>> {
    const { signal, out, parameters, sizes } = callOptions(options, name) as CallOptions
    const [from, to] = this.#ends(name)
    const operands = from.take(x, name)
    const { batch, data: input } = operands
    const given = out === undefined ? undefined : to.takeOut(out, from, operands, name)
    checkSignal(signal, name)
    const call = { signal, threads: this.options.threads }
    const weightsOf = weights ?? ((layer, memory) => layer.#weightsOf(parameters, name, memory))
    if (sizes === undefined && this.#setup.backend.memory === undefined) {
      // Memory of the host needs no looking after, and small calls have no time for it.
      const packed = weightsOf(this)
      const { data: output, tensors } = given ?? to.make(batch, input, name)
      const run = { executable: this.#executable(name), batch, operands: [...input, packed, ...output] }
      return { runs: [run], options: call, finish: () => to.record(tensors) as TensorsOf<To, Tensor<D>> }
    }
    if (sizes === undefined) {
      return withMemory(call, (memory) => {
        const packed = weightsOf(this, memory)
        const executable = this.#executable(name)
        const { data: output, tensors } = given ?? memory.results(to.make(batch, input, name))
        const run = { executable, batch, operands: [...input, packed, ...output] }
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
        const packed = weightsOf(layer, memory)
        const executable = layer.#executable(name)
        const run = { executable, batch: group.items.length, operands: [...taken, packed, ...corners] }
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
    const given = ownOptions(options, ['signal', 'sizes'], `${where}: options`) as WeightGradientOptions
    const job = this.#gradientsJob(where, this.#inputs.take(x, `${where}: x`), g, given, undefined)
    return { ...job, finish: () => job.finish().parameters }
  }

  #bothJob(x: unknown, g: unknown, given: unknown): Job<Gradients<In, D>> {
    const where = 'gradients'
    const options = callOptions(given, where) as CallOptions<In>
    const weights: WeightsOf<In, Out, D> = (layer, memory) => layer.#weightsOf(options.parameters, where, memory)
    return this.#gradientsJob(where, this.#inputs.take(x, `${where}: x`), g, options, weights)
  }

  #vjp(x: TensorsOf<In>, given: CallOptions<Out> | undefined) {
    const options = ownOptions(given, ['signal', 'out', 'parameters', 'sizes'], 'vjp: options') as CallOptions<Out>
    const { parameters, signal, sizes } = options
    // Taken now: the pullback is of the function that gave y, whatever is loaded meanwhile.
    const isOwn = parameters === undefined
    const values = isOwn ? this.#store.values : this.#store.take(parameters, 'vjp: parameters', true)
    // On a device those of the layer go with the next load.
    const packed = isOwn && !this.#setup.backend.memory ? this.#weights() : this.#pack(values)
    const weights: WeightsOf<In, Out, D> = (layer, memory) => {
      if (layer === this) return packed
      const others = layer.#pack(values)
      return memory?.keep(others) ?? others
    }
    const taken = this.#inputs.take(x, 'vjp')
    return {
      forward: this.#mapJob<Out>('forward', x, { ...options, parameters: undefined }, weights),
      pull: (g: unknown, own: unknown) =>
        this.#gradientsJob('pullback', taken, g, { signal, sizes, ...pullbackOptions<In>(own) }, weights),
    }
  }

  /** Gradients of a batch from one pass: of the parameters, and of the inputs where the packed weights are given. */
  #gradientsJob(
    where: 'weightGradient' | 'gradients' | 'pullback',
    { batch, data: inputs }: Operands,
    g: unknown,
    { signal, sizes, out }: WeightGradientOptions & PullbackOptions<In>,
    weights: WeightsOf<In, Out, D> | undefined,
  ): Job<Gradients<In, D>> {
    const { dtype, layout, threads } = this.options
    const channelsFirst = layout === 'channels-first'
    const pulled = this.#outputs.take(g, `${where}: g`)
    const { batch: other, data: gradients } = pulled
    if (batch !== other) throw expected('invalid-shape', `${where}: g`, `a batch of ${batch}`, String(other))
    checkSignal(signal, where)
    const into = out && this.#inputs.takeOut(out, this.#outputs, pulled, where)
    const given = [...inputs, ...gradients]
    if (sizes !== undefined) checkHost([...given, ...(into?.data ?? [])], where)
    return withMemory({ signal, threads }, (memory) => {
      const target =
        into ?? (weights ? memory.results(this.#inputs.make(batch, given, where)) : { data: [], tensors: [] })
      const whole = { layer: this as Linear<In, Out, D>, batch, operands: given }
      const parts =
        sizes === undefined
          ? [{ ...whole, written: target.data, put: () => undefined }]
          : this.#partsBySize(sizes, batch, where, memory).map(({ layer, group }) => {
              const small = { x: layer.#inputs.entries, g: layer.#outputs.entries }
              const xs = takeCorners(this.#inputs.entries, small.x, group, inputs as Data[], dtype, channelsFirst)
              const gs = takeCorners(this.#outputs.entries, small.g, group, gradients as Data[], dtype, channelsFirst)
              const written = weights ? freshCorners(small.x, group, dtype) : []
              const data = target.data as Data[]
              const put = (): void => {
                if (weights) putCorners(this.#inputs.entries, small.x, group, written, data, channelsFirst)
              }
              return { layer, batch: group.items.length, operands: [...xs, ...gs], written, put }
            })
      const jobs = parts.map(({ layer, batch: items, operands, written, put }) => {
        const [executable, unpack] = [
          layer.#executable(weights ? 'gradients' : 'weightGradient'),
          layer.#executable('unpack'),
        ]
        const packed = weights ? [weights(layer, memory)] : []
        const sum = memory.keep(layer.#freshWeights(items === 0))
        const values = this.#store.fresh()
        const whole = { executable, batch: items, operands: [...operands, ...packed, ...written, sum] }
        return { values, put, runs: [whole, { executable: unpack, batch: 1, operands: [sum, ...values] }] }
      })
      const finish = (): Gradients<In, D> => {
        if (sizes !== undefined) for (const data of target.data as Data[]) data.fill(0)
        for (const { put } of jobs) put()
        const x = (weights ? this.#inputs.record(target.tensors) : {}) as TensorsOf<In, Tensor<D>>
        return { x, parameters: this.#store.wrap(jobs.map(({ values }) => values)) }
      }
      return { runs: jobs.flatMap(({ runs }) => runs), finish }
    })
  }

  #ends(name: 'forward' | 'inputGradient'): [End, End] {
    return name === 'forward' ? [this.#inputs, this.#outputs] : [this.#outputs, this.#inputs]
  }

  /** The layers that serve the items of a call which differ in n. */
  #partsBySize(sizes: unknown, batch: number, where: string, memory: CallMemory) {
    return groupBySize(sizes, batch, this.group, where).map((group) => {
      const layer = this.#at(group.n, false)
      memory.atEnd(() => layer.#drop())
      return { layer, group }
    })
  }

  /** Room for packed weights, on the device that runs where there is one; elements of the host are zero. */
  #freshWeights(host = false): Operand {
    const packed = this.#compiled.program('pack').buffers.find((buffer) => buffer.role === 'output')!
    const dtype = computeDtype(this.options.dtype)
    const { memory } = this.#setup.backend
    return memory === undefined || host ? fresh(dtype, packed.size) : memory.allocate(dtype, packed.size)
  }
}

/** The packed weights of a call, or of its part with another n; memory: of the call, where something looks after that. */
type WeightsOf<In extends Space, Out extends Space, D extends Dtype> = (
  layer: Linear<In, Out, D>,
  memory?: CallMemory,
) => Operand

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

/** `linear`, planned off the event loop, where a device is also set to work. */
linear.async = async <const In extends Space, const Out extends Space, D extends Dtype = 'float32'>(
  group: Group,
  input: In,
  output: Out,
  options?: LinearOptions<D>,
): Promise<Linear<In, Out, D>> => {
  const setup = setUp(group, input, output, options)
  const [compiled] = await Promise.all([compileInWorker(setup.specification), setup.backend.ready?.()])
  return new Linear(setup, compiled)
}
