import { describe, expect, test } from '@jest/globals'
import {
  adamW,
  invariants,
  linear,
  O,
  pointwise,
  S,
  sequential,
  tensor,
  Trainer,
  type Network,
  type Tensor,
} from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { affordable, backends } from '../support/backends.js'
import { networksOf, shapesOf } from './networks.js'

type Values = Readonly<Record<string, Tensor>>

const largest = 4
const sizes = [4, 2, 3, 4, 1, 2]

function draw(shapes: Record<string, readonly number[]>, seed: number): Values {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const size = shape.reduce((a, b) => a * b, 1)
      return [
        name,
        tensor(
          Float64Array.from({ length: size }, (_, at) => normalAt(seed, 1e6 * i + at)),
          shape,
        ),
      ]
    }),
  )
}

/** Whether an element of item `at` lies in the corner of n, and where in an item of that n alone. */
function inCorner(shape: readonly number[], at: number, n: number): number | undefined {
  const [, ...extents] = shape
  let [rest, stride, place] = [at, 1, 0]
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    const [extent, own] = [extents[axis]!, axis === extents.length - 1 ? extents[axis]! : n]
    const index = rest % extent
    if (index >= own) return undefined
    place += index * stride
    stride *= own
    rest = Math.floor(rest / extent)
  }
  return place
}

/** Each item of a batch on its own: the numbers in its corner, and whether all around them holds. */
function itemsOf(values: Values, around: (value: number) => boolean): { alone: Values[]; isClean: boolean } {
  let isClean = true
  const alone = sizes.map((n, item) =>
    Object.fromEntries(
      Object.entries(values).map(([order, { shape, data }]) => {
        const size = data.length / sizes.length
        const own: number[] = []
        for (let at = 0; at < size; at++) {
          const place = inCorner(shape, at, n)
          if (place === undefined) isClean &&= around(data[item * size + at]!)
          else own[place] = data[item * size + at]!
        }
        return [order, tensor(Float64Array.from(own), [1, ...shape.slice(1, -1).map(() => n), shape.at(-1)!])] as const
      }),
    ),
  )
  return { alone, isClean }
}

/** Inputs whose padding must not be read. */
function padded(values: Values): Values {
  for (const { shape, data } of Object.values(values)) {
    const size = data.length / sizes.length
    sizes.forEach((n, item) => {
      for (let at = 0; at < size; at++) if (inCorner(shape, at, n) === undefined) data[item * size + at] = NaN
    })
  }
  return values
}

const plain = (values: Values) => Object.entries(values).map(([name, { data }]) => [name, Array.from(data)])
const names = Object.keys(networksOf(`S(${largest})`, 'reference', 'float64'))
const pairs = backends.flatMap((backend) => names.map((name) => [backend, name] as const))

describe.each(affordable(pairs, 5, 1))('on %s, %s of S(n)', (backend, name) => {
  const make = (n: number): Network => networksOf(`S(${n})`, backend, 'float64', { basis: 'spanning' })[name]!
  const network = make(largest)
  const shapes = Object.fromEntries(Object.entries(network.parameters).map(([key, { shape }]) => [key, shape]))
  network.load(draw(shapes, 1))
  const x = padded(draw(shapesOf(network, 'input', sizes.length), 2))
  const g = padded(draw(shapesOf(network, 'output', sizes.length), 3))
  const items = { x: itemsOf(x, Number.isNaN).alone, g: itemsOf(g, Number.isNaN).alone }
  const alone = sizes.map((n, item) => {
    const own = make(n)
    own.load(network.parameters)
    const { y, pullback } = own.vjpSync(items.x[item]!)
    return { y: y as Values, ...pullback(items.g[item]!) }
  })

  test('each item has the bits that it has alone, with nothing around it', async () => {
    const y = network.forwardSync(x, { sizes }) as Values
    const found = itemsOf(y, (value) => value === 0)
    expect(found.isClean).toBe(true)
    expect(found.alone.map(plain)).toEqual(alone.map((item) => plain(item.y)))
    expect(plain((await network.forward(x, { sizes })) as Values)).toEqual(plain(y))
  })

  test('so have its gradients, and those by parameters are their sums', () => {
    const { x: byX, parameters } = network.vjpSync(x, { sizes }).pullback(g)
    const found = itemsOf(byX as Values, (value) => value === 0)
    expect(found.isClean).toBe(true)
    expect(found.alone.map(plain)).toEqual(alone.map((item) => plain(item.x as Values)))
    for (const [key, { data }] of Object.entries(parameters)) {
      const sum = Array.from(data, (_, i) =>
        alone.reduce((total, item) => total + Number(item.parameters[key]!.data[i]), 0),
      )
      const scale = Math.max(1e-300, ...sum.map(Math.abs))
      expect(Math.max(0, ...sum.map((value, i) => Math.abs(value - Number(data[i])) / scale))).toBeLessThan(1e-12)
    }
  })

  test('and its tangents', () => {
    const tangents = { x: padded(draw(shapesOf(network, 'input', sizes.length), 4)) }
    const { tangent } = network.jvpSync(x, tangents, { sizes })
    const along = itemsOf(tangents.x, Number.isNaN).alone
    sizes.forEach((n, item) => {
      const own = make(n)
      own.load(network.parameters)
      const expected = own.jvpSync(items.x[item]!, { x: along[item]! }).tangent
      expect(plain(itemsOf(tangent as Values, (value) => value === 0).alone[item]!)).toEqual(plain(expected as Values))
    })
  })
})

