import { type BrauerError, expected, show } from '../errors.js'
import { bytesPerElement, type Dtype } from '../tensor/dtype.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { bytesOf, checkSource, copyOf, elements, viewOf } from './bytes.js'

/** The npy format of NumPy (format versions 1 to 3): magic, version, length of the header, then a Python dictionary with
 *  descr, fortran_order and shape, padded so that the data begins at a multiple of 64. */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const codes = { float64: 'f8', float32: 'f4', float16: 'f2' } as const
const dtypeOf = new Map<string, Dtype>(Object.entries(codes).map(([dtype, code]) => [code, dtype as Dtype]))

/** A dictionary of three entries needs a few hundred bytes. */
const longestHeader = 65_536

/** Whether a file begins like an npy file. */
export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

/** Reads an npy file: float64, float32 or float16 in C order, of either byte order. The tensor is a view of `bytes` where the
 *  data is aligned and little-endian, else a copy.
 *  @throws BrauerError `invalid-file` for a malformed file or for data of another kind */
export function readNpy(bytes: Uint8Array): Tensor {
  checkSource(bytes, 'npy')
  if (!isNpy(bytes)) throw invalid('magic', 'a file that begins with \\x93NUMPY', `${bytes.length} bytes that do not`)
  const { text, start } = readHeader(bytes)
  const { descr, fortranOrder, shape } = parseHeader(text)
  const dtype = dtypeOf.get(descr.slice(1))
  if (!dtype || !/^[<>]/.test(descr)) {
    throw invalid('descr', 'float64, float32 or float16 (<f8, <f4, <f2); convert others with astype', show(descr))
  }
  if (fortranOrder) throw invalid('fortran_order', 'False; save numpy.ascontiguousarray of the array', 'True')
  const count = elements(shape)
  const length = count * bytesPerElement(dtype)
  if (!Number.isSafeInteger(length)) throw invalid('shape', 'fewer than 2^53 bytes', show(shape))
  if (bytes.length - start !== length) {
    throw invalid('data', `${length} bytes for ${descr} [${shape.join(', ')}]`, `${bytes.length - start}`)
  }
  if (descr[0] === '<') return new Tensor(viewOf(bytes, start, dtype, count), shape, dtype)
  const copy = copyOf(bytes, start, length)
  swap(copy, bytesPerElement(dtype))
  return new Tensor(viewOf(copy, 0, dtype, count), shape, dtype)
}

/** Writes an npy file of version 1, little-endian, in C order.
 *  @throws BrauerError `invalid-dtype` for bfloat16, which the format lacks; `invalid-buffer`, `invalid-shape` */
export function writeNpy(tensor: TensorLike): Uint8Array {
  const data = bytesOf(tensor, 'npy')
  const code = codes[tensor.type as keyof typeof codes]
  if (!code)
    throw expected('invalid-dtype', 'npy', 'float64, float32 or float16 (safetensors holds the others)', tensor.type)
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ')
  const text = `{'descr': '<${code}', 'fortran_order': False, 'shape': (${shape}), }`
  const start = Math.ceil((10 + text.length + 1) / 64) * 64
  if (start - 10 > 65_535)
    throw expected('invalid-shape', 'npy', 'a shape that fits a header', `${tensor.dims.length} sizes`)
  const bytes = new Uint8Array(start + data.length)
  bytes.set([...magic, 1, 0])
  new DataView(bytes.buffer).setUint16(8, start - 10, true)
  bytes.set(new TextEncoder().encode(text.padEnd(start - 11) + '\n'), 10)
  bytes.set(data, start)
  return bytes
}

function readHeader(bytes: Uint8Array): { text: string; start: number } {
  const [major, minor] = [bytes[6], bytes[7]]
  if (major === undefined || major < 1 || major > 3 || minor !== 0) {
    throw invalid(
      'version',
      '1.0, 2.0 or 3.0',
      major === undefined || minor === undefined ? 'the end of the file' : `${major}.${minor}`,
    )
  }
  const prefix = major === 1 ? 10 : 12
  if (bytes.length < prefix) throw invalid('header', 'its length', 'the end of the file')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestHeader) throw invalid('header', `at most ${longestHeader} bytes`, `a length of ${length}`)
  const start = prefix + length
  if (start > bytes.length)
    throw invalid(
      'header',
      `at most the ${bytes.length - prefix} bytes that follow its length`,
      `a length of ${length}`,
    )
  try {
    return {
      text: new TextDecoder(major === 3 ? 'utf-8' : 'latin1', { fatal: true }).decode(bytes.subarray(prefix, start)),
      start,
    }
  } catch {
    throw invalid('header', 'UTF-8 text', 'other bytes')
  }
}

/** Reads the dictionary and nothing else of Python: each of the three keys once, in any order. */
function parseHeader(text: string): { descr: string; fortranOrder: boolean; shape: number[] } {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  const found = new Map<string, string>()
  // One entry: a quoted key, then a string, True, False or a tuple, then a comma or the end.
  const entry = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([\d\s,L]*\))\s*(?:,\s*|$)/y
  while (body !== undefined && entry.lastIndex < body.length) {
    const at = entry.lastIndex
    const match = entry.exec(body)
    const key = match?.[1] ?? match?.[2]
    if (!match || key === undefined)
      throw invalid('header', 'entries with a string, a truth value or a tuple of sizes', show(body.slice(at)))
    if (found.has(key)) throw invalid('header', 'every key once', `${show(key)} twice`)
    found.set(key, match[3] as string)
  }
  const [descr, fortran, shape] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key) ?? '')
  if (
    found.size !== 3 ||
    !/^['"]/.test(descr as string) ||
    !/^[TF]/.test(fortran as string) ||
    !shape?.startsWith('(')
  ) {
    throw invalid(
      'header',
      'a dictionary of descr (a string), fortran_order (a truth value) and shape (a tuple)',
      show(text.trim()),
    )
  }
  return { descr: (descr as string).slice(1, -1), fortranOrder: fortran === 'True', shape: parseShape(shape) }
}

function parseShape(text: string): number[] {
  const items = text
    .slice(1, -1)
    .split(',')
    .map((item) => item.trim())
  // A tuple may end in a comma, and one of a single size must.
  if (items.at(-1) === '') items.pop()
  else if (items.length === 1) throw invalid('shape', 'a tuple', text)
  return items.map((item) => {
    const size = /^\d+L?$/.test(item) ? parseInt(item, 10) : NaN
    if (!Number.isSafeInteger(size)) throw invalid('shape', 'sizes below 2^53', show(text))
    return size
  })
}

function swap(bytes: Uint8Array<ArrayBuffer>, width: number): void {
  const buffer = Buffer.from(bytes.buffer)
  if (width === 8) buffer.swap64()
  else if (width === 4) buffer.swap32()
  else buffer.swap16()
}

const invalid = (where: string, wanted: string, received: string): BrauerError =>
  expected('invalid-file', `npy: ${where}`, wanted, received)
