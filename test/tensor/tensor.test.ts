import { describe, expect, test } from '@jest/globals'
import { Tensor, tensor } from '../../lib/index.js'
import { refuses, type Refusal } from '../layers/refuses.js'

const any = (value: unknown): never => value as never

describe('what a tensor is', () => {
  test('typed arrays of the dtype are used without a copy', () => {
    for (const [data, dtype] of [
      [new Float32Array(6), 'float32'],
      [new Float64Array(6), 'float64'],
      [new Uint16Array(6), 'float16'],
      [new Uint16Array(6), 'bfloat16'],
    ] as const) {
      const value = tensor(data, [2, 3], dtype)
      expect(value.data).toBe(data)
      expect([value.shape, value.dims, value.dtype, value.type, value.size, value.device]).toEqual([
        [2, 3], [2, 3], dtype, dtype, 6, 'cpu',
      ]) // prettier-ignore
    }
  })

  test('without a dtype a Float64Array gives float64, everything else float32', () => {
    expect(tensor(new Float64Array(1), [1]).dtype).toBe('float64')
    expect(tensor(new Float32Array(1), [1]).dtype).toBe('float32')
    expect(tensor([1], [1]).dtype).toBe('float32')
  })

  test('other data is converted', () => {
    expect(tensor([1, 2.5], [2], 'float64').data).toEqual(new Float64Array([1, 2.5]))
    expect(tensor(new Float64Array([1, 2.5]), [2], 'float32').data).toEqual(new Float32Array([1, 2.5]))
    expect(tensor(new Float32Array([1, -2]), [2], 'float16').data).toEqual(new Uint16Array([0x3c00, 0xc000]))
    expect(tensor([1, -2], [2], 'bfloat16').data).toEqual(new Uint16Array([0x3f80, 0xc000]))
  })

  test('a scalar, and tensors of nothing', () => {
    expect([tensor([7], []).size, tensor([7], []).toNumbers()]).toEqual([1, [7]])
    expect([tensor([], [0]).size, tensor([], [3, 0, 2]).toNumbers()]).toEqual([0, []])
    expect(tensor([], [2 ** 50, 2 ** 50, 0]).size).toBe(0)
  })

  test('the shape is a copy and frozen', () => {
    const shape = [2, 3]
    const value = tensor(new Float32Array(6), shape)
    shape[0] = 9
    expect([value.shape, Object.isFrozen(value.shape)]).toEqual([[2, 3], true])
  })

  test('NaN, infinities and negative zero are data', () => {
    const numbers = [NaN, Infinity, -Infinity, -0]
    for (const dtype of ['float32', 'float64', 'float16', 'bfloat16'] as const)
      expect([dtype, tensor(numbers, [4], dtype).toNumbers()]).toEqual([dtype, numbers])
  })
})

describe('after dispose', () => {
  const gone = (): Tensor => {
    const value = tensor([1, 2], [2])
    value.dispose()
    return value
  }
  const refusal: Refusal = {
    code: 'disposed',
    where: 'tensor [2]',
    expected: 'a live tensor',
    received: 'a disposed one',
  }

  test('data is refused', () => refuses(() => gone().data, refusal))
  test('numbers are refused', () => refuses(() => gone().toNumbers(), refusal))
  test('getData rejects', async () => {
    await expect(gone().getData()).rejects.toMatchObject({ code: 'disposed' })
  })
  test('shape and dtype stay, and to dispose again is nothing', () => {
    const value = gone()
    value.dispose()
    expect([value.shape, value.dtype, value.size]).toEqual([[2], 'float32', 2])
  })
  test('Symbol.dispose is dispose', () => {
    const value = tensor([1, 2], [2])
    value[Symbol.dispose]()
    refuses(() => value.data, refusal)
  })
})

