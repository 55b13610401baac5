import { listBackends } from '../dist/index.js'
import { referenceSeconds } from './affordable.js'
import { isSkip, type Contender, type Prepared, type Skip } from './contenders/contender.js'
import { inputsOf, layerOf, pickItems, takeItems, type Choices, type Problem } from './problem.js'

/** Largest relative error, in norm, of each output order. */
export const tolerance = 2e-6

/** The right answer for a few items. */
export interface Truth {
  /** Which items of the batch. */
  readonly items: readonly number[]
  /** By output order, items back to back. */
  readonly y: Readonly<Record<string, Float64Array>>
  /** How it was computed. */
  readonly by: string
}

/** A contender that may be timed, with its largest error; or the error that refuses it; or its reason to sit out. */
export type Verdict = { readonly prepared: Prepared; readonly error: number } | { readonly wrong: string } | Skip

const mostSeconds = 4
/** A contender that takes longer sits a case out, in milliseconds of one run. */
const mostMilliseconds = 2000

/** Computes the first items and the last one (tiles end there) in float64: by the reference backend, one diagram after the
 *  other where that is affordable, else by its plan; else by the C++ executor, one diagram after the other. */
export function truthOf(problem: Problem): Truth {
  for (const strategy of ['diagrams', 'plan'] as const) {
    for (const count of [3, 2]) {
      const most = Math.min(count, problem.batch)
      if (referenceSeconds(problem, strategy, most) > mostSeconds) continue
      if (strategy === 'plan') return compute(problem, most, { backend: 'reference' })
      return compute(problem, most, { backend: 'reference', strategy })
    }
  }
  const { available } = listBackends().find(({ name }) => name === 'cpu')!
  if (available) return compute(problem, Math.min(3, problem.batch), { backend: 'cpu', strategy: 'diagrams' })
  return compute(problem, 1, { backend: 'reference' })
}

function compute(problem: Problem, count: number, choices: Choices): Truth {
  const items = Array.from({ length: count }, (_, i) => (i < count - 1 ? i : problem.batch - 1))
  const part = takeItems(problem, items)
  const layer = layerOf(part, 'float64', choices)
  const y = Object.entries(layer.forwardSync(inputsOf(part, 'float64')))
  return {
    items,
    y: Object.fromEntries(y.map(([order, { data }]) => [order, data])),
    by: `${layer.backend.name}, ${layer.plan.strategy}, float64`,
  }
}

/** Compares a contender with the truth on a batch of only those items, then on the whole batch. */
export async function prove(contender: Contender, problem: Problem, truth: Truth): Promise<Verdict> {
  const prepared = await contender.prepare(problem)
  if (isSkip(prepared)) return prepared
  let verdict: Verdict | undefined
  try {
    verdict = await judge(prepared, contender, problem, truth)
  } finally {
    if (!verdict || !('prepared' in verdict)) await prepared.close?.()
  }
  return verdict
}

async function judge(prepared: Prepared, contender: Contender, problem: Problem, truth: Truth): Promise<Verdict> {
  const cut = await contender.prepare(takeItems(problem, truth.items))
  if (isSkip(cut)) return cut
  try {
    const all = truth.items.map((_, at) => at)
    const own = await errorOf(cut, all, problem, truth)
    if (typeof own === 'string') return { wrong: `${own} in a batch of its own` }
    const whole = await errorOf(prepared, truth.items, problem, truth)
    if (typeof whole === 'string') return { wrong: `${whole} in the whole batch` }
    // The run of the proof was the first one, which is slower.
    const ms = await prepared.time(1)
    if (ms > mostMilliseconds) return { skip: `a run takes ${(ms / 1e3).toPrecision(2)} s` }
    return { prepared, error: Math.max(own, whole) }
  } finally {
    await cut.close?.()
  }
}

/** Runs once and compares these items with the truth: the largest error, or what is wrong. */
async function errorOf(
  of: Prepared,
  items: readonly number[],
  problem: Problem,
  truth: Truth,
): Promise<number | string> {
  await of.time(1)
  const y = await of.output()
  let error = 0
  for (const { order, size } of problem.outputs) {
    const found = y[order] && pickItems(y[order], size, items)
    const distance = found ? relativeError(found, truth.y[order]!) : Infinity
    // Not `>`: no number compares with NaN.
    if (!(distance <= tolerance))
      return `wrong by ${distance.toPrecision(2)} at order ${order}, items ${truth.items.join(', ')}`
    error = Math.max(error, distance)
  }
  return error
}

/** ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  let [difference, norm] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  return Math.sqrt(difference / (norm || 1))
}
