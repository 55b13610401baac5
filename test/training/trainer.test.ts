import { describe, expect, test } from '@jest/globals'
import {
  adamW, gated, linear, O, readSafetensors, S, saveNetwork, sequential, sgd, tensor, Trainer, type Module, type Optimizer, type TrainingData,
} from '../../lib/index.js' // prettier-ignore
import { shuffle } from '../../lib/training/minibatches.js'
import { normalAt } from '../../lib/tensor/random.js'
import { backends, isCuda, on, type BackendName } from '../support/backends.js'
import { refuses, refusesAsync } from '../layers/refuses.js'

const items = 40

/** A network from two vectors to one, and data of another one like it. */
function setUp(backend: BackendName, seed = 1) {
  const make = (from: number): Module =>
    sequential(
      linear(O(3), { 1: 2 }, { 1: 4 }, { ...on(backend), seed: from }),
      gated(O(3), { 1: 4 }, { gates: 'contractions' }),
      linear(O(3), { 1: 4 }, { 1: 1 }, { ...on(backend), seed: from + 1 }),
    )
  const x = {
    1: tensor(
      Float32Array.from({ length: items * 6 }, (_, i) => normalAt(3, i)),
      [items, 3, 2],
    ),
  }
  return { network: make(seed), data: { x, y: make(50).forwardSync(x) } as TrainingData }
}

const optimizers: [string, () => Optimizer][] = [
  ['adamW', () => adamW({ learningRate: 0.01 })],
  ['sgd with momentum', () => sgd({ learningRate: 0.02, momentum: 0.9 })],
  ['sgd', () => sgd({ learningRate: 0.05 })],
]
const few = backends.filter((name, i) => !isCuda(name) || i === 0)

describe.each(few)('on %s', (backend) => {
  test.each(optimizers)('%s learns, and goes on from a checkpoint to the bit', async (_, optimizer) => {
    const make = (seed?: number) => {
      const { network, data } = setUp(backend, seed)
      return new Trainer(network, data, { optimizer: optimizer(), batch: 16, seed: 7 })
    }
    const whole = make()
    expect(whole.stepsPerEpoch).toBe(3)
    const losses: number[] = []
    await whole.run(10, { onStep: (_done, loss) => losses.push(loss) })
    const checkpoint = whole.save()
    for (const [name, value] of Object.entries(readSafetensors(checkpoint).tensors))
      expect([name, value.toNumbers().some((number) => number !== 0)]).toEqual([name, true])
    const last = await whole.run(4)
    expect(last).toBeLessThan(losses[0]!)

    // Other weights to begin with, and in the middle of an epoch.
    const again = make(9)
    again.restore(checkpoint)
    expect([again.step, again.save()]).toEqual([10, checkpoint])
    expect(await again.run(4)).toBe(last)
    expect(again.save()).toEqual(whole.save())
    expect(saveNetwork(again.module)).toEqual(saveNetwork(whole.module))
  })

  test('the same seed, the same training; another one, another', async () => {
    const run = async (seed: number) => {
      const { network, data } = setUp(backend)
      const trainer = new Trainer(network, data, { batch: 16, seed })
      await trainer.run(3)
      return trainer.save()
    }
    expect(await run(1)).toEqual(await run(1))
    const [one, two] = [await run(1), await run(2)]
    expect(one).not.toEqual(two)
  })
})

test('one step of each optimizer, by hand', () => {
  const values = Float64Array.from([1, -2])
  sgd({ learningRate: 0.5 }).update(values, Float64Array.from([2, 4]), [], 1, 0.5)
  expect([...values]).toEqual([0.5, -3])
  const velocity = Float64Array.from([1, 1])
  sgd({ learningRate: 1, momentum: 0.5 }).update(values, Float64Array.from([1, 0]), [velocity], 2, 1)
  expect([[...velocity], [...values]]).toEqual([
    [1.5, 0.5],
    [-1, -3.5],
  ])
  // The first step of Adam has the length of the learning rate, whatever the gradient; decay comes on top.
  const moments = [new Float64Array(2), new Float64Array(2)]
  const weights = Float64Array.from([10, 10])
  adamW({ learningRate: 0.1, weightDecay: 0.5, epsilon: 0 }).update(
    weights,
    Float64Array.from([3, -0.01]),
    moments,
    1,
    1,
  )
  expect(weights[0]).toBeCloseTo(10 - 0.1 * (1 + 5), 12)
  expect(weights[1]).toBeCloseTo(10 - 0.1 * (-1 + 5), 12)
})

