import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Data } from '../dist/backends/backend.js'
import type { Binding, Program as Handle } from '../dist/backends/binding.js'
import { cpu } from '../dist/backends/native.js'
import { tensor } from '../dist/index.js'
import { encode } from '../dist/program/encode.js'
import type { Program } from '../dist/program/program.js'
import { compile } from '../dist/runtime/compiled.js'
import { suite } from './cases.js'
import { timeOf } from './contenders/contender.js'
import { number } from './report.js'
import { inputsOf, layerOf, makeProblem } from './problem.js'
import { interleave, type Effort } from './timing.js'

/** Microseconds of one call, medians. */
export interface Overhead {
  /** `layer.forwardSync` of matvec with a preallocated output. */
  readonly forwardSync: number
  /** The same program by a bare call of the addon. */
  readonly direct: number
  /** A bare call with the same operands and next to nothing to compute. */
  readonly empty: number
}

/** Microseconds that a call of the library may cost beyond its kernel. */
export const mostOverhead = 10

const effort: Effort = { budget: 1000, rounds: 101 }

/** @throws BrauerError `backend-unavailable` */
export async function measureOverhead(threads: number): Promise<Overhead> {
  const problem = makeProblem(
    suite.find(({ name }) => name === 'matvec')!,
    threads,
  )
  const layer = layerOf(problem, 'float32', { backend: 'cpu' })
  const x = inputsOf(problem, 'float32')
  const [output] = problem.outputs
  const y = tensor(new Float32Array(problem.batch * output!.size), [problem.batch, ...output!.shape])
  const call = { out: { [output!.order]: y } }

  const compiled = compile(layer.specification)
  const program = compiled.program('forward')
  const weights = new Float32Array(
    program.buffers.find(({ role, scope }) => role === 'input' && scope === 'shared')!.size,
  )
  const parameters = compiled.parameters.map(({ name }) => problem.parameters[name]!.data)
  compiled.executable('pack', cpu(), 'float32').runSync(1, [...parameters, weights])
  const operands: Data[] = [...problem.inputs.map(({ order }) => problem.x[order]!), weights, y.data]

  const addon = loadAddon()
  const [whole, nothing] = [program, emptied(program)].map(
    (each) => addon.load(encode(each), 0, problem.batch) as Handle,
  ) as [Handle, Handle]
  const times = await interleave(
    [
      { time: timeOf(() => void layer.forwardSync(x, call)) },
      { time: timeOf(() => void addon.runSync(whole, problem.batch, operands, threads)) },
      { time: timeOf(() => void addon.runSync(nothing, problem.batch, operands, threads)) },
    ],
    effort,
  )
  const [forwardSync, direct, empty] = times.map(({ median }) => 1e3 * median) as [number, number, number]
  return { forwardSync, direct, empty }
}

/** The operands of a program, and one element to set to zero. */
function emptied(program: Program): Program {
  const buffers = program.buffers.filter(({ role }) => role === 'input' || role === 'output')
  const out = buffers.findIndex(({ role }) => role === 'output')
  return {
    buffers,
    constants: new Float64Array(),
    table: new Float64Array(),
    sections: [],
    instructions: [{ op: 'zero', out, base: 0, rows: 1, stride: 1, count: 1 }],
    scratchSize: 0,
    localSize: 0,
  }
}

function loadAddon(): Binding {
  const require = createRequire(import.meta.url)
  return (require('node-gyp-build') as (root: string) => Binding)(fileURLToPath(new URL('..', import.meta.url)))
}

/** What a call costs beyond its kernel, in microseconds: the kernel is what a program costs beyond an empty one. */
export function beyondKernel({ forwardSync, direct, empty }: Overhead): number {
  return forwardSync - (direct - empty)
}

export function overheadText(overhead: Overhead): string {
  const { forwardSync, direct, empty } = overhead
  const beyond = beyondKernel(overhead)
  const line = (name: string, value: number, note: string): string =>
    `  ${name.padEnd(14)}${number(value).padStart(6)} µs  ${note}`
  return [
    'matvec, one call with a preallocated output',
    line('forwardSync', forwardSync, ''),
    line('addon.runSync', direct, 'the same program, called bare'),
    line('empty program', empty, 'the same operands, called bare'),
    line('kernel', direct - empty, 'the second less the third'),
    line(
      'beyond it',
      beyond,
      `the first less the kernel; at most ${mostOverhead} µs: ${beyond <= mostOverhead ? 'holds' : 'DOES NOT HOLD'}`,
    ),
  ]
    .map((text) => text.trimEnd())
    .join('\n')
}
