import { chooseBackend } from '../backends/index.js'
import { BrauerError, expected, show } from '../errors.js'
import type { Group } from '../groups/group.js'
import { groupFrom } from '../groups/index.js'
import { readSafetensors, writeSafetensors } from '../interop/safetensors.js'
import { computeDtype } from '../tensor/dtype.js'
import { type Tensor, tensor, type TensorLike } from '../tensor/tensor.js'
import { linear, Linear, type Space } from './linear.js'
import { type LinearOptions, ownOptions, resolveOptions } from './options.js'

/** The options that say what a layer computes; they are stored, and a file's own hold. */
const defining = ['bias', 'basis', 'normalize'] as const
/** Options that a file remembers and that `loadModel` may replace. */
const remembered = ['dtype', 'layout', 'expectedBatch'] as const

/** Options of `loadModel`: how the layer runs, never what it computes. */
export type ModelOptions = Omit<LinearOptions, (typeof defining)[number] | 'seed'>

/** The `brauer` entry of a model file's metadata, as JSON, beside `"format": 1`. */
export interface StoredLayer {
  readonly group: string
  /** One n, or one per factor of a product. */
  readonly n: number | readonly number[]
  readonly spaces: { readonly input: Space; readonly output: Space }
  readonly options: LinearOptions
  /** The diagrams of each parameter by key, in the order of its rows. */
  readonly diagrams: Readonly<Record<string, readonly string[]>>
}

/** What makes a layer again, but for its parameters: JSON. */
export function describeLayer(layer: Linear): StoredLayer {
  const { group, input, output, options, parameters } = layer
  const sizes = group.kinds.map((kind) => kind.n)
  return {
    group: group.name,
    n: sizes.length === 1 ? sizes[0]! : sizes,
    spaces: { input, output },
    options: Object.fromEntries([...defining, ...remembered].map((name) => [name, options[name]])),
    diagrams: Object.fromEntries(Object.keys(parameters).map((name) => [name, diagramsOf(layer, name)])),
  }
}

/** A layer as a model file (safetensors): its parameters under their names, and the metadata entry `brauer`, from which
 *  `loadModel` makes the layer again. The same layer gives the same bytes. */
export function saveModel(layer: Linear): Uint8Array {
  if (!(layer instanceof Linear))
    throw expected('invalid-argument', 'saveModel: layer', 'a layer made by linear', show(layer))
  return writeSafetensors(layer.parameters, { brauer: JSON.stringify({ format: 1, ...describeLayer(layer) }) })
}

/** Makes the layer of a model file. Rows of weights are found by the keys of their diagrams; weights of another dtype are
 *  converted.
 *  @param options how the layer runs (backend, threads, …); dtype, layout and expectedBatch replace those of the file
 *  @throws BrauerError `invalid-file`; `unknown-option` and the other errors of `linear` for `options` */
export function loadModel(bytes: Uint8Array, options: ModelOptions = {}): Linear {
  ownOptions(options, Object.keys(resolveOptions({})).filter(isFree), 'loadModel: options')
  const { backend, cuda, precision } = resolveOptions(options)
  chooseBackend(backend, { ...cuda, precision })
  const { tensors, metadata } = readSafetensors(bytes)
  const stored = parseStored(parseMetadata(metadata))
  const layer = make(stored, options, tensors)
  layer.load(inOrder(layer, stored, tensors))
  return layer
}

export const isFree = (name: string): boolean => ![...defining, 'seed'].includes(name)

function diagramsOf(layer: Linear, name: string): string[] {
  const [kind, ...orders] = name.split('.')
  const [k, l] = kind === 'bias' ? ['0', orders[0]!] : [orders[0]!, orders[1]!]
  return layer.diagrams(k, l).map((diagram) => diagram.key)
}

/** The layer, with random parameters. @throws BrauerError `invalid-file` for one that cannot be made */
export function make(stored: StoredLayer, free: ModelOptions, tensors: Record<string, Tensor>): Linear {
  const { group, n, spaces, options } = stored
  // Given but undefined means not given.
  const given = Object.fromEntries(Object.entries(free).filter(([, value]) => value !== undefined))
  try {
    return linear(groupOf(group, n), spaces.input, spaces.output, { ...options, ...given })
  } catch (error) {
    if (error instanceof BrauerError && error.code === 'out-of-memory') checkHeld(stored, tensors)
    // The caller's own options are known to be good: what is wrong with the layer is wrong in the file.
    if (!(error instanceof BrauerError) || ['backend-unavailable', 'out-of-memory', 'internal'].includes(error.code))
      throw error
    throw new BrauerError(
      'invalid-file',
      `model file: expected a layer that can be made, received one for which ${error.message}`,
      { cause: error },
    )
  }
}

