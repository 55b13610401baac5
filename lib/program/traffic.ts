import { operandsOf } from './memory.js'
import type { Instruction, Program } from './program.js'

/** Bytes one item moves between memory and the caches, if `budget` bytes of cache stay with it. */
export interface Traffic {
  readonly reads: number
  readonly writes: number
  /** Whether the whole item fits the budget, so that each operand moves once. */
  readonly fits: boolean
}

/** An estimate from the program alone. An item that fits moves its operands once, and so does a buffer that fits by itself. With
 *  larger buffers every instruction outside a section moves the elements it touches; a section, run box by box, moves what it
 *  touches once. */
export function traffic(program: Program, elementBytes: number, budget: number): Traffic {
  const sizes = program.buffers.map((buffer) => buffer.size * elementBytes)
  const item = program.buffers.reduce(
    (sum, { role, scope }, at) => (scope === 'item' && role !== 'scratch' ? sum + sizes[at]! : sum),
    0,
  )
  if (item + (program.scratchSize + program.localSize) * elementBytes <= budget) {
    const of = (role: string): number =>
      program.buffers.reduce(
        (sum, buffer, at) => (buffer.role === role && buffer.scope === 'item' ? sum + sizes[at]! : sum),
        0,
      )
    return { reads: of('input'), writes: of('output'), fits: true }
  }
  const small = (role: string): number =>
    program.buffers.reduce(
      (sum, buffer, at) =>
        buffer.role === role && buffer.scope === 'item' && sizes[at]! <= budget ? sum + sizes[at]! : sum,
      0,
    )
  let reads = small('input')
  let writes = small('output')
  const seen = new Map<number, Set<string>>()
  program.instructions.forEach((instruction, at) => {
    const section = program.sections.findIndex(({ first, count }) => at >= first && at < first + count)
    for (const { buffer, elements, written } of touches(instruction)) {
      const { scope, local } = program.buffers[buffer]!
      const bytes = elements * elementBytes
      if (scope !== 'item' || local || sizes[buffer]! <= budget) continue
      if (section >= 0) {
        const once = seen.get(section) ?? new Set<string>()
        seen.set(section, once)
        // In a box, reading back what the box has just written costs nothing.
        if (once.has(`${buffer}/${written}`) || (!written && once.has(`${buffer}/true`))) continue
        once.add(`${buffer}/${written}`)
      }
      if (written) writes += bytes
      else reads += bytes
      if (written && section < 0 && !sets(instruction)) reads += bytes
    }
  })
  return { reads, writes, fits: false }
}

function sets(instruction: Instruction): boolean {
  return instruction.op === 'zero' || (instruction.op !== 'gather' && instruction.set)
}

/** Number of elements of each buffer that an instruction reads or writes. */
function touches(i: Instruction): { buffer: number; elements: number; written: boolean }[] {
  const extent = (loops: readonly { extent: number }[]): number => loops.reduce((all, loop) => all * loop.extent, 1)
  switch (i.op) {
    case 'zero':
      return [{ buffer: i.out, elements: i.rows * i.count, written: true }]
    case 'strided':
    case 'gather': {
      const entries = i.op === 'gather' ? i.count : 1
      return [
        { buffer: i.out, elements: extent(i.loops.filter((loop) => loop.out !== 0)), written: true },
        { buffer: i.in, elements: entries * extent(i.loops.filter((loop) => loop.in !== 0)), written: false },
      ]
    }
    case 'mix':
      return [
        { buffer: i.a, elements: i.rows * i.inner, written: i.form === 'input' },
        { buffer: i.c, elements: i.rows * i.cols, written: i.form === 'forward' },
      ]
    case 'orbit': {
      const elements = i.n ** i.strides.length * extent(i.loops)
      const [strands, ...rows] = operandsOf(i)
      const forward = i.form === 'forward'
      const share = i.lambdas.map(({ dimension, kostka }) => dimension * kostka.reduce((a, b) => a + b, 0))
      const total = share.reduce((a, b) => a + b, 0)
      return [
        { buffer: strands!, elements, written: !forward },
        ...rows.map((buffer, λ) => ({ buffer, elements: (elements * share[λ]!) / total, written: forward })),
      ]
    }
  }
}
