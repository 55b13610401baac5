import { expected, show } from '../errors.js'
import { decoder, encoder } from '../tensor/half.js'
import type { Dtype } from '../tensor/dtype.js'
import { Tensor, wrap, type TensorLike } from '../tensor/tensor.js'
import type { DerivativeOptions, Parameters, Space, TensorsOf } from './call.js'
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
  const [whole, ...parts] = calls(layer, x, tangents, options)
  const y = await layer.forward(...whole!)
  const terms: TensorsOf<Out, Tensor<D>>[] = []
  for (const call of parts) terms.push(await layer.forward(...call))
  return { y, tangent: sum(y, terms) }
}

export function jvpSync<In extends Space, Out extends Space, D extends Dtype>(
  layer: Map<Out, D>,
  x: TensorsOf<In>,
  tangents: Tangents<In>,
  options: DerivativeOptions | undefined,
): JvpResult<Out, D> {
  const [whole, ...parts] = calls(layer, x, tangents, options)
  const y = layer.forwardSync(...whole!)
  return { y, tangent: sum(y, parts.map((call) => layer.forwardSync(...call))) } // prettier-ignore
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

/** The sum of records of tensors with the shapes of `like`; zeros where there are none. */
function sum<Out extends Space, D extends Dtype>(
  like: TensorsOf<Out, Tensor<D>>,
  terms: readonly TensorsOf<Out, Tensor<D>>[],
): TensorsOf<Out, Tensor<D>> {
  const each = Object.entries(like as Values).map(([order, { shape, dtype, size }]) => {
    const data = unset(dtype, size).fill(0)
    const [decode, encode] = [decoder(dtype), encoder(dtype)]
    for (const term of terms) {
      const from = (term as Values)[order]!.data
      for (let i = 0; i < data.length; i++) data[i] = encode(decode(data[i]!) + decode(from[i]!))
    }
    return [order, wrap(data, shape, dtype)]
  })
  return Object.fromEntries(each) as TensorsOf<Out, Tensor<D>>
}
