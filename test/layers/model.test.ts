import { describe, expect, test } from '@jest/globals'
import {
  linear,
  loadModel,
  O,
  product,
  readSafetensors,
  S,
  saveModel,
  SO,
  Sp,
  type Tensor,
  tensor,
  writeSafetensors,
} from '../../lib/index.js'
import { uniform } from '../../lib/tensor/random.js'

type AnyLayer = ReturnType<typeof loadModel>

/** Inputs of a layer, the same for every layer of the same specification. */
function inputsOf(layer: AnyLayer): Record<string, Tensor> {
  const draw = uniform(5)
  return Object.fromEntries(
    Object.entries(layer.input).map(([order, channels]) => {
      const sizes = layer.group.indices(layer.group.parseOrder(order)).map((kind) => layer.group.kinds[kind]!.n)
      const shape = layer.options.layout === 'channels-first' ? [2, channels, ...sizes] : [2, ...sizes, channels]
      const values = Array.from({ length: shape.reduce((a, b) => a * b) }, draw)
      return [order, tensor(values, shape, layer.options.dtype)]
    }),
  )
}

const bytes = (tensors: Readonly<Record<string, Tensor>>): unknown =>
  Object.entries(tensors).map(([name, { shape, dtype, data }]) => [
    name,
    shape,
    dtype,
    Array.from(data as Float32Array),
  ])

describe('a saved layer comes back', () => {
  test.each<[string, AnyLayer]>([
    ['O(3)', linear(O(3), { 1: 2, 2: 3 }, { 0: 2, 1: 1, 2: 2 }, { bias: true, seed: 3 })],
    [
      'float64, mean',
      linear(S(5), { 1: 2, 2: 1 }, { 0: 2, 2: 1 }, { dtype: 'float64', normalize: 'mean', bias: true }),
    ],
    ['spanning', linear(S(2), { 2: 1 }, { 1: 1 }, { basis: 'spanning' })],
    ['channels-first, bfloat16', linear(SO(3), { 1: 2 }, { 2: 3 }, { layout: 'channels-first', dtype: 'bfloat16' })],
    ['float16, one batch', linear(Sp(4), { 1: 2 }, { 3: 1 }, { dtype: 'float16', expectedBatch: 1 })],
    ['without parameters', linear(O(3), { 1: 1 }, { 2: 1 })],
    ['a product', linear(product(S(4), O(3)), { ab: 2, '': 1 }, { b: 1, aa: 2 }, { bias: true })],
  ])('%s', (_, layer) => {
    const file = saveModel(layer)
    const again = loadModel(file)
    expect(String(again.group)).toBe(String(layer.group))
    expect([again.input, again.output, again.options]).toEqual([
      layer.input,
      layer.output,
      { ...layer.options, seed: again.options.seed },
    ])
    expect(bytes(again.parameters)).toEqual(bytes(layer.parameters))
    expect(bytes(again.forwardSync(inputsOf(layer)))).toEqual(bytes(layer.forwardSync(inputsOf(layer))))
    expect(saveModel(again)).toEqual(file)
  })

  test('the metadata is as documented', () => {
    const layer = linear(O(3), { 2: 1 }, { 0: 1, 2: 1 }, { bias: true })
    expect(JSON.parse(readSafetensors(saveModel(layer)).metadata['brauer']!)).toEqual({
      format: 1,
      group: 'O',
      n: 3,
      spaces: { input: { 2: 1 }, output: { 0: 1, 2: 1 } },
      options: {
        bias: true,
        basis: 'independent',
        normalize: 'sum',
        dtype: 'float32',
        layout: 'channels-last',
        expectedBatch: 256,
      },
      diagrams: {
        'weight.2.0': ['1,2'],
        'weight.2.2': ['1,2|3,4', '1,3|2,4', '1,4|2,3'],
        'bias.0': [''],
        'bias.2': ['1,2'],
      },
    })
  })

  test('options say how it runs, and those of the caller hold', () => {
    const file = saveModel(linear(O(3), { 1: 2 }, { 1: 2 }, { dtype: 'float64' }))
    const again = loadModel(file, { dtype: 'float32', backend: 'reference', layout: 'channels-first', threads: 1 })
    expect(again.options).toMatchObject({
      dtype: 'float32',
      backend: 'reference',
      layout: 'channels-first',
      threads: 1,
    })
    const wide = readSafetensors(file).tensors['weight.1.1']!
    expect(again.parameters['weight.1.1']!.toNumbers()).toEqual(wide.toNumbers().map(Math.fround))
  })

  test('what a layer computes cannot be changed, and a misspelt option is named', () => {
    const file = saveModel(linear(O(3), { 1: 2 }, { 1: 2 }))
    for (const option of [{ bias: true }, { basis: 'spanning' }, { normalize: 'mean' }, { seed: 1 }, { thread: 1 }]) {
      expect(() => loadModel(file, option as object)).toThrow(expect.objectContaining({ code: 'unknown-option' }))
    }
    expect(() => loadModel(file, { backend: 'gpu' })).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    expect(() => loadModel(file, { backend: 'cuda' })).toThrow(expect.objectContaining({ code: 'backend-unavailable' }))
  })
})

