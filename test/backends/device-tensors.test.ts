/** Tensors in memory of a device: there and back, as operands of layers, in the wrong place, disposed of, and past the limit. */
import { afterEach, describe, expect, test } from '@jest/globals'
import type { DeviceArray, Program } from '../../lib/backends/binding.js'
import { binding } from '../../lib/backends/native.js'
import { batched, cudaInfo, linear, memory, O, S, tensor, writeNpy, writeSafetensors, type Dtype, type Tensor } from '../../lib/index.js' // prettier-ignore
import { type BackendName, compiled, inTurn, isCuda, on } from '../support/backends.js'
import { collect } from '../support/garbage.js'

const devices = inTurn(compiled.filter(isCuda), 2)
const deviceOf = (name: BackendName): string => /^cuda(:\d+)?/.exec(name)![0].replace(/^cuda$/, 'cuda:0')

const numbers = (size: number): number[] => Array.from({ length: size }, (_, i) => Math.sin(i + 1))
const draw = <D extends Dtype = 'float32'>(shape: number[], dtype?: D): Tensor<D> =>
  tensor(numbers(shape.reduce((a, b) => a * b, 1)), shape, dtype)
/** What `toEqual` says, which takes half a second for a hundred thousand elements. */
const expectSame = (received: Tensor['data'], expected: Tensor['data']): void => {
  expect(received.constructor).toBe(expected.constructor)
  expect(Buffer.compare(bytesOf(received), bytesOf(expected))).toBe(0)
}
const bytesOf = ({ buffer, byteOffset, byteLength }: Tensor['data']): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)
const failure = async (run: () => unknown): Promise<Error & { code?: string }> => {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

describe('without a device', () => {
  const missing = cudaInfo().devices.length === 0

  test('a name that is none is refused, and so is a device that is not there', async () => {
    const x = draw([2, 3])
    for (const name of ['gpu', 'cuda:', 'cuda:-1', '', 7 as unknown as string]) {
      expect(await failure(() => x.to(name))).toMatchObject({ code: 'invalid-argument' })
      expect(await failure(() => memory(name))).toMatchObject({ code: 'invalid-argument' })
    }
    for (const run of [() => memory('cpu'), () => memory.limit(1, 'cpu'), () => memory.release('cpu')]) {
      const { message } = await failure(run)
      expect(message).toMatch(/: device: expected cuda, or cuda:1 and so on, received "cpu"$/)
    }
    const last = missing ? 'cuda' : 'cuda:99'
    const errors = [() => x.to(last), () => x.toSync(last), () => memory(last), () => memory.limit(1, last)]
    for (const run of errors) expect(await failure(run)).toMatchObject({ code: 'backend-unavailable' })
    expect(await failure(() => memory.limit(-1))).toMatchObject({ code: 'invalid-argument' })
  })

  test('a tensor on the host moves nowhere', async () => {
    const x = draw([2, 3])
    expect(await x.to('cpu')).toBe(x)
    expect(x.toSync('cpu')).toBe(x)
    x.dispose()
    expect(await failure(() => x.to('cpu'))).toMatchObject({ code: 'disposed' })
  })
})

// On a machine without a device there is nothing to run: `npm test` runs this file once more on emulated ones.
const each = devices.length > 0 ? describe.each(devices) : () => undefined
each('%s', (name) => {
  const device = deviceOf(name)
  const there = <D extends Dtype>(x: Tensor<D>): Tensor<D> => x.toSync(device)
  const used = (): number => memory(device).used

  afterEach(() => memory.limit(undefined, device))

  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)('%s goes there and back', async (dtype) => {
    for (const shape of [[0, 3], [1], [3, 5, 7], [300, 411]]) {
      await collect()
      const before = used()
      const x = draw(shape, dtype)
      const y = await x.to(device)
      expect(y).toMatchObject({ shape, dtype, device, size: x.size, dims: shape, type: dtype, isLive: true })
      expect(used() - before).toBe(x.data.byteLength)
      expect(await y.to(device)).toBe(y)
      for (const back of [
        await y.getData(),
        (await y.to('cpu')).data,
        y.toSync('cpu').data,
        there(x).toSync('cpu').data,
      ])
        expectSame(back, x.data)
      expect(await failure(() => y.data)).toMatchObject({ code: 'tensor-on-device' })
      expect(await failure(() => y.toNumbers())).toMatchObject({ code: 'tensor-on-device' })
      y.dispose()
      y.dispose()
      expect(y.isLive).toBe(false)
      for (const use of [() => y.data, () => y.getData(), () => y.to('cpu'), () => y.toSync(device)])
        expect(await failure(use)).toMatchObject({ code: 'disposed' })
    }
  })

  const layer = linear(O(3), { 1: 3, 2: 2 }, { 0: 2, 2: 3 }, { ...on(name), bias: true, seed: 4 })
  const x = { 1: draw([5, 3, 3]), 2: draw([5, 3, 3, 2]) }
  const y = layer.forwardSync(x)
  const host = async (tensors: Readonly<Record<number, Tensor>>): Promise<unknown[]> =>
    Promise.all(Object.values(tensors).map((each) => each.getData()))

  test('results lie where an input lies, with the same bits', async () => {
    const inputs = [
      { 1: there(x[1]), 2: there(x[2]) },
      { 1: x[1], 2: there(x[2]) },
    ]
    for (const input of inputs)
      for (const result of [await layer.forward(input), layer.forwardSync(input)]) {
        expect([result[0].device, result[2].device]).toEqual([device, device])
        expect(await host(result)).toEqual(await host(y))
        const next = linear(O(3), { 2: 3 }, { 1: 0 + 1, 0: 2 }, on(name))
        expect(await host(await next.forward({ 2: result[2] }))).toEqual(await host(next.forwardSync({ 2: y[2] })))
      }
    expect(y[2].device).toBe('cpu')
  })

  test('planned off the event loop', async () => {
    const planned = await linear.async(O(3), { 1: 3, 2: 2 }, { 0: 2, 2: 3 }, { ...on(name), bias: true, seed: 4 })
    expect(await host(await planned.forward({ 1: x[1], 2: there(x[2]) }))).toEqual(await host(y))
  })

  test('both gradients', async () => {
    const g = { 0: draw([5, 2]), 2: draw([5, 3, 3, 3]) }
    const [xThere, gThere] = [
      { 1: there(x[1]), 2: there(x[2]) },
      { 0: there(g[0]), 2: there(g[2]) },
    ]
    const back = await layer.inputGradient(gThere)
    expect(back[1].device).toBe(device)
    expect(await host(back)).toEqual(await host(layer.inputGradientSync(g)))
    const parameters = await layer.weightGradient(xThere, gThere)
    const expected = layer.weightGradientSync(x, g)
    for (const key of Object.keys(expected)) expect(parameters[key]!.data).toEqual(expected[key]!.data)
    const nothing = layer.weightGradientSync({ 1: there(draw([0, 3, 3])), 2: there(draw([0, 3, 3, 2])) }, { 0: there(draw([0, 2])), 2: draw([0, 3, 3, 3]) }) // prettier-ignore
    for (const { data } of Object.values(nothing)) expect(data.every((value) => value === 0)).toBe(true)
    const other = { ...layer.parameters, 'bias.0': draw([1, 2]) }
    expect(await host(layer.forwardSync(xThere, { parameters: other }))).toEqual(await host(layer.forwardSync(x, { parameters: other }))) // prettier-ignore
  })

  test('outputs of the caller, here and there', async () => {
    const out = { 0: there(draw([5, 2])), 2: draw([5, 3, 3, 3]) }
    const result = await layer.forward(x, { out })
    expect(result).toEqual(out)
    expect([result[0].device, result[2].device]).toEqual([device, 'cpu'])
    expect(await host(result)).toEqual(await host(y))
    const square = linear(O(3), { 2: 2 }, { 2: 2 }, on(name))
    const both = there(x[2])
    expect(await failure(() => square.forward({ 2: both }, { out: { 2: both } }))).toMatchObject({
      code: 'invalid-buffer',
    })
  })

  test('a tensor in the wrong place is refused, and says which way', async () => {
    const input = { 1: there(x[1]), 2: there(x[2]) }
    const cpu = linear(O(3), { 1: 3, 2: 2 }, { 0: 2 }, { backend: 'cpu' })
    const refused = { code: 'tensor-on-device', message: expect.stringMatching(/received one on cuda:\d$/) as unknown }
    expect(await failure(() => cpu.forward(input))).toMatchObject(refused)
    const elsewhere = device === 'cuda:0' ? 'cuda:1' : 'cuda:0'
    expect(await failure(() => layer.forward({ ...input, 2: x[2].toSync(elsewhere) }))).toMatchObject(refused)
    expect((await x[2].toSync(elsewhere).to(device)).device).toBe(device)
    const joined = batched({ group: cpu.group, input: cpu.input, output: cpu.output, options: cpu.options, forward: cpu.forward.bind(cpu) }) // prettier-ignore
    expect(await failure(() => joined.forward(input))).toMatchObject(refused)
    await joined.close()
    const [wrong, gone] = [there(draw([5, 3, 3, 2], 'float64')), there(x[2])]
    gone.dispose()
    expect(await failure(() => layer.forward({ ...input, 2: wrong as never }))).toMatchObject({ code: 'invalid-dtype' })
    expect(await failure(() => layer.forward({ ...input, 2: gone }))).toMatchObject({ code: 'disposed' })
    expect(await failure(() => layer.forward({ ...input, 2: there(draw([5, 3, 3, 1])) }))).toMatchObject({
      code: 'invalid-shape',
    })
  })

  test('what is disposed of, or written to, while a call runs stays until its end', async () => {
    const { parameters } = layer
    for (const options of [{}, { parameters }]) {
      const input = { 1: there(x[1]), 2: draw([5, 3, 3, 2]) }
      const result = layer.forward(input, options)
      input[1].dispose()
      input[2].data.fill(0)
      layer.load(parameters)
      expect(await host(await result)).toEqual(await host(y))
    }
    const expected = layer.weightGradientSync(x, y)
    const g = { 0: there(y[0]), 2: there(y[2]) }
    const gradient = layer.weightGradient(x, g)
    g[0].dispose()
    g[2].dispose()
    for (const [key, { data }] of Object.entries(await gradient)) expect(data).toEqual(expected[key]!.data)
  })

  test('memory comes back: disposed of, dropped, failed, aborted', async () => {
    await collect()
    const before = used()
    const [a, b] = [there(x[1]), there(x[2])]
    const result = await layer.forward({ 1: a, 2: b })
    for (const each of [a, b, result[0], result[2]]) each.dispose()
    expect(used()).toBe(before)
    const input = { 1: there(x[1]), 2: there(x[2]) }
    const held = used()
    expect(await failure(() => layer.forward(input, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'aborted',
    })
    memory.limit(held + 100, device)
    for (const run of [() => layer.forward(input), () => layer.forwardSync(input)])
      expect(await failure(run)).toMatchObject({ code: 'out-of-memory' })
    expect(used()).toBe(held)
    memory.limit(undefined, device)
    expect(await host(await layer.forward(input))).toEqual(await host(y))
    input[1].dispose()
    input[2].dispose()
    for (let i = 0; i < 20 && used() > before; i++) await collect()
    expect(used()).toBe(before)
  })

  test('what a call takes comes back at its end, without the garbage collector', async () => {
    const any = linear(S(3), { 1: 2 }, { 1: 2 }, on(name))
    const [{ parameters }, items] = [any, draw([4, 3, 2])]
    const [input, sizes] = [{ 1: items }, [3, 2, 1, 2]]
    const wrong = { ...parameters, 'weight.1.1': draw([1]) }
    const calls = [
      () => any.forward(input, { sizes }),
      () => any.forward(input, { sizes, parameters }),
      () => any.forward(input, { parameters }),
      () => any.forwardSync(input, { sizes, parameters }),
      () => any.inputGradientSync(input, { parameters }),
      () => any.weightGradient(input, input, { sizes }),
      () => any.weightGradientSync(input, input, { sizes }),
      () => any.load(parameters),
      () => failure(() => any.load(wrong)),
      () => failure(() => any.forward(input, { sizes, parameters: wrong })),
    ]
    // The programs that they need stay.
    for (const call of calls) await call()
    await collect()
    const before = used()
    for (const call of calls) {
      await call()
      expect([used() - before, String(call)]).toEqual([0, String(call)])
    }
  })

  test('a load without memory changes nothing', async () => {
    const any = linear(S(3), { 1: 2 }, { 1: 2 }, on(name))
    const [input, { parameters }] = [{ 1: draw([4, 3, 2]) }, any]
    const before = any.forwardSync(input)[1].data
    const other = Object.fromEntries(Object.entries(parameters).map(([key, { shape }]) => [key, draw([...shape])]))
    memory.limit(used(), device)
    expect(await failure(() => any.load(other))).toMatchObject({ code: 'out-of-memory' })
    memory.limit(undefined, device)
    expect(await host(any.parameters as never)).toEqual(await host(parameters as never))
    expect(any.forwardSync(input)[1].data).toEqual(before)
    any.load(other)
    expect(any.forwardSync(input)[1].data).not.toEqual(before)
  })

  test('a tensor is taken as it is when it goes there', async () => {
    const source = draw([3, 4])
    const [wanted, moving] = [source.data.slice(), source.to(device)]
    source.data.fill(0)
    expect(await (await moving).getData()).toEqual(wanted)
  })

  test('what only looks like a tensor on a device, or has been changed, is refused', async () => {
    const [ours, changed] = [there(x[2]), there(x[2])]
    for (const value of [structuredClone(ours), new Proxy(ours, {}), Object.create(ours) as Tensor])
      expect(await failure(() => layer.forward({ ...x, 2: value as Tensor }))).toMatchObject({
        code: 'invalid-argument',
      })
    for (const batch of [0, 4]) {
      Object.assign(changed, { shape: [batch, 3, 3, 2] })
      const input = { 1: draw([batch, 3, 3]), 2: changed }
      for (const run of [() => layer.forward(input), () => layer.forwardSync(x, { out: input as never })])
        expect(await failure(run)).toMatchObject({ code: expect.stringMatching(/^invalid-(shape|order)$/) as unknown })
    }
    const parameters = { ...layer.parameters, 'weight.2.2': there(layer.parameters['weight.2.2']!) }
    for (const run of [() => layer.load(parameters), () => layer.forward(x, { parameters })])
      expect(await failure(run)).toMatchObject({
        code: 'tensor-on-device',
        message: expect.stringContaining('weight.2.2') as unknown,
      })
    for (const run of [() => writeNpy(ours), () => writeSafetensors({ ours })])
      expect(await failure(run)).toMatchObject({ code: 'tensor-on-device' })
  })

  test('the addon refuses elements of other sizes, and handles of another kind', () => {
    const addon = binding('cuda')
    const [array, index] = [addon.allocate(0, 64) as DeviceArray, Number(device.slice(5))]
    for (const bytes of [0, 1, 3, 5, 6, 7, 9, -4, 2.5, NaN])
      expect(addon.copier(index, bytes)).toMatchObject({ code: 'invalid-argument' })
    const copier = addon.copier(0, 4) as Program
    for (const operands of [
      [array, copier],
      [copier, array],
      [array, array],
      [array, {}],
      [array, new Proxy(array, {})],
    ])
      expect(addon.runSync(copier, 16, operands as never, 0)).toMatchObject({ code: 'invalid-buffer' })
    expect(addon.runSync(array as never, 16, [array, array] as never, 0)).toMatchObject({ code: 'invalid-argument' })
    for (const bytes of [2 ** 53, -1, 1.5, NaN, '8'])
      expect(addon.allocate(0, bytes as number)).toMatchObject({ code: expect.stringMatching(/^(invalid-argument|out-of-memory)$/) as unknown }) // prettier-ignore
    for (const at of [-1, 1024, 1e9, 0.5, undefined])
      expect(addon.allocate(at as number, 8)).toMatchObject({ code: 'invalid-argument' })
    addon.dispose(array)
    addon.dispose(array)
    expect(addon.runSync(copier, 16, [array, new Float32Array(16)] as never, 0)).toMatchObject({
      code: 'invalid-buffer',
    })
  })

  test('a batch that the memory of a call has no room for is cut', async () => {
    const small = linear(O(3), { 2: 2 }, { 2: 2 }, { ...on(name), cuda: { ...on(name).cuda, memory: 2000 } })
    const large = linear(O(3), { 2: 2 }, { 2: 2 }, on(name))
    const many = { 2: draw([70, 3, 3, 2]) }
    const expected = await host(large.forwardSync(many))
    expect(await host(small.forwardSync(many))).toEqual(expected)
    expect(await host(small.forwardSync({ 2: there(many[2]) }))).toEqual(expected)
  })
})
