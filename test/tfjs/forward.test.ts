import { beforeAll, describe, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import { groupFrom, linear, O, S, tensor, type Linear, type LinearOptions, type Space } from '../../lib/index.js'
import { forward, fromTfjs, toTfjs } from '../../lib/tfjs/index.js'
import { expectClose } from '../support/compare.js'
import { backends, numbers, random, start } from './backends.js'

const bias = { bias: true } as const
const cases: readonly (readonly [group: string, input: Space, output: Space, options: LinearOptions])[] = [
  ['S(4)', { 2: 3 }, { 2: 2 }, bias],
  ['S(3)', { 0: 2, 1: 1, 3: 1 }, { 1: 2 }, { ...bias, layout: 'channels-first', normalize: 'mean' }],
  ['O(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 1, 2: 2 }, bias],
  ['O(3)', { 3: 2 }, { 3: 1 }, {}],
  ['SO(3)', { 1: 2, 2: 1 }, { 0: 2, 1: 2 }, bias],
  ['Sp(4)', { 1: 1, 3: 1 }, { 1: 2 }, {}],
  ['S(2)×O(2)', { a: 1, ab: 2 }, { 0: 2, ab: 1 }, bias],
  // No diagram goes from 1 to 2.
  ['O(3)', { 1: 2 }, { 2: 2 }, bias],
]

/** A layer with parameters that are not zero. */
function layerOf([group, input, output, options]: (typeof cases)[number]): Linear<Space, Space, 'float32'> {
  const layer = linear(groupFrom(group), input, output, options as LinearOptions<'float32'>)
  const drawn = Object.entries(layer.parameters).map(([name, { shape, size }], i) => [name, tensor(numbers(size, i + 50), shape)] as const) // prettier-ignore
  layer.load(Object.fromEntries(drawn))
  return layer
}

/** Shapes of an end, ascending, and the keys of its orders. */
function endOf(layer: Linear, side: 'bottom' | 'top', batch: number) {
  const space = side === 'bottom' ? layer.input : layer.output
  return layer.plan[side].tensors.map(({ order, channels, extents }) => ({
    key: order === '' ? '0' : String(order),
    channels: space[order === '' ? '0' : order],
    shape: layer.options.layout === 'channels-first' ? [batch, channels, ...extents] : [batch, ...extents, channels],
  }))
}
const inputsOf = (layer: Linear, batch = 3, seed = 1): tf.Tensor[] =>
  endOf(layer, 'bottom', batch).map(({ shape }, i) => random(shape, seed + i))
const record = (layer: Linear, side: 'bottom' | 'top', tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(endOf(layer, side, 1).map(({ key }, i) => [key, fromTfjs(tensors[i]!)]))
const list = (value: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(value) ? value : [value])
const one = <T>(values: readonly T[]): T | T[] => (values.length === 1 ? values[0]! : [...values])
const refusal = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) }) as unknown as Error

const missing = backends.filter((backend) => backend.missing !== undefined)
if (missing.length > 0) test.skip.each(missing)('on the backend $name: not tried, $missing', () => undefined)

