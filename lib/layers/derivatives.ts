import type { Data } from '../backends/backend.js'
import { expected, show } from '../errors.js'
import type { DeviceMemory } from '../tensor/device.js'
import { decoder, encoder } from '../tensor/half.js'
import type { Dtype } from '../tensor/dtype.js'
import { deviceDataOf, wrap, wrapDevice, type Tensor, type TensorLike } from '../tensor/tensor.js'
import type { DerivativeOptions, Parameters, Space, TensorsOf } from './call.js'
import { withMemory } from './call-memory.js'
import { runAsync, runSync, type Job, type Run } from './job.js'
import { unset } from './operands.js'
import { ownOptions } from './options.js'

/** Gradients of ⟨g, f(x)⟩. */
export interface Gradients<In extends Space, D extends Dtype> {
  readonly x: TensorsOf<In, Tensor<D>>
  readonly parameters: Parameters
}

/** Options of a pullback. */
export interface PullbackOptions<In extends Space = Space> {
  /** Stops the call, which then throws `aborted`; that of `vjp` when left out. */
  readonly signal?: AbortSignal | undefined
  /** Tensors to write the gradients by x to. */
  readonly out?: TensorsOf<In> | undefined
}

/** @throws BrauerError `unknown-option`, `invalid-argument` */
export function pullbackOptions<In extends Space>(given: unknown): PullbackOptions<In> {
  return ownOptions(given, ['signal', 'out'], 'pullback: options')
}

/** A value of a function, and the adjoint of its derivative there. */
export interface VjpResult<In extends Space, Out extends Space, D extends Dtype, Call extends 'sync' | 'async'> {
  readonly y: TensorsOf<Out, Tensor<D>>
  /** g: one tensor per output order. @throws BrauerError as `weightGradient` */
  pullback(
    g: TensorsOf<Out>,
    options?: PullbackOptions<In>,
  ): Call extends 'sync' ? Gradients<In, D> : Promise<Gradients<In, D>>
}

/** Directions to differentiate along: for x all orders or none, of the parameters any. */
export interface Tangents<In extends Space> {
  readonly x?: TensorsOf<In> | undefined
  readonly parameters?: Readonly<Record<string, TensorLike>> | undefined
}

/** A value of a function, and its derivative there along the given tangents. */
export interface JvpResult<Out extends Space, D extends Dtype> {
  readonly y: TensorsOf<Out, Tensor<D>>
  readonly tangent: TensorsOf<Out, Tensor<D>>
}

type Values = Readonly<Record<string, Tensor>>
type Call = readonly [x: never, options: DerivativeOptions]

/** A layer as far as `jvp` needs it. */
interface Map<Out extends Space, D extends Dtype> {
  readonly deviceMemory: DeviceMemory | undefined
  readonly parameters: Parameters
  forward(x: never, options: DerivativeOptions): Promise<TensorsOf<Out, Tensor<D>>>
  forwardSync(x: never, options: DerivativeOptions): TensorsOf<Out, Tensor<D>>
}

/** f(x; W) is linear in x up to the bias and linear in its parameters, so that its derivative along (dx, dW) is the linear part of
 *  f(dx; W), plus f(x; dW). */
export async function jvp<In extends Space, Out extends Space, D extends Dtype>(
  layer: Map<Out, D>,
  x: TensorsOf<In>,
  tangents: Tangents<In>,
  options: DerivativeOptions | undefined,
): Promise<JvpResult<Out, D>> {
  const made: TensorsOf<Out, Tensor<D>>[] = []
  try {
    for (const call of calls(layer, x, tangents, options)) made.push(await layer.forward(...call))
    const [y, ...terms] = made as [TensorsOf<Out, Tensor<D>>]
    return { y, tangent: await runAsync(() => sum(layer.deviceMemory, y, terms)) }
  } catch (error) {
    dispose(made)
    throw error
  }
}

export function jvpSync<In extends Space, Out extends Space, D extends Dtype>(
  layer: Map<Out, D>,
  x: TensorsOf<In>,
  tangents: Tangents<In>,
  options: DerivativeOptions | undefined,
): JvpResult<Out, D> {
  const made: TensorsOf<Out, Tensor<D>>[] = []
  try {
    for (const call of calls(layer, x, tangents, options)) made.push(layer.forwardSync(...call))
    const [y, ...terms] = made as [TensorsOf<Out, Tensor<D>>]
    return { y, tangent: runSync(sum(layer.deviceMemory, y, terms)) }
  } catch (error) {
    dispose(made)
    throw error
  }
}

