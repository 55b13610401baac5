import { expected, show } from '../errors.js'
import { Linear } from '../layers/linear.js'
import type { SpaceEntry } from '../plan/plan.js'
import { computeDtype } from '../tensor/dtype.js'
import { Graph } from './graph.js'
import { addLinear } from './linear.js'
import { encodeModel } from './model.js'

/** A layer as an ONNX model, for every runtime that knows ONNX: the bytes of a ModelProto, operator set 17, standard operators alone
 *  (Transpose, Reshape, Gather, ReduceSum, MatMul, Gemm, Mul, Add, Concat, Split, Expand, Shape, Cast, Identity). Every contraction is made once and every
 *  class of diagrams is one MatMul; no dense matrix of the layer is formed.
 *
 *  Inputs are `x` and their order, outputs `y` and theirs, in the layer's shapes, layout and dtype, with any batch. Between 16-bit inputs and
 *  outputs the arithmetic is float32, as in the layer. The parameters are those that the layer has now.
 *  @throws BrauerError `invalid-argument` for anything but a layer, `package-missing` without the package protobufjs, `size-overflow`
 *  @example writeFileSync('layer.onnx', exportOnnx(layer)) */
export function exportOnnx(layer: Linear): Uint8Array {
  if (!(layer instanceof Linear)) {
    throw expected('invalid-argument', 'exportOnnx', 'a layer made by linear, which has a form in ONNX', show(layer))
  }
  const { dtype, layout } = layer.options
  const [inputs, outputs] = [layer.plan.bottom.tensors, layer.plan.top.tensors]
  const channelsFirst = layout === 'channels-first'
  const graph = new Graph(computeDtype(dtype))
  const given = inputs.map((entry) => graph.input(`x${nameOf(entry)}`, shapeOf(entry, channelsFirst), dtype))
  const axes = (count: number): number[] => Array.from({ length: count }, (_, axis) => axis)
  const last = given.map((value) => {
    const [, ...indices] = axes(value.shape.length)
    return channelsFirst ? graph.transpose(value, [...indices, 0]) : value
  })
  addLinear(graph, layer, last).forEach((value, i) => {
    const entry = outputs[i]!
    const indices = axes(entry.extents.length)
    const turned = channelsFirst ? graph.transpose(value, [indices.length, ...indices]) : value
    graph.output(`y${nameOf(entry)}`, turned, shapeOf(entry, channelsFirst), dtype)
  })
  return encodeModel(graph)
}

/** The word without letters, of products of groups, goes by the name 0. */
export function nameOf({ order }: Pick<SpaceEntry, 'order'>): string {
  return order === '' ? '0' : String(order)
}

function shapeOf({ channels, extents }: SpaceEntry, channelsFirst: boolean): number[] {
  return channelsFirst ? [channels, ...extents] : [...extents, channels]
}