describe.each(backends.filter((backend) => !missing.includes(backend)))('on the backend $name', ({ name }) => {
  beforeAll(() => start(name))
  const close = (received: tf.Tensor, wanted: { toNumbers(): number[] }, label: string): void =>
    expectClose(received.dataSync(), wanted.toNumbers(), 1e-6, label)

  describe.each(cases)('%s %j -> %j %j', (...spec) => {
    test('f is that of the layer', () => {
      const layer = layerOf(spec)
      const x = inputsOf(layer)
      const before = tf.memory().numTensors
      const y = list(forward(layer, one(x)))
      expect(tf.memory().numTensors - before).toBe(y.length)
      const wanted = layer.forwardSync(record(layer, 'bottom', x))
      endOf(layer, 'top', 3).forEach(({ key, shape }, i) => {
        expect([y[i]!.shape, y[i]!.dtype]).toEqual([shape, 'float32'])
        close(y[i]!, wanted[key]!, `y${key}`)
      })
    })

    test('its gradients are the gradients of the layer, and leave nothing behind', () => {
      const layer = layerOf(spec)
      const x = inputsOf(layer)
      const g = endOf(layer, 'top', 3).map(({ shape }, i) => random(shape, 20 + i))
      const weights = Object.entries(layer.parameters).map(([key, value]) => [key, toTfjs(value)] as const)
      const inner = (given: tf.Tensor[], parameters: tf.Tensor[]): tf.Scalar => {
        const named = Object.fromEntries(weights.map(([key], i) => [key, parameters[i]!]))
        const terms = list(forward(layer, one(given), named)).map((y, i) => tf.sum(tf.mul(y, g[i]!)))
        return tf.addN(terms) as tf.Scalar
      }
      const [wantedX, wantedW] = [layer.inputGradientSync(record(layer, 'top', g)), layer.weightGradientSync(record(layer, 'bottom', x), record(layer, 'top', g))] // prettier-ignore
      const check = (found: tf.Tensor[], which: 'x' | 'w'): void => {
        const keys = which === 'x' ? endOf(layer, 'bottom', 3).map(({ key }) => key) : weights.map(([key]) => key)
        const wanted = which === 'x' ? wantedX : wantedW
        keys.forEach((key, i) => close(found[i]!, wanted[key]!, `gradient of ${key}`))
      }
      const parameters = weights.map(([, value]) => value)
      const before = tf.memory().numTensors
      const all = tf.grads((...given: tf.Tensor[]) => inner(given.slice(0, x.length), given.slice(x.length)))([...x, ...parameters]) // prettier-ignore
      check(all.slice(0, x.length), 'x')
      check(all.slice(x.length), 'w')
      tf.dispose(all)
      // Of some alone, what is made beside them goes too.
      const first = tf.grad((given: tf.Tensor) => inner([given, ...x.slice(1)], parameters))(x[0]!)
      close(first, wantedX[endOf(layer, 'bottom', 3)[0]!.key]!, 'gradient of the first')
      tf.dispose(first)
      const last = tf.grad((given: tf.Tensor) => inner(x, [...parameters.slice(0, -1), given]))(parameters.at(-1)!)
      close(last, wantedW[weights.at(-1)![0]]!, 'gradient of the last parameter')
      tf.dispose(last)
      expect(tf.memory().numTensors).toBe(before)
    })

    test('gradients of gradients agree with differences', () => {
      const layer = layerOf(spec)
      const x = inputsOf(layer, 2)
      const weights = Object.entries(layer.parameters).map(([key, value]) => [key, toTfjs(value)] as const)
      const all = [...x, ...weights.map(([, value]) => value)]
      const objective = (...given: tf.Tensor[]): tf.Scalar => {
        const named = Object.fromEntries(weights.map(([key], i) => [key, given[x.length + i]!]))
        const y = list(forward(layer, one(given.slice(0, x.length)), named))
        return tf.addN(y.map((each) => tf.sum(tf.mul(tf.square(each), each)))) as tf.Scalar
      }
      // h = |∇f|², along a direction.
      const along = all.map(({ shape }, i) => random(shape, 90 + i))
      const h = (...given: tf.Tensor[]): tf.Scalar =>
        tf.addN(
          tf
            .grads(objective)(given)
            .map((each) => tf.sum(tf.square(each))),
        ) as tf.Scalar
      const before = tf.memory().numTensors
      const second = tf.tidy(() => tf.addN(tf.grads(h)(all).map((each, i) => tf.sum(tf.mul(each, along[i]!)))).dataSync()[0]!) // prettier-ignore
      const at = (step: number): number =>
        tf.tidy(() => h(...all.map((each, i) => tf.add(each, tf.mul(along[i]!, step)))).dataSync()[0]!)
      expect(tf.memory().numTensors).toBe(before)
      // A polynomial of degree six: Richardson's fourth-order difference leaves float32's rounding alone.
      const difference = (step: number): number => (at(step) - at(-step)) / (2 * step)
      const wanted = (4 * difference(0.01) - difference(0.02)) / 3
      expect(Math.abs(second - wanted)).toBeLessThanOrEqual(1e-3 * Math.abs(wanted))
      expect(wanted).not.toBe(0)
    })
  })

  test('gradients of third order are right', () => {
    // f = (w x)³ for the identity on one scalar.
    const layer = linear(O(3), { 0: 1 }, { 0: 1 })
    const w = tf.tensor([2], [1, 1, 1])
    const f = (x: tf.Tensor): tf.Tensor => {
      const y = forward(layer, x, { 'weight.0.0': w })
      return tf.mul(tf.square(y), y)
    }
    const third = tf.grad(tf.grad(tf.grad(f)))(tf.tensor([5], [1, 1]))
    expect(third.dataSync()[0]).toBeCloseTo(48, 3)
  })

  test('a batch of none is legal', () => {
    const layer = linear(S(3), { 1: 2 }, { 0: 1, 1: 2 })
    expect(forward(layer, tf.zeros([0, 3, 2])).map(({ shape }) => shape)).toEqual([[0, 1], [0, 3, 2]]) // prettier-ignore
  })

  test('a parameter that is left out counts as zero, and the layer keeps its own', () => {
    const layer = layerOf(cases[0]!)
    const x = random([2, 4, 4, 3], 3)
    const own = layer.parameters
    const { 'weight.2.2': weight } = own
    const y = forward(layer, x, { 'weight.2.2': toTfjs(weight!) }) as tf.Tensor
    close(y, layer.forwardSync({ 2: fromTfjs(x) }, { parameters: { 'weight.2.2': weight! } })[2]!, 'y')
    expect(layer.parameters).toEqual(own)
  })
})

