/** The short look at the tensors of a call takes what the long one takes, and nothing else. */
import { expect, test } from '@jest/globals'
import { linear, O, product, S, tensor, type Tensor } from '../../lib/index.js'
import { refuses } from './refuses.js'

const ramp = (...shape: number[]): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 7) - 3),
    shape,
  )
const like = ({ dims, type, data }: Tensor) => ({ dims, type, data })
const layer = linear(O(3), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }, { backend: 'reference' })
const x = { 1: ramp(4, 3, 2), 2: ramp(4, 3, 3, 1) }
const bits = (tensors: object) => Object.entries(tensors).map(([key, each]) => [key, (each as Tensor).data])
const wanted = bits(layer.forwardSync(x))

test('tensors of others, orders in another order, and orders that are inherited', () => {
  expect(bits(layer.forwardSync({ 1: like(x[1]), 2: x[2] }))).toEqual(wanted)
  expect(bits(layer.forwardSync(Object.create(x) as typeof x))).toEqual(wanted)
  const both = linear(product(S(2), O(2)), { a: 1, b: 1, ab: 1 }, { a: 1, ab: 1 }, { backend: 'reference' })
  const [a, b, ab] = [ramp(3, 2, 1), ramp(3, 2, 1), ramp(3, 2, 2, 1)]
  b.data.reverse()
  const result = both.forwardSync({ a, b, ab })
  expect(bits(both.forwardSync({ ab, b, a }))).toEqual(bits(result))
  expect(Object.keys(result)).toEqual(['a', 'ab'])
})

test('a stray order counts also where another one is inherited', () => {
  const stray = Object.assign(Object.create({ 1: x[1] }) as typeof x, { 2: x[2], 3: x[2] })
  refuses(() => layer.forwardSync(stray), {
    code: 'invalid-order',
    where: 'forward',
    expected: '1, 2',
    received: '"3"',
  })
})

test('results have frozen shapes, which calls of one batch share, and the keys of the space', () => {
  const [first, second] = [layer.forwardSync(x), layer.forwardSync(x)]
  expect([Object.keys(first), first[0].shape, first[2].shape]).toEqual([
    ['0', '2'],
    [4, 1],
    [4, 3, 3, 2],
  ])
  expect([Object.isFrozen(first[2].shape), first[2].data.buffer === second[2].data.buffer]).toEqual([true, false])
  expect([first[2].size, first[2].dtype, first[2].device]).toEqual([72, 'float32', 'cpu'])
  const other = layer.forwardSync({ 1: ramp(2, 3, 2), 2: ramp(2, 3, 3, 1) })
  expect([other[0].shape, first[0].shape, layer.forwardSync(x)[0].shape]).toEqual([
    [2, 1],
    [4, 1],
    [4, 1],
  ])
})

test('results of many bytes are written as a whole', () => {
  // An output that nothing reaches is zeros, also in memory that held something else.
  const wide = linear(O(3), { 1: 1 }, { 1: 4096, 2: 2048 }, { backend: 'cpu' })
  for (let round = 0; round < 20; round++) {
    const y = wide.forwardSync({ 1: ramp(3, 3, 1) })
    expect(y[2].data.every((value) => value === 0)).toBe(true)
    y[1].data.fill(NaN)
    y[2].data.fill(NaN)
  }
})
