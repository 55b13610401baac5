import { BrauerError, expected } from '../errors.js'
import type { Buffer, Instruction, Loop, Program } from './program.js'

// FORMAT.md describes every word.
export const magic = 1112686933
export const version = 1
const roles = ['input', 'output', 'constant', 'scratch'] as const
const forms = ['forward', 'input', 'weight'] as const
const orbitForms = ['forward', 'inverse'] as const
const headerWords = 10

/** Writes a program as words. Buffer names are not kept: decoding gives them by role and number. */
export function encode(program: Program): Float64Array {
  const body = program.instructions.map(encodeInstruction)
  const length =
    headerWords +
    7 * program.buffers.length +
    4 * program.sections.length +
    program.constants.length +
    program.table.length +
    body.reduce((sum, words) => sum + words.length, 0)
  const words = new Float64Array(length)
  let at = 0
  const put = (values: ArrayLike<number>): void => {
    words.set(values, at)
    at += values.length
  }
  const { buffers, constants, table, sections, instructions, scratchSize, localSize } = program
  put([
    magic,
    version,
    length,
    buffers.length,
    constants.length,
    table.length / 3,
    sections.length,
    instructions.length,
    scratchSize,
    localSize,
  ])
  for (const { role, scope, size, offset, local } of buffers) {
    put([
      roles.indexOf(role),
      scope === 'item' ? 0 : 1,
      size,
      offset,
      local?.section ?? -1,
      local?.lambda ?? 0,
      local?.width ?? 0,
    ])
  }
  for (const { first, count, n, d } of sections) put([first, count, n, d])
  put(constants)
  put(table)
  for (const words of body) put(words)
  return words
}

function encodeInstruction(instruction: Instruction): number[] {
  const fields = encodeFields(instruction)
  return [fields.length + 1, ...fields]
}

function encodeFields(i: Instruction): number[] {
  switch (i.op) {
    case 'zero':
      return [0, i.out, i.base, i.rows, i.stride, i.count]
    case 'strided':
      return [
        1,
        i.out,
        i.in,
        i.outBase,
        i.inBase,
        i.scale,
        Number(i.set),
        i.loops.length,
        ...i.loops.flatMap(encodeLoop),
      ]
    case 'gather':
      return [
        2,
        i.out,
        i.in,
        i.outBase,
        i.inBase,
        i.scale,
        i.first,
        i.count,
        i.loops.length,
        ...i.loops.flatMap(encodeLoop),
      ]
    case 'mix':
      return [
        3,
        forms.indexOf(i.form),
        i.a,
        i.b,
        i.c,
        i.aBase,
        i.bBase,
        i.cBase,
        i.aStride,
        i.bStride,
        i.cStride,
        i.rows,
        i.inner,
        i.cols,
        Number(i.set),
      ]
    case 'orbit':
      return [
        4, orbitForms.indexOf(i.form), i.strands, i.base, i.n, Number(i.set), i.matrices, i.strides.length, i.lambdas.length, i.loops.length,
        ...i.strides,
        ...i.lambdas.flatMap(({ buffer, base, rowStride, unitStride, dimension, kostka }) => [buffer, base, rowStride, unitStride, dimension, ...kostka]),
        ...i.loops.flatMap(({ extent, strands, rows }) => [extent, strands, ...rows]),
      ] // prettier-ignore
  }
}

const encodeLoop = (loop: Loop): number[] => [loop.extent, loop.out, loop.in, Number(loop.alternate), loop.strands]

/** Reads what `encode` wrote. The result is not verified. Buffers are named as told, or by role and number.
 *  @throws BrauerError `invalid-program` where the words do not add up */
export function decode(words: Float64Array, names: readonly string[] = []): Program {
  const reader = new Reader(words)
  const [magicWord, versionWord, length, buffers, constants, table, sections, instructions, scratchSize, localSize] =
    reader.take(headerWords)
  if (magicWord !== magic) throw expected('invalid-program', 'program', `the magic word ${magic}`, String(magicWord))
  if (versionWord !== version) throw expected('invalid-program', 'program', `version ${version}`, String(versionWord))
  if (length !== words.length) throw expected('invalid-program', 'program', `${length} words`, String(words.length))
  return {
    buffers: reader.list(buffers!, 7, ([role, scope, size, offset, section, lambda, width], at): Buffer => {
      const name = names[at] ?? `${roles[role!] ?? '?'}${at}`
      const common = {
        name,
        role: choice(roles, role!, 'role'),
        scope: scope === 0 ? 'item' : 'shared',
        size: size!,
        offset: offset!,
      } as const
      return section! < 0 ? common : { ...common, local: { section: section!, lambda: lambda!, width: width! } }
    }),
    sections: reader.list(sections!, 4, ([first, count, n, d]) => ({ first: first!, count: count!, n: n!, d: d! })),
    constants: reader.take(constants!).slice(),
    table: reader.take(3 * table!).slice(),
    instructions: reader.list(instructions!, 0, () => decodeInstruction(reader)),
    scratchSize: scratchSize!,
    localSize: localSize!,
  }
}

