import { describe, expect, test } from '@jest/globals'
import { readSafetensors, writeSafetensors } from '../../lib/interop/safetensors.js'
import { tensor } from '../../lib/tensor/tensor.js'

/** A file with any header text and any data. */
function made(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + data)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const entry = (dtype: unknown, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })
const one = (dtype: unknown, shape: unknown, offsets: unknown): string => `{"a":${entry(dtype, shape, offsets)}}`

describe('round trips', () => {
  const tensors = {
    'weight.2.0': tensor([1, -2, 3.5], [3, 1, 1], 'float64'),
    'bias.2': tensor([0.1, Infinity], [2, 1], 'float32'),
    half: tensor([1, 0.5, -65504], [3], 'float16'),
    brain: tensor([1, -3e38], [1, 2], 'bfloat16'),
    scalar: tensor([7], []),
    empty: tensor([], [0, 5]),
    constructor: tensor([9], [1]),
  }
  const metadata = { brauer: '{"format":1}', äöü: '"\\{}[]:,\n' }

  test('every dtype, scalars, empty tensors, odd names, metadata', () => {
    const read = readSafetensors(writeSafetensors(tensors, metadata))
    expect(read.metadata).toEqual(metadata)
    expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(tensors).sort())
    for (const [name, wanted] of Object.entries(tensors)) {
      const received = read.tensors[name]!
      expect([received.dtype, received.shape, received.data]).toEqual([wanted.dtype, wanted.shape, wanted.data])
    }
  })

  test('the bytes do not depend on the order of names', () => {
    const backwards = Object.fromEntries(Object.entries(tensors).reverse())
    const swapped = Object.fromEntries(Object.entries(metadata).reverse())
    expect(writeSafetensors(backwards, swapped)).toEqual(writeSafetensors(tensors, metadata))
  })

  test('a file is as the format describes it: header to a multiple of 8, data wide first, then by name', () => {
    const bytes = writeSafetensors({ b: tensor([1], [1]), a: tensor([2], [1]), z: tensor([3], [1], 'float64') })
    const header =
      '{"z":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
      '"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}'
    const start = bytes.length - 16
    expect(start % 8).toBe(0)
    expect(Buffer.from(bytes.subarray(8, start)).toString()).toBe(header.padEnd(start - 8))
    expect(Buffer.from(bytes.subarray(start)).toString('hex')).toBe('0000000000000840' + '00000040' + '0000803f')
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(start - 8))
  })

  test('a file without tensors', () => {
    expect(readSafetensors(writeSafetensors({}))).toEqual({ tensors: {}, metadata: {} })
    expect(readSafetensors(made('{}'))).toEqual({ tensors: {}, metadata: {} })
  })

  test('aligned data is not copied, unaligned data is', () => {
    const bytes = writeSafetensors({ a: tensor([1, 2], [2], 'float64') })
    expect(readSafetensors(bytes).tensors['a']!.data.buffer).toBe(bytes.buffer)
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(readSafetensors(shifted.subarray(1)).tensors['a']!.toNumbers()).toEqual([1, 2])
    const odd = made(one('F32', [1], [0, 4]) + ' ', 4)
    new DataView(odd.buffer).setFloat32(odd.length - 4, 2.5, true)
    expect(readSafetensors(odd).tensors['a']!.toNumbers()).toEqual([2.5])
  })

  test('a long string in the header', () => {
    const metadata = { long: '\\n"'.repeat(5_000_000) }
    expect(readSafetensors(writeSafetensors({}, metadata)).metadata).toEqual(metadata)
  })
})

