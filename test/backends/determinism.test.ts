import { describe, expect, test } from '@jest/globals'
import { groupFrom, linear, tensor, type Tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { backends, compiled, inTurn, isCuda, on } from '../support/backends.js'
import { inChild } from './child.js'

// An item's bits depend neither on the threads, nor on the batch around it, nor on how it is cut, nor on the run.

const layers: [string, Record<number, number>, Record<number, number>][] = [
  ['O(3)', { 0: 5, 1: 3, 2: 16 }, { 0: 4, 1: 7, 2: 16 }],
  ['S(17)', { 2: 8, 1: 3 }, { 1: 2, 2: 8 }],
  ['S(6)', { 3: 5 }, { 3: 4 }],
  ['Sp(4)', { 2: 9 }, { 2: 3 }],
  ['SO(3)', { 1: 4, 2: 4 }, { 1: 4, 2: 4 }],
]

function inputs(group: string, space: Record<number, number>, batch: number): Record<number, Tensor> {
  const n = groupFrom(group).kinds[0]!.n
  return Object.fromEntries(
    Object.entries(space).map(([order, channels]) => {
      const shape = [batch, ...new Array<number>(Number(order)).fill(n), channels]
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => normalAt(Number(order), i))
      return [order, tensor(data, shape)]
    }),
  )
}

/** What the elements are: tensors as such are equal where their shapes are. */
const bits = (tensors: Readonly<Record<string, Tensor>>): unknown[] =>
  Object.entries(tensors).map(([key, each]) => [key, each.data])

const subjects = layers.flatMap((layer, i) => inTurn(compiled, i).map((backend) => [backend, ...layer] as const))
describe.each(subjects)('%s: %s %j -> %j', (backend, name, input, output) => {
  const make = (threads: number) => linear(groupFrom(name), input, output, { ...on(backend), threads, bias: true })
  const batch = isCuda(backend) ? 13 : 37
  const x = inputs(name, input, batch)
  const wanted = make(1).forwardSync(x)

  test.each([2, 3, 8])('%i threads', (threads) => {
    expect(bits(make(threads).forwardSync(x))).toEqual(bits(wanted))
  })

  test('the same off the event loop', async () => {
    expect(bits(await make(2).forward(x))).toEqual(bits(wanted))
  })

  test('each item alone', () => {
    const layer = make(2)
    for (const item of [0, 5, batch - 1]) {
      const alone = Object.fromEntries(Object.entries(x).map(([k, value]) => [k, part(value, item)]))
      const y = layer.forwardSync(alone as typeof x)
      for (const [l, value] of Object.entries(wanted)) expect(y[Number(l)]!.data).toEqual(part(value, item).data)
    }
  })

  test('gradients', () => {
    const g = Object.fromEntries(Object.entries(wanted).map(([l, value]) => [l, value])) as typeof wanted
    const [one, three] = [make(1), make(3)]
    expect(bits(three.inputGradientSync(g))).toEqual(bits(one.inputGradientSync(g)))
    expect(bits(three.weightGradientSync(x, g))).toEqual(bits(one.weightGradientSync(x, g)))
    const [a, b] = [three.vjpSync(x).pullback(g), one.vjpSync(x).pullback(g)]
    expect([bits(a.x), bits(a.parameters)]).toEqual([bits(b.x), bits(b.parameters)])
  })
})

function part(value: Tensor, item: number): Tensor {
  const [batch, ...rest] = value.shape
  const size = value.size / batch!
  return tensor(value.data.slice(item * size, (item + 1) * size), [1, ...rest])
}

const onCpu = backends.includes('cpu') ? test : () => undefined

onCpu('a large item in boxes of any size', () => {
  const run = (bytes: string): unknown =>
    inChild(
      `import { createHash } from 'node:crypto'
      const layer = brauer.linear(brauer.S(70), { 2: 8 }, { 2: 5, 1: 2 }, { backend: 'cpu', steps: { fourier: true } })
      const x = brauer.tensor(Float32Array.from({ length: 2 * 70 * 70 * 8 }, (_, i) => Math.sin(i)), [2, 70, 70, 8])
      const y = layer.forwardSync({ 2: x })
      console.log(JSON.stringify(createHash('sha256').update(y[2].data).update(y[1].data).digest('hex')))`,
      { BRAUER_TILE_BYTES: bytes },
    )
  const whole = run(String(2 ** 30))
  expect(run('65536')).toBe(whole)
  expect(run('1000000')).toBe(whole)
})
