import { groupFrom } from '../../lib/index.js'
import { Compiled, programNames, type ProgramName } from '../../lib/runtime/compiled.js'
import type { Specification } from '../../lib/runtime/specification.js'
import type { Program } from '../../lib/program/program.js'

/** The specification of a layer, by default with everything left to the planner. */
export function specification(
  group: string,
  input: Record<string, number>,
  output: Record<string, number>,
  options: Partial<Specification> = {},
): Specification {
  const space = (entries: Record<string, number>) =>
    Object.entries(entries).map(([order, channels]) => ({
      order: /^\d+$/.test(order) ? Number(order) : order,
      channels,
    }))
  return {
    group: groupFrom(group), basisGroup: groupFrom(group), inputs: space(input), outputs: space(output), bias: false, basis: 'independent',
    normalize: 'sum', layout: 'channels-last', strategy: 'auto', steps: {}, expectedBatch: 256, ...options,
  } // prettier-ignore
}

export function programs(...request: Parameters<typeof specification>): Record<ProgramName, Program> {
  const compiled = new Compiled(specification(...request))
  return Object.fromEntries(programNames.map((name) => [name, compiled.program(name)])) as Record<ProgramName, Program>
}

/** Programs that together use every opcode, section and kind of buffer. */
export const samples: [string, Record<ProgramName, Program>][] = [
  [
    'S(4) {1: 2, 2: 3} -> {0: 1, 2: 2}, bias, Fourier',
    programs('S(4)', { 1: 2, 2: 3 }, { 0: 1, 2: 2 }, { bias: true, steps: { fourier: true } }),
  ],
  ['S(3) 3 -> 3, Fourier', programs('S(3)', { 3: 1 }, { 3: 1 }, { steps: { fourier: true }, basis: 'spanning' })],
  ['SO(3) {1: 2, 2: 2} -> {1: 2, 2: 1}, bias', programs('SO(3)', { 1: 2, 2: 2 }, { 1: 2, 2: 1 }, { bias: true })],
  ['Sp(4) 2 -> 2, channels-first', programs('Sp(4)', { 2: 2 }, { 2: 3 }, { layout: 'channels-first' })],
  ['O(3) 2 -> 2, one diagram at a time', programs('O(3)', { 2: 2 }, { 2: 2 }, { strategy: 'diagrams' })],
  ['O(2) {1: 1} -> {1: 2}, dense', programs('O(2)', { 1: 1 }, { 1: 2 }, { strategy: 'dense', bias: true })],
]
