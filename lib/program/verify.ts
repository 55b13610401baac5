import { BrauerError } from '../errors.js'
import { orbitRows, parts, rearrangements } from '../plan/count.js'
import { operandsOf } from './memory.js'
import type { Buffer, Instruction, Loop, Mix, Orbit, Program, Section } from './program.js'

const maxLoops = 32
const maxStrands = 8

/** Checks everything that FORMAT.md promises about a program. The native side checks it all again.
 *  @throws BrauerError `invalid-program` naming the instruction or buffer */
export function verify(program: Program): void {
  program.buffers.forEach((buffer, at) => verifyBuffer(program, buffer, `buffer ${at} (${buffer.name})`))
  verifySections(program)
  program.instructions.forEach((instruction, at) => {
    new InstructionCheck(program, `instruction ${at} (${instruction.op})`, sectionAt(program, at)).check(instruction)
  })
}

function sectionAt(program: Program, at: number): number {
  return program.sections.findIndex(({ first, count }) => at >= first && at < first + count)
}

function fail(where: string, wanted: string, received: string | number): never {
  throw new BrauerError('invalid-program', `${where}: expected ${wanted}, received ${received}`)
}

function count(value: number, where: string, least = 0): void {
  if (!Number.isSafeInteger(value) || value < least) fail(where, `an integer from ${least} to 2^53`, value)
}

function verifyBuffer(program: Program, buffer: Buffer, where: string): void {
  count(buffer.size, `${where}, size`)
  count(buffer.offset, `${where}, offset`)
  const end = buffer.offset + buffer.size
  if (buffer.role === 'constant' && end > program.constants.length)
    fail(where, `constants up to ${program.constants.length}`, end)
  if (buffer.role === 'scratch') {
    const arena = buffer.local ? program.localSize : program.scratchSize
    if (buffer.scope !== 'item') fail(where, 'item scope for scratch', buffer.scope)
    if (end > arena) fail(where, `an end within its arena of ${arena}`, end)
  }
  if (buffer.role === 'constant' && buffer.scope !== 'shared') fail(where, 'shared scope for constants', buffer.scope)
  if (!buffer.local) return
  if (buffer.role !== 'scratch') fail(where, 'scratch for section-local rows', buffer.role)
  if (!program.sections[buffer.local.section])
    fail(where, `a section below ${program.sections.length}`, buffer.local.section)
  count(buffer.local.width, `${where}, width`, 1)
}

function verifySections({ sections, instructions, buffers }: Program): void {
  let end = 0
  sections.forEach(({ first, count: length, n, d }, at) => {
    const where = `section ${at}`
    count(length, where, 1)
    count(n, `${where}, n`, 1)
    count(d, `${where}, d`, 2)
    if (d > maxStrands) fail(where, `at most ${maxStrands} strands`, d)
    if (!Number.isSafeInteger(first) || first < end || first + length > instructions.length)
      fail(where, `instructions from ${end} to ${instructions.length}`, first)
    end = first + length
    const isOrbit = (instruction: Instruction): instruction is Orbit => instruction.op === 'orbit'
    const [orbit, ...others] = instructions.slice(first, end).filter(isOrbit)
    if (!orbit) fail(where, 'at least one orbit instruction', 0)
    // Rows of the local buffers are numbered by these, so all orbits of a section must agree on them.
    const numbering = ({ lambdas }: Orbit): string =>
      JSON.stringify(lambdas.map((rows) => [rows.dimension, rows.kostka]))
    if (others.some((other) => numbering(other) !== numbering(orbit))) fail(where, 'one numbering of rows', 'two')
    buffers.forEach(({ local, size }, b) => {
      if (local?.section !== at) return
      const lambda = orbit.lambdas[local.lambda]
      if (!lambda || orbitRows(n, lambda.kostka) * local.width !== size)
        fail(`buffer ${b}`, 'rows(λ)·width elements', size)
    })
  })
}

class InstructionCheck {
  readonly #program: Program
  readonly #where: string
  readonly #section: number

  constructor(program: Program, where: string, section: number) {
    this.#program = program
    this.#where = where
    this.#section = section
  }

