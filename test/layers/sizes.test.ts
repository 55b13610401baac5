/** Items of different n in one call: each is as the layer of its own n has it alone, and the padding is neither read nor kept. */
import { describe, expect, test } from '@jest/globals'
import { linear, S, Tensor, tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { backends, inTurn, on } from '../support/backends.js'

const N = 6
const sizes = [6, 2, 5, 1, 2, 6, 3]
const channels = { 0: 2, 1: 3, 2: 2 }

/** The entries of one item of n in an array padded to N: their places there, in row-major order. */
function* places(order: number, channels: number, n: number, first: boolean): Generator<number> {
  for (let i = 0; i < n ** order * channels; i++) {
    const c = first ? Math.floor(i / n ** order) : i % channels
    let rest = first ? i % n ** order : Math.floor(i / channels)
    const index: number[] = []
    for (let p = 0; p < order; p++, rest = Math.floor(rest / n)) index.unshift(rest % n)
    const point = index.reduce((at, value) => at * N + value, 0)
    yield first ? c * N ** order + point : point * channels + c
  }
}

type Space = Record<number, number>

describe.each(inTurn(backends, 1))('%s', (backend) => {
  describe.each(['channels-last', 'channels-first'] as const)('%s', (layout) => {
    const first = layout === 'channels-first'
    const shapeOf = (batch: number, order: number, count: number, n: number) => {
      const indices = new Array<number>(order).fill(n)
      return first ? [batch, count, ...indices] : [batch, ...indices, count]
    }
    /** Random items padded with NaN, and each of them alone. */
    function items(space: Space, seed: number) {
      const padded: Record<number, Tensor<'float32'>> = {}
      const alone = sizes.map((): Record<number, Tensor<'float32'>> => ({}))
      for (const [key, count] of Object.entries(space)) {
        const order = Number(key)
        const size = N ** order * count
        const data = new Float32Array(sizes.length * size).fill(NaN)
        sizes.forEach((n, item) => {
          const own = Float32Array.from({ length: n ** order * count }, (_, i) =>
            normalAt(seed, 10000 * item + 1000 * order + i),
          )
          let i = 0
          for (const place of places(order, count, n, first)) data[item * size + place] = own[i++] as number
          alone[item]![order] = tensor(own, shapeOf(1, order, count, n))
        })
        padded[order] = tensor(data, shapeOf(sizes.length, order, count, N))
      }
      return { padded, alone }
    }
    /** An item alone put into zeros. */
    const pad = (value: Tensor, order: number, count: number, n: number): number[] => {
      const data = new Array<number>(N ** order * count).fill(0)
      const numbers = value.toNumbers()
      let i = 0
      for (const place of places(order, count, n, first)) data[place] = numbers[i++] as number
      return data
    }
    const expectItems = (
      received: Record<number, Tensor>,
      space: Space,
      wanted: (item: number) => Record<number, Tensor>,
    ) => {
      for (const [key, count] of Object.entries(space)) {
        const all = (received[Number(key)] as Tensor).toNumbers()
        sizes.forEach((n, item) => {
          const size = N ** Number(key) * count
          const own = pad(wanted(item)[Number(key)] as Tensor, Number(key), count, n)
          expect([key, item, all.slice(item * size, (item + 1) * size)]).toEqual([key, item, own])
        })
      }
    }

    describe.each(['sum', 'mean'] as const)('%s', (normalize) => {
      const make = () =>
        linear(S(N), channels, channels, { ...on(backend), layout, normalize, bias: true, basis: 'spanning' })

      test('forward, to the bit', async () => {
        const layer = make()
        layer.load(Object.fromEntries(Object.entries(layer.parameters).map(([name, { shape, size }]) => [name, tensor(Float32Array.from({ length: size }, (_, i) => normalAt(5, i)), shape)]))) // prettier-ignore
        const { padded, alone } = items(channels, 1)
        const wanted = (item: number) => layer.at(sizes[item] as number).forwardSync(alone[item] as never)
        expectItems(layer.forwardSync(padded as never, { sizes }), channels, wanted)
        expectItems(await layer.forward(padded as never, { sizes }), channels, wanted)
      })

      test('the input gradient, to the bit', async () => {
        const layer = make()
        const { padded, alone } = items(channels, 2)
        const wanted = (item: number) => layer.at(sizes[item] as number).inputGradientSync(alone[item] as never)
        expectItems(layer.inputGradientSync(padded as never, { sizes }), channels, wanted)
        expectItems(await layer.inputGradient(padded as never, { sizes }), channels, wanted)
      })

      test('the weight gradient is the sum over the items', async () => {
        const layer = make()
        const [x, g] = [items(channels, 3), items(channels, 4)]
        const total: Record<string, number[]> = {}
        sizes.forEach((n, item) => {
          const own = layer.at(n).weightGradientSync(x.alone[item] as never, g.alone[item] as never)
          for (const [name, value] of Object.entries(own))
            total[name] = value.toNumbers().map((number, i) => number + (total[name]?.[i] ?? 0))
        })
        for (const gradient of [
          layer.weightGradientSync(x.padded as never, g.padded as never, { sizes }),
          await layer.weightGradient(x.padded as never, g.padded as never, { sizes }),
        ]) {
          for (const [name, value] of Object.entries(gradient)) {
            const norm = Math.hypot(...(total[name] as number[]))
            const error = Math.hypot(...value.toNumbers().map((number, i) => number - (total[name] as number[])[i]!))
            expect([name, error <= 1e-5 * norm]).toEqual([name, true])
          }
        }
      })
    })
  })

  const layer = linear(S(5), { 1: 1 }, { 1: 1 }, on(backend))
  const draw = (seed: number) =>
    tensor(
      Float32Array.from({ length: 20 }, (_, i) => normalAt(seed, i)),
      [4, 5, 1],
    )
  const four = [5, 3, 4, 1]

  test('the same bits whichever items are beside it', () => {
    const x = draw(1)
    const all = layer.forwardSync({ 1: x }, { sizes: four })[1].toNumbers()
    const order = [2, 0, 3, 1]
    const turned = tensor(
      Float32Array.from(order.flatMap((item) => x.toNumbers().slice(5 * item, 5 * item + 5))),
      [4, 5, 1],
    )
    const y = layer.forwardSync({ 1: turned }, { sizes: order.map((item) => four[item] as number) })[1].toNumbers()
    order.forEach((item, at) => expect(y.slice(5 * at, 5 * at + 5)).toEqual(all.slice(5 * item, 5 * item + 5)))
  })

  test('with out, whose padding becomes zero', async () => {
    const out = { 1: tensor(new Float32Array(20).fill(7), [4, 5, 1]) }
    const wanted = layer.forwardSync({ 1: draw(2) }, { sizes: four })[1].data
    expect((await layer.forward({ 1: draw(2) }, { sizes: four, out }))[1]).toBe(out[1])
    expect(out[1].data).toEqual(wanted)
  })

  test('an output that is an input is refused', () => {
    const x = draw(3)
    expect(() => layer.forwardSync({ 1: x }, { sizes: four, out: { 1: x } })).toThrow(/memory of its own/)
    expect(x.data).toEqual(draw(3).data)
  })

  test('no items', () => {
    expect(layer.forwardSync({ 1: tensor([], [0, 5, 1]) }, { sizes: [] })[1].shape).toEqual([0, 5, 1])
  })

  test('a load during the call changes nothing', async () => {
    const own = linear(S(5), { 1: 1 }, { 1: 1 }, { ...on(backend), seed: 3 })
    const wanted = own.forwardSync({ 1: draw(4) }, { sizes: four })[1].data
    const running = own.forward({ 1: draw(4) }, { sizes: four })
    own.load({ 'weight.1.1': tensor([0, 0], [2, 1, 1]) })
    expect((await running)[1].data).toEqual(wanted)
  })

  test('inputs changed or transferred away during the call change nothing', async () => {
    const wanted = layer.forwardSync({ 1: draw(5) }, { sizes: four })[1].data
    const [x, y] = [draw(5), draw(5)]
    const running = [layer.forward({ 1: x }, { sizes: four }), layer.forward({ 1: y }, { sizes: four })]
    x.data.fill(0)
    const { buffer } = y.data
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    for (const result of await Promise.all(running)) expect(result[1].data).toEqual(wanted)
  })

  test('other parameters changed during the call change nothing', async () => {
    const values = new Float32Array([1, 2])
    const parameters = { 'weight.1.1': tensor(values, [2, 1, 1]) }
    const wanted = layer.forwardSync({ 1: draw(6) }, { sizes: four, parameters })[1].data
    const running = layer.forward({ 1: draw(6) }, { sizes: four, parameters })
    values.fill(0)
    expect((await running)[1].data).toEqual(wanted)
  })
})