describe('hostile files are refused with one sentence', () => {
  const two = (a: unknown, b: unknown): string => `{"a":${entry('F32', [1], a)},"b":${entry('F32', [1], b)}}`
  test.each<[string, Uint8Array, string]>([
    ['no file', new Uint8Array(0), 'header: expected the 8 bytes of its length, received a file of 0 bytes'],
    ['seven bytes', new Uint8Array(7), 'received a file of 7 bytes'],
    [
      'a header past the file',
      made('{}', 0, 3n),
      'header: expected at most the 2 bytes that follow its length, received a length of 3',
    ],
    [
      'a header past 100 MB',
      made('{}', 0, 100_000_001n),
      'expected at most 100000000 bytes, received a length of 100000001',
    ],
    ['a header past 2^63', made('{}', 0, 0xffffffffffffffffn), 'received a length of 18446744073709551615'],
    ['an empty header', made(''), 'a JSON object, from its first byte on, received no bytes'],
    ['a header that begins with a space', made(' {}'), 'received byte 32'],
    ['a list', made('[]'), 'received byte 91'],
    ['no JSON', made('{nothing}'), 'header: expected UTF-8 text that is a JSON object'],
    ['a byte order mark inside', made('{\ufeff}'), 'header: expected UTF-8 text that is a JSON object'],
    ['text after the object', made('{}}'), 'header: expected UTF-8 text that is a JSON object'],
    ['a million brackets', made('{"a":' + '['.repeat(1e6)), 'header: expected UTF-8 text that is a JSON object'],
    ['bytes that are not UTF-8', made(new Uint8Array([0x7b, 0xff, 0x7d])), 'header: expected UTF-8 text'],
    [
      'a tensor twice',
      made(`{"a":${entry('F32', [0], [0, 0])},"a":${entry('F32', [0], [0, 0])}}`),
      'every key once, received "a" twice',
    ],
    [
      'a tensor twice, once escaped',
      made(`{"a":${entry('F32', [0], [0, 0])},"\\u0061" :${entry('F32', [0], [0, 0])}}`),
      '"a" twice',
    ],
    [
      'a key of an entry twice',
      made('{"a":{"dtype":"F32","shape":[1],"shape":[0],"data_offsets":[0,0]}}'),
      '"shape" twice',
    ],
    ['metadata twice', made('{"__metadata__":{},"__metadata__":{}}'), '"__metadata__" twice'],
    [
      'a prototype key',
      made(`{"__proto__":${entry('F32', [0], [0, 0])}}`),
      'names: expected no tensor of this name, received "__proto__"',
    ],
    [
      'a prototype key in the metadata',
      made('{"__metadata__":{"__proto__":"x"}}'),
      '__metadata__: expected no entry of this name',
    ],
    ['metadata that is no object', made('{"__metadata__":[]}'), '__metadata__: expected an object of strings'],
    ['metadata that is no string', made('{"__metadata__":{"a":1}}'), '__metadata__ "a": expected a string, received 1'],
    [
      'an entry that is no object',
      made('{"a":null}'),
      'tensor "a": expected an object with dtype, shape and data_offsets, received null',
    ],
    [
      'an entry without a dtype',
      made('{"a":{"shape":[0],"data_offsets":[0,0]}}'),
      'exactly dtype, shape and data_offsets',
    ],
    [
      'an entry with a prototype',
      made('{"a":{"__proto__":{"dtype":"F32"},"shape":[0],"data_offsets":[0,0]}}'),
      'exactly dtype',
    ],
    ['an entry with more', made('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":1}}'), 'exactly dtype'],
    [
      'an unknown dtype',
      made(one('I64', [1], [0, 8]), 8),
      'tensor "a": expected a dtype out of F64, F32, F16, BF16, received "I64"',
    ],
    ['a dtype of another type', made(one(['F32'], [1], [0, 4]), 4), 'expected a dtype out of'],
    ['a shape that is no list', made(one('F32', 1, [0, 4]), 4), 'a shape of non-negative integers, received 1'],
    ['a negative size', made(one('F32', [-1], [0, 4]), 4), 'a shape of non-negative integers, received [-1]'],
    ['half a size', made(one('F32', [0.5], [0, 2]), 2), 'a shape of non-negative integers'],
    [
      'a size past 2^53',
      made('{"a":{"dtype":"F32","shape":[9007199254740992],"data_offsets":[0,4]}}', 4),
      'a shape of non-negative',
    ],
    [
      'sizes whose product is past 2^53',
      made(one('F32', [2 ** 30, 2 ** 30], [0, 4]), 4),
      'a shape of fewer than 2^53 bytes',
    ],
    [
      'sizes whose product is infinite',
      made(one('F32', new Array(40).fill(2 ** 30), [0, 4]), 4),
      'fewer than 2^53 bytes',
    ],
    ['one offset', made(one('F32', [1], [0]), 4), 'data_offsets as [begin, end], received [0]'],
    ['three offsets', made(one('F32', [1], [0, 4, 4]), 4), 'data_offsets as [begin, end]'],
    ['offsets the wrong way round', made(one('F32', [1], [4, 0]), 4), 'data_offsets as [begin, end], received [4, 0]'],
    ['a negative offset', made(one('F32', [1], [-4, 0]), 4), 'data_offsets as [begin, end]'],
    [
      'offsets past the file',
      made(one('F32', [2], [0, 8]), 4),
      'data_offsets inside the 4 bytes of data, received [0, 8]',
    ],
    [
      'offsets that do not match the shape',
      made(one('F32', [2], [0, 4]), 4),
      '8 bytes for "F32" [2], received data_offsets [0, 4]',
    ],
    [
      'an overlap',
      made(two([0, 4], [0, 4]), 4),
      'tensor "b": expected data that begins at 4, where the one before ends, received data that begins at 0',
    ],
    ['a partial overlap', made(two([0, 4], [2, 6]), 6), 'received data that begins at 2'],
    ['a hole', made(two([0, 4], [8, 12]), 12), 'received data that begins at 8'],
    ['a hole at the start', made(one('F32', [1], [4, 8]), 8), 'received data that begins at 4'],
    [
      'bytes after the last tensor',
      made(one('F32', [1], [0, 4]), 5),
      'data: expected 4 bytes, where the last tensor ends, received 5 bytes',
    ],
    [
      'an empty tensor outside',
      made(`{"a":${entry('F32', [1], [0, 4])},"b":${entry('F32', [0], [2, 2])}}`, 4),
      'begins at 2',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining(message) }),
    )
    expect(() => readSafetensors(bytes)).toThrow(/^safetensors: .*: expected .*, received /s)
  })

  test('every prefix of a file is refused', () => {
    const whole = writeSafetensors({ a: tensor([1, 2], [2]), b: tensor([3], [1], 'float64') }, { brauer: '{}' })
    for (let length = 0; length < whole.length; length++) {
      expect(() => readSafetensors(whole.slice(0, length))).toThrow(expect.objectContaining({ code: 'invalid-file' }))
    }
    expect(Object.keys(readSafetensors(whole).tensors)).toEqual(['b', 'a'])
  })

  test('something that is not bytes', () => {
    expect(() => readSafetensors(new Float32Array(4) as unknown as Uint8Array)).toThrow(
      'safetensors: expected the bytes of a file as a Uint8Array, received Float32Array(4)',
    )
  })
})

