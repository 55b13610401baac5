/** Networks as ONNX models, run by the definitions of the operators. */
import { describe, expect, test } from '@jest/globals'
import * as brauer from '../../lib/index.js'
import { gated, linear, O, pointwise, S, sequential, tensor, Trainer, type Network, type Space, type Tensor } from '../../lib/index.js' // prettier-ignore
import { exportOnnx } from '../../lib/onnx/index.js'
import { expectClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import { decodeModel, evaluate, type Model } from './evaluate.js'
import { groups, networksOf, shapesOf } from './networks.mjs'
import { expectTidy } from './tidy.js'

type Tensors = Readonly<Record<string, Tensor>>
const nameOf = (side: 'x' | 'y', order: string): string => `${side}${order || '0'}`

function expectEqual(model: Model, network: Network, batch: number, tolerance: number): void {
  const random = new Random(1)
  const { dtype } = network.options
  const x = Object.fromEntries(
    Object.entries(shapesOf(network, batch)).map(([order, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1)
      return [order, tensor(Array.from(random.normals(size), (each) => 2 * each), shape, dtype)] // prettier-ignore
    }),
  )
  const wanted = network.forwardSync(x) as Tensors
  const feeds = Object.entries(x).map(([order, value]) => [nameOf('x', order), { shape: value.shape, data: value.data }]) // prettier-ignore
  const found = evaluate(model, Object.fromEntries(feeds) as Parameters<typeof evaluate>[1])
  expect(Object.keys(found)).toEqual(Object.keys(wanted).map((order) => nameOf('y', order)))
  for (const [order, value] of Object.entries(wanted)) {
    const result = found[nameOf('y', order)]!
    expect(result.shape).toEqual(value.shape)
    expectClose(result.data, value.toNumbers(), tolerance, `y${order}, batch ${batch}`)
  }
}

describe.each(groups)('%s', (group) => {
  test.each([
    ['float64', 1e-12],
    ['float32', 1e-5],
  ] as const)(
    '%s',
    (dtype, tolerance) => {
      for (const [name, network] of Object.entries(networksOf(brauer, group, dtype))) {
        const model = decodeModel(exportOnnx(network))
        try {
          for (const batch of [0, 1, 7]) expectEqual(model, network, batch, tolerance)
          expectTidy(model)
        } catch (error) {
          throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
        }
        const dims = (ports: Model['graph']['input']): unknown =>
        ports.map(({ type: { tensorType } }) => tensorType.shape.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue)) // prettier-ignore
        expect(dims(model.graph.input)).toEqual(Object.values(shapesOf(network, 1)).map(([, ...rest]) => ['batch', ...rest])) // prettier-ignore
        const types = [...model.graph.input, ...model.graph.output].map(({ type }) => type.tensorType.elemType)
        expect(new Set(types)).toEqual(new Set([dtype === 'float64' ? 11 : 1]))
      }
    },
    120_000,
  )
})

test('gelu far from zero, where its graph in float64 is a series of period 34', () => {
  const network = pointwise(S(1), { 0: 1 }, 'gelu', { dtype: 'float64' })
  const model = decodeModel(exportOnnx(network))
  const x = [-1e6, -34, -17, -9, -8.3, -8, -6, -1e-9, 0, 1e-9, 0.5, 5, 8.2, 8.4, 16.9, 17, 25.5, 34, 1e6]
  const y = evaluate(model, { x0: { shape: [x.length, 1], data: x } })['y0']!.data
  const wanted = network.forwardSync({ 0: tensor(x, [x.length, 1], 'float64') })[0]!.toNumbers()
  x.forEach((each, i) => expect(Math.abs(y[i]! - wanted[i]!)).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(each))))
})

test('no number of the model is of a matrix of the network', () => {
  const n = 16
  const group = S(n)
  const space = { 1: 2, 2: 2 }
  const network = sequential(
    linear(group, space, { ...space, 0: 4 }, { bias: true }),
    gated(group, space),
    linear(group, space, { 2: 2 }),
    pointwise(group, { 2: 2 }, 'gelu'),
  )
  const model = decodeModel(exportOnnx(network))
  const sizes = model.graph.initializer.map(({ dims = [] }) => dims.reduce((a, b) => a * b, 1))
  // Parameters of layers, and tables over the indices of one row; a matrix from order 2 to order 2 would have n⁴ numbers for each channel.
  expect(Math.max(...sizes)).toBeLessThanOrEqual(n * n)
  expect(exportOnnx(network).length).toBeLessThan(n ** 4)
})

test('forms of Sp move rows of channels, and have a table of components alone', () => {
  const group = brauer.Sp(4)
  const model = decodeModel(exportOnnx(gated(group, { 3: 256 }, { gates: 'contractions' })))
  const sizes = model.graph.initializer.map(({ dims = [] }) => dims.reduce((a, b) => a * b, 1))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4 ** 3)
})

test('a network that was saved and loaded has the same bytes', () => {
  const network = sequential(linear(O(3), { 1: 2 }, { 0: 2, 1: 2 }, { bias: true }), gated(O(3), { 1: 2 }))
  expect(exportOnnx(brauer.loadNetwork(brauer.saveNetwork(network)))).toEqual(exportOnnx(network))
})

test('what was trained is what is exported', async () => {
  const random = new Random(2)
  const draw = (shape: number[]): Tensor<'float64'> =>
    tensor(Array.from(random.normals(shape.reduce((a, b) => a * b, 1))), shape, 'float64')
  const space: Space = { 1: 2 }
  const dtype = 'float64'
  const network = sequential(
    linear(O(3), space, { 0: 4, 1: 2 }, { dtype, bias: true }),
    gated(O(3), { 0: 2, 1: 2 }, { dtype, activation: 'gelu' }),
    brauer.norms(O(3), { 0: 2, 1: 2 }, { dtype }),
    linear(O(3), { 0: 2, 1: 2 }, { 2: 1 }, { dtype }),
  )
  const before = decodeModel(exportOnnx(network))
  const data = { x: { 1: draw([24, 3, 2]) }, y: { 2: draw([24, 3, 3, 1]) } }
  await new Trainer(network, data, { batch: 8 }).run(5)
  expectEqual(decodeModel(exportOnnx(network)), network, 3, 1e-12)
  expect(() => expectEqual(before, network, 3, 1e-5)).toThrow('expected relative error')
})
