import { beforeAll, describe, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs-core'
import * as tfl from '@tensorflow/tfjs-layers'
import { check, linear, O, S, type Linear } from '../../lib/index.js'
import { fromTfjs, toTfjs } from '../../lib/tfjs/index.js'
import { EquivariantLinear, equivariantLinear, type EquivariantLinearConfig } from '../../lib/tfjs/layers.js'
import { expectClose } from '../support/compare.js'
import { random, start } from './backends.js'

beforeAll(() => start('cpu'))

const refusal = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) }) as unknown as Error

/** Saves and loads a model, in memory. */
async function throughAFile(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      // As text, as a file has it.
      saved = { ...artifacts, modelTopology: JSON.parse(JSON.stringify(artifacts.modelTopology)) as object }
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return tfl.loadLayersModel(tf.io.fromMemory(saved!))
}

test('a sequential model trains, and what it has learnt is a layer of brauer', async () => {
  const layer = equivariantLinear({ group: 'O(3)', input: { 2: 1 }, output: { 0: 1 }, bias: true })
  const model = tfl.sequential({ layers: [layer] })
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'meanSquaredError' })
  // Twice the trace, plus 1: the weights are known.
  const x = random([128, 3, 3, 1], 1)
  const y = tf.tidy(() => tf.add(tf.mul(tf.sum(tf.mul(tf.reshape(x, [128, 9]), [1, 0, 0, 0, 1, 0, 0, 0, 1]), 1, true), 2), 1)) // prettier-ignore
  const before = tf.memory().numTensors
  const { history } = await model.fit(x, y, { epochs: 60, batchSize: 32, verbose: 0, shuffle: false })
  const losses = history['loss'] as number[]
  expect(losses.at(-1)).toBeLessThan(1e-4 * losses[0]!)
  // The optimiser has two moments for each weight, and two powers.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(6)
  const learnt = layer.toLinear()
  expect(learnt.parameters['weight.2.0']!.data[0]).toBeCloseTo(2, 2)
  expect(learnt.parameters['bias.0']!.data[0]).toBeCloseTo(1, 2)
  expectClose((model.predict(x) as tf.Tensor).dataSync(), learnt.forwardSync({ 2: fromTfjs(x) })[0]!.data as Float32Array, 1e-6, 'y') // prettier-ignore
})

test('between other layers, in either layout, a model trains', async () => {
  const model = tfl.sequential()
  model.add(equivariantLinear({ group: S(4), input: { 1: 2 }, output: { 2: 3 }, layout: 'channels-first' }))
  model.add(tfl.layers.activation({ activation: 'relu' }))
  model.add(equivariantLinear({ group: S(4), input: { 2: 3 }, output: { 0: 4 }, layout: 'channels-first', bias: true }))
  model.add(tfl.layers.dense({ units: 1, kernelInitializer: tfl.initializers.ones() }))
  expect(model.layers.map(({ outputShape }) => outputShape)).toEqual([[null, 3, 4, 4], [null, 3, 4, 4], [null, 4], [null, 1]]) // prettier-ignore
  model.compile({ optimizer: tf.train.sgd(0.001), loss: 'meanSquaredError' })
  const [x, y] = [random([16, 2, 4], 1), random([16, 1], 2)]
  const { history } = await model.fit(x, y, { epochs: 10, verbose: 0, shuffle: false })
  const losses = history['loss'] as number[]
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
})

test('spaces of several orders are lists, in and out', () => {
  const layer = equivariantLinear({ group: 'SO(3)', input: { 2: 1, 1: 2 }, output: { 1: 1, 0: 3 }, seed: 3 })
  const inputs = [tfl.input({ shape: [3, 2] }), tfl.input({ shape: [3, 3, 1] })]
  const model = tfl.model({ inputs, outputs: layer.apply(inputs) as tfl.SymbolicTensor[] })
  const x = [random([5, 3, 2], 1), random([5, 3, 3, 1], 2)]
  const y = model.predict(x) as tf.Tensor[]
  expect(y.map(({ shape }) => shape)).toEqual([[5, 3], [5, 3, 1]]) // prettier-ignore
  const own = layer.toLinear().forwardSync({ 1: fromTfjs(x[0]!), 2: fromTfjs(x[1]!) })
  y.forEach((each, order) => expectClose(each.dataSync(), own[order]!.data as Float32Array, 1e-6, `y${order}`))
})

