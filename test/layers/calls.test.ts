/** What a call does beside its answer: preallocated outputs, aborts, loads in between, batch 0, NaN. */
import { describe, expect, test } from '@jest/globals'
import { linear, O, S, SO, Sp, Tensor, tensor, type Group } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { backends, inTurn, on } from '../support/backends.js'
import { judge, refusesAsync } from './refuses.js'

const draw = (shape: readonly number[], seed = 1): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => normalAt(seed, i)),
    shape,
  )

/** Long enough on the cpu that something can happen meanwhile. */
const long = () => {
  const layer = linear(O(3), { 4: 16 }, { 4: 16 }, { backend: 'cpu', threads: 1, strategy: 'diagrams' })
  return { layer, x: { 4: tensor(new Float32Array(3000 * 81 * 16), [3000, 3, 3, 3, 3, 16]) } }
}

describe.each(inTurn(backends, 0))('%s', (backend) => {
  test.each<[string, Group]>([
    ['S(3)', S(3)],
    ['O(3)', O(3)],
    ['SO(3)', SO(3)],
    ['Sp(4)', Sp(4)],
  ])('batch 0 of %s', async (_, group) => {
    const n = group.kinds[0]!.n
    const layer = linear(group, { 0: 1, 1: 2 }, { 1: 1, 2: 3 }, { ...on(backend), bias: true })
    const x = { 0: tensor([], [0, 1]), 1: tensor([], [0, n, 2]) }
    const g = { 1: tensor([], [0, n, 1]), 2: tensor([], [0, n, n, 3]) }
    const shapes = (record: object) => Object.entries(record).map(([name, value]) => [name, (value as Tensor).shape])
    const wanted = { x: shapes(x), g: shapes(g) }
    expect(shapes(layer.forwardSync(x))).toEqual(wanted.g)
    expect(shapes(await layer.forward(x, { out: g }))).toEqual(wanted.g)
    expect(shapes(layer.inputGradientSync(g))).toEqual(wanted.x)
    expect(shapes(await layer.inputGradient(g))).toEqual(wanted.x)
    for (const gradient of [layer.weightGradientSync(x, g), await layer.weightGradient(x, g)]) {
      expect(shapes(gradient)).toEqual(shapes(layer.parameters))
      for (const value of Object.values(gradient)) expect(value.toNumbers().every((number) => number === 0)).toBe(true)
    }
  })

  test('out comes back as it is, filled, from all calls', async () => {
    const layer = linear(S(4), { 1: 2 }, { 0: 1, 1: 3 }, on(backend))
    const x = { 1: draw([5, 4, 2]) }
    const wanted = layer.forwardSync(x)
    const blank = () => ({ 0: draw([5, 1], 7), 1: draw([5, 4, 3], 8) })
    for (const call of [layer.forwardSync.bind(layer), layer.forward.bind(layer)]) {
      const out = blank()
      const y = await call(x, { out })
      expect([y[0] === out[0], y[1] === out[1]]).toEqual([true, true])
      expect([out[0].data, out[1].data]).toEqual([wanted[0].data, wanted[1].data])
    }
    const g = { 0: draw([5, 1], 3), 1: draw([5, 4, 3], 4) }
    const back = { 1: draw([5, 4, 2], 9) }
    const gradient = layer.inputGradientSync(g)
    expect((await layer.inputGradient(g, { out: back }))[1]).toBe(back[1])
    expect(back[1].data).toEqual(gradient[1].data)
  })

  test('outputs in one buffer side by side, and in the middle of another', async () => {
    const layer = linear(S(4), { 1: 2 }, { 0: 1, 1: 3 }, on(backend))
    const x = { 1: draw([5, 4, 2]) }
    const wanted = layer.forwardSync(x)
    const buffer = new Float32Array(75).fill(-1)
    const out = { 0: tensor(buffer.subarray(2, 7), [5, 1]), 1: tensor(buffer.subarray(7, 67), [5, 4, 3]) }
    await layer.forward(x, { out })
    expect(Array.from(buffer)).toEqual([-1, -1, ...wanted[0].data, ...wanted[1].data, ...new Array<number>(8).fill(-1)])
  })

  test('NaN goes where it is used, and stays in its item', () => {
    const layer = linear(S(5), { 1: 3, 2: 3 }, { 0: 1, 1: 2 }, { ...on(backend), bias: true })
    const x = { 1: draw([6, 5, 3]), 2: draw([6, 5, 5, 3]) }
    const wanted = layer.forwardSync(x)
    x[1].data[3 * 15] = NaN
    const y = layer.forwardSync(x)
    const item = (value: Tensor, at: number) =>
      value.toNumbers().slice((at * value.size) / 6, ((at + 1) * value.size) / 6)
    for (const order of [0, 1] as const) {
      for (let at = 0; at < 6; at++) {
        if (at === 3) expect(item(y[order], at).every(Number.isNaN)).toBe(true)
        else expect(item(y[order], at)).toEqual(item(wanted[order], at))
      }
    }
  })

  test('an aborted call of a batch of 0 is aborted', async () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 }, on(backend))
    await refusesAsync(() => layer.forward({ 1: tensor([], [0, 3, 1]) }, { signal: AbortSignal.abort(new Error('why')) }), {
      code: 'aborted', where: 'forward', expected: /./, received: 'aborted',
    }) // prettier-ignore
  })

  test('the cause of an abort is the reason of the signal', async () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 }, on(backend))
    const why = new Error('why')
    await expect(layer.forward({ 1: draw([1, 3, 1]) }, { signal: AbortSignal.abort(why) })).rejects.toMatchObject({
      cause: why,
    })
  })

  test('a signal is not listened to after its call', async () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 }, on(backend))
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--,
      remove(...args)
    )) as typeof remove
    await layer.forward({ 1: draw([2, 3, 1]) }, { signal })
    expect(listeners).toBe(0)
  })

  test('calls in flight finish with the old weights', async () => {
    const layer = linear(S(4), { 2: 3 }, { 2: 3 }, on(backend))
    const x = { 2: draw([40, 4, 4, 3]) }
    const zero = Object.fromEntries(
      Object.entries(layer.parameters).map(([name, { shape, size }]) => [name, tensor(new Float32Array(size), shape)]),
    )
    const wanted = layer.forwardSync(x)[2].data
    const running = [layer.forward(x), layer.forward(x)]
    layer.load(zero)
    for (const y of await Promise.all(running)) expect(y[2].data).toEqual(wanted)
    expect(layer.forwardSync(x)[2].data.every((value) => value === 0)).toBe(true)
  })

  test('inputs changed during a call do not change its result', async () => {
    const layer = linear(S(4), { 2: 3 }, { 2: 3 }, on(backend))
    const x = { 2: draw([40, 4, 4, 3]) }
    const wanted = layer.forwardSync(x)[2].data
    const running = layer.forward(x)
    x[2].data.fill(0)
    expect((await running)[2].data).toEqual(wanted)
  })
})

describe('during a long call on the cpu', () => {
  test('an abort ends it', async () => {
    const { layer, x } = long()
    for (const call of [
      (signal: AbortSignal) => layer.forward(x, { signal }),
      (signal: AbortSignal) => layer.inputGradient(x, { signal }),
      (signal: AbortSignal) => layer.weightGradient(x, x, { signal }),
    ]) {
      const controller = new AbortController()
      const running = call(controller.signal)
      setTimeout(() => controller.abort('enough'), 1)
      const error: unknown = await running.then(
        () => new Error('it finished'),
        (reason: unknown) => reason,
      )
      judge(error, { code: 'aborted', received: 'aborted' })
      expect((error as Error).cause).toBe('enough')
    }
  })

  test('the event loop runs', async () => {
    const { layer, x } = long()
    let [ticks, done] = [0, false]
    const running = layer.forward(x).then(() => (done = true))
    while (!done && ticks < 3) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      ticks++
    }
    expect([ticks, done]).toEqual([3, false])
    await running
  })
})
