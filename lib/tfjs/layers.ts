/** `brauer/tfjs/layers`: layers as `tf.layers.Layer`, for models of TensorFlow.js.
 *  @packageDocumentation */
import { serialization, tensor as makeTensor, type Tensor } from '@tensorflow/tfjs-core'
import { layers, type LayerVariable } from '@tensorflow/tfjs-layers'
import { expected, show } from '../errors.js'
import { isGroup, type Group } from '../groups/group.js'
import { groupFrom } from '../groups/index.js'
import { linear, Linear, type Space } from '../layers/linear.js'
import type { LinearOptions } from '../layers/options.js'
import { forwardOn, fromTfjs, symbolicShapes, targetOf } from './forward.js'
import type { Target } from './kernels.js'

type Shape = (number | null)[]
type LayerArguments = ConstructorParameters<typeof layers.Layer>[0]
/** What configurations have that is not for `linear`. */
const ofTfjs = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'inputDType',
  'weights',
  'customObjects',
]

/** The layer that `linear` makes of the same group, spaces and options, and what every layer of TensorFlow.js takes (name, trainable, …). */
export interface EquivariantLinearConfig extends Omit<LinearOptions<'float32'>, 'dtype'>, NonNullable<LayerArguments> {
  /** A group, or its name: 'O(3)'. */
  readonly group: Group | string | { readonly name: string }
  readonly input: Space
  readonly output: Space
}

/** An equivariant linear layer in a model of TensorFlow.js: one tensor in where the layer has one input order, else a list in ascending
 *  order, and out likewise. Its weights have the names and shapes of `layer.parameters`. */
export class EquivariantLinear extends layers.Layer {
  static readonly className = 'EquivariantLinear'
  readonly #options: LinearOptions<'float32'>
  readonly #target: Target
  readonly #inputs: readonly Shape[]
  readonly #outputs: readonly Shape[]
  #variables: Readonly<Record<string, LayerVariable>> = {}

  /** @throws BrauerError those of `linear`; `invalid-dtype` for any dtype but float32 */
  constructor(config: EquivariantLinearConfig) {
    const { group, input, output, ...rest } = checkConfig(config)
    // A configuration that has been through a file has null for what was not given.
    const given = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null)
    const options = Object.fromEntries(given.filter(([name]) => !ofTfjs.includes(name)))
    const layer = linear(groupOf(group), input, output, options as LinearOptions<'float32'>) as unknown as Linear
    const target = targetOf(layer, true)
    const channelsFirst = layer.options.layout === 'channels-first'
    const inputs = symbolicShapes(target.inputs, channelsFirst)
    // So that the layer may be the first of a model.
    const first = inputs.length === 1 && !rest.inputShape ? { batchInputShape: inputs[0]! } : {}
    super({ ...first, ...Object.fromEntries(given.filter(([name]) => ofTfjs.includes(name))) })
    this.#options = options
    this.#target = target
    this.#inputs = inputs
    this.#outputs = symbolicShapes(target.outputs, channelsFirst)
  }

  /** The layer with the weights of now, on its own: to save, to export, to serve. */
  toLinear(): Linear {
    const { layer } = this.#target
    const copy = linear(layer.group, layer.input, layer.output, this.#options) as unknown as Linear
    const weights = Object.entries(this.#variables).map(([name, variable]) => [name, fromTfjs(variable.read())])
    copy.load(this.built ? Object.fromEntries(weights) : layer.parameters)
    return copy
  }

  /** A layer that begins with the parameters of another. */
  static fromLinear(layer: Linear, args: NonNullable<LayerArguments> = {}): EquivariantLinear {
    targetOf(layer)
    const { bias, basis, normalize, layout, backend, expectedBatch, strategy } = layer.options
    const options = { bias, basis, normalize, layout, backend, expectedBatch, strategy }
    const { group, input, output } = layer
    const made = new EquivariantLinear({ ...args, ...options, group, input, output })
    made.#target.layer.load(layer.parameters)
    return made
  }

  override build(inputShape: Shape | Shape[]): void {
    this.#checkShapes(inputShape)
    const initial = this.#target.layer.parameters
    this.#variables = Object.fromEntries(
      Object.entries(initial).map(([name, { data, shape }]) => {
        const initializer = { apply: () => makeTensor((data as Float32Array).slice(), [...shape]) }
        return [name, this.addWeight(name, [...shape], 'float32', initializer as never)]
      }),
    )
    super.build(inputShape)
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const batch = this.#checkShapes(inputShape)[0]![0]!
    const shapes = this.#outputs.map(([, ...rest]) => [batch, ...rest])
    return shapes.length === 1 ? shapes[0]! : shapes
  }

  override call(inputs: Tensor | Tensor[], kwargs: Parameters<layers.Layer['call']>[1]): Tensor | Tensor[] {
    this.invokeCallHook(inputs, kwargs)
    const parameters = Object.entries(this.#variables).map(([name, variable]) => [name, variable.read()])
    return forwardOn(this.#target, inputs, Object.fromEntries(parameters))
  }

  override getConfig(): serialization.ConfigDict {
    const { layer } = this.#target
    const { input, output } = layer
    // Names go through a file as they are, other texts in lower case.
    const own = { group: { name: layer.group.toString() }, input: { ...input }, output: { ...output } }
    return { ...super.getConfig(), ...own, ...this.#options } as unknown as serialization.ConfigDict
  }

  #checkShapes(given: Shape | Shape[]): Shape[] {
    const shapes = (Array.isArray(given[0]) ? given : [given]) as Shape[]
    const fits = (shape: Shape, wanted: Shape): boolean =>
      shape.length === wanted.length && wanted.every((extent, axis) => axis === 0 || extent === shape[axis])
    const where = `${this.name}: inputs`
    if (shapes.length !== this.#inputs.length)
      throw expected('invalid-argument', where, `${this.#inputs.length} tensors`, String(shapes.length))
    const wrong = this.#inputs.findIndex((wanted, i) => !fits(shapes[i]!, wanted))
    if (wrong >= 0)
      throw expected('invalid-shape', `${where}, order ${this.#target.inputs[wrong]!.key}`, show(this.#inputs[wrong]), show(shapes[wrong])) // prettier-ignore
    return shapes
  }
}

serialization.registerClass(EquivariantLinear as never)

/** A layer for models of TensorFlow.js, as those of `tf.layers` are made.
 *  @example tf.sequential({ layers: [equivariantLinear({ group: 'O(3)', input: { 2: 1 }, output: { 0: 8 } }), tf.layers.dense({ units: 1 })] }) */
export function equivariantLinear(config: EquivariantLinearConfig): EquivariantLinear {
  return new EquivariantLinear(config)
}

function checkConfig(config: unknown): EquivariantLinearConfig {
  if (typeof config !== 'object' || config === null)
    throw expected(
      'invalid-argument',
      'equivariantLinear',
      'a configuration with group, input and output',
      show(config),
    )
  const { dtype } = config as { dtype?: unknown }
  if (dtype !== undefined && dtype !== null && dtype !== 'float32')
    throw expected('invalid-dtype', 'equivariantLinear: dtype', 'float32, as TensorFlow.js has', show(dtype))
  return config as EquivariantLinearConfig
}

function groupOf(value: EquivariantLinearConfig['group']): Group {
  if (isGroup(value)) return value
  const name = typeof value === 'object' && value !== null ? value.name : value
  return groupFrom(name)
}