describe('no copies beyond those that a backend forces', () => {
  test('the backend cpu: tensors are the memory that brauer reads and has written', async () => {
    await start('cpu')
    const x = random([2, 3, 1], 1)
    expect(fromTfjs(x).data).toBe(x.dataSync())
    const values = new Float32Array(6)
    expect(toTfjs(tensor(values, [2, 3])).dataSync()).toBe(values)
  })

  test('the backend wasm: results are written where they stay, also when the heap grows for them', async () => {
    await start('wasm')
    const layer = linear(S(64), { 0: 16 }, { 2: 16 })
    const host = tf.backend()
    const { readSync } = host
    for (let i = 0; i < 4; i++) {
      const x = random([64, 16], i)
      host.readSync = () => expect('no copy').toBe('a copy') as never
      const y = forward(layer, x)
      host.readSync = readSync
      expectClose(y.dataSync(), layer.forwardSync({ 0: fromTfjs(x) })[2].data, 1e-6, 'y')
    }
  }, 60_000)

  test('tensors of one backend go to another', async () => {
    await start('cpu')
    const layer = layerOf(cases[2]!)
    const x = inputsOf(layer)
    const wanted = list(forward(layer, one(x))).map((y) => y.dataSync().slice())
    await start('wasm')
    list(forward(layer, one(x))).forEach((y, i) => expectClose(y.dataSync(), wanted[i]!, 1e-6, `y ${i}`))
  })
})

describe('what is wrong is named', () => {
  const layer = linear(O(3), { 1: 2, 2: 1 }, { 1: 1 }, { bias: true })
  beforeAll(() => start('cpu'))
  const good = (): [tf.Tensor, tf.Tensor] => [random([2, 3, 2], 1), random([2, 3, 3, 1], 2)]
  const gone = (): tf.Tensor => {
    const value = random([2, 3, 2], 1)
    value.dispose()
    return value
  }

  test.each([
    ['one of two', () => [good()[0]], 'invalid-argument', 'tfjs: x: expected 2 tensors (orders 1, 2), received 1'],
    ['no tensor', () => [good()[0], tensor([1], [1])], 'invalid-argument', 'tfjs: x of order 2: expected a tensor of TensorFlow.js, received Tensor'],
    ['a shape', () => [good()[1], good()[1]], 'invalid-shape', 'tfjs: x of order 1: expected shape [batch, 3, 2], received [2, 3, 3, 1]'],
    ['batches', () => [good()[0], random([3, 3, 3, 1], 1)], 'invalid-shape', 'tfjs: x of order 2: expected shape [2, 3, 3, 1], received [3, 3, 3, 1]'],
    ['integers', () => [tf.zeros([2, 3, 2], 'int32'), good()[1]], 'invalid-dtype', 'tfjs: x of order 1: expected float32, received int32'],
    ['disposed', () => [gone(), good()[1]], 'disposed', 'tfjs: x of order 1: expected a live tensor'],
  ] as const)('%s', (_, x, code, text) => {
    expect(() => forward(layer, x() as never)).toThrow(refusal(code, text))
  }) // prettier-ignore

  test.each([
    [() => [], 'tfjs: parameters: expected a record of tensors (weight.1.1, bias.2)'],
    [() => ({ 'weight.3.1': tf.zeros([1]) }), 'tfjs: parameters: expected the names weight.1.1'],
    [() => ({ 'weight.1.1': tf.zeros([1]) }), 'tfjs: parameter weight.1.1: expected shape [1, 2, 1], received [1]'],
  ])('parameters %#', (parameters, text) => {
    const one = linear(O(3), { 1: 2 }, { 1: 1, 2: 1 }, { bias: true })
    expect(() => forward(one, random([2, 3, 2], 1), parameters() as never)).toThrow(refusal('invalid-parameters', text))
  })

  test('a layer of another dtype, or none', () => {
    const exact = linear(O(3), { 1: 1 }, { 1: 1 }, { dtype: 'float64' })
    expect(() => forward(exact as never, random([1, 3, 1], 1))).toThrow(refusal('invalid-dtype', 'float32'))
    expect(() => forward({} as never, random([1], 1))).toThrow(refusal('invalid-argument', 'a layer made by linear'))
    expect(() => toTfjs(tensor([1], [1], 'float64'))).toThrow(refusal('invalid-dtype', 'toTfjs'))
    expect(() => fromTfjs(tf.zeros([1], 'bool'))).toThrow(refusal('invalid-dtype', 'fromTfjs'))
  })
})
