/** What modules refuse, and what to use instead. */
import { describe, expect, test } from '@jest/globals'
import {
  bilinear, directSum, gated, invariants, layerNorm, linear, loadModel, loadNetwork, norms, O, pointwise, product, readSafetensors,
  residual, S, saveModel, saveNetwork, sequential, SO, Sp, sum, tensor, writeSafetensors, type Module,
} from '../../lib/index.js' // prettier-ignore
import { refuses, refusesAsync } from '../layers/refuses.js'

const vectors = { 1: 2 }
const make = () => sequential(linear(O(3), vectors, { 0: 2, 1: 2 }, { bias: true }), gated(O(3), vectors))
const x = () => ({ 1: tensor(new Float32Array(12), [2, 3, 2]) })

describe('activations that a group does not allow', () => {
  test.each([O(3), SO(3), Sp(4)])('components of %s', (group) => {
    refuses(() => pointwise(group, { 0: 1, 1: 1 }, 'relu'), {
      code: 'invalid-argument', where: 'pointwise: order 1', expected: 'order 0', received: /mixes components; use gated, .*bilinear$/,
    }) // prettier-ignore
    expect(
      pointwise(group, { 0: 2 }, 'relu')
        .forwardSync({ 0: tensor([1, -1], [1, 2]) })[0]!
        .toNumbers(),
    ).toEqual([1, 0])
  })

  test('components of a product, where one factor mixes', () => {
    const group = product(S(3), O(2))
    refuses(() => pointwise(group, { ab: 1 }, 'relu'), {
      code: 'invalid-argument',
      where: 'order ab',
      expected: 'S(n)',
      received: 'norms',
    })
    expect(pointwise(group, { aa: 1, '': 1 }, 'relu').input).toEqual({ '': 1, aa: 1 })
  })

  test('norms for Sp', () => {
    for (const make of [norms, layerNorm])
      refuses(() => make(Sp(4), { 1: 2 }), {
        code: 'invalid-argument', where: 'order 1', expected: 'keeps norms', received: /Sp\(4\), which does not; use gated with gates: 'contractions', .* ε$/,
      }) // prettier-ignore
    expect(layerNorm(Sp(4), { 0: 2 }).parameters['scale.0']!.toNumbers()).toEqual([1, 1])
  })

  test('ε of one channel', () => {
    const one = { code: 'invalid-argument', where: 'order 1', expected: 'at least 2 channels', received: '1' } as const
    refuses(() => invariants(Sp(4), { 1: 1, 2: 1 }), one)
    refuses(() => gated(Sp(4), { 1: 1 }, { gates: 'contractions' }), one)
  })
})

test('arguments', () => {
  const argument = (where: string, expected: string, received: string) =>
    ({ code: 'invalid-argument', where, expected, received }) as const
  refuses(
    () => pointwise(O(3), { 0: 1 }, 'swish' as never),
    argument('pointwise: activation', 'relu, leakyRelu', '"swish"'),
  )
  refuses(() => gated(O(3), { 1: 1 }, { gates: 'none' as never }), argument('gated: gates', 'scalars', '"none"'))
  refuses(() => layerNorm(O(3), { 1: 1 }, { epsilon: 0 }), argument('layerNorm: epsilon', 'above 0', '0'))
  refuses(() => norms('O(3)' as never, { 1: 1 }), {
    code: 'invalid-group',
    where: 'norms: group',
    expected: 'a group',
    received: '"O(3)"',
  })
  refuses(() => norms(O(3), { 1: 1 }, { dtype: 'float16' as never }), { code: 'invalid-dtype', where: 'norms', expected: 'float32', received: '"float16"' }) // prettier-ignore
  refuses(() => norms(O(3), { 1: 1 }, { type: 1 } as never), { code: 'unknown-option', where: 'norms: options', expected: 'activation', received: '"type"' }) // prettier-ignore
  refuses(() => bilinear(O(3), { 1: 2 }, { 1: 3 }, { 0: 1 }), argument('bilinear: order 1', '2 channels', '3'))
  refuses(
    () => bilinear(O(3), { 1: 2 }, { 1: 2 }, { 0: 1 }, { dtype: 'float16' }),
    argument('bilinear: option dtype', 'float32', 'float16'),
  )
  refuses(() => bilinear(O(3), { 1: 2 }, { 1: 2 }, { 0: 1 }, { layout: 'channels-first' }), argument('bilinear: option layout', 'channels-last', 'channels-first')) // prettier-ignore
})