  check(i: Instruction): void {
    for (const buffer of operandsOf(i))
      if (!this.#program.buffers[buffer]) fail(this.#where, `a buffer below ${this.#program.buffers.length}`, buffer)
    switch (i.op) {
      case 'zero':
        count(i.rows, this.#where, 1)
        count(i.count, this.#where, 1)
        this.#writes(i.out)
        if (this.#buffer(i.out).local) fail(this.#where, 'no zeroing of section-local rows', i.out)
        this.#range(i.out, i.base, [[i.rows, i.stride], [i.count, 1]]) // prettier-ignore
        return
      case 'strided':
      case 'gather':
        return this.#strided(i)
      case 'mix':
        return this.#mix(i)
      case 'orbit':
        return this.#orbit(i)
    }
  }

  #buffer(at: number): Buffer {
    return this.#program.buffers[at]!
  }

  #writes(at: number): void {
    const { role } = this.#buffer(at)
    if (role === 'input' || role === 'constant') fail(this.#where, 'an output or scratch to write', role)
  }

  #reads(at: number): void {
    const { role, scope } = this.#buffer(at)
    if (role === 'output' && scope === 'shared') fail(this.#where, 'no reading of a shared output', at)
  }

  /** Every offset base + Σ t·stride, 0 ≤ t < extent, lies in the buffer. */
  #range(at: number, base: number, loops: readonly (readonly [number, number])[]): void {
    let low = base
    let high = base
    for (const [extent, stride] of loops) {
      if (!Number.isSafeInteger(stride)) fail(this.#where, 'integer strides', stride)
      const reach = (extent - 1) * stride
      if (reach < 0) low += reach
      else high += reach
    }
    const { size } = this.#buffer(at)
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low < 0 || high >= size) {
      fail(this.#where, `offsets within the ${size} elements of buffer ${at}`, `${low} … ${high}`)
    }
  }

  #strided(i: Extract<Instruction, { op: 'strided' | 'gather' }>): void {
    this.#writes(i.out)
    this.#reads(i.in)
    if (i.out === i.in) fail(this.#where, 'different buffers', i.out)
    if (this.#buffer(i.out).local || this.#buffer(i.in).local) fail(this.#where, 'no section-local rows', i.out)
    if (!Number.isFinite(i.scale)) fail(this.#where, 'a finite scale', i.scale)
    if (i.loops.length > maxLoops) fail(this.#where, `at most ${maxLoops} loops`, i.loops.length)
    for (const loop of i.loops) count(loop.extent, `${this.#where}, extent`, 1)
    this.#strands(i.loops)
    let [outLow, outHigh, inLow, inHigh] = [0, 0, 0, 0]
    if (i.op === 'gather') {
      count(i.first, this.#where)
      count(i.count, this.#where)
      if (3 * (i.first + i.count) > this.#program.table.length)
        fail(this.#where, 'entries within the table', i.first + i.count)
      if (i.count === 0) return
      ;[outLow, outHigh] = this.#extremes(i.first, i.count, 0)
      ;[inLow, inHigh] = this.#extremes(i.first, i.count, 1)
    }
    for (const [outAt, inAt] of [
      [outLow, inLow],
      [outHigh, inHigh],
    ] as const) {
      // prettier-ignore
      this.#range(i.out, i.outBase + outAt, i.loops.map((loop) => [loop.extent, loop.out]))
      this.#range(
        i.in,
        i.inBase + inAt,
        i.loops.map((loop) => [loop.extent, loop.in]),
      )
    }
  }

  #extremes(first: number, entries: number, column: 0 | 1): [number, number] {
    const { table } = this.#program
    let [low, high] = [Infinity, -Infinity]
    for (let entry = first; entry < first + entries; entry++) {
      const value = table[3 * entry + column]!
      if (!Number.isSafeInteger(value)) fail(this.#where, 'integer table offsets', value)
      if (Math.abs(table[3 * entry + 2]!) !== 1) fail(this.#where, 'table signs of 1 or −1', table[3 * entry + 2]!)
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
    return [low, high]
  }

  /** In a section every strand drives one loop, outside none does. */
  #strands(loops: readonly Loop[]): void {
    const section: Section | undefined = this.#program.sections[this.#section]
    let seen = 0
    for (const { strands, extent } of loops) {
      count(strands, `${this.#where}, strands`)
      if ((seen & strands) !== 0) fail(this.#where, 'each strand in one loop', strands)
      seen |= strands
      if (strands !== 0 && extent !== section?.n)
        fail(this.#where, 'strand loops of extent n, inside a section', extent)
    }
    if (section && seen !== 2 ** section.d - 1) fail(this.#where, 'every strand of the section in a loop', seen)
  }

  #mix(i: Mix): void {
    const written = { forward: i.c, input: i.a, weight: i.b }[i.form]
    const buffers = [i.a, i.b, i.c]
    if (new Set(buffers).size < 3) fail(this.#where, 'three different buffers', buffers.join())
    this.#writes(written)
    for (const buffer of buffers) if (buffer !== written) this.#reads(buffer)
    for (const size of [i.rows, i.inner, i.cols]) count(size, this.#where, 1)
    this.#range(i.a, i.aBase, [[i.rows, i.aStride], [i.inner, 1]]) // prettier-ignore
    this.#range(i.b, i.bBase, [[i.inner, i.bStride], [i.cols, 1]]) // prettier-ignore
    this.#range(i.c, i.cBase, [[i.rows, i.cStride], [i.cols, 1]]) // prettier-ignore
    const [a, b, c] = buffers.map((at) => this.#buffer(at)) as [Buffer, Buffer, Buffer]
    if (b.local) fail(this.#where, 'no section-local rows for the weights', i.b)
    if (this.#section < 0 ? a.local || c.local : !a.local || !c.local)
      fail(this.#where, 'section-local rows inside a section only', i.a)
    if (!a.local || !c.local) return
    this.#inSection(a)
    this.#inSection(c)
    if (a.local.lambda !== c.local.lambda) fail(this.#where, 'rows of one λ', c.local.lambda)
    if (i.aStride !== a.local.width || i.aBase + i.inner > a.local.width)
      fail(this.#where, `whole rows of ${a.local.width}`, i.aStride)
    if (i.cStride !== c.local.width || i.cBase + i.cols > c.local.width)
      fail(this.#where, `whole rows of ${c.local.width}`, i.cStride)
    if (i.rows * a.local.width !== a.size || i.rows * c.local.width !== c.size)
      fail(this.#where, 'all rows of λ', i.rows)
  }

  #inSection({ local }: Buffer): void {
    if (local && local.section !== this.#section) fail(this.#where, `rows of section ${this.#section}`, local.section)
  }

  #orbit(i: Orbit): void {
    const d = i.strides.length
    if (d < 1 || d > maxStrands) fail(this.#where, `1 to ${maxStrands} strands`, d)
    if (i.loops.length > maxLoops) fail(this.#where, `at most ${maxLoops} loops`, i.loops.length)
    count(i.n, `${this.#where}, n`, 1)
    const section = this.#program.sections[this.#section]
    if (section && (section.n !== i.n || section.d !== d))
      fail(this.#where, `n ${section.n} and d ${section.d}`, `${i.n} and ${d}`)
    const codes = 2 ** (d - 1)
    let end = i.matrices
    for (let code = 0; code < codes; code++) {
      const size = rearrangements(code, d)
      end += size * size
      // Each λ counts for dimension·copies rows of the matrix.
      const total = i.lambdas.reduce((sum, { dimension, kostka }) => sum + dimension * kostka[code]!, 0)
      if (total !== size) fail(this.#where, `${size} rows for the composition of ${parts(code)} parts`, total)
    }
    count(i.matrices, this.#where)
    if (end > this.#program.constants.length)
      fail(this.#where, `matrices within ${this.#program.constants.length} constants`, end)
    for (const loop of i.loops) count(loop.extent, `${this.#where}, extent`, 1)
    if (this.#buffer(i.strands).local) fail(this.#where, 'strands that are not section-local', i.strands)
    this.#range(i.strands, i.base, [
      ...i.strides.map((stride) => [i.n, stride] as const),
      ...i.loops.map((l) => [l.extent, l.strands] as const),
    ])
    if (i.form === 'forward') this.#reads(i.strands)
    else this.#writes(i.strands)
    i.lambdas.forEach((rows, λ) => {
      const buffer = this.#buffer(rows.buffer)
      if (rows.buffer === i.strands || i.lambdas.some((other, μ) => μ < λ && other.buffer === rows.buffer))
        fail(this.#where, 'a buffer of its own per λ', rows.buffer)
      count(rows.dimension, this.#where, 1)
      rows.kostka.forEach((copies) => count(copies, this.#where))
      if (i.form === 'forward') this.#writes(rows.buffer)
      else this.#reads(rows.buffer)
      const { scope, role } = buffer
      if (scope === 'shared' && role === 'output') fail(this.#where, 'no shared output', rows.buffer)
      const total = orbitRows(i.n, rows.kostka)
      const across = i.loops.map((l) => [l.extent, l.rows[λ]!] as const)
      if (total > 0) this.#range(rows.buffer, rows.base, [[total, rows.rowStride], [rows.dimension, rows.unitStride], ...across]) // prettier-ignore
      if (this.#section < 0 ? buffer.local : !buffer.local)
        fail(this.#where, 'section-local rows inside a section only', rows.buffer)
      if (!buffer.local) return
      this.#inSection(buffer)
      if (buffer.local.lambda !== λ || rows.rowStride !== buffer.local.width)
        fail(this.#where, `rows of λ ${λ} and width ${buffer.local.width}`, rows.rowStride)
      const reach = across.reduce(
        (sum, [extent, stride]) => sum + (extent - 1) * Math.max(stride, 0),
        rows.base + (rows.dimension - 1) * rows.unitStride,
      )
      if (reach >= buffer.local.width || rows.unitStride < 0 || across.some(([, stride]) => stride < 0))
        fail(this.#where, 'offsets within one row', reach)
    })
  }
}
