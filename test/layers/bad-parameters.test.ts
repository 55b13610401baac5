/** Parameters that a layer refuses, and what a refusal leaves as it was. */
import { describe, expect, test } from '@jest/globals'
import { linear, O, S, SO, Tensor, tensor } from '../../lib/index.js'
import { refuses, type Refusal } from './refuses.js'

const any = (value: unknown): never => value as never
const filled = (value: number, ...shape: number[]): Tensor<'float32'> =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape)
const like = (data: unknown, dims: unknown, type: unknown = 'float32') => ({ dims, type, data })
const values = (parameters: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.toNumbers()]))

describe.each(['reference', 'cpu'])('%s', (backend) => {
  const make = () => linear(O(3), { 1: 2, 2: 1 }, { 1: 2 }, { bias: true, backend })
  // O(3) has no diagram 2 -> 1 and no invariant vector: the layer has one parameter.
  const good = () => ({ 'weight.1.1': filled(2, 1, 2, 2) as unknown })
  const change = (value: unknown) => ({ ...good(), 'weight.1.1': value })
  const gone = filled(1, 1, 2, 2)
  gone.dispose()
  const moved = new Float32Array(4)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer

  const at = 'weight.1.1'
  const names = 'weight.1.1'
  const rows: [string, unknown, Refusal['code'], string, string, string | RegExp][] = [
    ['null', null, 'invalid-parameters', 'load', names, 'null'],
    ['undefined', undefined, 'invalid-parameters', 'load', names, 'undefined'],
    ['an array', [filled(1, 1, 2, 2)], 'invalid-parameters', 'load', names, '[Tensor]'],
    ['a tensor', filled(1, 1, 2, 2), 'invalid-parameters', 'load', names, /./],
    ['a text', 'weights', 'invalid-parameters', 'load', names, '"weights"'],
    ['a map', new Map([['weight.1.1', filled(1, 1, 2, 2)]]), 'invalid-parameters', 'load', 'weight.1.1 of shape [1, 2, 2]', 'none'],
    ['one missing', {}, 'invalid-parameters', 'load', 'weight.1.1 of shape [1, 2, 2]', 'none'],
    ['one undefined', { 'weight.1.1': undefined }, 'invalid-parameters', 'load', 'weight.1.1 of shape [1, 2, 2]', 'none'],
    ['one null', change(null), 'invalid-argument', at, 'a tensor', 'null'],
    ['one unknown', { ...good(), 'weight.2.1': filled(1, 0, 1, 2) }, 'invalid-parameters', 'load', names, '"weight.2.1"'],
    ['a bias that no diagram has', { ...good(), 'bias.1': filled(1, 0, 2) }, 'invalid-parameters', 'load', names, '"bias.1"'],
    ['__proto__', { ...good(), ...JSON.parse('{"__proto__":1}') as object, ['__proto__']: 1 }, 'invalid-parameters', 'load', names, '"__proto__"'],
    ['constructor', { ...good(), constructor: 1 }, 'invalid-parameters', 'load', names, '"constructor"'],
    ['a long name', { ...good(), ['w'.repeat(1e6)]: 1 }, 'invalid-parameters', 'load', names, /\.\.\."$/],
    ['another number of diagrams', change(filled(1, 2, 2, 2)), 'invalid-parameters', at, 'shape [1, 2, 2]', '[2, 2, 2]'],
    ['channels the wrong way', change(filled(1, 1, 1, 4)), 'invalid-parameters', at, 'shape [1, 2, 2]', '[1, 1, 4]'],
    ['no diagram axis', change(filled(1, 2, 2)), 'invalid-parameters', at, 'shape [1, 2, 2]', '[2, 2]'],
    ['a symbol among dims', change(like(new Float32Array(4), [1, Symbol('n'), 2])), 'invalid-parameters', at, 'shape [1, 2, 2]', 'Symbol(n)'],
    ['float64', change(tensor(new Float64Array(4), [1, 2, 2])), 'invalid-dtype', at, 'float32', '"float64"'],
    ['float16', change(tensor(new Uint16Array(4), [1, 2, 2], 'float16')), 'invalid-dtype', at, 'float32', '"float16"'],
    ['another array', change(like(new Float64Array(4), [1, 2, 2])), 'invalid-dtype', at, 'a Float32Array', 'Float64Array(4)'],
    ['numbers', change(like([1, 2, 3, 4], [1, 2, 2])), 'invalid-dtype', at, 'a Float32Array', '[1, 2, 3, 4]'],
    ['too few elements', change(like(new Float32Array(3), [1, 2, 2])), 'invalid-shape', at, '4 elements', '3'],
    ['detached', change(like(moved, [1, 2, 2])), 'invalid-buffer', at, 'a live buffer', 'detached'],
    ['resizable', change(like(new Float32Array(new Resizable(16, { maxByteLength: 32 })), [1, 2, 2])), 'invalid-buffer', at, 'fixed length', 'resizable'],
    ['shared', change(like(new Float32Array(new SharedArrayBuffer(16)), [1, 2, 2])), 'invalid-buffer', at, 'an ArrayBuffer', 'SharedArrayBuffer'],
    ['disposed', change(gone), 'disposed', 'tensor', 'a live tensor', 'disposed'],
  ] // prettier-ignore

  test.each(rows)('%s', (_, parameters, code, where, expected, received) => {
    const layer = make()
    const before = values(layer.parameters)
    refuses(() => layer.load(any(parameters)), { code, where, expected, received })
    expect(values(layer.parameters)).toEqual(before)
  })

  test('a bad second parameter leaves the first as it was', () => {
    const layer = linear(S(4), { 1: 1 }, { 1: 1 }, { bias: true, backend })
    const x = { 1: tensor([1, 2, 3, 4], [1, 4, 1]) }
    const before = { parameters: values(layer.parameters), y: layer.forwardSync(x)[1].toNumbers() }
    expect(Object.keys(before.parameters)).toEqual(['weight.1.1', 'bias.1'])
    refuses(() => layer.load({ 'weight.1.1': filled(9, 2, 1, 1), 'bias.1': filled(9, 2, 1) }), {
      code: 'invalid-parameters', where: 'bias.1', expected: '[1, 1]', received: '[2, 1]',
    }) // prettier-ignore
    expect({ parameters: values(layer.parameters), y: layer.forwardSync(x)[1].toNumbers() }).toEqual(before)
  })

  test('parameters are copied both ways', () => {
    const layer = make()
    const given = filled(2, 1, 2, 2)
    layer.load({ 'weight.1.1': given })
    given.data.fill(5)
    expect(values(layer.parameters)['weight.1.1']).toEqual([2, 2, 2, 2])
    const read = layer.parameters['weight.1.1']!
    read.data.fill(7)
    read.dispose()
    expect(values(layer.parameters)['weight.1.1']).toEqual([2, 2, 2, 2])
    expect(layer.forwardSync({ 1: filled(1, 1, 3, 2), 2: filled(0, 1, 3, 3, 1) })[1].toNumbers()).toEqual([
      4, 4, 4, 4, 4, 4,
    ])
  })

  test('a load that loads again while it reads leaves one of the two, whole', () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 }, { bias: true, backend })
    const inner = { 'weight.1.1': filled(1, 2, 1, 1), 'bias.1': filled(1, 1, 1) }
    layer.load({
      get 'weight.1.1'() {
        layer.load(inner)
        return filled(2, 2, 1, 1)
      },
      'bias.1': filled(2, 1, 1),
    })
    expect(values(layer.parameters)).toEqual({ 'weight.1.1': [2, 2], 'bias.1': [2] })
  })

  test('layers made by at share what is loaded', () => {
    const layer = linear(S(5), { 1: 1 }, { 1: 1 }, { backend })
    const other = layer.at(7)
    other.load({ 'weight.1.1': filled(0.5, 2, 1, 1) })
    expect(values(layer.parameters)).toEqual({ 'weight.1.1': [0.5, 0.5] })
    expect(layer.forwardSync({ 1: filled(1, 1, 5, 1) })[1].toNumbers()).toEqual([3, 3, 3, 3, 3])
    expect(other.forwardSync({ 1: filled(1, 1, 7, 1) })[1].toNumbers()).toEqual(new Array(7).fill(4))
  })

  test('a name left out of a call counts as zero', () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 }, { bias: true, backend })
    const y = layer.forwardSync({ 1: filled(1, 1, 3, 1) }, { parameters: { 'bias.1': filled(4, 1, 1) } })
    expect(y[1].toNumbers()).toEqual([4, 4, 4])
    expect(layer.forwardSync({ 1: filled(1, 1, 3, 1) }, { parameters: {} })[1].toNumbers()).toEqual([0, 0, 0])
  })

  test('a pair of orders without diagrams has no parameter', () => {
    expect(Object.keys(linear(SO(3), { 1: 1 }, { 0: 1, 1: 1 }, { backend, bias: true }).parameters)).toEqual([
      'bias.0',
      'weight.1.1',
    ])
  })
})