test('parts that do not fit', () => {
  const layer = (options: object = {}, to: Record<number, number> = vectors, group = O(3)) =>
    linear(group, vectors, to, options)
  const argument = (where: string, expected: string, received: string) =>
    ({ code: 'invalid-argument', where, expected, received }) as const
  refuses(() => sequential(), argument('sequential', 'at least one', 'none'))
  refuses(() => sequential({ forward: 1 } as never), argument('sequential', 'layers made by linear', '{forward}'))
  refuses(
    () => sequential(layer(), layer({}, vectors, SO(3) as never)),
    argument('sequential: part 1', 'O(3)', 'SO(3)'),
  )
  refuses(() => sequential(layer(), layer({ dtype: 'float64' })), argument('sequential: part 1', 'float32', 'float64'))
  refuses(
    () => sequential(layer({ dtype: 'float16' })),
    argument('sequential: part 0', 'float32 or float64', 'float16'),
  )
  refuses(
    () => sequential(layer({ layout: 'channels-first' })),
    argument('sequential: part 0', 'channels-last', 'channels-first'),
  )
  refuses(
    () => sequential(layer({}, { 1: 3 }), layer()),
    argument('sequential: input of part 1', '{ 1: 3 }', '{ 1: 2 }'),
  )
  refuses(() => residual(layer({}, { 1: 3 })), argument('residual: output', '{ 1: 2 }', '{ 1: 3 }'))
  refuses(() => sum(layer(), layer({}, { 2: 1 })), argument('sum: output of part 1', '{ 1: 2 }', '{ 2: 1 }'))
  refuses(() => directSum(), argument('directSum', 'at least one', 'none'))
})

test('calls', async () => {
  const network = make()
  const shape = {
    code: 'invalid-shape',
    where: 'forward, order 1',
    expected: '[batch, 3, 2]',
    received: '[2, 3, 1]',
  } as const
  const wrong = { 1: tensor(new Float32Array(6), [2, 3, 1]) }
  refuses(() => network.forwardSync(wrong), shape)
  await refusesAsync(() => network.forward(wrong), shape)
  refuses(() => network.forwardSync(x(), { out: x() } as never), { code: 'unknown-option', where: 'forward: options', expected: 'signal', received: '"out"' }) // prettier-ignore
  refuses(() => network.forwardSync(x(), { signal: AbortSignal.abort() }), { code: 'aborted', where: 'forward', expected: 'not aborted', received: 'aborted' }) // prettier-ignore
  const { pullback } = network.vjpSync(x())
  refuses(() => pullback({ 1: tensor(new Float32Array(6), [1, 3, 2]) }), { code: 'invalid-shape', where: 'pullback: g', expected: 'batch of 2', received: '1' }) // prettier-ignore
  const gone = x()
  gone[1].dispose()
  refuses(() => pullback(gone), { code: 'disposed', where: 'pullback: g', expected: 'live', received: 'disposed' })
  refuses(() => network.jvpSync(x(), { x: { 1: tensor(new Float32Array(6), [1, 3, 2]) } }), { code: 'invalid-shape', where: 'jvp: tangents.x', expected: 'batch of 2', received: '1' }) // prettier-ignore
})

test('parameters: all or nothing', () => {
  const network = make()
  const before = saveNetwork(network)
  const changed = Object.fromEntries(
    Object.entries(network.parameters).map(([name, { shape, size }]) => [
      name,
      tensor(new Float32Array(size).fill(3), shape),
    ]),
  )
  const wrong = (where: string, expected: string, received: string) =>
    ({ code: 'invalid-parameters', where, expected, received }) as const
  const { '0.bias.0': bias, ...rest } = changed
  refuses(() => network.load(rest), wrong('load', '0.bias.0 of shape [1, 2]', 'none'))
  refuses(() => network.load({ ...changed, '1.bias': bias! }), wrong('load', '0.bias.0', '"1.bias"'))
  refuses(() => network.load({ ...changed, '0.weight.1.1': bias! }), wrong('load, 0.weight.1.1', '[1, 2, 2]', '[1, 2]'))
  expect(saveNetwork(network)).toEqual(before)
  network.load(changed)
  expect(Object.values(network.parameters).every(({ data }) => data.every((value) => value === 3))).toBe(true)
  // What is left out of a call counts as zero.
  expect(network.forwardSync(x(), { parameters: {} })[1]!.toNumbers()).toEqual(new Array(12).fill(0))
})

