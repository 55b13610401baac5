/** What the types of `brauer/onnx` and `brauer/tfjs` promise and forbid. Nothing here runs: tsc is the test. */
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core'
import type { layers, Sequential } from '@tensorflow/tfjs-layers'
import { Tensor as OnnxTensor } from 'onnxruntime-common'
import { linear, loadModel, loadNetwork, O, sequential } from '../../lib/index.js'
import { exportOnnx, onnxSession } from '../../lib/onnx/index.js'
import { forward, fromTfjs, toTfjs } from '../../lib/tfjs/index.js'
import { equivariantLinear } from '../../lib/tfjs/layers.js'

const one = linear(O(3), { 1: 8 }, { 2: 4 })
const some = linear(O(3), { 0: 1, 1: 8 }, { 1: 4, 2: 4 })
const any = loadModel(new Uint8Array())
declare const x: Tensor
declare const w: Variable
declare const model: Sequential

// One order is one tensor, several are a list; of a layer that a file holds nothing is known.
forward(one, x) satisfies Tensor
forward(one, x, { 'weight.1.2': w }) satisfies Tensor
forward(some, [x, x]) satisfies Tensor[]
forward(any, x) satisfies Tensor | Tensor[]
one.forwardSync({ 1: fromTfjs(x) })[2] satisfies Parameters<typeof toTfjs>[0]
toTfjs(one.parameters['weight.1.2']!) satisfies Tensor
// @ts-expect-error two orders are two tensors
forward(some, x)
// @ts-expect-error one order is one tensor
forward(one, [x])
// @ts-expect-error a list is no scalar
forward(some, [x, x]) satisfies Scalar

model.add(equivariantLinear({ group: O(3), input: { 1: 1 }, output: { 0: 1 }, bias: true, name: 'first' }))
equivariantLinear({ group: 'O(3)', input: { 1: 1 }, output: { 0: 1 } }) satisfies layers.Layer
// @ts-expect-error an option that does not exist
equivariantLinear({ group: 'O(3)', input: { 1: 1 }, output: { 0: 1 }, bais: true })
// @ts-expect-error TensorFlow.js has one dtype of numbers with a point
equivariantLinear({ group: 'O(3)', input: { 1: 1 }, output: { 0: 1 }, layout: 'channels' })

exportOnnx(loadModel(new Uint8Array())) satisfies Uint8Array
exportOnnx(loadNetwork(new Uint8Array())) satisfies Uint8Array
exportOnnx(sequential(one)) satisfies Uint8Array
void onnxSession(sequential(one))
// @ts-expect-error a function is no module
exportOnnx(() => x)
void (onnxSession(any).run({ x1: new OnnxTensor('float32', [1], [1]) }) satisfies Promise<Record<string, OnnxTensor>>)
// @ts-expect-error results have the class of the inputs, which is none of onnxruntime
void onnxSession(any).run({ x1: { dims: [1], type: 'float32', data: [1] } })
