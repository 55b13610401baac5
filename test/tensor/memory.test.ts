/** What is known of a tensor's memory, whatever its public members say. */
import { describe, expect, test } from '@jest/globals'
import { tensor, type Dtype } from '../../lib/index.js'
import { isFixed, lengthOf, overlap } from '../../lib/tensor/memory.js'
import { elementsOf, wrap } from '../../lib/tensor/tensor.js'

const takeAway = ({ buffer }: { buffer: ArrayBufferLike }): void =>
  void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
const resizable = (): ArrayBuffer =>
  new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(24, { maxByteLength: 48 })
const tell = (data: unknown, name: string, value: unknown) => Object.defineProperty(data, name, { value })

describe('elementsOf', () => {
  test('gives the data of tensors of the dtype and the size', () => {
    for (const [data, dtype] of [
      [new Float32Array(6), 'float32'],
      [new Float64Array(6), 'float64'],
      [new Uint16Array(6), 'bfloat16'],
    ] as const) {
      expect(elementsOf(tensor<Dtype>(data, [2, 3], dtype), dtype, 6)).toBe(data)
      expect(elementsOf(wrap<Dtype>(data, [2, 3], dtype), dtype, 6)).toBe(data)
    }
  })

  const value = tensor([1, 2, 3, 4, 5, 6], [6])
  const disposed = tensor([1, 2], [2])
  disposed.dispose()
  const gone = tensor([1, 2], [2])
  takeAway(gone.data)
  test.each<[string, object, Dtype, number]>([
    ['another size', value, 'float32', 5],
    ['no size', tensor([], [0]), 'float32', 0],
    ['another dtype', value, 'float64', 6],
    ['another dtype in an array of the same kind', tensor([1], [1], 'float16'), 'bfloat16', 1],
    ['a disposed tensor', disposed, 'float32', 2],
    ['memory that was transferred away', gone, 'float32', 2],
    ['memory that others write to', tensor(new Float32Array(new SharedArrayBuffer(24)), [6]), 'float32', 6],
    ['memory that may shrink', tensor(new Float32Array(resizable()), [6]), 'float32', 6],
    ['what looks like a tensor', { shape: [6], dtype: 'float32', data: new Float32Array(6) }, 'float32', 6],
    ['what only inherits from one', Object.create(value) as object, 'float32', 6],
  ])('nothing for %s', (_, given, dtype, size) => {
    expect(elementsOf(given, dtype, size)).toBeUndefined()
    expect(elementsOf(given, dtype, size)).toBeUndefined()
  })

  test('goes by what a tensor is, not by what somebody made of its members', () => {
    const changed = tensor([1, 2, 3], [3]) as unknown as Record<string, unknown>
    const { data } = changed
    Object.assign(changed, { dtype: 'float64', shape: [9], size: 9 })
    tell(data, 'length', 9)
    expect(elementsOf(changed, 'float64', 9)).toBeUndefined()
    expect(elementsOf(changed, 'float32', 9)).toBeUndefined()
    expect(elementsOf(changed, 'float32', 3)).toBe(data)
  })
})

test('lengths, kinds of memory and overlaps are the real ones', () => {
  const buffer = new ArrayBuffer(64)
  const [a, b, c] = [new Float32Array(buffer, 0, 4), new Float64Array(buffer, 8, 2), new Uint16Array(buffer, 24, 4)]
  expect([overlap(a, b), overlap(b, a), overlap(b, c), overlap(a, c)]).toEqual([true, true, false, false])
  expect(overlap(a, new Float32Array(4))).toBe(false)
  expect([
    isFixed(a),
    isFixed(new Float32Array(resizable())),
    isFixed(new Float32Array(new SharedArrayBuffer(8))),
  ]).toEqual([true, false, false])
  for (const [name, lie] of [
    ['length', 1],
    ['byteLength', 0],
    ['byteOffset', 60],
    ['buffer', new ArrayBuffer(8)],
  ] as const)
    tell(a, name, lie)
  expect([lengthOf(a), overlap(a, b), isFixed(a)]).toEqual([4, true, true])
})