describe('sizes', () => {
  const group = S(4)
  const network = sequential(linear(group, { 2: 1 }, { 1: 2 }), pointwise(group, { 1: 2 }, 'relu'))

  test('that are wrong are named', () => {
    const x = { 2: tensor(new Float32Array(2 * 16), [2, 4, 4, 1]) }
    const call = (sizes: unknown) => () => network.forwardSync(x, { sizes: sizes as number[] })
    expect(call([4])).toThrow('forward: sizes: expected one n for each of 2 items, received [4]')
    expect(call([4, 5])).toThrow('forward: sizes[1]: expected an integer from 1 to 4, received 5')
    const turning = sequential(linear(O(3), { 1: 1 }, { 0: 1 }))
    const given = { 1: tensor(new Float32Array(3), [1, 3, 1]) }
    expect(() => turning.forwardSync(given, { sizes: [3] })).toThrow('a group whose diagrams serve every n (S)')
  })

  test('belong to the items of a training', async () => {
    const count = 12
    const own = Array.from({ length: count }, (_, item) => 2 + (item % 3))
    // The part of ones in the corner of each item: junk around it must not matter.
    const clean = new Float32Array(count * 16)
    const targets = new Float32Array(count)
    own.forEach((n, item) => {
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const one = (7 * item + 3 * i + 5 * j) % 4 === 0 ? 1 : 0
          clean[item * 16 + 4 * i + j] = one
          targets[item]! += one / n ** 2
        }
    })
    const train = async (x: Float32Array): Promise<number[]> => {
      const network = sequential(invariants(group, { 2: 1 }), linear(group, { 0: 1 }, { 0: 1 }, { seed: 3 }))
      const data = { x: { 2: tensor(x, [count, 4, 4, 1]) }, y: { 0: tensor(targets, [count, 1]) }, sizes: own }
      const trainer = new Trainer(network, data, { batch: 4, optimizer: adamW({ learningRate: 0.1 }) })
      const losses: number[] = []
      await trainer.run(300, { onStep: (_, loss) => losses.push(loss) })
      return losses
    }
    const losses = await train(clean)
    expect(losses.at(-1)).toBeLessThan(0.01)
    const junk = clean.slice()
    own.forEach((n, item) => {
      for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) if (i >= n || j >= n) junk[item * 16 + 4 * i + j] = 99
    })
    expect(await train(junk)).toEqual(losses)
    const bad = {
      x: { 2: tensor(clean, [count, 4, 4, 1]) },
      y: { 0: tensor(targets, [count, 1]) },
      sizes: own.slice(1),
    }
    expect(() => new Trainer(sequential(linear(group, { 2: 1 }, { 0: 1 })), bad)).toThrow(
      'Trainer: data: sizes: expected one n for each of 12 items',
    )
  })
})