class Reader {
  #at = 0
  readonly #words: Float64Array

  constructor(words: Float64Array) {
    this.#words = words
  }

  take(count: number): Float64Array {
    if (!Number.isInteger(count) || count < 0 || count > this.#words.length - this.#at) {
      throw expected(
        'invalid-program',
        `program word ${this.#at}`,
        `a count of at most ${this.#words.length - this.#at} words`,
        String(count),
      )
    }
    this.#at += count
    return this.#words.subarray(this.#at - count, this.#at)
  }

  /** `count` things of `width` words each (0: the callback takes its own). */
  list<T>(count: number, width: number, read: (words: Float64Array, at: number) => T): T[] {
    if (!Number.isInteger(count) || count < 0 || count > this.#words.length)
      throw expected('invalid-program', 'program', 'a count', String(count))
    return Array.from({ length: count }, (_, at) => read(this.take(width), at))
  }
}

function choice<T>(values: readonly T[], index: number, where: string): T {
  const value = values[index]
  if (value === undefined) throw expected('invalid-program', where, `a number below ${values.length}`, String(index))
  return value
}

function decodeInstruction(reader: Reader): Instruction {
  const length = reader.take(1)[0]!
  const f = Array.from(reader.take(length - 1))
  const loopsFrom = (at: number): Loop[] =>
    Array.from({ length: (f.length - at) / 5 }, (_, i) => {
      const [extent, out, into, alternate, strands] = f.slice(at + 5 * i, at + 5 * i + 5) as [
        number,
        number,
        number,
        number,
        number,
      ]
      return { extent, out, in: into, alternate: alternate === 1, strands }
    })
  switch (f[0]) {
    case 0:
      return { op: 'zero', out: f[1]!, base: f[2]!, rows: f[3]!, stride: f[4]!, count: f[5]! }
    case 1:
      return {
        op: 'strided',
        out: f[1]!,
        in: f[2]!,
        outBase: f[3]!,
        inBase: f[4]!,
        scale: f[5]!,
        set: f[6] === 1,
        loops: loopsFrom(8),
      }
    case 2:
      return {
        op: 'gather',
        out: f[1]!,
        in: f[2]!,
        outBase: f[3]!,
        inBase: f[4]!,
        scale: f[5]!,
        first: f[6]!,
        count: f[7]!,
        loops: loopsFrom(9),
      }
    case 3: {
      const [a, b, c, aBase, bBase, cBase, aStride, bStride, cStride, rows, inner, cols] = f.slice(2, 14) as number[]
      const form = choice(forms, f[1]!, 'mix form')
      return { op: 'mix', form, a: a!, b: b!, c: c!, aBase: aBase!, bBase: bBase!, cBase: cBase!, aStride: aStride!, bStride: bStride!, cStride: cStride!, rows: rows!, inner: inner!, cols: cols!, set: f[14] === 1 } // prettier-ignore
    }
    case 4:
      return decodeOrbit(f)
    default:
      throw new BrauerError('invalid-program', `instruction: expected an opcode from 0 to 4, received ${f[0]}`)
  }
}

function decodeOrbit(f: readonly number[]): Instruction {
  const [form, strands, base, n, set, matrices, d, lambdaCount, loopCount] = f.slice(1, 10) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  let at = 10
  const take = (count: number): number[] => f.slice(at, (at += count))
  const strides = take(d)
  const codes = 2 ** (d - 1)
  const lambdas = Array.from({ length: lambdaCount }, () => {
    const [buffer, rowsBase, rowStride, unitStride, dimension] = take(5) as [number, number, number, number, number]
    return { buffer, base: rowsBase, rowStride, unitStride, dimension, kostka: take(codes) }
  })
  const loops = Array.from({ length: loopCount }, () => {
    const [extent, stride] = take(2) as [number, number]
    return { extent, strands: stride, rows: take(lambdaCount) }
  })
  return {
    op: 'orbit',
    form: choice(orbitForms, form, 'orbit form'),
    strands,
    base,
    strides,
    n,
    set: set === 1,
    matrices,
    lambdas,
    loops,
  }
}
