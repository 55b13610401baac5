/** What the types promise and forbid. Nothing here runs: tsc is the test, through tsconfig.test.json. */
import {
  BrauerError, linear, loadModel, O, product, S, tensor,
  type BackendChoice, type Diagram, type Dtype, type ErrorCode, type Group, type Linear, type Parameters, type Plan, type Tensor, type TensorLike,
} from '../../lib/index.js' // prettier-ignore

/** True for equal types only. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Yes<T extends true> = T

const layer = linear(O(3), { 1: 8, 2: 8 }, { 0: 16, 1: 4, 2: 8 }, { bias: true })
const x1 = tensor(new Float32Array(32 * 3 * 8), [32, 3, 8])
const x2 = tensor(new Float32Array(32 * 9 * 8), [32, 3, 3, 8])
const exact = linear(S(5), { 2: 1 }, { 1: 1 }, { dtype: 'float64' })

// Results have one tensor per output order, of the layer's dtype; so have gradients, of the input's.
const y = layer.forwardSync({ 1: x1, 2: x2 })
y satisfies { readonly 0: Tensor<'float32'>; readonly 1: Tensor<'float32'>; readonly 2: Tensor<'float32'> }
void (layer.forward({ 1: x1, 2: x2 }) satisfies Promise<typeof y>)
layer.inputGradientSync(y) satisfies { readonly 1: Tensor<'float32'>; readonly 2: Tensor<'float32'> }
void (layer.inputGradient(y) satisfies Promise<{ readonly 1: Tensor }>)
layer.weightGradientSync({ 1: x1, 2: x2 }, y) satisfies Parameters
void (layer.weightGradient({ 1: x1, 2: x2 }, y) satisfies Promise<Parameters>)
layer.vjpSync({ 1: x1, 2: x2 }).pullback(y).x satisfies { readonly 1: Tensor<'float32'>; readonly 2: Tensor<'float32'> }
void ((await layer.vjp({ 1: x1, 2: x2 })).pullback(y) satisfies Promise<{ readonly parameters: Parameters }>)
layer.jvpSync({ 1: x1, 2: x2 }, { x: { 1: x1, 2: x2 } }).tangent satisfies typeof y
void (layer.jvp({ 1: x1, 2: x2 }, { parameters: layer.parameters }) satisfies Promise<{ readonly y: typeof y }>)
exact.forwardSync({ 2: x1 })[1].data satisfies Float64Array
export type Dtypes = [
  Yes<Equal<(typeof exact)['options']['dtype'], 'float64'>>,
  Yes<Equal<(typeof layer)['options']['dtype'], 'float32'>>,
  Yes<Equal<keyof typeof y, 0 | 1 | 2>>,
  Yes<Equal<Dtype, 'float32' | 'float64' | 'float16' | 'bfloat16'>>,
]

// Other members.
layer.diagrams(2, 0) satisfies Diagram[]
layer.parameters satisfies Readonly<Record<string, Tensor>>
layer.load(layer.parameters) satisfies void
layer.explain({ batch: 3, program: true }) satisfies string
layer.plan satisfies Plan
layer.backend satisfies BackendChoice
exact.at(7) satisfies typeof exact
void (linear.async(O(3), { 1: 1 }, { 0: 2 }) satisfies Promise<Linear<{ readonly 1: 1 }, { readonly 0: 2 }, 'float32'>>)
loadModel(new Uint8Array()) satisfies Linear
product(S(3), O(2)) satisfies Group
// A tensor of onnxruntime, as far as its types go.
const ort = { dims: [32, 3, 8] as readonly number[], type: 'float32', data: new Float32Array(768), cpuData: 1 }
ort satisfies TensorLike
layer.forwardSync({ 1: ort, 2: x2 }, { signal: AbortSignal.abort(), out: y, parameters: layer.parameters })
new BrauerError('internal', 'x').code satisfies ErrorCode
{
  using held = tensor([1], [1])
  held.size satisfies number
}

// Orders that the space has not.
// @ts-expect-error order 2 is missing
layer.forwardSync({ 1: x1 })
// @ts-expect-error there is no order 3
layer.forwardSync({ 1: x1, 2: x2, 3: x1 })
// @ts-expect-error the result has no order 3
y[3] satisfies unknown
// @ts-expect-error the input gradient has the input's orders
layer.inputGradientSync(y)[0] satisfies unknown
// @ts-expect-error the gradient is of the output's orders
layer.inputGradientSync({ 1: x1, 2: x2 })
// @ts-expect-error out has the output's orders
layer.forwardSync({ 1: x1, 2: x2 }, { out: { 1: x1, 2: x2 } })
// @ts-expect-error out of the gradient has the input's orders
layer.inputGradientSync(y, { out: { 0: x1, 1: x1 } })

// Values of the wrong kind.
// @ts-expect-error a typed array is no tensor
layer.forwardSync({ 1: new Float32Array(768), 2: x2 })
// @ts-expect-error a group is no name
linear('O(3)', { 1: 1 }, { 1: 1 })
// @ts-expect-error null is no group
linear(null, { 1: 1 }, { 1: 1 })
// @ts-expect-error channels are numbers
linear(O(3), { 1: '8' }, { 1: 1 })
// @ts-expect-error both spaces are needed
linear(O(3), { 1: 1 })
// @ts-expect-error a misspelt option
linear(O(3), { 1: 1 }, { 1: 1 }, { bais: true })
// @ts-expect-error no such dtype
linear(O(3), { 1: 1 }, { 1: 1 }, { dtype: 'int8' })
// @ts-expect-error no such basis
linear(O(3), { 1: 1 }, { 1: 1 }, { basis: 'all' })
// @ts-expect-error bias is true or false
linear(O(3), { 1: 1 }, { 1: 1 }, { bias: 1 })
// @ts-expect-error no such step
linear(O(3), { 1: 1 }, { 1: 1 }, { steps: { shared: true } })
// @ts-expect-error an option of the layer, not of the call
layer.forwardSync({ 1: x1, 2: x2 }, { threads: 2 })
// @ts-expect-error a controller is no signal
layer.forwardSync({ 1: x1, 2: x2 }, { signal: new AbortController() })
// @ts-expect-error data is needed
layer.load({ 'weight.1.1': { dims: [1], type: 'float32' } })
// @ts-expect-error integers are no data
tensor(new Int32Array(1), [1])
// @ts-expect-error a shape is a list
tensor([1], 1)
// @ts-expect-error n is a number
S('3')
// @ts-expect-error of one group alone there is no product
product(S(3))
// @ts-expect-error what a layer computes is the file's to say
loadModel(new Uint8Array(), { bias: true })
// @ts-expect-error no such code
new BrauerError('oops', 'x')

// What is read only.
// @ts-expect-error the shape
x1.shape[0] = 1
// @ts-expect-error the spaces
layer.input[1] = 8
// @ts-expect-error the options
layer.options.dtype = 'float32'
// @ts-expect-error the parameters
layer.parameters['weight.1.1'] = x1
// @ts-expect-error a result
y[0] = y[1]
