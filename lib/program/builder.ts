import { arrange } from './memory.js'
import type { Buffer, Gather, Instruction, LocalRows, Loop, Program, Section, Strided } from './program.js'

/** A pass between two buffers whose roles are not fixed yet: `wide` is the tensor (or the larger pool), `narrow` the pool. */
export interface Pass {
  readonly wideBase: number
  readonly narrowBase: number
  readonly scale: number
  readonly loops: readonly {
    readonly extent: number
    readonly wide: number
    readonly narrow: number
    readonly alternate?: boolean
    readonly strands?: number
  }[]
  /** (wide offset, narrow offset, sign) entries, for signed lists. */
  readonly list?: readonly (readonly [number, number, number])[] | undefined
}

/** Collects the parts of a program; `finish` arranges the scratch memory. */
export class Builder {
  readonly #buffers: Buffer[] = []
  readonly #constants: number[][] = []
  readonly #constantIndex = new Map<Float64Array, number>()
  #constantSize = 0
  readonly #table: number[] = []
  readonly #sections: Section[] = []
  readonly instructions: Instruction[] = []

  buffer(name: string, role: Buffer['role'], scope: Buffer['scope'], size: number, local?: LocalRows): number {
    return this.#buffers.push({ name, role, scope, size, offset: 0, ...(local && { local }) }) - 1
  }

  scratch(name: string, size: number, local?: LocalRows): number {
    return this.buffer(name, 'scratch', 'item', size, local)
  }

  /** Places numbers in the constants once; returns their offset. */
  constants(values: Float64Array): number {
    let at = this.#constantIndex.get(values)
    if (at === undefined) {
      at = this.#constantSize
      this.#constantIndex.set(values, at)
      this.#constants.push(Array.from(values))
      this.#constantSize += values.length
    }
    return at
  }

  /** A buffer over constants. */
  constantBuffer(name: string, values: Float64Array): number {
    return (
      this.#buffers.push({
        name,
        role: 'constant',
        scope: 'shared',
        size: values.length,
        offset: this.constants(values),
      }) - 1
    )
  }

  push(instruction: Instruction): void {
    this.instructions.push(instruction)
  }

  zero(out: number, size: number, base = 0, rows = 1, stride = 0): void {
    if (size > 0) this.push({ op: 'zero', out, base, rows, stride, count: size })
  }

  /** narrow (+)= wide. */
  read(pass: Pass, wide: number, narrow: number, set: boolean): void {
    this.#pass(pass, wide, narrow, set, true)
  }

  /** wide (+)= narrow. Only inside a section do loops keep the strands they are driven by. */
  write(pass: Pass, wide: number, narrow: number, set: boolean, inSection = false): void {
    this.#pass(pass, wide, narrow, set, false, inSection)
  }

  #pass(pass: Pass, wide: number, narrow: number, set: boolean, reading: boolean, inSection = false): void {
    const loops: Loop[] = pass.loops.map((loop) => ({
      extent: loop.extent,
      out: reading ? loop.narrow : loop.wide,
      in: reading ? loop.wide : loop.narrow,
      alternate: loop.alternate ?? false,
      strands: inSection ? (loop.strands ?? 0) : 0,
    }))
    const common = {
      out: reading ? narrow : wide,
      in: reading ? wide : narrow,
      outBase: reading ? pass.narrowBase : pass.wideBase,
      inBase: reading ? pass.wideBase : pass.narrowBase,
      scale: pass.scale,
      loops,
    }
    if (!pass.list) {
      this.push({ op: 'strided', ...common, set } satisfies Strided)
      return
    }
    const entries = pass.list.map(
      ([wideAt, narrowAt, sign]) =>
        (reading ? [narrowAt, wideAt, sign] : [wideAt, narrowAt, sign]) as [number, number, number],
    )
    this.push({ op: 'gather', ...common, ...this.table(entries) } satisfies Gather)
  }

  /** Places (out, in, sign) triples in the table. */
  table(entries: readonly (readonly [number, number, number])[]): { first: number; count: number } {
    const first = this.#table.length / 3
    for (const entry of entries) this.#table.push(...entry)
    return { first, count: entries.length }
  }

  /** out += in, for every (out, in) pair of offsets. */
  gather(
    out: number,
    into: number,
    outBase: number,
    pairs: readonly (readonly [number, number])[],
    loops: readonly Loop[],
  ): void {
    const table = this.table(pairs.map(([outAt, inAt]) => [outAt, inAt, 1]))
    this.push({ op: 'gather', out, in: into, outBase, inBase: 0, scale: 1, loops, ...table })
  }

  get nextSection(): number {
    return this.#sections.length
  }

  section(first: number, n: number, d: number): void {
    this.#sections.push({ first, count: this.instructions.length - first, n, d })
  }

  finish(): Program {
    const constants = new Float64Array(this.#constantSize)
    let at = 0
    for (const values of this.#constants) {
      constants.set(values, at)
      at += values.length
    }
    return arrange({
      buffers: this.#buffers,
      constants,
      table: Float64Array.from(this.#table),
      sections: this.#sections,
      instructions: this.instructions,
      scratchSize: 0,
      localSize: 0,
    })
  }
}