function groupOf(name: string, n: number | readonly number[]): Group {
  const names = name.split('×')
  const sizes = typeof n === 'number' ? [n] : n
  if (names.length !== sizes.length) throw invalid('n', `${names.length} sizes for ${name}`, show(n))
  return groupFrom(names.map((factor, i) => `${factor}(${sizes[i]})`).join('×'))
}

/** A layer too large for memory is the file's fault where the file itself holds less than one of its parameters. */
function checkHeld({ spaces: { input, output } }: StoredLayer, tensors: Record<string, Tensor>): void {
  const held = Object.values(tensors).reduce((sum, { size }) => sum + size, 0)
  const largest = Math.max(...Object.values(input)) * Math.max(...Object.values(output))
  if (held < largest)
    throw invalid('spaces', 'parameters that the file holds', `one of ${largest} elements in a file of ${held}`)
}

/** The file's tensors with their rows in the layer's order of diagrams. */
export function inOrder(
  layer: Linear,
  stored: StoredLayer,
  tensors: Record<string, Tensor>,
): Record<string, TensorLike> {
  const parameters = layer.parameters
  const dtype = computeDtype(layer.options.dtype)
  for (const name of Object.keys(tensors)) {
    if (!Object.hasOwn(parameters, name))
      throw invalid('tensors', `those of the layer (${Object.keys(parameters).join(', ')})`, show(name))
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape, size }]) => {
      const value = tensors[name]
      if (!value) throw invalid(name, `a tensor [${shape.join(', ')}]`, 'none')
      if (value.shape.join() !== shape.join())
        throw invalid(name, `shape [${shape.join(', ')}]`, `[${value.shape.join(', ')}]`)
      const keys = diagramsOf(layer, name)
      const given = stored.diagrams[name] ?? []
      const rows = new Map(given.map((key, row) => [key, row]))
      if (rows.size !== keys.length || given.length !== keys.length) {
        throw invalid(`diagrams of ${name}`, `${keys.length} different keys`, `${rows.size} of ${given.length}`)
      }
      if (value.dtype === dtype && keys.every((key, row) => rows.get(key) === row)) return [name, value]
      const numbers = value.toNumbers()
      const cell = size / keys.length
      const sorted = keys.flatMap((key) => {
        const row = rows.get(key)
        if (row === undefined) throw invalid(`diagrams of ${name}`, `the key ${show(key)}`, show([...rows.keys()]))
        return numbers.slice(row * cell, (row + 1) * cell)
      })
      return [name, tensor(sorted, shape, dtype)]
    }),
  )
}

/** The entry `brauer` of a file's metadata. @throws BrauerError `invalid-file` unless it has a format that is known */
export function parseMetadata(metadata: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = metadata['brauer']
  if (text === undefined) throw invalid('metadata', 'an entry "brauer"', 'a safetensors file without one')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid('metadata', 'JSON', (error as Error).message)
  }
  const stored = record(value, 'metadata')
  if (stored['format'] !== 1) throw invalid('format', '1, the only one so far', show(stored['format']))
  return stored
}

/** @throws BrauerError `invalid-file` unless these are the members of a stored layer */
export function parseStored(stored: Record<string, unknown>): StoredLayer {
  if (stored['network'] !== undefined) throw invalid('metadata', 'one layer', 'a network: use loadNetwork')
  if (typeof stored['group'] !== 'string') throw invalid('group', 'a name', show(stored['group']))
  const n = stored['n']
  if (typeof n !== 'number' && !(Array.isArray(n) && n.every((size) => typeof size === 'number')))
    throw invalid('n', 'a number, or one per factor', show(n))
  const spaces = record(stored['spaces'], 'spaces')
  record(spaces['input'], 'spaces.input')
  record(spaces['output'], 'spaces.output')
  const options = record(stored['options'], 'options')
  const known: readonly string[] = [...defining, ...remembered]
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid('options', `some of ${known.join(', ')}`, show(unknown))
  for (const [name, keys] of Object.entries(record(stored['diagrams'], 'diagrams'))) {
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string'))
      throw invalid(`diagrams of ${name}`, 'a list of keys', show(keys))
  }
  return stored as unknown as StoredLayer
}

export function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid(where, 'an object', show(value))
}

export const invalid = (where: string, wanted: string, received: string): BrauerError =>
  expected('invalid-file', `model file: ${where}`, wanted, received)
