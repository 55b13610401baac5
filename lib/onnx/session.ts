import { BrauerError, expected, show } from '../errors.js'
import { Linear, type CallOptions } from '../layers/linear.js'
import type { Module } from '../networks/module.js'
import { Network } from '../networks/network.js'
import type { Tensor } from '../tensor/tensor.js'
import { portsOf } from './ports.js'

/** What is used of a tensor of onnxruntime-node, onnxruntime-web or onnxruntime-common. */
export interface OnnxTensor {
  readonly dims: readonly number[]
  readonly type: string
  readonly data: unknown
  readonly location: string
}

/** Options of one run; a network takes no `sizes`. */
export type RunOptions = Pick<CallOptions, 'signal' | 'sizes'>

/** A layer or a network behind the names and tensors of its ONNX model: what `InferenceSession` does with the bytes of `exportOnnx`, computed by
 *  `brauer`. Results are tensors of the class that the inputs have. */
export interface OnnxSession {
  /** x and the order of each input, ascending. */
  readonly inputNames: readonly string[]
  /** y and the order of each output, ascending. */
  readonly outputNames: readonly string[]
  /** @throws BrauerError those of `forward`; `invalid-argument` for anything but tensors of onnxruntime, `tensor-on-device`, `disposed` */
  run<T extends OnnxTensor>(feeds: Readonly<Record<string, T>>, options?: RunOptions): Promise<Record<string, T>>
  /** `run` on the calling thread. */
  runSync<T extends OnnxTensor>(feeds: Readonly<Record<string, T>>, options?: RunOptions): Record<string, T>
}

/** Runs a layer or a network on tensors of onnxruntime. @throws BrauerError `invalid-argument`, `invalid-dtype` for a dtype that they have not
 *  @example const { y0 } = await onnxSession(layer).run({ x2: new ort.Tensor('float32', data, [32, 3, 3, 8]) }) */
export function onnxSession(module: Module): OnnxSession {
  if (!(module instanceof Linear || module instanceof Network))
    throw expected('invalid-argument', 'onnxSession', 'a layer made by linear, or a network', show(module))
  if (module.options.dtype === 'bfloat16') {
    const kinds = 'float32, float64 or float16, of which onnxruntime has tensors'
    throw expected('invalid-dtype', 'onnxSession: dtype of the layer', kinds, module.options.dtype)
  }
  const [inputs, outputs] = [portsOf(module, 'input'), portsOf(module, 'output')]

  const take = (feeds: unknown): { x: Record<string, OnnxTensor>; make: TensorClass } => {
    const names = inputs.map(({ name }) => name)
    if (typeof feeds !== 'object' || feeds === null)
      throw expected('invalid-argument', 'run: feeds', `a record of tensors (${names.join(', ')})`, show(feeds))
    const stranger = Object.keys(feeds).find((name) => !names.includes(name))
    if (stranger !== undefined) throw expected('invalid-order', 'run: feeds', `the inputs ${names.join(', ')}`, show(stranger)) // prettier-ignore
    const x: Record<string, OnnxTensor> = {}
    let make: TensorClass | undefined
    for (const { name, key } of inputs) {
      const tensor = (feeds as Record<string, unknown>)[name]
      make = classOf(tensor, `run: ${name}`)
      x[key] = tensor as OnnxTensor
    }
    return { x, make: make! }
  }
  const give = <T>(y: Readonly<Record<string, Tensor>>, make: TensorClass): Record<string, T> =>
    Object.fromEntries(
      outputs.map(({ name, key }) => {
        const { dtype, data, shape } = y[key]!
        return [name, new make(dtype, data, shape) as T]
      }),
    )
  return {
    inputNames: Object.freeze(inputs.map(({ name }) => name)),
    outputNames: Object.freeze(outputs.map(({ name }) => name)),
    async run(feeds, options) {
      const { x, make } = take(feeds)
      return give(await module.forward(x, options), make)
    },
    runSync(feeds, options) {
      const { x, make } = take(feeds)
      return give(module.forwardSync(x, options), make)
    },
  }
}

type TensorClass = new (type: string, data: unknown, dims: readonly number[]) => unknown

/** The class of a tensor of onnxruntime, whichever of its packages made it. */
function classOf(value: unknown, where: string): TensorClass {
  const location = typeof value === 'object' && value !== null ? (value as Partial<OnnxTensor>).location : undefined
  if (typeof location !== 'string') throw expected('invalid-argument', where, 'a tensor of onnxruntime', show(value))
  if (location === 'none')
    throw new BrauerError('disposed', `${where}: expected a live tensor, received a disposed one`)
  if (!location.startsWith('cpu')) throw expected('tensor-on-device', where, 'a tensor in memory of the host', `one in ${location}`) // prettier-ignore
  return (value as { readonly constructor: TensorClass }).constructor
}
