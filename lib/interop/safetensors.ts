import { type BrauerError, expected, show } from '../errors.js'
import { bytesPerElement, type Dtype } from '../tensor/dtype.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { bytesOf, checkSource, elements, isRecord, sizesOf, viewOf } from './bytes.js'

/** The safetensors format: eight bytes N (little-endian), N bytes of JSON, then the data. The JSON maps each name to dtype,
 *  shape and data_offsets (begin and end, counted from the end of the header); `__metadata__` maps strings to strings. */
const names = { float64: 'F64', float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const satisfies Record<
  Dtype,
  string
>
const dtypeOf = new Map<unknown, Dtype>(Object.entries(names).map(([dtype, name]) => [name, dtype as Dtype]))

/** The format's own limit on the header. */
const longestHeader = 100_000_000

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: Record<string, Tensor>
  readonly metadata: Record<string, string>
}

/** Reads a safetensors file. The header is not trusted: every byte of the data must belong to exactly one tensor, whose shape
 *  and dtype give its length. Tensors are views of `bytes` where their data is aligned, else copies.
 *  @throws BrauerError `invalid-file` for a file that is malformed, or has a dtype other than F64, F32, F16 and BF16 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  checkSource(bytes, 'safetensors')
  const { header, start } = readHeader(bytes)
  const tensors: [string, Tensor][] = []
  const ranges: { name: string; begin: number; end: number }[] = []
  let metadata: Record<string, string> = {}
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__proto__') throw invalid('names', 'no tensor of this name', '"__proto__"')
    if (name === '__metadata__') {
      metadata = readMetadata(entry)
      continue
    }
    const { dtype, shape, begin, end } = readEntry(`tensor ${show(name)}`, entry, bytes.length - start)
    ranges.push({ name, begin, end })
    tensors.push([name, new Tensor(viewOf(bytes, start + begin, dtype, elements(shape)), shape, dtype)])
  }
  checkCover(ranges, bytes.length - start)
  return { tensors: Object.fromEntries(tensors), metadata }
}

/** Writes a safetensors file. The same tensors and metadata give the same bytes, in whatever order they come: wide dtypes lie
 *  first, then by name, so that all data is aligned; metadata is sorted by key.
 *  @throws BrauerError `invalid-argument`, `invalid-dtype`, `invalid-buffer` or `invalid-shape` */
export function writeSafetensors(
  tensors: Record<string, TensorLike>,
  metadata: Record<string, string> = {},
): Uint8Array {
  for (const [value, where] of [
    [tensors, 'safetensors: tensors'],
    [metadata, 'safetensors: metadata'],
  ] as const) {
    // prettier-ignore
    if (typeof value !== 'object' || value === null) throw expected('invalid-argument', where, 'a record', show(value))
  }
  const header: Record<string, unknown> = {}
  const texts = Object.entries(metadata).sort(byKey)
  for (const [key, value] of texts) {
    if (key === '__proto__') throw expected('invalid-argument', 'safetensors: metadata', 'another key', '"__proto__"')
    if (typeof value !== 'string')
      throw expected('invalid-argument', `safetensors: metadata ${show(key)}`, 'a string', show(value))
  }
  if (texts.length > 0) header['__metadata__'] = Object.fromEntries(texts)
  const parts = Object.entries(tensors).map(([name, value]) => {
    if (name === '__proto__' || name === '__metadata__') {
      throw expected('invalid-argument', 'safetensors: names', 'another name for a tensor', show(name))
    }
    return { name, value, data: bytesOf(value, `safetensors: tensor ${show(name)}`) }
  })
  const width = (value: TensorLike): number => bytesPerElement(value.type as Dtype)
  parts.sort((a, b) => width(b.value) - width(a.value) || byKey([a.name], [b.name]))
  let end = 0
  for (const { name, value, data } of parts) {
    const begin = end
    end += data.length
    header[name] = { dtype: names[value.type as Dtype], shape: [...value.dims], data_offsets: [begin, end] }
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const start = 8 + Math.ceil(text.length / 8) * 8
  if (start - 8 > longestHeader)
    throw expected('invalid-argument', 'safetensors', 'a header of at most 100 MB', `${text.length} bytes`)
  const bytes = new Uint8Array(start + end)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.fill(0x20, 8, start)
  bytes.set(text, 8)
  let at = start
  for (const { data } of parts) {
    bytes.set(data, at)
    at += data.length
  }
  return bytes
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw invalid('header', 'the 8 bytes of its length', `a file of ${bytes.length} bytes`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > BigInt(longestHeader)) throw invalid('header', `at most ${longestHeader} bytes`, `a length of ${length}`)
  const start = 8 + Number(length)
  if (start > bytes.length)
    throw invalid('header', `at most the ${bytes.length - 8} bytes that follow its length`, `a length of ${length}`)
  if (bytes[8] !== 0x7b)
    throw invalid('header', 'a JSON object, from its first byte on', start === 8 ? 'no bytes' : `byte ${bytes[8]}`)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start))
    const header: unknown = JSON.parse(text)
    if (!isRecord(header)) throw new SyntaxError('no object')
    checkKeys(text)
    return { header, start }
  } catch (error) {
    if ((error as BrauerError).code === 'invalid-file') throw error
    throw invalid('header', 'UTF-8 text that is a JSON object', (error as Error).message)
  }
}

