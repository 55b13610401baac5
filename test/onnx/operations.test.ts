/** Recorded computations as nodes, whatever they are part of: run by the definitions of the operators beside their own. */
import { describe, expect, test } from '@jest/globals'
import { linear, O, S, sequential, tensor, type Linear } from '../../lib/index.js'
import { Network } from '../../lib/networks/network.js'
import { Graph } from '../../lib/onnx/graph.js'
import { exportOnnx } from '../../lib/onnx/index.js'
import { encodeModel } from '../../lib/onnx/model.js'
import { addOperations } from '../../lib/onnx/operations.js'
import { joinChannels, takeChannels } from '../../lib/tape/channels.js'
import { contract } from '../../lib/tape/contract.js'
import { add, apply, combine, multiply, shift } from '../../lib/tape/elementwise.js'
import type { FunctionName, ProductLoop, ProductNest } from '../../lib/tape/form.js'
import { gradients, pushForward } from '../../lib/tape/gradient.js'
import { applyLayer } from '../../lib/tape/layer.js'
import { constant, evaluateSync, input, record, type Value } from '../../lib/tape/value.js'
import { expectClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import { decodeModel, evaluate } from './evaluate.js'
import { expectTidy } from './tidy.js'

const refusal = (text: string) =>
  expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(text) }) as unknown as Error

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** A computation on inputs of one item, on five of them. */
function expectSame(shapes: readonly (readonly number[])[], compute: (...x: Value[]) => Value, random = new Random(1)) {
  const x = shapes.map((shape) => input([1, ...shape], 'float64'))
  const y = compute(...x)
  const graph = new Graph('float64')
  const given = x.map((value, i) => [value, graph.input(`x${i}`, shapes[i]!, 'float64')] as const)
  const [result] = addOperations(graph, [y], new Map(given), new Map()) as [ReturnType<typeof graph.constant>]
  graph.output('y', result, y.shape.slice(1), 'float64')
  const model = decodeModel(encodeModel(graph))
  expectTidy(model)
  const batch = 5
  const items = Array.from({ length: batch }, () => shapes.map((shape) => random.normals(sizeOf(shape))))
  const feeds = shapes.map((shape, i) => [`x${i}`, { shape: [batch, ...shape], data: items.flatMap((item) => Array.from(item[i]!)) }] as const) // prettier-ignore
  const wanted = items.flatMap((item) => Array.from(evaluateSync([y], new Map(x.map((value, i) => [value, item[i]!])))[0]!)) // prettier-ignore
  const found = evaluate(model, Object.fromEntries(feeds))['y']!
  expect(found.shape).toEqual([batch, ...y.shape.slice(1)])
  expectClose(found.data, wanted, 1e-13, 'y')
}

const loop = (extent: number, out: number, a: number, b: number, alternate = false): ProductLoop => ({ extent, out, a, b, alternate }) // prettier-ignore

const networkOf = (map: (x: Value) => Value): Network =>
  new Network({ specification: { kind: 'made up' }, group: O(3), input: { 1: 1 }, output: { 1: 1 }, dtype: 'float64', apply: (x) => ({ 1: map(x['1']!) }) }) // prettier-ignore

describe('products over loop nests', () => {
  test.each<[string, number[], number[], number[], ProductNest]>([
    ['elements', [2, 3], [2, 3], [2, 3], { loops: [loop(6, 1, 1, 1)] }],
    ['a transposed factor', [2, 3], [2, 3], [3, 2], { loops: [loop(2, 3, 3, 1), loop(3, 1, 1, 2)] }],
    ['a transposed output', [3, 2], [2, 3], [2, 3], { loops: [loop(2, 1, 3, 3), loop(3, 2, 1, 1)] }],
    ['outer products', [2, 3], [2], [3], { loops: [loop(2, 3, 1, 0), loop(3, 1, 0, 1)] }],
    ['matrices', [2, 4], [2, 3], [3, 4], { loops: [loop(2, 4, 3, 0), loop(3, 0, 1, 4), loop(4, 1, 0, 1)] }],
    ['diagonals', [3], [3, 3], [1], { loops: [loop(3, 1, 4, 0)] }],
    ['a trace', [1], [3, 3], [1], { loops: [loop(3, 0, 4, 0)] }],
    ['backwards', [4], [4], [4], { loops: [loop(4, 1, -1, 1)], aBase: 3 }],
    ['part of a factor', [2, 2], [3, 4], [2], { loops: [loop(2, 2, 4, 1), loop(2, 1, 1, 0)], aBase: 5 }],
    ['an output from its end', [4], [4], [4], { loops: [loop(4, -1, 1, 1)], outBase: 3 }],
    ['ε', [1], [4], [4], { loops: [loop(2, 0, 2, 2), loop(2, 0, 1, -1, true)], bBase: 1 }],
    ['signs of longer loops, twice', [5], [5, 3], [5, 3], { loops: [loop(5, 1, 3, 3, true), loop(3, 0, 1, 1, true)] }],
    ['copies', [3, 2, 2], [2], [1], { loops: [loop(3, 4, 0, 0), loop(2, 2, 1, 0), loop(2, 1, 0, 0)] }],
    ['the same term many times', [2], [2], [2], { loops: [loop(7, 0, 0, 0), loop(2, 1, 1, 1)] }],
    ['one place', [1], [6], [6], { loops: [loop(1, 0, 0, 0)], aBase: 4, bBase: 2 }],
  ])('%s', (_, out, a, b, nest) => {
    expectSame([a, b], (x, y) => contract(x, y, [1, ...out], nest))
    // The same with numbers in place of a factor.
    const fixed = constant(new Random(2).normals(sizeOf(b)), [1, ...b])
    expectSame([a], (x) => contract(x, fixed, [1, ...out], nest))
  })

  test('that write a place twice, or not at all, have no form', () => {
    const name = 'contract, which does not write every place of its output once'
    const twice = { loops: [loop(2, 1, 1, 1), loop(2, 1, 0, 0)] }
    expect(() => expectSame([[2], [2]], (x, y) => contract(x, y, [1, 3], twice))).toThrow(refusal(name))
    const half = { loops: [loop(2, 2, 1, 1)] }
    expect(() => expectSame([[2], [2]], (x, y) => contract(x, y, [1, 4], half))).toThrow(refusal(name))
    const beyond = { loops: [loop(2, 1, 1, 1)], outBase: 1 }
    expect(() => expectSame([[2], [2]], (x, y) => contract(x, y, [1, 2], beyond))).toThrow(refusal(name))
  })
})