test.each([
  { group: 'O(3)', input: { 2: 2 }, output: { 1: 1, 2: 2 }, bias: true },
  { group: 'SO(3)', input: { 2: 1 }, output: { 1: 2 }, layout: 'channels-first', normalize: 'mean', expectedBatch: 7 },
  { group: 'S(3)×O(2)', input: { ab: 2 }, output: { b: 1 }, basis: 'spanning', name: 'Pair', trainable: false },
] as EquivariantLinearConfig[])('a model comes back from a file: %j', async (config) => {
  const layer = equivariantLinear(config)
  const [, ...item] = layer.batchInputShape as number[]
  const input = tfl.input({ shape: item })
  const model = tfl.model({ inputs: input, outputs: layer.apply(input) as tfl.SymbolicTensor })
  const x = random([4, ...item], 1)
  // Other weights than those that the seed gives.
  model.setWeights(model.getWeights().map(({ shape }, i) => random(shape, 30 + i)))
  const loaded = await throughAFile(model)
  const [was, is] = [model.predict(x), loaded.predict(x)].map((y) => (Array.isArray(y) ? y : [y as tf.Tensor]))
  is!.forEach((each, i) => expect(Array.from(each.dataSync())).toEqual(Array.from(was![i]!.dataSync())))
  const again = loaded.layers.at(-1) as EquivariantLinear
  expect(again).toBeInstanceOf(EquivariantLinear)
  expect(again.getConfig()).toEqual(layer.getConfig())
  expect(again.trainableWeights).toHaveLength(config.trainable === false ? 0 : again.weights.length)
  expect(again.weights.map(({ originalName }) => originalName)).toEqual(
    Object.keys(layer.toLinear().parameters).map((name) => `${layer.name}/${name}`),
  )
})

test('a layer of brauer goes on as a layer of a model', async () => {
  const layer: Linear = linear(O(3), { 1: 2, 2: 1 }, { 1: 2 }, { bias: true, normalize: 'mean', seed: 9 }) as never
  const made = EquivariantLinear.fromLinear(layer, { name: 'first' })
  expect(made.name).toBe('first')
  expect(made.toLinear().parameters).toEqual(layer.parameters)
  const x = [random([2, 3, 2], 1), random([2, 3, 3, 1], 2)]
  const y = made.apply(x) as tf.Tensor
  const wanted = layer.forwardSync({ 1: fromTfjs(x[0]!), 2: fromTfjs(x[1]!) })[1]!
  expectClose(y.dataSync(), wanted.data as Float32Array, 1e-6, 'y')
  for (const { error } of await check(made.toLinear())) expect(error).toBeLessThan(1e-5)
})

test('new weights hold from the next call on, and old ones again', () => {
  const made = equivariantLinear({ group: 'S(3)', input: { 1: 1 }, output: { 1: 1 } })
  const x = random([1, 3, 1], 1)
  const first = made.apply(x) as tf.Tensor
  const old = made.getWeights().map((each) => tf.clone(each))
  made.setWeights([toTfjs(linear(S(3), { 1: 1 }, { 1: 1 }, { seed: 8 }).parameters['weight.1.1'])])
  const second = made.apply(x) as tf.Tensor
  expect(Array.from(second.dataSync())).not.toEqual(Array.from(first.dataSync()))
  made.setWeights(old)
  expect(Array.from((made.apply(x) as tf.Tensor).dataSync())).toEqual(Array.from(first.dataSync()))
})

describe('what is wrong is named', () => {
  const good = { group: 'O(3)', input: { 1: 2 }, output: { 1: 1 } }

  test.each([
    [undefined, 'invalid-argument', 'equivariantLinear: expected a configuration with group, input and output'],
    [{ ...good, group: 'U(3)' }, 'invalid-group', 'expected S(n), O(n), SO(n) or Sp(n)'],
    [{ ...good, group: undefined }, 'invalid-group', "a text such as 'O(3)'"],
    [{ ...good, input: { 1: 0 } }, 'invalid-argument', 'input space, order 1'],
    [{ ...good, bais: true }, 'unknown-option', 'did you mean bias?'],
    [{ ...good, dtype: 'int32' }, 'invalid-dtype', 'equivariantLinear: dtype: expected float32'],
  ])('in a configuration: %j', (config, code, text) => {
    expect(() => equivariantLinear(config as never)).toThrow(refusal(code, text))
  })

  test('in what goes before', () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 4, inputShape: [3] })] })
    const text = 'inputs, order 1: expected [null, 3, 2], received [null, 4]'
    expect(() => model.add(equivariantLinear(good))).toThrow(refusal('invalid-shape', text))
    const two = equivariantLinear({ group: 'O(3)', input: { 0: 1, 1: 2 }, output: { 1: 1 } })
    expect(() => two.apply(tfl.input({ shape: [3, 2] }))).toThrow(refusal('invalid-argument', 'expected 2 tensors, received 1')) // prettier-ignore
  })

  test('in a layer that has no model here', () => {
    const layer = linear(O(3), { 1: 1 }, { 1: 1 }, { dtype: 'float64' })
    expect(() => EquivariantLinear.fromLinear(layer as never)).toThrow(refusal('invalid-dtype', 'float32'))
  })
})
