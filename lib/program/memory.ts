import { expected } from '../errors.js'
import type { Buffer, Instruction, Program } from './program.js'

/** Scratch buffers start at multiples of this many elements, so that vector loads stay aligned. */
const alignment = 16

/** Gives scratch buffers their places: buffers that are never alive together share memory; section-local rows lie in an arena
 *  of their own, each in its own place. A section counts as one moment, since it may run several times. */
export function arrange(program: Program): Program {
  const moment = moments(program)
  const first = new Array<number>(program.buffers.length).fill(Infinity)
  const last = new Array<number>(program.buffers.length).fill(-1)
  program.instructions.forEach((instruction, at) => {
    for (const buffer of operandsOf(instruction)) {
      first[buffer] = Math.min(first[buffer]!, moment[at]!)
      last[buffer] = Math.max(last[buffer]!, moment[at]!)
    }
  })
  const offsets = new Array<number>(program.buffers.length).fill(0)
  let localSize = 0
  let scratchSize = 0
  const active: { from: number; to: number; until: number }[] = []
  const scratch = program.buffers
    .map((buffer, at) => ({ buffer, at }))
    .filter(({ buffer }) => buffer.role === 'scratch')
  scratch.sort((a, b) => first[a.at]! - first[b.at]!)
  for (const { buffer, at } of scratch) {
    const size = Math.ceil(buffer.size / alignment) * alignment
    if (buffer.local) {
      offsets[at] = localSize
      localSize += size
      continue
    }
    for (let i = active.length - 1; i >= 0; i--) if (active[i]!.until < first[at]!) active.splice(i, 1)
    // First fit between the live ranges, which are kept in ascending order.
    let from = 0
    let slot = 0
    while (slot < active.length && active[slot]!.from - from < size) from = Math.max(from, active[slot++]!.to)
    active.splice(slot, 0, { from, to: from + size, until: last[at]! })
    offsets[at] = from
    scratchSize = Math.max(scratchSize, from + size)
  }
  if (scratchSize > 2 ** 53 || localSize > 2 ** 53) {
    throw expected(
      'size-overflow',
      'scratch of one item',
      'a size below 2^53',
      `${scratchSize} and ${localSize} elements`,
    )
  }
  const buffers: Buffer[] = program.buffers.map((buffer, at) =>
    buffer.role === 'scratch' ? { ...buffer, offset: offsets[at]! } : buffer,
  )
  return { ...program, buffers, scratchSize, localSize }
}

function moments(program: Program): number[] {
  const result = program.instructions.map((_, at) => at)
  for (const { first, count } of program.sections) for (let at = first; at < first + count; at++) result[at] = first
  return result
}

/** The buffers an instruction touches. */
export function operandsOf(instruction: Instruction): number[] {
  switch (instruction.op) {
    case 'zero':
      return [instruction.out]
    case 'strided':
    case 'gather':
      return [instruction.out, instruction.in]
    case 'mix':
      return [instruction.a, instruction.b, instruction.c]
    case 'orbit':
      return [instruction.strands, ...instruction.lambdas.map((rows) => rows.buffer)]
  }
}
