import type { BackendChoice } from '../backends/index.js'
import { precisions } from '../backends/cuda.js'
import { estimateOnDevice } from '../backends/native.js'
import type { DeviceEstimates } from '../backends/backend.js'
import type { Diagram } from '../diagrams/diagram.js'
import type { Group, Order } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { compile } from '../runtime/compiled.js'
import { predictTime, type Prediction } from '../runtime/predict.js'
import { compileInWorker } from '../runtime/plan-worker-client.js'
import { diagramsOf, type Specification } from '../runtime/specification.js'
import type { DeviceMemory } from '../tensor/device.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Tensor, TensorLike } from '../tensor/tensor.js'
import type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'
import { Core } from './core.js'
import { jvp, jvpSync, type Gradients, type JvpResult, type Tangents, type VjpResult } from './derivatives.js'
import { explainLayer, type ExplainOptions } from './explain.js'
import { runAsync, runSync } from './job.js'
import { bothJob, mapJob, vjpJobs, weightJob } from './maps.js'
import { checkInteger, type LinearOptions, type ResolvedOptions } from './options.js'
import { setUp } from './setup.js'

export type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'

/** A learnable linear map between direct sums of tensor powers of R^n that is equivariant to a group. */
export class Linear<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly group: Group
  readonly input: In
  readonly output: Out
  readonly options: ResolvedOptions<D>
  /** The backend that runs, its device, and why it was chosen. */
  readonly backend: BackendChoice
  readonly #core: Core<In, Out, D>

  /** @internal Made by `linear`, `linear.async` and `at`. */
  constructor(core: Core<In, Out, D>) {
    const { specification, input, output, options, choice } = core.setup
    this.group = specification.group
    this.input = input
    this.output = output
    this.options = options
    this.backend = choice
    this.#core = core
  }

  /** f(x) = W x + b. x: one tensor per input order, [batch, n, …, n, C]; the result likewise for the output orders, on the device of the
   *  layer where one of the inputs lies there.
   *  @throws BrauerError `invalid-order`, `invalid-shape`, `invalid-dtype`, `invalid-buffer`, `tensor-on-device`, `aborted`,
   *  `out-of-memory`, `device-lost` */
  forward(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<TensorsOf<Out, Tensor<D>>> {
    return runAsync(() => mapJob<Out, D>(this.#core, 'forward', x, options))
  }

  /** `forward` on the calling thread. */
  forwardSync(x: TensorsOf<In>, options?: CallOptions<Out>): TensorsOf<Out, Tensor<D>> {
    return runSync(mapJob<Out, D>(this.#core, 'forward', x, options))
  }

  /** Wᵀ g: the gradient of ⟨g, f(x)⟩ by x. g: one tensor per output order. */
  inputGradient(g: TensorsOf<Out>, options?: CallOptions<In>): Promise<TensorsOf<In, Tensor<D>>> {
    return runAsync(() => mapJob<In, D>(this.#core, 'inputGradient', g, options))
  }

  /** `inputGradient` on the calling thread. */
  inputGradientSync(g: TensorsOf<Out>, options?: CallOptions<In>): TensorsOf<In, Tensor<D>> {
    return runSync(mapJob<In, D>(this.#core, 'inputGradient', g, options))
  }

  /** The gradient of ⟨g, f(x)⟩, summed over the batch, by every parameter. */
  weightGradient(x: TensorsOf<In>, g: TensorsOf<Out>, options?: WeightGradientOptions): Promise<Parameters> {
    return runAsync(() => weightJob(this.#core, x, g, options))
  }

  /** `weightGradient` on the calling thread. */
  weightGradientSync(x: TensorsOf<In>, g: TensorsOf<Out>, options?: WeightGradientOptions): Parameters {
    return runSync(weightJob(this.#core, x, g, options))
  }

  /** Both gradients, from one pass over g. `out` is for those by x. */
  gradients(x: TensorsOf<In>, g: TensorsOf<Out>, options?: CallOptions<In>): Promise<Gradients<In, D>> {
    return runAsync(() => bothJob<In, D>(this.#core, x, g, options))
  }

  /** `gradients` on the calling thread. */
  gradientsSync(x: TensorsOf<In>, g: TensorsOf<Out>, options?: CallOptions<In>): Gradients<In, D> {
    return runSync(bothJob<In, D>(this.#core, x, g, options))
  }

  /** y = f(x), and a function from g to the gradients of ⟨g, f(x)⟩ by x and by every parameter, both from one pass over g. It reads x
   *  again, which must not change until then, and goes by the parameters of now. */
  async vjp(x: TensorsOf<In>, options?: CallOptions<Out>): Promise<VjpResult<In, Out, D, 'async'>> {
    const { forward, pull } = vjpJobs<In, Out, D>(this.#core, x, options)
    return { y: await runAsync(() => forward), pullback: (g, given) => runAsync(() => pull(g, given)) }
  }

  /** `vjp` on the calling thread. */
  vjpSync(x: TensorsOf<In>, options?: CallOptions<Out>): VjpResult<In, Out, D, 'sync'> {
    const { forward, pull } = vjpJobs<In, Out, D>(this.#core, x, options)
    return { y: runSync(forward), pullback: (g, given) => runSync(pull(g, given)) }
  }

  /** y = f(x), and its derivative along tangents of x and of the parameters; what is left out of them counts as zero. The derivative lies
   *  on the device where what it comes from does. */
  jvp(x: TensorsOf<In>, tangents: Tangents<In>, options?: DerivativeOptions): Promise<JvpResult<Out, D>> {
    return jvp(this, x, tangents, options)
  }

  /** `jvp` on the calling thread. */
  jvpSync(x: TensorsOf<In>, tangents: Tangents<In>, options?: DerivativeOptions): JvpResult<Out, D> {
    return jvpSync(this, x, tangents, options)
  }

  /** The diagrams from order k to order l in canonical order: the rows of weight.k.l, for k = 0 also those of bias.l. Any orders. */
  diagrams(k: Order, l: Order): Diagram[] {
    return diagramsOf(this.#core.setup.specification, this.group.parseOrder(k), this.group.parseOrder(l))
  }

  /** A copy of the parameters. */
  get parameters(): Parameters {
    return this.#core.store.read()
  }

  /** Replaces all parameters, also of the layers made by `at`; calls in flight finish with the old ones.
   *  @throws BrauerError `invalid-parameters`, `invalid-dtype`, `out-of-memory`, `device-lost`; then nothing has changed */
  load(parameters: Readonly<Record<string, TensorLike>>): void {
    this.#core.check('load')
    this.#core.load(this.#core.store.take(parameters, 'load', false))
  }

  /** How the layer is computed, as data. */
  get plan(): Plan {
    return this.#core.compiled.plan
  }

  /** How the layer is computed, as text: stages, operations, bytes, and what the other strategies would cost.
   *  @param options.device an NVIDIA device, as a part of its name ('h200', 'a100') or 'cuda:0': what a forward would move, compute
   *  and take there, by a model; it need not be here. A layer with the backend cuda shows its own device.
   *  @throws BrauerError `unknown-option`, `invalid-argument` */
  explain(options?: ExplainOptions): string {
    this.#core.check('explain')
    return explainLayer(this, this.#core.compiled.program('forward'), options)
  }

  /** What a forward of a batch would move, compute and take on an NVIDIA device, for either way to run it there, by a model.
   *  @param device a part of its name ('h200'), or 'cuda:0'
   *  @throws BrauerError `backend-unavailable` when there is no addon, `invalid-argument` */
  estimate(device: string, batch: number): DeviceEstimates {
    checkInteger(batch, 'estimate: batch', 1)
    const { dtype, precision } = this.options
    return estimateOnDevice(this.#core.compiled.program('forward'), dtype, device, batch, precisions.indexOf(precision))
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
    this.#core.check('predict')
    checkInteger(batch, 'predict: batch', 1)
    return this.#core.executable('forward').work?.(batch, this.options.threads ?? 0)
  }

  /** The same parameters at another n, or n for each kind of a product. For S and its relatives.
   *  @throws BrauerError `n-too-small` with an independent basis where n or the layer's own n is below the largest number of
   *  indices of a diagram, `invalid-group` for groups whose diagrams depend on n */
  at(n: number | readonly number[]): Linear<In, Out, D> {
    this.#core.check('at')
    return new Linear(this.#core.at(n))
  }

  /** Gives back what the layer has on its device, its packed weights and its programs, once calls in flight are done; programs that other
   *  layers of the same specification hold stay. Every later call throws `disposed`, and a second `dispose` does nothing; parameters,
   *  plan and diagrams can still be read. Layers that `at` has made share the parameters and nothing else: each lives on, and is to be
   *  disposed of by itself. Without it the garbage collector frees the weights, and the programs stay for the next layer of their kind. */
  dispose(): void {
    this.#core.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** @internal Where tensors may lie besides the host. */
  get deviceMemory(): DeviceMemory | undefined {
    return this.#core.setup.backend.memory
  }

  /** @internal Everything that determines the layer's programs. */
  get specification(): Specification {
    return this.#core.setup.specification
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
  return new Linear(new Core(setup, compile(setup.specification)))
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
  return new Linear(new Core(setup, compiled))
}
