import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { isNpy, readNpy, writeNpy } from '../../lib/interop/npy.js'
import { tensor } from '../../lib/tensor/tensor.js'

/** Files that NumPy 2.4 wrote (numpy.lib.format.write_array), in base64. */
const files = JSON.parse(readFileSync(new URL('numpy.json', import.meta.url), 'utf8')) as Record<string, string>
const file = (name: string): Uint8Array => new Uint8Array(Buffer.from(files[name] as string, 'base64'))

const quarters = [0, 0.25, 0.5, 0.75, 1, 1.25]

describe('files of NumPy are read', () => {
  test.each([
    ['f8v1', 'float64', [2, 3], quarters],
    ['f4v2', 'float32', [2, 3], quarters],
    ['f2v3', 'float16', [2, 3], quarters],
    ['big8', 'float64', [2, 3], quarters],
    ['big4', 'float32', [2, 3], quarters],
    ['big2', 'float16', [2, 3], quarters],
    ['scalar', 'float32', [], [2.5]],
    ['vector', 'float32', [3], [1.5, -2, Infinity]],
    ['empty', 'float64', [0, 3, 3], []],
  ])('%s', (name, dtype, shape, values) => {
    const bytes = file(name)
    expect(isNpy(bytes)).toBe(true)
    const read = readNpy(bytes)
    expect([read.dtype, read.shape, read.toNumbers()]).toEqual([dtype, shape, values])
  })

  test('at an address that is not aligned', () => {
    const bytes = new Uint8Array(file('f8v1').length + 3)
    bytes.set(file('f8v1'), 3)
    expect(readNpy(bytes.subarray(3)).toNumbers()).toEqual(quarters)
  })
})

describe('what is written is what NumPy writes, byte by byte', () => {
  test.each([
    ['f8v1', tensor(quarters, [2, 3], 'float64')],
    ['scalar', tensor([2.5], [])],
    ['vector', tensor([1.5, -2, Infinity], [3])],
    ['empty', tensor([], [0, 3, 3], 'float64')],
  ])('%s', (name, value) => {
    expect(Buffer.from(writeNpy(value)).toString('base64')).toBe(files[name])
  })

  test('float16', () => {
    const half = tensor(quarters, [2, 3], 'float16')
    expect(readNpy(writeNpy(half)).toNumbers()).toEqual(quarters)
  })

  test('a shape that no header holds is refused', () => {
    const sizes = new Array<number>(30_000).fill(1)
    expect(() => writeNpy(tensor([7], sizes))).toThrow('npy: expected a shape that fits a header, received 30000 sizes')
  })

  test('bfloat16 is refused: the format lacks it', () => {
    expect(() => writeNpy(tensor([1], [1], 'bfloat16'))).toThrow(
      'npy: expected float64, float32 or float16 (safetensors holds the others), received bfloat16',
    )
  })

  test('data that does not fit the shape or dtype is refused', () => {
    expect(() => writeNpy({ dims: [3], type: 'float32', data: new Float32Array(2) })).toThrow(
      'npy: expected 12 bytes for float32 [3], received 8',
    )
    expect(() => writeNpy({ dims: [2], type: 'float32', data: new Float64Array(2) })).toThrow(
      'npy: expected a Float32Array for float32, received Float64Array(2)',
    )
  })
})

/** A file with any header and any number of data bytes. */
function made(header: string, data = 0, { version = [1, 0], length = header.length } = {}): Uint8Array {
  const prefix = version[0] === 1 ? 10 : 12
  const bytes = new Uint8Array(prefix + header.length + data)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version])
  const view = new DataView(bytes.buffer)
  if (version[0] === 1) view.setUint16(8, length, true)
  else view.setUint32(8, length, true)
  bytes.set(Buffer.from(header, 'latin1'), prefix)
  return bytes
}