describe('what is refused', () => {
  const view = {
    code: 'invalid-argument',
    where: 'tensor: data',
    expected: 'a Float32Array, Float64Array, Uint16Array',
  } as const
  const shape = { code: 'invalid-shape', where: 'tensor: shape' } as const
  const sizes = { ...shape, expected: 'non-negative integers' } as const
  const count = { code: 'invalid-shape', where: 'tensor: data' } as const
  const rows: [string, () => unknown, Refusal][] = [
    ['data null', () => tensor(any(null), [1]), { ...view, received: 'null' }],
    ['data a number', () => tensor(any(1), [1]), { ...view, received: '1' }],
    ['data a text', () => tensor(any('12'), [2]), { ...view, received: '"12"' }],
    ['data an Int32Array', () => tensor(any(new Int32Array(2)), [2]), { ...view, received: 'Int32Array(2)' }],
    ['data a Float32Array by name', () => tensor(any({ length: 2, 0: 1, 1: 2 }), [2]), { ...view, received: '{0, 1, length}' }],
    ['data an ArrayBuffer', () => tensor(any(new ArrayBuffer(8)), [2]), { ...view, received: 'ArrayBuffer' }],
    ['a text among numbers', () => tensor(any([1, '2']), [2]), { code: 'invalid-argument', where: 'data[1]', expected: 'a number', received: '"2"' }],
    ['a bigint among numbers', () => tensor(any([1n]), [1]), { code: 'invalid-argument', where: 'data[0]', expected: 'a number', received: '1n' }],
    ['a hole', () => tensor(any([1, , 3]), [3]), { code: 'invalid-argument', where: 'data[1]', expected: 'a number', received: 'undefined' }], // eslint-disable-line no-sparse-arrays
    ['nested arrays', () => tensor(any([[1, 2], [3, 4]]), [2]), { code: 'invalid-argument', where: 'data[0]', expected: 'a number', received: '[1, 2]' }],
    ['shape missing', () => tensor([1], any(undefined)), { ...shape, expected: 'an array of sizes', received: 'undefined' }],
    ['shape a number', () => tensor([1], any(1)), { ...shape, expected: 'an array of sizes', received: '1' }],
    ['shape a typed array', () => tensor([1], any(new Int32Array([1]))), { ...shape, expected: 'an array of sizes', received: 'Int32Array(1)' }],
    ['size -1', () => tensor([1], [-1]), { ...sizes, received: '[-1]' }],
    ['size 1.5', () => tensor([1], [1.5]), { ...sizes, received: '[1.5]' }],
    ['size NaN', () => tensor([1], [NaN]), { ...sizes, received: '[NaN]' }],
    ['size Infinity', () => tensor([1], [Infinity]), { ...sizes, received: '[Infinity]' }],
    ['size 2^53', () => tensor([1], [2 ** 53]), { ...sizes, received: '[9007199254740992]' }],
    ['size null', () => tensor([1], any([null])), { ...sizes, received: '[null]' }],
    ['size 1n', () => tensor([1], any([1n])), { ...sizes, received: '[1n]' }],
    ['a hole in the shape', () => tensor([1], any([1, , 1])), { ...sizes, received: 'undefined' }], // eslint-disable-line no-sparse-arrays
    ['2^27 × 2^27', () => tensor([1], [2 ** 27, 2 ** 27]), { code: 'size-overflow', where: 'tensor: shape', expected: '2^53', received: '134217728' }],
    ['60 sizes of 2^50 and a 0', () => tensor([1], [...new Array<number>(60).fill(2 ** 50), 0]), { ...count, expected: '0 elements', received: '1' }],
    ['a million sizes', () => tensor([1], new Array<number>(1e6).fill(2)), { code: 'size-overflow', where: 'tensor: shape', expected: '2^53', received: /./ }],
    ['too few elements', () => tensor([1, 2], [3]), { ...count, expected: '3 elements for the shape [3]', received: '2' }],
    ['too many elements', () => tensor(new Float32Array(4), [3]), { ...count, expected: '3 elements for the shape [3]', received: '4' }],
    ['dtype int8', () => tensor([1], [1], any('int8')), { code: 'invalid-dtype', where: 'tensor: dtype', expected: 'float32, float64', received: '"int8"' }],
    ['dtype null', () => tensor([1], [1], any(null)), { code: 'invalid-dtype', where: 'tensor: dtype', expected: 'float32', received: 'null' }],
    ['bits as float32', () => tensor(new Uint16Array(1), [1], 'float32'), { code: 'invalid-dtype', where: 'tensor: dtype', expected: 'float16 or bfloat16', received: 'float32' }],
    ['bits without a dtype', () => tensor(new Uint16Array(1), [1]), { code: 'invalid-dtype', where: 'tensor: dtype', expected: 'float16 or bfloat16', received: 'float32' }],
  ] // prettier-ignore
  test.each(rows)('%s', (_, call, refusal) => refuses(call, refusal))
})