/** JSON.parse keeps the last of two equal keys and tells nobody. `text` is known to be valid JSON. A scan by hand: regular
 *  expressions overflow the stack on strings of some ten million characters. */
function checkKeys(text: string): void {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{') open.push(new Set())
    else if (character === '}') open.pop()
    if (character !== '"') continue
    const begin = at++
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    let next = at + 1
    while (isSpace(text[next])) next++
    if (text[next] !== ':') continue
    const name = JSON.parse(text.slice(begin, at + 1)) as string
    const seen = open.at(-1)
    if (seen?.has(name)) throw invalid('header', 'every key once', `${show(name)} twice`)
    seen?.add(name)
  }
}

const isSpace = (character: string | undefined): boolean =>
  character === ' ' || character === '\n' || character === '\r' || character === '\t'

function readMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry)) throw invalid('__metadata__', 'an object of strings', show(entry))
  for (const [key, value] of Object.entries(entry)) {
    if (key === '__proto__') throw invalid('__metadata__', 'no entry of this name', '"__proto__"')
    if (typeof value !== 'string') throw invalid(`__metadata__ ${show(key)}`, 'a string', show(value))
  }
  return entry as Record<string, string>
}

function readEntry(
  where: string,
  entry: unknown,
  length: number,
): { dtype: Dtype; shape: number[]; begin: number; end: number } {
  if (!isRecord(entry)) throw invalid(where, 'an object with dtype, shape and data_offsets', show(entry))
  const keys = Object.keys(entry)
  if (keys.length !== 3 || !['dtype', 'shape', 'data_offsets'].every((key) => keys.includes(key))) {
    throw invalid(where, 'exactly dtype, shape and data_offsets', show(keys))
  }
  const dtype = dtypeOf.get(entry['dtype'])
  if (!dtype) throw invalid(where, 'a dtype out of F64, F32, F16, BF16', show(entry['dtype']))
  const shape = sizesOf(entry['shape'])
  if (!shape) throw invalid(where, 'a shape of non-negative integers', show(entry['shape']))
  const count = elements(shape)
  if (!Number.isSafeInteger(count * 8)) throw invalid(where, 'a shape of fewer than 2^53 bytes', show(shape))
  const offsets = sizesOf(entry['data_offsets'])
  const [begin, end] = offsets ?? []
  if (offsets?.length !== 2 || begin === undefined || end === undefined || begin > end) {
    throw invalid(where, 'data_offsets as [begin, end]', show(entry['data_offsets']))
  }
  if (end > length) throw invalid(where, `data_offsets inside the ${length} bytes of data`, show(offsets))
  const wanted = count * bytesPerElement(dtype)
  if (end - begin !== wanted)
    throw invalid(where, `${wanted} bytes for ${show(entry['dtype'])} ${show(shape)}`, `data_offsets ${show(offsets)}`)
  return { dtype, shape, begin, end }
}

/** Every byte of the data belongs to one tensor: neither holes, where a file could hide something, nor overlaps. */
function checkCover(ranges: { name: string; begin: number; end: number }[], length: number): void {
  let covered = 0
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      throw invalid(
        `tensor ${show(name)}`,
        `data that begins at ${covered}, where the one before ends`,
        `data that begins at ${begin}`,
      )
    }
    covered = end
  }
  if (covered !== length) throw invalid('data', `${covered} bytes, where the last tensor ends`, `${length} bytes`)
}

const invalid = (where: string, wanted: string, received: string): BrauerError =>
  expected('invalid-file', `safetensors: ${where}`, wanted, received)

const byKey = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : a > b ? 1 : 0
