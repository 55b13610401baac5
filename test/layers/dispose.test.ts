/** Layers and networks that are disposed of: what they give back, and what they say afterwards. */
import { describe, expect, test } from '@jest/globals'
import { linear, memory, O, pointwise, S, sequential, tensor, type Tensor } from '../../lib/index.js'
import { backends, isCuda, on, type BackendName } from '../support/backends.js'
import { collect } from '../support/garbage.js'

const ramp = (...shape: number[]): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 7) - 3),
    shape,
  )
const outcome = async (run: () => unknown): Promise<unknown> => {
  try {
    await run()
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code
  }
}
/** Bytes of the device, where there is one. */
const used = (name: BackendName): number => (isCuda(name) ? memory(on(name).backend).used : 0)

describe.each(backends)('%s', (name) => {
  const make = () => linear(S(4), { 1: 2 }, { 1: 3, 2: 1 }, { ...on(name), bias: true, basis: 'spanning' })
  const [x, g] = [{ 1: ramp(3, 4, 2) }, { 1: ramp(3, 4, 3), 2: ramp(3, 4, 4, 1) }]

  test('every call of a layer says so, and what needs none answers', async () => {
    const layer = make()
    const { parameters } = layer
    const { pullback } = await layer.vjp(x)
    layer.dispose()
    layer.dispose()
    layer[Symbol.dispose]()
    for (const [where, run] of Object.entries<() => unknown>({
      forward: () => layer.forward(x),
      'forward ': () => layer.forwardSync(x, { sizes: [1, 2, 3] }),
      inputGradient: () => layer.inputGradientSync(g),
      weightGradient: () => layer.weightGradient(x, g),
      gradients: () => layer.gradientsSync(x, g),
      vjp: () => layer.vjp(x),
      pullback: () => pullback(g),
      'forward  ': () => layer.jvp(x, {}),
      load: () => layer.load(parameters),
      at: () => layer.at(5),
      predict: () => layer.predict(1),
      explain: () => layer.explain(),
    })) {
      expect([where, await outcome(run)]).toEqual([where, 'disposed'])
      const { message } = await Promise.resolve().then(run).then(() => new Error(), (error: unknown) => error as Error) // prettier-ignore
      expect(message).toBe(`${where.trim()}: expected a live layer, received a disposed one`)
    }
    expect(layer.parameters['bias.1']!.data).toEqual(parameters['bias.1']!.data)
    expect([layer.diagrams(1, 1).length, layer.plan.strategy]).toEqual([2, layer.plan.strategy]) // prettier-ignore
  })

  test('calls in flight finish, and what they took goes with them', async () => {
    await collect()
    const before = used(name)
    const layer = make()
    const wanted = layer.forwardSync(x)
    const gradient = layer.weightGradientSync(x, g)
    const sized = layer.forwardSync(x, { sizes: [4, 2, 1] })
    const running = [layer.forward(x), layer.forward(x, { sizes: [4, 2, 1] })] as const
    const pulled = layer.weightGradient(x, g)
    layer.dispose()
    const [y, z] = await Promise.all(running)
    expect([y[1].data, z[2].data]).toEqual([wanted[1].data, sized[2].data])
    expect((await pulled)['weight.1.2']!.data).toEqual(gradient['weight.1.2']!.data)
    // The thread of a run may let go of its program a moment after the run is told to be done; no garbage is collected meanwhile.
    for (let turn = 0; turn < 200 && used(name) !== before; turn++) await new Promise((done) => setTimeout(done, 10))
    expect(used(name)).toBe(before)
  })

  test('programs go with the last layer of their kind, and layers of another n live on', async () => {
    await collect()
    const before = used(name)
    const [first, second] = [make(), make()]
    const other = first.at(3)
    const wanted = second.forwardSync(x)[1].data
    first.dispose()
    expect(second.forwardSync(x)[1].data).toEqual(wanted)
    const small = { 1: ramp(1, 3, 2) }
    const y = other.forwardSync(small)[1].data
    other.load(other.parameters)
    expect(other.forwardSync(small)[1].data).toEqual(y)
    second.dispose()
    expect(other.forwardSync(small)[1].data).toEqual(y)
    other.dispose()
    expect(used(name)).toBe(before)
  })

  test('a network disposes of its parts', async () => {
    await collect()
    const before = used(name)
    const [first, last] = [linear(O(3), { 0: 2 }, { 0: 4 }, on(name)), linear(O(3), { 0: 4 }, { 0: 1 }, on(name))]
    const network = sequential(first, pointwise(O(3), { 0: 4 }, 'relu'), last)
    const input = { 0: ramp(3, 2) }
    network.forwardSync(input)
    const { parameters } = network
    network.dispose()
    network[Symbol.dispose]()
    for (const run of [
      () => network.forward(input),
      () => network.forwardSync(input),
      () => network.vjp(input),
      () => network.jvpSync(input, {}),
      () => network.load(parameters),
      () => last.forward({ 0: ramp(3, 4) }),
    ])
      expect(await outcome(run)).toBe('disposed')
    expect(used(name)).toBe(before)
  })
})
