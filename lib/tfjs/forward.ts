import { Tensor, tensor as makeTensor } from '@tensorflow/tfjs-core'
import { BrauerError, expected, show } from '../errors.js'
import { Linear, type Space } from '../layers/linear.js'
import { parseSpace, shapeOf, type Entry } from '../layers/operands.js'
import { tensor, type Tensor as HostTensor } from '../tensor/tensor.js'
import { registerGradients } from './gradients.js'
import { runMap, type Target } from './kernels.js'

registerGradients()

/** True for a union of two or more. */
type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never
/** One tensor for a space of one order, else a list in ascending order. */
export type TensorOrList<S extends Space> = string extends keyof S ? Tensor | Tensor[] : IsUnion<keyof S> extends true ? Tensor[] : Tensor // prettier-ignore

const targets = new WeakMap<Linear, Target>()

/** What the kernels need to know of a layer. @throws BrauerError `invalid-argument`, `invalid-dtype` */
export function targetOf(layer: Linear, owned = false): Target {
  if (!(layer instanceof Linear))
    throw expected('invalid-argument', 'tfjs: layer', 'a layer made by linear', show(layer))
  let target = targets.get(layer)
  if (target) return target
  if (layer.options.dtype !== 'float32')
    throw expected('invalid-dtype', 'tfjs: dtype of the layer', 'float32, as TensorFlow.js has', layer.options.dtype)
  const shapes = Object.entries(layer.parameters).map(([name, { shape }]) => [name, shape] as const)
  target = {
    layer,
    inputs: parseSpace(layer.group, layer.input, 'tfjs: input space'),
    outputs: parseSpace(layer.group, layer.output, 'tfjs: output space'),
    parameters: new Map(shapes),
    ...(owned ? { loaded: new Map<string, object>() } : {}),
  }
  targets.set(layer, target)
  return target
}

/** f(x) on tensors of TensorFlow.js, as a kernel of the backend in use: gradients can be taken of it, of any order.
 *  @param x one tensor where the layer has one input order, else one per order, ascending; float32, shapes as in `layer.forward`
 *  @param parameters other ones than the layer's, by name: variables, to be trained. A name left out counts as zero
 *  @returns one tensor where the layer has one output order, else one per order, ascending
 *  @throws BrauerError `invalid-argument`, `invalid-shape`, `invalid-dtype`, `invalid-parameters`, `disposed`
 *  @example const dx = tf.grad((x) => forward(layer, x).square().sum())(x) */
export function forward<In extends Space, Out extends Space>(
  layer: Linear<In, Out>,
  x: TensorOrList<In>,
  parameters?: Readonly<Record<string, Tensor>>,
): TensorOrList<Out> {
  return forwardOn(targetOf(layer as unknown as Linear), x, parameters) as TensorOrList<Out>
}

/** `forward` of a known target. */
export function forwardOn(
  target: Target,
  x: unknown,
  parameters?: Readonly<Record<string, unknown>>,
): Tensor | Tensor[] {
  const inputs = checkInputs(target, x)
  const names = parameters && checkParameters(target, parameters)
  const values = names?.map((name) => parameters![name] as Tensor) ?? []
  const y = runMap('forward', [...inputs, ...values], target, names)
  return target.outputs.length === 1 ? y[0]! : y
}

function checkInputs({ layer, inputs }: Target, x: unknown): Tensor[] {
  const channelsFirst = layer.options.layout === 'channels-first'
  const list: unknown[] = Array.isArray(x) ? x : [x]
  const orders = inputs.map(({ key }) => key).join(', ')
  if (list.length !== inputs.length)
    throw expected('invalid-argument', 'tfjs: x', `${inputs.length} tensors (orders ${orders})`, String(list.length))
  let batch: number | undefined
  inputs.forEach((entry, i) => {
    const where = `tfjs: x of order ${entry.key}`
    const { shape } = checkTensor(list[i], where)
    const wanted = shapeOf(entry, batch ?? 'batch', channelsFirst)
    if (wanted.length !== shape.length || wanted.some((extent, axis) => extent !== 'batch' && extent !== shape[axis]))
      throw expected('invalid-shape', where, `shape [${wanted.join(', ')}]`, show(shape))
    batch ??= shape[0]
  })
  return list as Tensor[]
}

/** The names given, in the layer's order. */
function checkParameters({ parameters }: Target, given: Readonly<Record<string, unknown>>): string[] {
  const known = [...parameters.keys()]
  if (typeof given !== 'object' || given === null || Array.isArray(given) || given instanceof Tensor)
    throw expected('invalid-parameters', 'tfjs: parameters', `a record of tensors (${known.join(', ')})`, show(given))
  for (const [name, value] of Object.entries(given)) {
    const shape = parameters.get(name)
    if (!shape) throw expected('invalid-parameters', 'tfjs: parameters', `the names ${known.join(', ')}`, show(name))
    const where = `tfjs: parameter ${name}`
    const received = checkTensor(value, where).shape
    if (received.join() !== shape.join())
      throw expected('invalid-parameters', where, `shape [${shape.join(', ')}]`, show(received))
  }
  return known.filter((name) => given[name] !== undefined)
}

function checkTensor(value: unknown, where: string): Tensor {
  if (!(value instanceof Tensor)) throw expected('invalid-argument', where, 'a tensor of TensorFlow.js', show(value))
  if (value.isDisposed) throw new BrauerError('disposed', `${where}: expected a live tensor, received a disposed one`)
  if (value.dtype !== 'float32') throw expected('invalid-dtype', where, 'float32', value.dtype)
  return value
}

/** A tensor of TensorFlow.js as one of `brauer`, for everything here that takes tensors. Its numbers are copied only where the backend in
 *  use keeps them out of reach: on 'cpu' both have the same memory. @throws BrauerError `invalid-argument`, `invalid-dtype`, `disposed` */
export function fromTfjs(value: Tensor): HostTensor<'float32'> {
  return tensor(checkTensor(value, 'fromTfjs').dataSync() as Float32Array, value.shape)
}

/** A float32 tensor of `brauer` as one of TensorFlow.js; with the backend 'cpu' both have the same memory.
 *  @throws BrauerError `invalid-dtype`, `disposed` */
export function toTfjs({ data, shape, dtype }: HostTensor): Tensor {
  if (dtype !== 'float32') throw expected('invalid-dtype', 'toTfjs', 'float32, as TensorFlow.js has', dtype)
  return makeTensor(data as Float32Array, [...shape])
}

/** Shapes of one item, with null for the batch, as models of TensorFlow.js have them. */
export function symbolicShapes(entries: readonly Entry[], channelsFirst: boolean): (number | null)[][] {
  return entries.map((entry) => [null, ...(shapeOf(entry, 0, channelsFirst).slice(1) as number[])])
}
