import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { table } from '../dist/cli/table.js'
import { groupFrom, tensor, type Tensor } from '../dist/index.js'
import type { Case } from './cases.js'
import { ContenderError, timeOf } from './contenders/contender.js'
import { minimalFlops } from './minimal-flops.js'
import { inputsOf, layerOf, makeProblem, takeItems, type Operand, type Problem } from './problem.js'
import { boundOf, type Roofline } from './results.js'
import { interleave, type Effort, type Times } from './timing.js'

/** One step of training of a layer beside its forward, and the memory that it takes. */
export interface Training {
  readonly case: Case
  readonly forward: Times
  /** A forward, then both gradients. */
  readonly step: Times
  /** Least milliseconds of either by the roofline; undefined without one. */
  readonly bounds: { readonly forward: number; readonly step: number } | undefined
  /** Of x, y, g, gx, W and gW, and what the peak resident set of a process grows by when they are made and steps are run. */
  readonly bytes: number
  readonly growth: number
}

/** What a step may cost: in forwards, in shares of the roofline relative to that of a forward, in memory relative to its operands. */
export const most = { forwards: 3.3, memory: 2 }
export const leastShare = 0.8

/** Largest distance between the gradients and those of the separate maps in float64, relative to the latter. */
const tolerance = 1e-5

/** Proves and times one case on the cpu backend. @throws ContenderError where the gradients are wrong, or there is no such backend */
export async function measureTraining(
  given: Case,
  threads: number,
  effort: Effort,
  roofline: Roofline | undefined,
): Promise<Training> {
  const problem = makeProblem(given, threads)
  prove(
    takeItems(
      problem,
      Array.from({ length: Math.min(problem.batch, 64) }, (_, item) => item),
    ),
  )
  const { forward, step } = prepareSteps(problem)
  const times = await interleave([{ time: timeOf(forward) }, { time: timeOf(step) }], effort)
  const total = (operands: readonly Operand[]): number =>
    4 * problem.batch * operands.reduce((sum, { size }) => sum + size, 0)
  const [x, y] = [total(problem.inputs), total(problem.outputs)]
  const parameters = 4 * Object.values(problem.parameters).reduce((sum, { data }) => sum + data.length, 0)
  const least = minimalFlops(groupFrom(given.group), given.input, given.output, problem.plan.costs.plan.flops)
  const flops = problem.batch * least.flops
  // The gradients read x and g and write gx, and have two products for each of the forward's; nothing of them can begin before it ends.
  const bound = roofline && boundOf(x + y, flops, roofline).ms
  return {
    case: given,
    forward: times[0]!,
    step: times[1]!,
    bounds:
      bound === undefined ? undefined : { forward: bound, step: bound + boundOf(2 * x + y, 2 * flops, roofline!).ms },
    bytes: 2 * (x + y + parameters),
    growth: growthOf(given, threads),
  }
}

/** A forward of the whole batch and a step, both into tensors that are there. */
export function prepareSteps(problem: Problem): { forward: () => void; step: () => void } {
  const layer = layerOf(problem, 'float32', { backend: 'cpu' })
  const x = inputsOf(problem, 'float32')
  const make = (operands: readonly Operand[], value: number): Record<string, Tensor<'float32'>> =>
    Object.fromEntries(
      operands.map(({ order, shape, size }) => [
        order,
        tensor(new Float32Array(problem.batch * size).fill(value), [problem.batch, ...shape]),
      ]),
    )
  const [y, g, gx] = [make(problem.outputs, NaN), make(problem.outputs, 1), make(problem.inputs, NaN)]
  return {
    forward: () => void layer.forwardSync(x, { out: y }),
    step: () => void layer.vjpSync(x, { out: y }).pullback(g, { out: gx }),
  }
}

/** @throws ContenderError unless both gradients at once are those of the two maps, in float64 on the reference */
function prove(problem: Problem): void {
  const [layer, exact] = [
    layerOf(problem, 'float32', { backend: 'cpu' }),
    layerOf(problem, 'float64', { backend: 'reference' }),
  ]
  const [x, wide] = [inputsOf(problem, 'float32'), inputsOf(problem, 'float64')]
  const { y, pullback } = layer.vjpSync(x)
  const g = Object.fromEntries(
    Object.entries(y).map(([l, value]) => [l, tensor(Float64Array.from(value.data), value.shape)]),
  )
  const received = pullback(y)
  compare('x', received.x, exact.inputGradientSync(g))
  compare('parameters', received.parameters, exact.weightGradientSync(wide, g))
}

function compare(
  what: string,
  received: Readonly<Record<string, Tensor>>,
  wanted: Readonly<Record<string, Tensor>>,
): void {
  for (const [name, { data }] of Object.entries(wanted)) {
    const error = Math.hypot(...data.map((value, i) => value - received[name]!.data[i]!)) / Math.hypot(...data)
    if (!(error <= tolerance))
      throw new ContenderError(
        `the gradient by ${what}, ${name}: expected an error of at most ${tolerance}, received ${error}`,
      )
  }
}

/** Measured in a process of its own: a peak never falls. */
function growthOf(given: Case, threads: number): number {
  const program = fileURLToPath(new URL('../dist-bench/training-memory.js', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, JSON.stringify(given), String(threads)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new ContenderError(`the measurement of memory ended with status ${status}: ${stderr.trim()}`)
  return Number(stdout)
}

export function trainingText(all: readonly Training[]): string {
  const verdict = (value: number, limit: number, holds: boolean): string =>
    `${value.toFixed(2)} ${holds ? 'holds' : `DOES NOT HOLD (${limit})`}`
  const rows = all.map((each) => {
    const { forward, step, memory, share } = ratios(each)
    const { bounds } = each
    return [
      each.case.name,
      each.forward.median.toFixed(2),
      each.step.median.toFixed(2),
      verdict(step / forward, most.forwards, step / forward <= most.forwards),
      bounds ? (bounds.forward / forward).toFixed(2) : '',
      share === undefined ? '' : verdict(share, leastShare, share >= leastShare),
      verdict(memory, most.memory, memory <= most.memory),
    ]
  })
  const header = [
    'training',
    'forward, ms',
    'step, ms',
    'in forwards',
    'of roofline',
    'the step relative to it',
    'memory over operands',
  ]
  return table([header, ...rows])
}

function ratios({ forward, step, bounds, growth, bytes }: Training) {
  const share = bounds && bounds.step / step.median / (bounds.forward / forward.median)
  return { forward: forward.median, step: step.median, memory: growth / bytes, share }
}

/** Whether a step is as cheap as it must be. */
export function holds(training: Training): boolean {
  const { forward, step, memory, share } = ratios(training)
  return step / forward <= most.forwards && memory <= most.memory && (share === undefined || share >= leastShare)
}
