/** Calls that a layer refuses: inputs, outputs, options of a call. Both backends, on the thread and off it. */
import { describe, expect, test } from '@jest/globals'
import { linear, O, product, S, Tensor, tensor } from '../../lib/index.js'
import { refuses, refusesAsync, type Refusal } from './refuses.js'

const any = (value: unknown): never => value as never
const zeros = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)
/** What onnxruntime hands out, as far as this package looks. */
const like = (data: unknown, dims: unknown, type: unknown = 'float32') => ({ dims, type, data })

function detached(length: number): Float32Array {
  const data = new Float32Array(length)
  structuredClone(data.buffer, { transfer: [data.buffer] })
  return data
}
const resizable = (length: number): Float32Array => {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
  return new Float32Array(new Resizable(4 * length, { maxByteLength: 8 * length }))
}
const fixedOverResizable = (length: number): Float32Array => new Float32Array(resizable(length).buffer, 0, length)
const shared = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * length))
function disposed(...shape: number[]): Tensor {
  const gone = zeros(...shape)
  gone.dispose()
  return gone
}

type Row = readonly [name: string, x: unknown, options: unknown, ...Parts]
type Parts = [Refusal['code'], where: string | RegExp, expected: string | RegExp, received: string | RegExp]

// Layer: O(3) {1: 2, 2: 1} -> {0: 1, 1: 2}; batch 4.
const good = () => ({ 1: zeros(4, 3, 2), 2: zeros(4, 3, 3, 1) })
const shape1 = 'shape [batch, 3, 2]'
const record = 'a record of order to tensor (1, 2)'
const at = 'forward, order 1'
const first = (value: unknown): unknown => ({ ...good(), 1: value })

