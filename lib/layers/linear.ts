import { chooseBackend, type BackendChoice } from '../backends/index.js'
import { cpuInfo } from '../backends/native.js'
import type { Backend, Data, Executable } from '../backends/backend.js'
import type { Diagram } from '../diagrams/diagram.js'
import { BrauerError, expected, show } from '../errors.js'
import type { Group, Order } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { compile, type Compiled, type ProgramName } from '../runtime/compiled.js'
import { explainPlan } from '../runtime/explain.js'
import { compileInWorker } from '../runtime/plan-worker-client.js'
import { diagramsOf, type Specification } from '../runtime/specification.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import { product } from '../tensor/size.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { fresh, parseSpace, takeInputs, takeOutputs, wrapOutputs, type Entry } from './operands.js'
import { checkInteger, checkNames, resolveOptions, type LinearOptions, type ResolvedOptions } from './options.js'
import { ParameterStore } from './parameters.js'
import { runBySize, type MapOfSize } from './sizes.js'

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
  readonly #inputs: readonly Entry[]
  readonly #outputs: readonly Entry[]
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
    this.#inputs = setup.inputs
    this.#outputs = setup.outputs
    this.#store =
      store ?? new ParameterStore(compiled.parameters, computeDtype(setup.options.dtype), setup.options.seed)
    // Loaded now, so that a program that a backend refuses fails where the layer is made.
    this.#executable('forward')
    this.#weights()
  }

  /** f(x) = W x + b. x: one tensor per input order, [batch, n, …, n, C]; the result likewise for the output orders.
   *  @throws BrauerError `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `aborted` */
  forward(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<TensorsOf<Out, Tensor<D>>> {
    return this.#map('forward', this.#inputs, this.#outputs, x, options, false) as Promise<TensorsOf<Out, Tensor<D>>>
  }

  /** `forward` on the calling thread. */
  forwardSync(x: TensorsOf<In>, options?: CallOptions<Out>): TensorsOf<Out, Tensor<D>> {
    return this.#map('forward', this.#inputs, this.#outputs, x, options, true) as TensorsOf<Out, Tensor<D>>
  }

  /** Wᵀ g: the gradient of ⟨g, f(x)⟩ by x. g: one tensor per output order. */
  inputGradient(g: TensorsOf<Out>, options?: CallOptions<In>): Promise<TensorsOf<In, Tensor<D>>> {
    return this.#map('inputGradient', this.#outputs, this.#inputs, g, options, false) as Promise<
      TensorsOf<In, Tensor<D>>
    >
  }

  /** `inputGradient` on the calling thread. */
  inputGradientSync(g: TensorsOf<Out>, options?: CallOptions<In>): TensorsOf<In, Tensor<D>> {
    return this.#map('inputGradient', this.#outputs, this.#inputs, g, options, true) as TensorsOf<In, Tensor<D>>
  }

  /** The gradient of ⟨g, f(x)⟩, summed over the batch, by every parameter. */
  async weightGradient(
    x: TensorsOf<In>,
    g: TensorsOf<Out>,
    options?: Omit<CallOptions, 'out' | 'parameters'>,
  ): Promise<Parameters> {
    const job = this.#weightJob(x, g, options)
    if (job.batch > 0) await this.#executable('weightGradient').run(job.batch, job.operands, job.run)
    return this.#unpack(job.weights)
  }

  /** `weightGradient` on the calling thread. */
  weightGradientSync(
    x: TensorsOf<In>,
    g: TensorsOf<Out>,
    options?: Omit<CallOptions, 'out' | 'parameters'>,
  ): Parameters {
    const job = this.#weightJob(x, g, options)
    if (job.batch > 0) this.#executable('weightGradient').runSync(job.batch, job.operands, job.run)
    return this.#unpack(job.weights)
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

  /** How the layer is computed, as text: stages, operations, bytes, and what the other strategies would cost. */
  explain(options?: { readonly batch?: number; readonly program?: boolean }): string {
    if (options) checkNames(options, ['batch', 'program'], 'explain: options')
    if (options?.batch !== undefined) checkInteger(options.batch, 'explain: batch', 1)
    const backend = `${this.backend.name} on ${this.backend.device} (${this.backend.reason})`
    const budget = this.backend.name === 'cpu' ? cpuInfo().tileBytes : defaultTileBytes
    return explainPlan(this.plan, {
      ...options,
      dtype: this.options.dtype,
      backend,
      forward: this.#compiled.program('forward'),
      budget,
    })
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
    const sizes = typeof n === 'number' ? this.group.kinds.map(() => n) : n
    const group = this.group.at(sizes)
    const most =
      Math.max(...this.#outputs.map((y) => y.extents.length)) + Math.max(...this.#inputs.map((x) => x.extents.length))
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
      inputs: space(this.#inputs),
      outputs: space(this.#outputs),
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
    const program = this.#compiled.program('pack')
    const weights = fresh(
      computeDtype(this.options.dtype),
      program.buffers.find((buffer) => buffer.role === 'output')!.size,
    )
    this.#executable('pack').runSync(1, [...values, weights])
    return weights
  }

  #unpack(weights: Data): Parameters {
    const dtype = computeDtype(this.options.dtype)
    const values = this.#store.infos.map(({ shape }) => fresh(dtype, product(shape, 'parameters')))
    this.#executable('unpack').runSync(1, [weights, ...values])
    return Object.fromEntries(
      this.#store.infos.map(({ name, shape }, i) => [
        name,
        new Tensor(values[i]! as Float32Array & Float64Array, shape, dtype),
      ]),
    )
  }

  #map(
    name: 'forward' | 'inputGradient',
    from: readonly Entry[],
    to: readonly Entry[],
    x: unknown,
    options: CallOptions | undefined,
    sync: boolean,
  ): Record<string, Tensor> | Promise<Record<string, Tensor>> {
    if (!sync) return this.#mapAsync(name, from, to, x, options)
    const { batch, input, output, run } = this.#prepare(name, from, to, x, options)
    if (options?.sizes)
      return this.#bySize(name, from, to, batch, input, output, options, true) as Record<string, Tensor>
    const weights = options?.parameters
      ? this.#pack(this.#store.take(options.parameters, `${name}: parameters`, true))
      : this.#weights()
    if (batch > 0) this.#executable(name).runSync(batch, [...input, weights, ...output], run)
    return wrapOutputs(to, output, options?.out, batch, this.options.dtype, this.options.layout === 'channels-first')
  }

  async #mapAsync(
    name: 'forward' | 'inputGradient',
    from: readonly Entry[],
    to: readonly Entry[],
    x: unknown,
    options: CallOptions | undefined,
  ): Promise<Record<string, Tensor>> {
    const { batch, input, output, run } = this.#prepare(name, from, to, x, options)
    if (options?.sizes) return this.#bySize(name, from, to, batch, input, output, options, false)
    const weights = options?.parameters
      ? this.#pack(this.#store.take(options.parameters, `${name}: parameters`, true))
      : this.#weights()
    if (batch > 0) await this.#executable(name).run(batch, [...input, weights, ...output], run)
    return wrapOutputs(to, output, options?.out, batch, this.options.dtype, this.options.layout === 'channels-first')
  }

  #prepare(name: string, from: readonly Entry[], to: readonly Entry[], x: unknown, options: CallOptions | undefined) {
    if (options) checkNames(options, ['signal', 'out', 'parameters', 'sizes'], `${name}: options`)
    const { dtype, layout, threads } = this.options
    const channelsFirst = layout === 'channels-first'
    const { batch, data: input } = takeInputs(from, x, dtype, channelsFirst, name)
    const output = takeOutputs(to, options?.out, batch, dtype, channelsFirst, name)
    checkSignal(options?.signal, name)
    return { batch, input, output, run: { signal: options?.signal, threads } }
  }

  #bySize(
    name: 'forward' | 'inputGradient',
    from: readonly Entry[],
    to: readonly Entry[],
    batch: number,
    input: readonly Data[],
    output: readonly Data[],
    { sizes, ...options }: CallOptions,
    sync: boolean,
  ): Record<string, Tensor> | Promise<Record<string, Tensor>> {
    const { dtype, layout } = this.options
    const maps: MapOfSize = (n, part, call) => {
      const layer = this.#at(n, false)
      const [source, target] = name === 'forward' ? [layer.#inputs, layer.#outputs] : [layer.#outputs, layer.#inputs]
      return layer.#map(name, source, target, part, call as CallOptions, sync)
    }
    const wrap = (): Record<string, Tensor> =>
      wrapOutputs(to, output, options.out, batch, dtype, layout === 'channels-first')
    const { out: _, ...rest } = options
    const done = runBySize(
      {
        from,
        to,
        batch,
        input,
        output,
        sizes: sizes!,
        dtype,
        channelsFirst: layout === 'channels-first',
        where: name,
        options: rest,
      },
      maps,
    )
    return sync ? (done.forEachSync(), wrap()) : done.forEach().then(wrap)
  }

  #weightJob(x: unknown, g: unknown, options: Omit<CallOptions, 'out' | 'parameters'> | undefined) {
    if (options) checkNames(options, ['signal', 'sizes'], 'weightGradient: options')
    const { dtype, layout, threads } = this.options
    const channelsFirst = layout === 'channels-first'
    const inputs = takeInputs(this.#inputs, x, dtype, channelsFirst, 'weightGradient: x')
    const gradients = takeInputs(this.#outputs, g, dtype, channelsFirst, 'weightGradient: g')
    if (inputs.batch !== gradients.batch)
      throw expected('invalid-shape', 'weightGradient: g', `a batch of ${inputs.batch}`, String(gradients.batch))
    checkSignal(options?.signal, 'weightGradient')
    const size = this.#compiled.program('pack').buffers.find((buffer) => buffer.role === 'output')!.size
    const weights = fresh(computeDtype(dtype), size)
    return {
      batch: inputs.batch,
      weights,
      operands: [...inputs.data, ...gradients.data, weights],
      run: { signal: options?.signal, threads },
    }
  }
}

function checkSignal(signal: unknown, where: string): void {
  if (signal === undefined) return
  if (!(signal instanceof AbortSignal))
    throw expected('invalid-argument', `${where}: signal`, 'an AbortSignal', show(signal))
  if (signal.aborted)
    throw new BrauerError('aborted', `${where}: expected a signal that is not aborted, received an aborted one`, {
      cause: signal.reason,
    })
}

interface Setup<In extends Space, Out extends Space, D extends Dtype> {
  readonly specification: Specification
  readonly input: In
  readonly output: Out
  readonly options: ResolvedOptions<D>
  readonly choice: BackendChoice
  readonly backend: Backend
  readonly inputs: readonly Entry[]
  readonly outputs: readonly Entry[]
}

function setUp<In extends Space, Out extends Space, D extends Dtype>(
  group: Group,
  input: In,
  output: Out,
  given: LinearOptions<D> | undefined,
): Setup<In, Out, D> {
  if (typeof group !== 'object' || group === null || typeof group.spanning !== 'function') {
    throw expected('invalid-group', 'linear: group', 'a group such as S(5), O(3), SO(3) or Sp(4)', show(group))
  }
  const options = resolveOptions(given)
  const inputs = parseSpace(group, input, 'linear: input space')
  const outputs = parseSpace(group, output, 'linear: output space')
  const { backend, choice } = chooseBackend(options.backend)
  const space = (entries: readonly Entry[]) => entries.map(({ order, channels }) => ({ order, channels }))
  const { bias, basis, normalize, layout, strategy, steps, expectedBatch } = options
  const specification: Specification = {
    group, basisGroup: group, inputs: space(inputs), outputs: space(outputs), bias, basis, normalize, layout, strategy, steps, expectedBatch,
  } // prettier-ignore
  return {
    specification,
    input: Object.freeze({ ...input }),
    output: Object.freeze({ ...output }),
    options,
    choice,
    backend,
    inputs,
    outputs,
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