describe('what cannot be written is refused', () => {
  const a = tensor([1], [1])
  test.each<[string, () => unknown, string]>([
    [
      'a reserved name',
      () => writeSafetensors({ __metadata__: a }),
      'safetensors: names: expected another name for a tensor, received "__metadata__"',
    ],
    ['a prototype name', () => writeSafetensors(Object.fromEntries([['__proto__', a]])), 'received "__proto__"'],
    [
      'metadata that is no string',
      () => writeSafetensors({ a }, { b: 1 as unknown as string }),
      'safetensors: metadata "b": expected a string, received 1',
    ],
    [
      'no tensor',
      () => writeSafetensors({ a: [1] as never }),
      'safetensors: tensor "a": expected a tensor, received [1]',
    ],
    [
      'an unknown dtype',
      () => writeSafetensors({ a: { dims: [1], type: 'int32', data: new Int32Array(1) } }),
      'received "int32"',
    ],
    [
      'data of the wrong length',
      () => writeSafetensors({ a: { dims: [2], type: 'float32', data: new Float32Array(1) } }),
      'expected 8 bytes for float32 [2], received 4',
    ],
  ])('%s', (_, write, message) => {
    expect(write).toThrow(expect.objectContaining({ name: 'BrauerError', message: expect.stringContaining(message) }))
  })
})