const inputs: Row[] = [
  ['null', null, undefined, 'invalid-argument', 'forward', record, 'null'],
  ['undefined', undefined, undefined, 'invalid-argument', 'forward', record, 'undefined'],
  ['a number', 3, undefined, 'invalid-argument', 'forward', record, '3'],
  ['a symbol', Symbol('x'), undefined, 'invalid-argument', 'forward', record, 'Symbol(x)'],
  ['a tensor instead of a record', zeros(4, 3, 2), undefined, 'invalid-argument', 'forward', record, 'Tensor'],
  ['an array instead of a tensor', new Float32Array(24), undefined, 'invalid-argument', 'forward', record, 'Float32Array(24)'],
  ['nothing', {}, undefined, 'invalid-order', 'forward', 'a tensor for order 1', 'none'],
  ['order 2 missing', { 1: zeros(4, 3, 2) }, undefined, 'invalid-order', 'forward', 'a tensor for order 2', 'none'],
  ['an order that the space has not', { ...good(), 3: zeros(4) }, undefined, 'invalid-order', 'forward', 'the orders 1, 2', '"3"'],
  ['a name that is no order', { ...good(), x: zeros(4) }, undefined, 'invalid-order', 'forward', 'the orders 1, 2', '"x"'],
  ['a long name', { ...good(), ['x'.repeat(1e6)]: 1 }, undefined, 'invalid-order', 'forward', 'the orders 1, 2', /\.\.\."$/],
  ['order null', first(null), undefined, 'invalid-argument', at, 'a tensor', 'null'],
  ['order 1 a bigint', first(7n), undefined, 'invalid-argument', at, 'a tensor', '7n'],
  ['order 1 a promise', first(Promise.resolve(zeros(4, 3, 2))), undefined, 'invalid-argument', at, 'a tensor', 'Promise'],
  ['order 1 a typed array', first(new Float32Array(24)), undefined, 'invalid-argument', at, 'a tensor', 'Float32Array(24)'],
  ['order 1 without data', first({ dims: [4, 3, 2], type: 'float32' }), undefined, 'invalid-argument', at, 'data', '{dims, type}'],
  ['2 indices instead of 3', first(zeros(4, 6)), undefined, 'invalid-shape', at, shape1, '[4, 6]'],
  ['4 indices instead of 3', first(zeros(4, 3, 2, 1)), undefined, 'invalid-shape', at, shape1, '[4, 3, 2, 1]'],
  ['n = 4 instead of 3', first(zeros(4, 4, 2)), undefined, 'invalid-shape', at, shape1, '[4, 4, 2]'],
  ['5 channels instead of 2', first(zeros(4, 3, 5)), undefined, 'invalid-shape', at, shape1, '[4, 3, 5]'],
  ['channels-first data', first(zeros(4, 2, 3)), undefined, 'invalid-shape', at, shape1, '[4, 2, 3]'],
  ['no indices', first(like(new Float32Array(0), [])), undefined, 'invalid-shape', at, shape1, '[]'],
  ['batches of 4 and 5', { 1: zeros(4, 3, 2), 2: zeros(5, 3, 3, 1) }, undefined, 'invalid-shape', 'forward, order 2', 'shape [4, 3, 3, 1]', '[5, 3, 3, 1]'],
  ['a batch of 1.5', first(like(new Float32Array(9), [1.5, 3, 2])), undefined, 'invalid-shape', at, shape1, '[1.5, 3, 2]'],
  ['a batch of -1', first(like(new Float32Array(0), [-1, 3, 2])), undefined, 'invalid-shape', at, shape1, '[-1, 3, 2]'],
  ['a batch of NaN', first(like(new Float32Array(0), [NaN, 3, 2])), undefined, 'invalid-shape', at, shape1, '[NaN, 3, 2]'],
  ['a batch of 2^53', first(like(new Float32Array(0), [2 ** 53, 3, 2])), undefined, 'invalid-shape', at, shape1, '[9007199254740992, 3, 2]'],
  ['a batch of 2^52', first(like(new Float32Array(0), [2 ** 52, 3, 2])), undefined, 'size-overflow', /forward/, '2^53', /4503599627370496/],
  ['a batch of 1e15 without its data', first(like(new Float32Array(0), [1e15, 3, 2])), undefined, 'invalid-shape', at, '6000000000000000 elements', '0'],
  ['dims as bigints', first(like(new Float32Array(24), [4n, 3n, 2n])), undefined, 'invalid-shape', at, shape1, '[4n, 3n, 2n]'],
  ['dims as texts', first(like(new Float32Array(24), ['4', '3', '2'])), undefined, 'invalid-shape', at, shape1, '["4", "3", "2"]'],
  ['dims with a symbol', first(like(new Float32Array(24), [4, Symbol('n'), 2])), undefined, 'invalid-shape', at, shape1, 'Symbol(n)'],
  ['dims with holes', first(like(new Float32Array(24), [4, , 2])), undefined, 'invalid-shape', at, shape1, 'undefined'], // eslint-disable-line no-sparse-arrays
  ['dims that are no array', first(like(new Float32Array(24), new Set([4, 3, 2]))), undefined, 'invalid-argument', at, 'dims', '{dims, type, data}'],
  ['a million dims', first(like(new Float32Array(24), new Array(1e6).fill(1))), undefined, 'invalid-shape', at, shape1, '…'],
  ['float64 data for float32', first(tensor(new Float64Array(24), [4, 3, 2])), undefined, 'invalid-dtype', at, 'float32', '"float64"'],
  ['float16 data for float32', first(tensor(new Uint16Array(24), [4, 3, 2], 'float16')), undefined, 'invalid-dtype', at, 'float32', '"float16"'],
  ['a type that does not exist', first(like(new Float32Array(24), [4, 3, 2], 'int8')), undefined, 'invalid-dtype', at, 'float32', '"int8"'],
  ['a type and another array', first(like(new Float64Array(24), [4, 3, 2])), undefined, 'invalid-dtype', at, 'a Float32Array', 'Float64Array(24)'],
  ['numbers in an array', first(like(new Array(24).fill(0), [4, 3, 2])), undefined, 'invalid-dtype', at, 'a Float32Array', '[0, 0'],
  ['a DataView', first(like(new DataView(new ArrayBuffer(96)), [4, 3, 2])), undefined, 'invalid-dtype', at, 'a Float32Array', 'DataView(96)'],
  ['an ArrayBuffer', first(like(new ArrayBuffer(96), [4, 3, 2])), undefined, 'invalid-dtype', at, 'a Float32Array', 'ArrayBuffer'],
  ['data null', first(like(null, [4, 3, 2])), undefined, 'invalid-dtype', at, 'a Float32Array', 'null'],
  ['one element too few', first(like(new Float32Array(23), [4, 3, 2])), undefined, 'invalid-shape', at, '24 elements', '23'],
  ['one element too many', first(like(new Float32Array(25), [4, 3, 2])), undefined, 'invalid-shape', at, '24 elements', '25'],
  ['a detached buffer', first(like(detached(24), [4, 3, 2])), undefined, 'invalid-buffer', at, 'a live buffer', 'detached'],
  ['a detached buffer, batch 0', { 1: like(detached(4), [0, 3, 2]), 2: zeros(0, 3, 3, 1) }, undefined, 'invalid-buffer', at, 'a live buffer', 'detached'],
  ['a resizable buffer', first(like(resizable(24), [4, 3, 2])), undefined, 'invalid-buffer', at, 'fixed length', 'resizable'],
  ['a view of fixed length of a resizable buffer', first(like(fixedOverResizable(24), [4, 3, 2])), undefined, 'invalid-buffer', at, 'fixed length', 'resizable'],
  ['a shared buffer', first(like(shared(24), [4, 3, 2])), undefined, 'invalid-buffer', at, 'an ArrayBuffer', 'SharedArrayBuffer'],
  ['a disposed tensor', first(disposed(4, 3, 2)), undefined, 'disposed', 'tensor [4, 3, 2]', 'a live tensor', 'a disposed one'],
] // prettier-ignore

const out = (value: unknown): unknown => ({ out: { 0: zeros(4, 1), 1: value } })
const same = new Float32Array(24)
const wide = new Float32Array(40)
const into = 'forward: out, order 1'

const outputs: Row[] = [
  ['out null', good(), { out: null }, 'invalid-argument', 'forward: out', 'a record', 'null'],
  ['out a tensor', good(), { out: zeros(4, 1) }, 'invalid-argument', 'forward: out', 'a record', 'Tensor'],
  ['out without order 1', good(), { out: { 0: zeros(4, 1) } }, 'invalid-order', 'forward: out', 'order 1', 'none'],
  ['out with the orders of the input', good(), { out: good() }, 'invalid-order', 'forward: out', 'the orders 0, 1', '"2"'],
  ['out of another batch', good(), { out: { 0: zeros(5, 1), 1: zeros(5, 3, 2) } }, 'invalid-shape', 'forward: out', 'batch of 4', '5'],
  ['out of another shape', good(), out(zeros(4, 2, 3)), 'invalid-shape', into, 'shape [4, 3, 2]', '[4, 2, 3]'],
  ['out of another dtype', good(), out(tensor(new Float64Array(24), [4, 3, 2])), 'invalid-dtype', into, 'float32', '"float64"'],
  ['out detached', good(), out(like(detached(24), [4, 3, 2])), 'invalid-buffer', into, 'a live buffer', 'detached'],
  ['out resizable', good(), out(like(resizable(24), [4, 3, 2])), 'invalid-buffer', into, 'fixed length', 'resizable'],
  ['out shared', good(), out(like(shared(24), [4, 3, 2])), 'invalid-buffer', into, 'an ArrayBuffer', 'SharedArrayBuffer'],
  ['out disposed', good(), out(disposed(4, 3, 2)), 'disposed', 'tensor [4, 3, 2]', 'a live tensor', 'a disposed one'],
  ['out is an input', first(like(same, [4, 3, 2])), out(like(same, [4, 3, 2])), 'invalid-buffer', 'forward: out, order 1', 'memory of its own', 'order 1'],
  ['out overlaps an input', first(like(wide.subarray(0, 24), [4, 3, 2])), out(like(wide.subarray(16), [4, 3, 2])), 'invalid-buffer', 'out, order 1', 'memory of its own', 'order 1'],
  ['two outputs are one', good(), { out: { 0: like(wide.subarray(0, 4), [4, 1]), 1: like(wide.subarray(0, 24), [4, 3, 2]) } }, 'invalid-buffer', /out, order [01]/, 'memory of its own', /order [01]/],
] // prettier-ignore

const calls: Row[] = [
  ['options a number', good(), 3, 'invalid-argument', 'forward: options', 'an object', '3'],
  ['options 0', good(), 0, 'invalid-argument', 'forward: options', 'an object', '0'],
  ['options an array', good(), [], 'invalid-argument', 'forward: options', 'an object', '[]'],
  ['options null', good(), null, 'invalid-argument', 'forward: options', 'an object', 'null'],
  ['sginal', good(), { sginal: 1 }, 'unknown-option', 'forward: options', 'signal', '"sginal"; did you mean signal?'],
  ['threads, which is the layer\'s', good(), { threads: 2 }, 'unknown-option', 'forward: options', 'signal', '"threads"'],
  ['a controller as the signal', good(), { signal: new AbortController() }, 'invalid-argument', 'signal', 'an AbortSignal', 'AbortController'],
  ['signal null', good(), { signal: null }, 'invalid-argument', 'signal', 'an AbortSignal', 'null'],
  ['signal {aborted}', good(), { signal: { aborted: false } }, 'invalid-argument', 'signal', 'an AbortSignal', '{aborted}'],
  ['an aborted signal', good(), { signal: AbortSignal.abort() }, 'aborted', 'forward', 'not aborted', 'aborted'],
  ['sizes for O(3)', good(), { sizes: [3, 3, 2, 1] }, 'invalid-group', 'forward: sizes', '(S)', 'O(3)'],
  ['sizes for O(3), batch 0', { 1: zeros(0, 3, 2), 2: zeros(0, 3, 3, 1) }, { sizes: [] }, 'invalid-group', 'forward: sizes', '(S)', 'O(3)'],
  ['parameters null', good(), { parameters: null }, 'invalid-parameters', 'forward: parameters', 'a record', 'null'],
  ['parameters a number', good(), { parameters: 1 }, 'invalid-parameters', 'forward: parameters', 'a record', '1'],
  ['parameters unknown', good(), { parameters: { 'weight.1.9': zeros(1) } }, 'invalid-parameters', 'forward: parameters', 'weight.1.1', '"weight.1.9"'],
] // prettier-ignore

describe.each(['reference', 'cpu'])('%s', (backend) => {
  const make = () => linear(O(3), { 1: 2, 2: 1 }, { 0: 1, 1: 2 }, { backend })

  test('the good input is good', async () => {
    const options = { out: { 0: zeros(4, 1), 1: zeros(4, 3, 2) }, signal: new AbortController().signal, parameters: {} }
    expect(make().forwardSync(good(), options)[0].shape).toEqual([4, 1])
    expect((await make().forward(good(), options))[1].shape).toEqual([4, 3, 2])
  })

  test.each([...inputs, ...outputs, ...calls].map(([name, ...row]) => [name, row] as const))(
    '%s',
    async (_, [x, options, code, where, wanted, received]) => {
      const layer = make()
      const refusal = { code, where, expected: wanted, received }
      refuses(() => layer.forwardSync(any(x), any(options)), refusal)
      await refusesAsync(() => layer.forward(any(x), any(options)), refusal)
    },
  )

  test('the gradients refuse in their own name', async () => {
    const layer = make()
    const g = () => ({ 0: zeros(4, 1), 1: zeros(4, 3, 2) })
    const wrongG = any({ ...g(), 1: zeros(4, 3, 1) })
    const wrong = {
      code: 'invalid-shape',
      where: 'inputGradient, order 1',
      expected: '[4, 3, 2]',
      received: '[4, 3, 1]',
    } as const
    refuses(() => layer.inputGradientSync(wrongG), wrong)
    await refusesAsync(() => layer.inputGradient(wrongG), wrong)
    refuses(() => layer.inputGradientSync(any(good())), {
      code: 'invalid-order',
      where: 'inputGradient',
      expected: '0, 1',
      received: '"2"',
    })
    const ofWeights = { ...wrong, where: 'weightGradient: g, order 1' }
    refuses(() => layer.weightGradientSync(good(), wrongG), ofWeights)
    await refusesAsync(() => layer.weightGradient(good(), wrongG), ofWeights)
    refuses(() => layer.weightGradientSync(any({}), g()), {
      code: 'invalid-order',
      where: 'weightGradient: x',
      expected: 'order 1',
      received: 'none',
    })
    refuses(() => layer.weightGradientSync(good(), { 0: zeros(5, 1), 1: zeros(5, 3, 2) }), {
      code: 'invalid-shape', where: 'weightGradient: g', expected: 'batch of 4', received: '5',
    }) // prettier-ignore
    const aborted = { code: 'aborted', where: 'weightGradient', expected: 'not aborted', received: 'aborted' } as const
    refuses(() => layer.weightGradientSync(good(), g(), { signal: AbortSignal.abort() }), aborted)
    await refusesAsync(() => layer.weightGradient(good(), g(), { signal: AbortSignal.abort() }), aborted)
    await refusesAsync(() => layer.inputGradient(g(), { signal: AbortSignal.abort() }), {
      ...aborted,
      where: 'inputGradient',
    })
  })

  test('a wrong call leaves the outputs alone', () => {
    const given = { 0: zeros(4, 1), 1: zeros(4, 3, 2) }
    given[0].data.fill(7)
    const wrong = { 'weight.1.1': zeros(1, 2, 3) }
    refuses(() => make().forwardSync(good(), { out: given, parameters: wrong }), {
      code: 'invalid-parameters', where: 'forward: parameters, weight.1.1', expected: '[1, 2, 2]', received: '[1, 2, 3]',
    }) // prettier-ignore
    expect(Array.from(given[0].data)).toEqual([7, 7, 7, 7])
  })

  test('float16 layers take bits and nothing else', () => {
    const layer = linear(O(3), { 1: 1 }, { 1: 1 }, { backend, dtype: 'float16' })
    const x = (data: unknown, type = 'float16') => any({ 1: like(data, [1, 3, 1], type) })
    expect(layer.forwardSync(x(new Uint16Array(3)))[1].data).toEqual(new Uint16Array(3))
    refuses(() => layer.forwardSync(x(new Float32Array(3))), {
      code: 'invalid-dtype', where: 'forward, order 1', expected: 'a Uint16Array for float16', received: 'Float32Array(3)',
    }) // prettier-ignore
    refuses(() => layer.forwardSync(x(new Uint16Array(3), 'bfloat16')), {
      code: 'invalid-dtype', where: 'forward, order 1', expected: 'float16', received: '"bfloat16"',
    }) // prettier-ignore
    refuses(() => layer.forwardSync(x(new Int16Array(3))), {
      code: 'invalid-dtype', where: 'forward, order 1', expected: 'a Uint16Array for float16', received: 'Int16Array(3)',
    }) // prettier-ignore
  })
})

describe('sizes', () => {
  const layer = linear(S(4), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
  const x = { 1: zeros(3, 4, 1) }
  const most = 'an integer from 1 to 4'
  const one = 'one n for each of 3 items'
  test.each<[string, unknown, ...Parts]>([
    ['too few', [4, 4], 'invalid-argument', 'forward: sizes', one, '[4, 4]'],
    ['too many', [4, 4, 4, 4], 'invalid-argument', 'forward: sizes', one, '[4, 4, 4, 4]'],
    ['a number', 4, 'invalid-argument', 'forward: sizes', one, '4'],
    ['0', 0, 'invalid-argument', 'forward: sizes', one, '0'],
    ['null', null, 'invalid-argument', 'forward: sizes', one, 'null'],
    ['a text', '444', 'invalid-argument', 'forward: sizes', one, '"444"'],
    ['0 among them', [4, 0, 4], 'invalid-argument', 'forward: sizes[1]', most, '0'],
    ['5 among them', [4, 4, 5], 'invalid-argument', 'forward: sizes[2]', most, '5'],
    ['2.5 among them', [2.5, 4, 4], 'invalid-argument', 'forward: sizes[0]', most, '2.5'],
    ['NaN among them', [4, NaN, 4], 'invalid-argument', 'forward: sizes[1]', most, 'NaN'],
    ['a text among them', [4, '4', 4], 'invalid-argument', 'forward: sizes[1]', most, '"4"'],
    ['a bigint among them', [4, 4n, 4], 'invalid-argument', 'forward: sizes[1]', most, '4n'],
    ['a hole among them', [4, , 4], 'invalid-argument', 'forward: sizes[1]', most, 'undefined'], // eslint-disable-line no-sparse-arrays
  ])('%s', async (_, sizes, code, where, wanted, received) => {
    const refusal = { code, where, expected: wanted, received }
    refuses(() => layer.forwardSync(x, any({ sizes })), refusal)
    await refusesAsync(() => layer.forward(x, any({ sizes })), refusal)
  })

  test('the second factor of a product has its own largest n', () => {
    const both = linear(product(S(5), S(3)), { b: 1 }, { a: 1 }, { backend: 'reference' })
    refuses(() => both.forwardSync(any({ b: zeros(1, 3, 1) }), { sizes: [5] }), {
      code: 'invalid-argument', where: 'forward: sizes[0]', expected: /3/, received: '5',
    }) // prettier-ignore
  })
})

describe('at', () => {
  const layer = linear(S(6), { 2: 1 }, { 1: 1 }, { backend: 'reference', bias: true })
  const least = 'n of at least 3 with the independent basis'
  const number = /integer|number|one n/
  test.each<[string, unknown, ...Parts]>([
    ['at(2)', 2, 'n-too-small', 'at', least, '2'],
    ['at(1)', 1, 'n-too-small', 'at', least, '1'],
    ['at(0)', 0, 'invalid-group', 'S(n)', number, '0'],
    ['at(-3)', -3, 'invalid-group', 'S(n)', number, '-3'],
    ['at(3.5)', 3.5, 'invalid-group', 'S(n)', number, '3.5'],
    ['at(NaN)', NaN, 'invalid-group', 'S(n)', number, 'NaN'],
    ['at(2^53)', 2 ** 53, 'invalid-group', 'S(n)', number, '9007199254740992'],
    ['at("4")', '4', 'invalid-group', /./, number, '"4"'],
    ['at(4n)', 4n, 'invalid-group', /./, number, '4n'],
    ['at(null)', null, 'invalid-group', /./, number, 'null'],
    ['at()', undefined, 'invalid-group', /./, number, 'undefined'],
    ['at([])', [], 'invalid-group', /./, number, '[]'],
    ['at([4, 4])', [4, 4], 'invalid-group', /./, number, '[4, 4]'],
    ['at({length: 1, 0: 4})', { length: 1, 0: 4 }, 'invalid-group', /./, number, '{0, length}'],
    ['at(symbol)', Symbol('n'), 'invalid-group', /./, number, 'Symbol(n)'],
    ['at(2^30)', 2 ** 30, 'size-overflow', /order 2/, '2^53', '1073741824'],
  ])('%s', (_, n, code, where, wanted, received) => {
    refuses(() => layer.at(any(n)), { code, where, expected: wanted, received })
  })

  test('of a layer that is itself too small', () => {
    const small = linear(S(2), { 2: 1 }, { 1: 1 }, { backend: 'reference' })
    refuses(() => small.at(9), { code: 'n-too-small', where: 'at', expected: least, received: '2' })
  })

  test('of a group whose diagrams depend on n', () => {
    const wanted = { code: 'invalid-group', where: 'at', expected: '(S)' } as const
    refuses(() => linear(O(3), { 1: 1 }, { 1: 1 }).at(4), { ...wanted, received: 'O(3)' })
    refuses(() => linear(product(S(3), O(3)), { a: 1 }, { a: 1 }).at([4, 3]), { ...wanted, received: 'S(3)×O(3)' })
  })

  test('of a product with one size for two', () => {
    const both = linear(product(S(5), S(3)), { a: 1 }, { a: 1 }, { backend: 'reference' })
    refuses(() => both.at([5]), { code: 'invalid-group', where: 'at', expected: '2 sizes', received: '[5]' })
  })
})

describe('diagrams', () => {
  const layer = linear(O(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
  const order = 'an integer of at least 0'
  test.each<[string, unknown, unknown, ...Parts]>([
    ['-1', -1, 1, 'invalid-order', 'O(3)', order, '-1'],
    ['1.5', 1, 1.5, 'invalid-order', 'O(3)', order, '1.5'],
    ['null', null, 1, 'invalid-order', 'O(3)', order, 'null'],
    ['none', undefined, undefined, 'invalid-order', 'O(3)', order, 'undefined'],
    ['a word', 'ab', 1, 'invalid-order', 'O(3)', order, '"ab"'],
    ['100 → 100', 100, 100, 'size-overflow', /100|200/, /2\^53|at most/, /./],
    ['1e9 → 0', 1e9, 0, 'size-overflow', /order/, /at most 1000 indices/, /1000000000/],
  ])('%s', (_, k, l, code, where, wanted, received) => {
    refuses(() => layer.diagrams(any(k), any(l)), { code, where, expected: wanted, received })
  })
})

describe('explain', () => {
  const layer = linear(O(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
  test.each<[string, unknown, ...Parts]>([
    ['btach', { btach: 3 }, 'unknown-option', 'explain', 'batch', 'did you mean batch?'],
    ['batch: "3"', { batch: '3' }, 'invalid-argument', 'explain', 'integer', '"3"'],
    ['batch: -1', { batch: -1 }, 'invalid-argument', 'explain', 'integer', '-1'],
    ['batch: NaN', { batch: NaN }, 'invalid-argument', 'explain', 'integer', 'NaN'],
  ])('%s', (_, options, code, where, wanted, received) => {
    refuses(() => layer.explain(any(options)), { code, where, expected: wanted, received })
  })
})