const header = (shape: string, descr = "'<f4'", fortran = 'False'): string =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}}`

describe('hostile and foreign files are refused with one sentence', () => {
  test.each<[string, Uint8Array, string]>([
    ['no file', new Uint8Array(0), 'magic: expected a file that begins with \\x93NUMPY, received 0 bytes'],
    ['another format', new Uint8Array(100), 'magic: expected'],
    ['magic alone', file('f8v1').slice(0, 6), 'version: expected 1.0, 2.0 or 3.0, received the end of the file'],
    ['half a version', file('f8v1').slice(0, 7), 'version: expected'],
    ['no length', file('f8v1').slice(0, 8), 'header: expected its length'],
    ['version 4', made(header('(1,)'), 4, { version: [4, 0] }), 'version: expected 1.0, 2.0 or 3.0, received 4.0'],
    ['version 1.1', made(header('(1,)'), 4, { version: [1, 1] }), 'received 1.1'],
    ['a length past the file', made(header('(1,)'), 0, { length: 200 }), 'header: expected at most the'],
    [
      '4 GB of header',
      made('', 0, { version: [2, 0], length: 0xffffffff }),
      'at most 65536 bytes, received a length of',
    ],
    ['truncated data', file('f8v1').slice(0, -1), 'data: expected 48 bytes for <f8 [2, 3], received 47'],
    ['data too long', made(header('(1,)'), 5), 'data: expected 4 bytes for <f4 [1], received 5'],
    ['fortran order', file('fortran'), 'fortran_order: expected False'],
    ['objects', file('object'), 'descr: expected float64, float32 or float16'],
    ['integers', file('int'), 'descr: expected float64, float32 or float16'],
    ['records', file('record'), 'header: expected entries with a string'],
    ['a native byte order', made(header('(1,)', "'=f4'"), 4), 'descr: expected'],
    ['no dictionary', made('[]'), 'header: expected a dictionary'],
    ['an empty dictionary', made('{}'), 'header: expected a dictionary'],
    ['shape missing', made("{'descr': '<f4', 'fortran_order': False}"), 'header: expected a dictionary'],
    ['a fourth key', made(header('(1,)').replace('}', ", 'more': True}"), 4), 'header: expected a dictionary'],
    ['a key twice', made(header('(1,)').replace('}', ", 'shape': (1,)}"), 4), 'every key once, received "shape" twice'],
    ['a prototype key', made(header('(1,)').replace("'shape'", "'__proto__'"), 4), 'header: expected a dictionary'],
    ['a call', made(header('exit(1)')), 'header: expected entries'],
    ['two entries without a comma', made("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}"), 'expected entries'],
    ['a number for the shape', made(header('(4)'), 16), 'shape: expected a tuple, received (4)'],
    ['a negative size', made(header('(-1,)')), 'header: expected entries'],
    ['no size between commas', made(header('(1,,2)')), 'shape: expected sizes below 2^53'],
    ['a size past 2^53', made(header('(9007199254740993,)')), 'shape: expected sizes below 2^53'],
    [
      'sizes whose product is past 2^53',
      made(header('(4294967296, 4294967296)')),
      'shape: expected fewer than 2^53 bytes',
    ],
    ['sizes whose product is infinite', made(header(`(${'4294967296, '.repeat(99)})`)), 'shape: expected fewer'],
    ['descr as a truth value', made(header('(1,)', 'True'), 4), 'header: expected a dictionary'],
    ['fortran_order as a string', made(header('(1,)', "'<f4'", "'False'"), 4), 'header: expected a dictionary'],
    [
      'a header that is not UTF-8',
      made(header('(1,)') + '\xff', 4, { version: [3, 0] }),
      'header: expected UTF-8 text',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining(message) }),
    )
    expect(() => readNpy(bytes)).toThrow(/^npy: .*: expected .*, received /s)
  })

  test('an empty size makes the product 0 however large the others are', () => {
    expect(readNpy(made(header('(9007199254740991, 9007199254740991, 0)'))).size).toBe(0)
  })

  test('something that is not bytes', () => {
    expect(() => readNpy('file.npy' as unknown as Uint8Array)).toThrow(
      'npy: expected the bytes of a file as a Uint8Array, received "file.npy"',
    )
  })

  test('every prefix of a file, and every file with one byte changed, is read or refused, nothing else', () => {
    const whole = file('f4v2')
    const outcome = (bytes: Uint8Array): string => {
      try {
        return `read ${readNpy(bytes).size}`
      } catch (error) {
        return (error as { code?: string }).code ?? String(error)
      }
    }
    for (let length = 0; length < whole.length; length++) expect(outcome(whole.slice(0, length))).toBe('invalid-file')
    const outcomes = new Set<string>()
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x27, 0x29, 0x31, 0x7d, 0xff]) {
        const changed = whole.slice()
        changed[at] = value
        outcomes.add(outcome(changed))
      }
    }
    expect([...outcomes].sort()).toEqual(['invalid-file', 'read 6'])
  })
})
