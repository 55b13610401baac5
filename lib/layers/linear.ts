import type { BackendChoice } from '../backends/index.js'
import { estimateOnDevice } from '../backends/native.js'
import type { Backend, Data, DeviceEstimates, Executable } from '../backends/backend.js'
import type { Diagram } from '../diagrams/diagram.js'
import { expected } from '../errors.js'
import type { Group, Order } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { compile, type Compiled, type ProgramName } from '../runtime/compiled.js'
import { predictTime, type Prediction } from '../runtime/predict.js'
import { compileInWorker } from '../runtime/plan-worker-client.js'
import { diagramsOf, type Specification } from '../runtime/specification.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import { product } from '../tensor/size.js'
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
import { End } from './end.js'
import { explainLayer, type ExplainOptions } from './explain.js'
import { callOptions, checkSignal, runAsync, runSync, type Job } from './job.js'
import { fresh, parseSpace, type Entry, type Operands } from './operands.js'
import { checkInteger, ownOptions, type LinearOptions, type ResolvedOptions } from './options.js'
import { ParameterStore } from './parameters.js'
import { setUp, type Setup } from './setup.js'
import { freshCorners, groupBySize, putCorners, takeCorners, type SizeGroup } from './sizes.js'

export type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'

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
  #packed: { readonly version: number; readonly weights: Data } | undefined

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
    this.#inputs = new End(setup.inputs, dtype, layout === 'channels-first')
    this.#outputs = new End(setup.outputs, dtype, layout === 'channels-first')
    this.#store =
      store ?? new ParameterStore(compiled.parameters, computeDtype(setup.options.dtype), setup.options.seed)
    // Loaded now, so that a program that a backend refuses fails where the layer is made.
    this.#executable('forward')
    this.#weights()
  }

  /** f(x) = W x + b. x: one tensor per input order, [batch, n, …, n, C]; the result likewise for the output orders.
   *  @throws BrauerError `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `aborted` */
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
    return diagramsOf(this.#specification, this.group.parseOrder(k), this.group.parseOrder(l))
  }

  /** A copy of the parameters. */
  get parameters(): Parameters {
    return this.#store.read()
  }

  /** Replaces all parameters, also of the layers made by `at`; calls in flight finish with the old ones.
   *  @throws BrauerError `invalid-parameters`, `invalid-dtype`; then nothing has changed */
  load(parameters: Readonly<Record<string, TensorLike>>): void {
    this.#store.load(parameters)
    this.#weights()
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

  /** The packed weights of the current parameters, made anew after a load. */
  #weights(): Data {
    if (this.#packed?.version !== this.#store.version) {
      this.#packed = { version: this.#store.version, weights: this.#pack(this.#store.values) }
    }
    return this.#packed!.weights
  }

  #pack(values: readonly Data[]): Data {
    const weights = this.#freshWeights()
    this.#executable('pack').runSync(1, [...values, weights])
    return weights
  }

  #unpack(weights: Data): Data[] {
    const values = this.#store.infos.map(({ shape }) =>
      fresh(computeDtype(this.options.dtype), product(shape, 'parameters')),
    )
    this.#executable('unpack').runSync(1, [weights, ...values])
    return values
  }

  /** The packed weights of a call: of its own parameters, or of the layer's. */
  #weightsOf(parameters: CallOptions['parameters'], where: string): Data {
    if (parameters === undefined) return this.#weights()
    return this.#pack(this.#store.take(parameters, `${where}: parameters`, true))
  }

  #mapJob<To extends Space>(
    name: 'forward' | 'inputGradient',
    x: unknown,
    given: CallOptions | undefined,
    weights?: (layer: Linear<In, Out, D>) => Data,
  ): Job<TensorsOf<To, Tensor<D>>> {
    const { signal, out, parameters, sizes } = callOptions(given, name) as CallOptions
    const [from, to] = this.#ends(name)
    const operands = from.take(x, name)
    const { batch, data: input } = operands
    const { data: output, tensors } = out === undefined ? to.make(batch, name) : to.takeOut(out, from, operands, name)
    checkSignal(signal, name)
    const wrap = (): TensorsOf<To, Tensor<D>> => to.record(tensors) as TensorsOf<To, Tensor<D>>
    const call = { signal, threads: this.options.threads }
    const weightsOf = weights ?? ((layer) => layer.#weightsOf(parameters, name))
    if (sizes === undefined) {
      const run = { executable: this.#executable(name), batch, operands: [...input, weightsOf(this), ...output] }
      return { runs: [run], options: call, finish: wrap }
    }
    const { dtype, layout } = this.options
    const channelsFirst = layout === 'channels-first'
    const parts = this.#partsBySize(sizes, batch, name).map(({ layer, group }) => {
      const [{ entries: source }, { entries: target }] = layer.#ends(name)
      const corners = freshCorners(target, group, dtype)
      const taken = takeCorners(from.entries, source, group, input, dtype, channelsFirst)
      const operands = [...taken, weightsOf(layer), ...corners]
      const put = (): void => putCorners(to.entries, target, group, corners, output, channelsFirst)
      return { run: { executable: layer.#executable(name), batch: group.items.length, operands }, put }
    })
    const finish = (): TensorsOf<To, Tensor<D>> => {
      for (const data of output) data.fill(0)
      for (const { put } of parts) put()
      return wrap()
    }
    return { runs: parts.map(({ run }) => run), options: call, finish }
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
    const weights = (layer: Linear<In, Out, D>): Data => layer.#weightsOf(options.parameters, where)
    return this.#gradientsJob(where, this.#inputs.take(x, `${where}: x`), g, options, weights)
  }

  #vjp(x: TensorsOf<In>, given: CallOptions<Out> | undefined) {
    const options = ownOptions(given, ['signal', 'out', 'parameters', 'sizes'], 'vjp: options') as CallOptions<Out>
    const { parameters, signal, sizes } = options
    // Taken now: the pullback is of the function that gave y, whatever is loaded meanwhile.
    const isOwn = parameters === undefined
    const values = isOwn ? this.#store.values : this.#store.take(parameters, 'vjp: parameters', true)
    const packed = isOwn ? this.#weights() : this.#pack(values)
    const weights = (layer: Linear<In, Out, D>): Data => (layer === this ? packed : layer.#pack(values))
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
    weights: ((layer: Linear<In, Out, D>) => Data) | undefined,
  ): Job<Gradients<In, D>> {
    const { dtype, layout, threads } = this.options
    const channelsFirst = layout === 'channels-first'
    const pulled = this.#outputs.take(g, `${where}: g`)
    const { batch: other, data: gradients } = pulled
    if (batch !== other) throw expected('invalid-shape', `${where}: g`, `a batch of ${batch}`, String(other))
    checkSignal(signal, where)
    const into = out && this.#inputs.takeOut(out, this.#outputs, pulled, where)
    const target = into ?? (weights ? this.#inputs.make(batch, where) : { data: [], tensors: [] })
    const whole = { layer: this as Linear<In, Out, D>, batch, operands: [...inputs, ...gradients] }
    const parts =
      sizes === undefined
        ? [{ ...whole, written: target.data, put: () => undefined }]
        : this.#partsBySize(sizes, batch, where).map(({ layer, group }) => {
            const small = { x: layer.#inputs.entries, g: layer.#outputs.entries }
            const xs = takeCorners(this.#inputs.entries, small.x, group, inputs, dtype, channelsFirst)
            const gs = takeCorners(this.#outputs.entries, small.g, group, gradients, dtype, channelsFirst)
            const written = weights ? freshCorners(small.x, group, dtype) : []
            const put = (): void => {
              if (weights) putCorners(this.#inputs.entries, small.x, group, written, target.data, channelsFirst)
            }
            return { layer, batch: group.items.length, operands: [...xs, ...gs], written, put }
          })
    const jobs = parts.map((part) => ({ ...part, sum: part.layer.#freshWeights() }))
    return {
      runs: jobs.map(({ layer, batch: items, operands, written, sum }) => ({
        executable: layer.#executable(weights ? 'gradients' : 'weightGradient'),
        batch: items,
        operands: [...operands, ...(weights ? [weights(layer)] : []), ...written, sum],
      })),
      options: { signal, threads },
      finish: () => {
        if (sizes !== undefined) for (const data of target.data) data.fill(0)
        for (const { put } of jobs) put()
        return {
          x: (weights ? this.#inputs.record(target.tensors) : {}) as TensorsOf<In, Tensor<D>>,
          parameters: this.#store.wrap(jobs.map(({ layer, sum }) => layer.#unpack(sum))),
        }
      },
    }
  }

  #ends(name: 'forward' | 'inputGradient'): [End, End] {
    return name === 'forward' ? [this.#inputs, this.#outputs] : [this.#outputs, this.#inputs]
  }

  /** The layers that serve the items of a call which differ in n. */
  #partsBySize(sizes: unknown, batch: number, where: string): { layer: Linear<In, Out, D>; group: SizeGroup }[] {
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
    return groupBySize(sizes, batch, largest, where).map((group) => ({ layer: this.#at(group.n, false), group }))
  }

  #freshWeights(): Data {
    const packed = this.#compiled.program('pack').buffers.find((buffer) => buffer.role === 'output')!
    return fresh(computeDtype(this.options.dtype), packed.size)
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
