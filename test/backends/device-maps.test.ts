/** Calls that are made of several runs take and return tensors on a device as `forward` does: with the bits they have on the host,
 *  where an input lies, and with nothing left behind. */
import { afterEach, describe, expect, test } from '@jest/globals'
import type { DeviceArray, Program } from '../../lib/backends/binding.js'
import { binding } from '../../lib/backends/native.js'
import { batched, linear, memory, O, S, tensor, type Dtype, type Tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { encoder } from '../../lib/tensor/half.js'
import { compiled, isCuda, on, type BackendName } from '../support/backends.js'
import { collect } from '../support/garbage.js'

const devices = compiled.filter(isCuda)
const deviceOf = (name: BackendName): string => /^cuda(:\d+)?/.exec(name)![0].replace(/^cuda$/, 'cuda:0')
const draw = <D extends Dtype = 'float32'>(shape: number[], seed = 1, dtype = 'float32' as D): Tensor<D> => {
  const size = shape.reduce((a, b) => a * b, 1)
  const numbers = Array.from({ length: size }, (_, i) => normalAt(seed, i))
  return dtype.endsWith('16') ? tensor(Uint16Array.from(numbers, encoder(dtype)), shape, dtype) : tensor(numbers, shape, dtype) // prettier-ignore
}
type Tensors = Readonly<Record<string, Tensor>>
const read = (tensors: object): Promise<unknown[]> =>
  Promise.all(Object.values(tensors as Tensors).map((each) => each.getData()))
const places = (tensors: object): string[] => Object.values(tensors as Tensors).map((each) => each.device)
const dispose = (...records: object[]): void => {
  for (const record of records) for (const each of Object.values(record as Tensors)) each.dispose()
}
const codeOf = async (run: () => unknown): Promise<string | undefined> => {
  try {
    await run()
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code
  }
}

// On a machine without a device there is nothing to run: `npm test` runs this file once more on emulated ones.
const each = devices.length > 0 ? describe.each(devices) : () => undefined
if (devices.length === 0) test.skip('on devices (none is chosen; emulated ones come later)', () => undefined)
each('%s', (name) => {
  const device = deviceOf(name)
  const used = (): number => memory(device).used
  afterEach(() => memory.limit(undefined, device))
  const there = <T extends object>(tensors: T): T =>
    Object.fromEntries(Object.entries(tensors as Tensors).map(([key, each]) => [key, each.toSync(device)])) as T

  describe.each(['channels-last', 'channels-first'] as const)('items of different n, %s', (layout) => {
    const [N, sizes] = [5, [5, 2, 4, 1, 2]]
    const first = layout === 'channels-first'
    const space = { 0: 2, 1: 3, 2: 2 }
    const layer = linear(S(N), space, space, { ...on(name), layout, bias: true, basis: 'spanning', seed: 2 })
    const items = (seed: number) => ({
      0: draw([5, 2], seed),
      1: draw(first ? [5, 3, N] : [5, N, 3], seed + 1),
      2: draw(first ? [5, 2, N, N] : [5, N, N, 2], seed + 2),
    })
    const [x, g] = [items(1), items(4)]

    test('forward and the input gradient', async () => {
      const wanted = [await read(layer.forwardSync(x, { sizes })), await read(layer.inputGradientSync(g, { sizes }))]
      await collect()
      const before = used()
      const [a, b] = [there(x), there(g)]
      // One of the inputs may lie there, and the others here.
      const mixed = { ...x, 1: a[1] }
      for (const input of [a, mixed])
        for (const y of [await layer.forward(input, { sizes }), layer.forwardSync(input, { sizes })]) {
          expect(places(y)).toEqual([device, device, device])
          expect(await read(y)).toEqual(wanted[0])
          dispose(y)
        }
      for (const back of [await layer.inputGradient(b, { sizes }), layer.inputGradientSync(b, { sizes })]) {
        expect(places(back)).toEqual([device, device, device])
        expect(await read(back)).toEqual(wanted[1])
        dispose(back)
      }
      dispose(a, b)
      expect(used()).toBe(before)
    })

    test('outputs of the caller, here and there, whose padding becomes zero', async () => {
      const wanted = await read(layer.forwardSync(x, { sizes }))
      await collect()
      const before = used()
      const out = { ...items(7), 2: items(7)[2].toSync(device) }
      const y = await layer.forward(x, { sizes, out })
      expect([y[0] === out[0], y[1] === out[1], y[2] === out[2]]).toEqual([true, true, true])
      expect(await read(y)).toEqual(wanted)
      const running = layer.forward(x, { sizes, out })
      out[2].dispose()
      expect(await read({ 0: (await running)[0], 1: out[1] })).toEqual(wanted.slice(0, 2))
      expect(used()).toBe(before)
    })

    test('gradients by the weights, by both, and from vjp', async () => {
      const by = layer.gradientsSync(x, g, { sizes })
      const wanted = [await read(by.x), await read(by.parameters)]
      const run = async (): Promise<void> => {
        const [a, b] = [there(x), there(g)]
        for (const parameters of [
          await layer.weightGradient(a, b, { sizes }),
          layer.weightGradientSync({ ...x, 0: a[0] }, { ...g, 2: b[2] }, { sizes }),
        ])
          expect(await read(parameters)).toEqual(wanted[1])
        const { y, pullback } = await layer.vjp(a, { sizes })
        const both = [await layer.gradients(a, b, { sizes }), layer.gradientsSync(a, g, { sizes }), await pullback(b)]
        for (const { x: byX, parameters } of both) {
          expect(places(byX)).toEqual([device, device, device])
          expect([await read(byX), await read(parameters)]).toEqual(wanted)
          dispose(byX)
        }
        const other = { parameters: { ...layer.parameters, 'bias.0': draw([1, 2], 9) }, sizes }
        const z = await layer.forward(a, other)
        expect(await read(z)).toEqual(await read(layer.forwardSync(x, other)))
        dispose(y, z, a, b)
      }
      // The programs that it needs stay, and what the pullback needs goes with it.
      await run()
      await collect()
      const before = used()
      await run()
      await collect()
      expect(used()).toBe(before)
    })

    test('what is disposed of while a call runs stays until its end, and what fails leaves nothing', async () => {
      const wanted = await read(layer.forwardSync(x, { sizes }))
      const [a, b] = [there(x), there(g)]
      const [y, gradient] = [layer.forward(a, { sizes }), layer.weightGradient(a, b, { sizes })]
      dispose(a, b)
      expect(await read(await y)).toEqual(wanted)
      expect(await read(await gradient)).toEqual(await read(layer.weightGradientSync(x, g, { sizes })))
      dispose(await y)
      const input = there(x)
      await collect()
      const before = used()
      for (const run of [
        () => layer.forward(input, { sizes: [1, 2] }),
        () => layer.forward(input, { sizes: [6, 2, 4, 1, 2] }),
        () => layer.forward(input, { sizes, parameters: { 'bias.7': draw([1]) } }),
        () => layer.gradients(input, input, { sizes, signal: AbortSignal.abort() }),
      ]) {
        expect(await codeOf(run)).toMatch(/^(invalid-argument|invalid-parameters|aborted)$/)
        expect(used()).toBe(before)
      }
      memory.limit(before + 200, device)
      expect(await codeOf(() => layer.forward(input, { sizes }))).toBe('out-of-memory')
      memory.limit(undefined, device)
      expect(used()).toBe(before)
      dispose(input)
    })

    test('no items', async () => {
      const none = there({ 0: draw([0, 2]), 1: draw(first ? [0, 3, N] : [0, N, 3]), 2: draw(first ? [0, 2, N, N] : [0, N, N, 2]) }) // prettier-ignore
      const y = await layer.forward(none, { sizes: [] })
      expect([y[2].shape[0], places(y)]).toEqual([0, [device, device, device]])
    })
  })

  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)('jvp of %s', async (dtype) => {
    const layer = linear(S(3), { 1: 2 }, { 0: 1, 2: 2 }, { ...on(name), dtype, bias: true, seed: 3 })
    const [x, dx] = [{ 1: draw([4, 3, 2], 1, dtype) }, { 1: draw([4, 3, 2], 2, dtype) }]
    // Zeros of either sign.
    dx[1].data.fill(0, 0, 6)
    const dW = Object.fromEntries(
      Object.entries(layer.parameters).map(([key, { shape, dtype: type }]) => [key, draw([...shape], 5, type)]),
    )
    const options = { parameters: { ...layer.parameters, 'bias.0': layer.parameters['bias.0']! } }
    const [a, da] = [there(x), there(dx)]
    // The programs that it needs stay.
    const first = layer.jvpSync(a, { x: da, parameters: dW }, options)
    dispose(first.y, first.tangent)
    await collect()
    const before = used()
    for (const [here, remote] of [
      [
        { x: dx, parameters: dW },
        { x: da, parameters: dW },
      ],
      [
        { x: dx, parameters: dW },
        { x: dx, parameters: dW },
      ],
      [{ x: dx }, { x: da }],
      [{ parameters: dW }, { parameters: dW }],
      [{}, {}],
    ]) {
      const wanted = layer.jvpSync(x, here!, options)
      for (const { y, tangent } of [await layer.jvp(a, remote!, options), layer.jvpSync(a, remote!, options)]) {
        expect([places(y), places(tangent)]).toEqual([[device, device], [device, device]]) // prettier-ignore
        expect([await read(y), await read(tangent)]).toEqual([await read(wanted.y), await read(wanted.tangent)])
        dispose(y, tangent)
      }
      expect(used() - before).toBe(0)
    }
    expect(await codeOf(() => layer.jvp(a, { x: da, parameters: { 'bias.9': draw([1]) } }))).toBe('invalid-parameters')
    expect(used()).toBe(before)
  })

  describe('batched', () => {
    const layer = linear(O(3), { 1: 3, 2: 2 }, { 0: 2, 2: 3 }, { ...on(name), bias: true, seed: 4 })
    type Answer = Awaited<ReturnType<typeof layer.forward>>
    const input = (batch: number) => ({ 1: draw([batch, 3, 3], batch), 2: draw([batch, 3, 3, 2], batch + 1) })
    const batches = [1, 3, 0, 2, 5]

    test('joins what lies there, beside what lies here', async () => {
      const queue = batched(layer, { maxBatch: 7 })
      await collect()
      const before = used()
      const wanted = await Promise.all(batches.map((batch) => read(layer.forwardSync(input(batch)))))
      const answers = batches.map((batch, i) => {
        const [x, other] = [there(input(batch)), input(batch)]
        const result = queue.forward(i === 1 ? { ...x, 2: other[2] } : x)
        // As it is at this moment.
        dispose(x)
        other[2].data.fill(0)
        return [result, queue.forward(input(batch))] as const
      })
      for (const [i, [remote, here]] of answers.entries()) {
        const [y, z] = [await remote, await here]
        expect([places(y), places(z)]).toEqual([
          [device, device],
          ['cpu', 'cpu'],
        ])
        expect([y[0].shape[0], await read(y), await read(z)]).toEqual([batches[i], wanted[i], wanted[i]])
      }
      expect(queue.stats).toMatchObject({ requests: 10, answered: 10, items: 22, largestBatch: 7 })
      expect(queue.stats.runs).toBeLessThan(6)
      for (const [remote] of answers) dispose(await remote)
      await queue.close()
      expect(used()).toBe(before)
    })

    test('one request alone, and one that is aborted', async () => {
      let [open, started] = [(): void => undefined, (): void => undefined]
      const opened = new Promise<void>((resolve) => (open = resolve))
      const isRunning = new Promise<void>((resolve) => (started = resolve))
      const { group, input: from, output: to, options, deviceMemory } = layer
      const forward: typeof layer.forward = async (...call) => {
        const y = await layer.forward(...call)
        if (y[0].shape[0] !== 2) started()
        if (y[0].shape[0] !== 2) await opened
        return y
      }
      const queue = batched({ group, input: from, output: to, options, deviceMemory, forward }, { maxBatch: 7 })
      await collect()
      const before = used()
      const x = there(input(2))
      const alone = await queue.forward(x)
      expect(await read(alone)).toEqual(await read(layer.forwardSync(input(2))))
      const aborts = [new AbortController(), new AbortController()] as const
      const [first, second, third] = [{}, { signal: aborts[0].signal }, { signal: aborts[1].signal }].map((options) =>
        queue.forward(x, options),
      ) as [Promise<Answer>, Promise<Answer>, Promise<Answer>]
      // One that waits, and one whose run is in flight.
      aborts[0].abort()
      expect(await codeOf(() => second)).toBe('aborted')
      await isRunning
      expect(queue.stats).toMatchObject({ waiting: 0, running: 2 })
      aborts[1].abort()
      expect(await codeOf(() => third)).toBe('aborted')
      open()
      const y = await first
      expect(await read(y)).toEqual(await read(alone))
      dispose(x, alone, y)
      await queue.close()
      expect(used()).toBe(before)
    })

    test('a run without memory fails all of its requests, and nothing stays', async () => {
      const queue = batched(layer)
      const x = there(input(4))
      await collect()
      const before = used()
      memory.limit(before + 300, device)
      const codes = await Promise.all([1, 2].map(() => codeOf(() => queue.forward(x))))
      memory.limit(undefined, device)
      expect(codes).toEqual(['out-of-memory', 'out-of-memory'])
      expect([used() - before, queue.stats.failed]).toEqual([0, 2])
      expect(await codeOf(() => queue.forward({ ...x, 2: x[1] as never }))).toBe('invalid-shape')
      const gone = there(input(1))
      dispose(gone)
      expect(await codeOf(() => queue.forward(gone))).toBe('disposed')
      dispose(x)
      await queue.close()
    })
  })

  test('the addon refuses moves that are none', () => {
    const addon = binding('cuda')
    const copier = addon.copier(Number(device.slice(5)), 4) as Program
    const right = [0, 1, 1, 6, 12, 1, 0, 2, 1, 3, 0, 0, 4, 8]
    const mover = addon.mover(copier, Float64Array.from(right)) as Program
    expect(mover).not.toHaveProperty('code')
    const changed = (at: number, value: number): number[] => right.with(at, value)
    const wrong = [
      ...[changed(0, 2), changed(1, 14), changed(2, -1), changed(3, 5), changed(4, 9), changed(4, 1.5), changed(5, 0)],
      ...[changed(6, 1), changed(6, 2), changed(7, 3), changed(8, 2), changed(9, 4), changed(10, 3), changed(13, 11)],
      ...[changed(13, 2 ** 52), changed(3, NaN), right.slice(0, -1), [...right, 0], [0, 1], []],
    ]
    for (const words of wrong)
      expect([words, addon.mover(copier, Float64Array.from(words))]).toEqual([
        words,
        { code: 'invalid-argument', message: expect.stringMatching(/^mover: expected .*, received /) as unknown },
      ])
    for (const value of [mover, {}, undefined])
      expect(addon.mover(value as Program, Float64Array.from(right))).toMatchObject({ code: 'invalid-argument' })
    expect(addon.mover(copier, right as never)).toMatchObject({ code: 'invalid-argument' })
    const array = addon.allocate(Number(device.slice(5)), 24) as DeviceArray
    for (const operands of [
      [array, new Float32Array(12)],
      [new Float32Array(6), new Float32Array(12)],
      [array, array],
    ])
      // prettier-ignore
      expect(addon.runSync(mover, 1, operands as never, 0)).toHaveProperty('code')
    addon.dispose(array)
    addon.dispose(mover)
  })
})