describe('rows are found by the keys of their diagrams', () => {
  const layer = linear(S(4), { 2: 2 }, { 1: 3 }, { dtype: 'float64' })
  const { tensors, metadata } = readSafetensors(saveModel(layer))
  const stored = JSON.parse(metadata['brauer']!)
  const weight = tensors['weight.2.1']!
  const keys: string[] = stored.diagrams['weight.2.1']

  test('a file with its rows in another order', () => {
    const order = keys.map((_, row) => (3 * row + 1) % keys.length)
    const numbers = order.flatMap((row) => weight.toNumbers().slice(6 * row, 6 * row + 6))
    stored.diagrams['weight.2.1'] = order.map((row) => keys[row]!)
    const file = writeSafetensors(
      { 'weight.2.1': tensor(numbers, weight.shape, 'float64') },
      { brauer: JSON.stringify(stored) },
    )
    expect(stored.diagrams['weight.2.1']).not.toEqual(keys)
    expect(bytes(loadModel(file).parameters)).toEqual(bytes(layer.parameters))
  })

  test.each<[string, string[], string]>([
    ['a key too few', keys.slice(1), '5 different keys, received 4 of 4'],
    ['a key twice', [keys[1]!, ...keys.slice(1)], '5 different keys, received 4 of 5'],
    ['a key too many', [...keys, keys[1]!], '5 different keys, received 5 of 6'],
    ['a key that is another', ['1|2|3,4', ...keys.slice(1)], 'expected the key "1,2,3"'],
  ])('%s', (_, changed, message) => {
    stored.diagrams['weight.2.1'] = changed
    expect(() => loadModel(writeSafetensors(tensors, { brauer: JSON.stringify(stored) }))).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining(message) }),
    )
  })
})

describe('hostile model files are refused with one sentence', () => {
  const { tensors, metadata } = readSafetensors(saveModel(linear(O(3), { 1: 2 }, { 1: 2 })))
  const good = JSON.parse(metadata['brauer']!)
  const changed = (change: object): Uint8Array =>
    writeSafetensors(tensors, { brauer: JSON.stringify({ ...good, ...change }) })
  const weight = tensors['weight.1.1']!

  test('the file they are made from is good', () => {
    expect(String(loadModel(changed({})).group)).toBe('O(3)')
  })

  test.each<[string, Uint8Array, string]>([
    ['no safetensors', new Uint8Array(3), 'safetensors: header: expected'],
    ['no entry', writeSafetensors(tensors), 'model file: metadata: expected an entry "brauer"'],
    ['no JSON', writeSafetensors(tensors, { brauer: '{' }), 'model file: metadata: expected JSON'],
    ['null', writeSafetensors(tensors, { brauer: 'null' }), 'model file: metadata: expected an object, received null'],
    ['a newer format', changed({ format: 2 }), 'model file: format: expected 1, the only one so far, received 2'],
    ['no group', changed({ group: 3 }), 'model file: group: expected a name, received 3'],
    ['an unknown group', changed({ group: 'U' }), 'expected S(n), O(n), SO(n) or Sp(n)'],
    ['n as text', changed({ n: '3' }), 'model file: n: expected a number, or one per factor, received "3"'],
    ['two sizes for one group', changed({ n: [3, 4] }), 'model file: n: expected 1 sizes for O, received [3, 4]'],
    ['n = 0', changed({ n: 0 }), 'n to be an integer of at least 1'],
    ['n = 1e300', changed({ n: 1e300 }), 'received'],
    ['odd n', changed({ group: 'Sp' }), 'n to be even, received 3'],
    ['no spaces', changed({ spaces: null }), 'model file: spaces: expected an object, received null'],
    ['no output', changed({ spaces: { input: { 1: 2 } } }), 'model file: spaces.output: expected an object'],
    ['a negative order', changed({ spaces: { input: { '-1': 2 }, output: { 1: 2 } } }), 'integer of at least 0'],
    ['an order past any size', changed({ spaces: { input: { 9999: 2 }, output: { 1: 2 } } }), 'at most 1000 indices'],
    ['half a channel', changed({ spaces: { input: { 1: 0.5 }, output: { 1: 2 } } }), 'received 0.5'],
    ['a prototype order', changed({ spaces: JSON.parse('{"input":{"__proto__":2},"output":{"1":2}}') }), '__proto__'],
    ['an unknown option', changed({ options: { backend: 'cpu' } }), 'model file: options: expected some of bias'],
    ['an option of another type', changed({ options: { bias: 1 } }), 'linear: option bias: expected true or false'],
    ['diagrams that are no lists', changed({ diagrams: { 'weight.1.1': 'x' } }), 'expected a list of keys'],
    ['no diagrams', changed({ diagrams: {} }), 'diagrams of weight.1.1: expected 1 different keys, received 0 of 0'],
    [
      'a parameter missing',
      writeSafetensors({}, metadata),
      'model file: weight.1.1: expected a tensor [1, 2, 2], received none',
    ],
    [
      'a parameter too many',
      writeSafetensors({ ...tensors, x: weight }, metadata),
      'tensors: expected those of the layer',
    ],
    [
      'a parameter of another shape',
      writeSafetensors({ 'weight.1.1': tensor([1, 2], [1, 2, 1]) }, metadata),
      'model file: weight.1.1: expected shape [1, 2, 2], received [1, 2, 1]',
    ],
  ])('%s', (_, file, message) => {
    expect(() => loadModel(file)).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining(message) }),
    )
  })
})
