import { expected, show } from '../errors.js'
import { Linear } from '../layers/linear.js'
import type { Module } from '../networks/module.js'
import { applyModule, Network } from '../networks/network.js'
import { input, type Data } from '../tape/value.js'
import { computeDtype } from '../tensor/dtype.js'
import { Graph } from './graph.js'
import { encodeModel } from './model.js'
import { addOperations, checkItems } from './operations.js'
import { portsOf, type ModulePort } from './ports.js'

/** A layer or a network as an ONNX model, for every runtime that knows ONNX: the bytes of a ModelProto, operator set 17, standard operators
 *  alone (Reshape, Transpose, Gather, Slice, Split, Concat, Expand, Shape, Cast, Identity; Add, Mul, MatMul, Gemm, ReduceSum; for activations
 *  also Sigmoid, Tanh, Relu, Erf, Sin, Min, Max, Sqrt, Reciprocal). Of each layer every contraction is made once and every class of diagrams is one
 *  MatMul; no dense matrix of it is formed.
 *
 *  Inputs are `x` and their order, outputs `y` and theirs, in the module's shapes, layout and dtype, with any batch. Between 16-bit inputs
 *  and outputs the arithmetic is float32, as in the layer. The parameters are those that the module has now.
 *  @throws BrauerError `invalid-argument` for anything else, or a part that is something else; `package-missing` without the package
 *  protobufjs; `size-overflow`
 *  @example writeFileSync('network.onnx', exportOnnx(sequential(linear(O(3), { 1: 8 }, { 0: 16 }), pointwise(O(3), { 0: 16 }, 'gelu')))) */
export function exportOnnx(module: Module): Uint8Array {
  checkModule('exportOnnx', module)
  const { dtype, layout } = module.options
  const type = computeDtype(dtype)
  const channelsFirst = layout === 'channels-first'
  const shapeOf = ({ channels, extents }: ModulePort): number[] =>
    channelsFirst ? [channels, ...extents] : [...extents, channels]
  const graph = new Graph(type)
  const axes = (count: number): number[] => Array.from({ length: count }, (_, axis) => axis)
  const inputs = portsOf(module, 'input').map((port) => {
    const value = graph.input(port.name, shapeOf(port), dtype)
    const [, ...indices] = axes(value.shape.length)
    return channelsFirst ? graph.transpose(value, [...indices, 0]) : value
  })
  // Recorded on one item; that items do not meet shows on a number of them that nothing else has.
  const many = record(module, 7919)
  checkItems(many.outputs, many.inputs, 7919)
  const one = record(module, 1)
  const values = addOperations(graph, one.outputs, new Map(one.inputs.map((leaf, i) => [leaf, inputs[i]!])), one.known)
  portsOf(module, 'output').forEach((port, i) => {
    const indices = axes(port.extents.length)
    const turned = channelsFirst ? graph.transpose(values[i]!, [indices.length, ...indices]) : values[i]!
    graph.output(port.name, turned, shapeOf(port), dtype)
  })
  return encodeModel(graph)
}

/** A module on so many items: values in the order of its ports, and what its parameters are. */
function record(module: Module, items: number) {
  const type = computeDtype(module.options.dtype)
  const ports = portsOf(module, 'input')
  const inputs = ports.map(({ extents, channels }) => input([items, ...extents, channels], type))
  const known = Object.entries(module.parameters).map(([name, { shape, data }]) => ({ name, leaf: input(shape, type), data: data as Data })) // prettier-ignore
  const y = applyModule(
    module,
    Object.fromEntries(ports.map(({ key }, i) => [key, inputs[i]!])),
    Object.fromEntries(known.map(({ name, leaf }) => [name, leaf])),
  )
  const outputs = portsOf(module, 'output').map(({ key }) => y[key]!)
  return { inputs, outputs, known: new Map(known.map(({ leaf, data }) => [leaf, data])) }
}

/** A class that is made of one of ours may compute something else. @throws BrauerError `invalid-argument` */
function checkModule(where: string, module: unknown): void {
  const prototype: unknown = typeof module === 'object' && module !== null ? Object.getPrototypeOf(module) : null
  if (prototype !== Linear.prototype && prototype !== Network.prototype)
    throw expected('invalid-argument', where, 'a layer made by linear or a network, which has a form in ONNX', show(module)) // prettier-ignore
  if (module instanceof Network) module.children.forEach((part, i) => checkModule(`${where}, part ${i}`, part))
}