test('minibatches take every item once', () => {
  const order = shuffle(1000, 3, 0)
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  expect(shuffle(1000, 3, 0)).toEqual(order)
  expect(shuffle(1000, 3, 1)).not.toEqual(order)
  expect(shuffle(1000, 4, 0)).not.toEqual(order)
  // Each place is taken by each of a few items about equally often.
  const counts = new Float64Array(9)
  for (let epoch = 0; epoch < 3000; epoch++) shuffle(3, 5, epoch).forEach((item, place) => counts[3 * place + item]!++)
  counts.forEach((count) => expect(Math.abs(count - 1000)).toBeLessThan(130))
})

describe('what is refused', () => {
  const { network, data } = setUp('reference')
  const make = (options: object = {}) => new Trainer(network, data, { batch: 16, ...options })

  test('checkpoints of something else', () => {
    const other = (module: Module, more: TrainingData = data, options: object = {}): Uint8Array => new Trainer(module, more, { batch: 16, ...options }).save() // prettier-ignore
    const file = (where: string) =>
      ({ code: 'invalid-file', where: `checkpoint: ${where}`, expected: /./, received: /./ }) as const
    const layer = linear(O(3), { 1: 2 }, { 1: 1 }, on('reference'))
    refuses(() => make().restore(other(layer)), file('module'))
    refuses(() => make().restore(other(network, data, { optimizer: sgd() })), file('optimizer'))
    refuses(() => make().restore(other(network, data, { seed: 5 })), file('seed'))
    refuses(() => make().restore(other(network, data, { batch: 8 })), file('batch'))
    refuses(() => make().restore(saveNetwork(network)), file('metadata'))
    refuses(() => make().restore(new Uint8Array(3)), { ...file(''), where: /./ as never })
  })

  test('data that does not fit, and options', async () => {
    const short = { 1: tensor(new Float32Array(6), [2, 3, 1]) }
    refuses(() => new Trainer(network, { ...data, y: short }), {
      code: 'invalid-shape',
      where: 'Trainer: y',
      expected: '40 items',
      received: '2',
    })
    const none = { 1: tensor([], [0, 3, 2]) }
    refuses(() => new Trainer(network, { x: none, y: { 1: tensor([], [0, 3, 1]) } }), { code: 'invalid-shape', where: 'Trainer: x', expected: 'at least one', received: 'none' }) // prettier-ignore
    refuses(() => make({ batch: 0 }), {
      code: 'invalid-argument',
      where: 'option batch',
      expected: 'from 1',
      received: '0',
    })
    refuses(() => make({ epochs: 3 }), {
      code: 'unknown-option',
      where: 'Trainer: options',
      expected: 'loss',
      received: '"epochs"',
    })
    refuses(() => adamW({ beta1: -1 }), {
      code: 'invalid-argument',
      where: 'adamW: option beta1',
      expected: 'at least 0',
      received: '-1',
    })
    await refusesAsync(() => make().run(2, { signal: AbortSignal.abort() }), { code: 'aborted', where: 'Trainer.run', expected: 'not aborted', received: 'aborted' }) // prettier-ignore
  })

  test('a loss that is no number', async () => {
    const trainer = make({ optimizer: sgd({ learningRate: 1e30 }) })
    await refusesAsync(() => trainer.run(20), {
      code: 'invalid-argument',
      where: 'Trainer',
      expected: 'a loss that is a number',
      received: /in step \d+$/,
    })
  })
})

test('a layer alone is trained too', async () => {
  const layer = linear(S(4), { 1: 1 }, { 1: 1 }, { ...on('reference'), dtype: 'float64', bias: true })
  const wanted = linear(S(4), { 1: 1 }, { 1: 1 }, { ...on('reference'), dtype: 'float64', seed: 3 })
  const x = {
    1: tensor(
      Float64Array.from({ length: 80 }, (_, i) => normalAt(1, i)),
      [20, 4, 1],
    ),
  }
  const trainer = new Trainer(
    layer,
    { x, y: wanted.forwardSync(x) },
    { batch: 20, optimizer: sgd({ learningRate: 0.1 }) },
  )
  expect(await trainer.run(300)).toBeGreaterThan(await trainer.run(1))
  expect(await trainer.run(1)).toBeLessThan(1e-10)
  expect(layer.parameters['weight.1.1']!.data[0]).toBeCloseTo(wanted.parameters['weight.1.1']!.data[0]!, 4)
})