test.each<FunctionName>([
  'exp', 'log', 'sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'relu', 'step', 'sqrt', 'reciprocal', 'normal',
])('%s, of numbers above zero and below', (name) => {
  const needsPositive = name === 'log' || name === 'sqrt'
  expectSame([[4, 2]], (x) => apply(name, needsPositive ? shift(multiply(x, x), 0.1) : x))
}) // prettier-ignore

test('parts of channels, side by side, with zeros and with constants', () => {
  const fixed = constant(Float64Array.of(1, 2, 3), [1, 3, 1])
  expectSame([[3, 4]], (x) => joinChannels([takeChannels(x, 1, 2), 2, fixed, takeChannels(x, 0, 1)]))
})

test('what no input reaches is computed once, by itself too', () => {
  const fixed = constant(Float64Array.of(1, -2), [1, 2])
  expectSame([[2]], (x) => combine([x, apply('exp', fixed), x], [2, -3, 1]))
  expectSame([[2]], () => add(fixed, fixed))
})

describe('layers', () => {
  const layer: Linear = linear(O(3), { 1: 2, 2: 1 }, { 2: 2, 3: 1 }, { dtype: 'float64', bias: true })
  const parameters = Object.fromEntries(
    Object.entries(layer.parameters).map(([name, { data, shape }]) => [name, constant(data as Float64Array, shape)]),
  )
  const along = (x: Value, order: string): Value => applyLayer(layer, { 2: x, 1: constant(new Float64Array(6).fill(0.5), [1, 3, 2]) }, parameters)[order]! // prettier-ignore

  test('of a recorded computation, one of whose inputs is a constant', () => {
    expectSame([[3, 3, 1]], (x) => along(x, '2'))
    // No diagram of O(3) leads from an even order to an odd one.
    expectSame([[3, 3, 1]], (x) => along(x, '3'))
  })

  test('with parameters that are left out', () => {
    const x = input([1, 3, 3, 1], 'float64')
    const y = along(x, '2')
    expectSame([[3, 3, 1]], (tangent) => pushForward([y], [x], [tangent])[0]!)
  })

  test('whose parameters depend on the input, and derivatives of layers, have no form', () => {
    const one: Linear = linear(S(3), { 1: 1 }, { 1: 1 }, { dtype: 'float64' })
    const by = (x: Value): Value => applyLayer(one, { 1: constant(new Float64Array(3), [1, 3, 1]) }, { 'weight.1.1': x })['1']! // prettier-ignore
    expect(() => expectSame([[1, 1]], by)).toThrow(refusal('layer, whose weight.1.1 depends on the input'))
    const square = (x: Value): Value => {
      const y = along(x, '2')
      const loss = contract(y, y, [1], { loops: [{ extent: y.size, out: 0, a: 1, b: 1 }] })
      return gradients(loss, [x], constant(Float64Array.of(1), [1]))[0]!
    }
    expect(() => expectSame([[3, 3, 1]], square)).toThrow(refusal('received inputGradient'))
  })
})

test('a network whose items depend on each other is refused, and by what', () => {
  const sum = (x: Value): Value => {
    const one = constant(Float64Array.of(1), [1])
    const item = x.size / x.shape[0]!
    const total = contract(x, one, [1, 3, 1], { loops: [loop(x.shape[0]!, 0, item, 0), loop(item, 1, 1, 0)] })
    return contract(total, one, x.shape, { loops: [loop(x.shape[0]!, item, 0, 0), loop(item, 1, 1, 0)] })
  }
  const made = networkOf(sum)
  expect(made.forwardSync({ 1: tensor([1, 2, 3, 4, 5, 6], [2, 3, 1], 'float64') })[1]!.toNumbers()).toEqual([5, 7, 9, 5, 7, 9]) // prettier-ignore
  expect(() => exportOnnx(made)).toThrow(refusal('received contract, which puts items together'))
})

test('a network of an operation without a form is refused by its name', () => {
  const twice = (value: Value): Value =>
    record(
      { form: { kind: 'named', name: 'twice' }, run: ([data]) => [data!.map((x) => 2 * x)], adjoint: ([g]) => [g] },
      [value],
      [value.shape],
    )[0]!
  const made = networkOf(twice)
  expect(made.forwardSync({ 1: tensor([1, 2, 3], [1, 3, 1], 'float64') })[1]!.toNumbers()).toEqual([2, 4, 6])
  const name = 'exportOnnx: expected operations that have a form in ONNX, received twice'
  expect(() => exportOnnx(sequential(made))).toThrow(refusal(name))
})