describe('files', () => {
  const file = { code: 'invalid-file' } as const
  const network = make()
  const { tensors, metadata } = readSafetensors(saveNetwork(network))
  const changed = (change: (stored: { network: Record<string, unknown> }) => void, more: object = {}): Uint8Array => {
    const stored = JSON.parse(metadata['brauer']!) as { network: Record<string, unknown> }
    change(stored)
    return writeSafetensors({ ...tensors, ...more }, { brauer: JSON.stringify(stored) })
  }

  test('names of parts, and the metadata', () => {
    expect(Object.keys(tensors)).toEqual(['0.bias.0', '0.weight.1.1'])
    expect(JSON.parse(metadata['brauer']!)).toMatchObject({ format: 1, network: { kind: 'sequential', parts: [{ kind: 'linear', group: 'O', n: 3 }, { kind: 'gated' }] } }) // prettier-ignore
  })

  test('a file of a layer is a network of one, a network is no layer', () => {
    const layer = linear(O(3), vectors, vectors)
    expect(saveNetwork(layer)).toEqual(saveModel(layer))
    expect(saveNetwork(loadNetwork(saveModel(layer)))).toEqual(saveModel(layer))
    refuses(() => loadModel(saveNetwork(network)), {
      ...file,
      where: 'metadata',
      expected: 'one layer',
      received: 'a network: use loadNetwork',
    })
    refuses(() => saveNetwork({} as Module), {
      code: 'invalid-argument',
      where: 'saveNetwork',
      expected: 'a network',
      received: '{}',
    })
  })

  test.each<[string, (stored: { network: Record<string, unknown> }) => void, RegExp]>([
    [
      'an unknown kind',
      ({ network: each }) => (each['kind'] = 'attention'),
      /kind of a module: expected a known one, received "attention"/,
    ],
    ['no parts', ({ network: each }) => delete each['parts'], /parts of "sequential": expected a list/],
    [
      'parts that do not fit',
      ({ network: each }) => ((each['parts'] as { space: object }[])[1]!.space = { 1: 3 }),
      /network that can be made, received one for which sequential: input of part 1/,
    ],
    [
      'a group that is none',
      ({ network: each }) => ((each['parts'] as { group: string }[])[1]!.group = 'U(3)'),
      /network that can be made/,
    ],
    ['a network that is none', (stored) => (stored.network = 3 as never), /network: expected an object, received 3/],
  ])('%s', (_, change, message) => {
    expect(() => loadNetwork(changed(change))).toThrow(message)
    refuses(() => loadNetwork(changed(change)), { ...file, where: 'model file', expected: /./, received: /./ })
  })

  test('tensors that do not fit', () => {
    const none = tensor([1], [1])
    expect(() => loadNetwork(changed(() => undefined, { '0.weight.2.2': none }))).toThrow(/expected those of the layer/)
    expect(() => loadNetwork(changed(() => undefined, { '7.weight.1.1': none }))).toThrow(
      /expected those of 2 parts, received "7.weight.1.1"/,
    )
    expect(() => loadNetwork(changed(() => undefined, { 'scale.1': none }))).toThrow(/received "scale.1"/)
  })

  test('in another dtype', () => {
    const wide = loadNetwork(saveNetwork(network), { dtype: 'float64' })
    expect(wide.options.dtype).toBe('float64')
    expect(wide.parameters['0.weight.1.1']!.toNumbers()).toEqual(network.parameters['0.weight.1.1']!.toNumbers())
    refuses(() => loadNetwork(saveNetwork(network), { bias: true } as never), { code: 'unknown-option', where: 'loadNetwork', expected: 'backend', received: '"bias"' }) // prettier-ignore
  })
})