/** Nobody will see them. */
function dispose(records: readonly object[]): void {
  for (const record of records) for (const each of Object.values(record)) (each as Tensor).dispose()
}

/** The calls of `forward` for y and for the terms of its derivative. */
function calls(layer: Map<Space, Dtype>, x: unknown, tangents: unknown, given: unknown): Call[] {
  const options = ownOptions(given, ['signal', 'parameters', 'sizes'], 'jvp: options') as DerivativeOptions
  const along = ownOptions(tangents, ['x', 'parameters'], 'jvp: tangents')
  if (tangents === undefined) throw expected('invalid-argument', 'jvp: tangents', 'an object', show(tangents))
  const all: [unknown, unknown][] = [[x, options]]
  if (along['x'] !== undefined) {
    const parameters = Object.entries(options.parameters ?? layer.parameters)
    all.push([along['x'], { ...options, parameters: Object.fromEntries(parameters.filter(isWeight)) }])
  }
  if (along['parameters'] !== undefined) all.push([x, { ...options, parameters: along['parameters'] as Values }])
  checkBatches(x, along['x'])
  return all as unknown as Call[]
}

const isWeight = ([name]: readonly [string, unknown]): boolean => !name.startsWith('bias.')

/** Orders are compared by `forward`. @throws BrauerError `invalid-shape` */
function checkBatches(x: unknown, dx: unknown): void {
  const batch = (values: unknown): unknown =>
    typeof values === 'object' && values !== null
      ? (Object.values(values)[0] as TensorLike | undefined)?.dims?.[0]
      : undefined
  if (dx !== undefined && batch(dx) !== batch(x))
    throw expected('invalid-shape', 'jvp: tangents.x', `a batch of ${show(batch(x))}`, show(batch(dx)))
}

/** The sum of at most two records of tensors with the shapes of `like`, where one of them lies: zeros where there are none, and the
 *  record itself where there is one. Summands on a device are used up. */
function sum<Out extends Space, D extends Dtype>(
  device: DeviceMemory | undefined,
  like: TensorsOf<Out, Tensor<D>>,
  terms: readonly TensorsOf<Out, Tensor<D>>[],
): Job<TensorsOf<Out, Tensor<D>>> {
  if (terms.length === 1) return { runs: [], options: {}, finish: () => terms[0]! }
  return withMemory({}, (memory) => {
    const runs: Run[] = []
    const each = Object.entries(like as Values).map(([order, { shape, dtype, size, device: place }]) => {
      const summands = terms.map((term) => (term as Values)[order]!)
      const remote = summands.map(deviceDataOf).filter((data) => data !== undefined)
      if (device === undefined || (remote.length === 0 && (summands.length > 0 || place === 'cpu')))
        return [order, addOnHost(shape, dtype, size, summands)]
      const total = memory.result(device.allocate(dtype, size))
      for (const data of remote) memory.keep(data)
      if (summands.length > 0) {
        const operands = summands.map((tensor) => deviceDataOf(tensor) ?? (tensor.data as Data))
        runs.push({ executable: device.adder(dtype), batch: size, operands: [...operands, total] })
      } else {
        const executable = device.mover(dtype, [], [size], [], true)
        memory.atEnd(() => executable.dispose())
        runs.push({ executable, batch: 1, operands: [total] })
      }
      return [order, wrapDevice(total, shape)]
    })
    return { runs, finish: () => Object.fromEntries(each) as TensorsOf<Out, Tensor<D>> }
  })
}

function addOnHost(shape: readonly number[], dtype: Dtype, size: number, summands: readonly Tensor[]): Tensor {
  const data = unset(dtype, size).fill(0)
  const [decode, encode] = [decoder(dtype), encoder(dtype)]
  for (const { data: from } of summands)
    for (let i = 0; i < data.length; i++) data[i] = encode(decode(data[i]!) + decode(from[i]!))
  return wrap(data, shape, dtype)
}
