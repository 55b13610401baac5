import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { BrauerError } from '../errors.js'
import { decode, version } from '../program/encode.js'
import { verify } from '../program/verify.js'
import { programNames, type ParameterInfo, type ProgramName, type Serialized } from './compiled.js'

// One file per specification: a line of JSON, then the numbers. The first 32 bytes are the SHA-256 of the rest.
// The package's version is part of it: another version may plan otherwise.
const { version: packageVersion } = createRequire(import.meta.url)('../../package.json') as { version: string }
const formatVersion = `1.${version} ${packageVersion}`
const hashBytes = 32

/** The cached programs of a specification, or undefined where there are none. A file that does not verify counts as absent,
 *  and is written anew. */
export function loadFromDisk(key: string): Serialized | undefined {
  const directory = process.env.BRAUER_CACHE
  if (!directory) return undefined
  try {
    return deserialize(readFileSync(fileOf(directory, key)), key)
  } catch {
    return undefined
  }
}

/** Writes a cache file where BRAUER_CACHE names a directory. @throws BrauerError `invalid-argument` when it cannot be written */
export function saveToDisk(key: string, make: () => Serialized): void {
  const directory = process.env.BRAUER_CACHE
  if (!directory) return
  const path = fileOf(directory, key)
  try {
    mkdirSync(directory, { recursive: true })
    // Renamed into place, so that another process never reads half a file.
    const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
    writeFileSync(temporary, serialize(make()))
    renameSync(temporary, path)
  } catch (error) {
    if (error instanceof BrauerError) throw error
    throw new BrauerError(
      'invalid-argument',
      `BRAUER_CACHE: expected a directory that can be written, received ${directory}`,
      { cause: error },
    )
  }
}

function fileOf(directory: string, key: string): string {
  return join(directory, `${createHash('sha256').update(`${formatVersion}\n${key}`).digest('hex').slice(0, 40)}.brauer`)
}

function serialize({ key, parameters, programs, names }: Serialized): Buffer {
  const arrays = [...parameters.map((parameter) => parameter.deviations), ...programNames.map((name) => programs[name])]
  const header = {
    format: formatVersion,
    key,
    parameters: parameters.map(({ name, shape, deviations }) => ({ name, shape, length: deviations.length })),
    programs: programNames.map((name) => ({ name, length: programs[name].length, buffers: names[name] })),
  }
  const text = Buffer.from(JSON.stringify(header) + '\n')
  const body = Buffer.concat([
    text,
    ...arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)),
  ])
  return Buffer.concat([createHash('sha256').update(body).digest(), body])
}

interface Header {
  readonly format: string
  readonly key: string
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[]; readonly length: number }[]
  readonly programs: readonly {
    readonly name: ProgramName
    readonly length: number
    readonly buffers: readonly string[]
  }[]
}

function deserialize(file: Buffer, key: string): Serialized | undefined {
  const body = file.subarray(hashBytes)
  if (!createHash('sha256').update(body).digest().equals(file.subarray(0, hashBytes))) return undefined
  const end = body.indexOf('\n')
  const header = JSON.parse(body.toString('utf8', 0, end)) as Header
  if (header.format !== formatVersion || header.key !== key) return undefined
  let at = end + 1
  const take = (length: number): Float64Array => {
    const bytes = Uint8Array.prototype.slice.call(body, at, (at += 8 * length))
    return new Float64Array(bytes.buffer)
  }
  const parameters: ParameterInfo[] = header.parameters.map(({ name, shape, length }) => ({
    name,
    shape,
    deviations: take(length),
  }))
  if (header.programs.map(({ name }) => name).join() !== programNames.join()) return undefined
  const programs = Object.fromEntries(
    header.programs.map(({ name, length }) => [name, take(length)]),
  ) as Serialized['programs']
  if (at !== body.length) return undefined
  const names = Object.fromEntries(header.programs.map(({ name, buffers }) => [name, buffers])) as Serialized['names']
  for (const words of Object.values(programs)) verify(decode(words))
  return { key, parameters, programs, names }
}
