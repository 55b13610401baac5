import { readFileSync } from 'node:fs'
import { expected } from '../dist/errors.js'
import type { Case } from './cases.js'
import type { Machine } from './machine.js'
import type { MinimalFlops } from './minimal-flops.js'
import type { Times } from './timing.js'

/** What the machine can do at most, all threads together. */
export interface Roofline {
  /** Bytes read plus bytes written in a second by a copy of arrays far past the last cache. */
  readonly copy: number
  /** Products and sums in a second. */
  readonly peak: number
}

/** The least time of a case on this machine. */
export interface Bound {
  readonly ms: number
  readonly by: 'memory' | 'arithmetic'
}

/** One contender on one case: times, or the reason why there are none. */
export interface Row {
  readonly contender: string
  readonly times?: Times
  /** Largest relative error in norm of the proof. */
  readonly error?: number
  /** Bytes of x and y over the median time. */
  readonly bytesPerSecond?: number
  /** Minimal flops over the median time. */
  readonly flopsPerSecond?: number
  /** Least time over median time. */
  readonly share?: number
  /** The same with the flops of the planner's program in place of the least ones. */
  readonly planShare?: number
  /** What the plan says that a run takes, in milliseconds. */
  readonly predicted?: number
  /** Sits this case out. */
  readonly skip?: string
  /** Gave a wrong answer, or none. */
  readonly refused?: string
}

export interface CaseResult {
  readonly case: Case
  readonly bytes: { readonly x: number; readonly y: number }
  /** Of one run. */
  readonly minimalFlops: MinimalFlops
  readonly programFlops: number
  readonly bound: Bound | undefined
  /** What the answers were compared with. */
  readonly truth: string
  readonly rows: readonly Row[]
}

/** One value of what a sweep varies. */
export interface GrowthPoint {
  readonly at: number
  readonly threads: number
  readonly result?: CaseResult
  /** Least time of a run by the flops of its program and the bytes of x and y, in milliseconds. */
  readonly predicted?: number
  /** Why it was not measured. */
  readonly skip?: string
}

/** The growth of a contender, by least squares on logarithms over the points in from … to. */
export interface Fit {
  readonly contender: string
  /** The exponent of a power law; of an exponential one, the factor for each step. */
  readonly slope: number
  /** Of the predicted times over the same points. */
  readonly predicted?: number
  readonly from: number
  readonly to: number
}

/** How the time of a layer grows with one of its sizes. */
export interface Growth {
  readonly name: string
  readonly title: string
  /** What varies, as an axis says it. */
  readonly parameter: string
  /** Costs are those of one item, or of a whole run. */
  readonly per: 'item' | 'run'
  /** Whether cost is expected to grow as a power of what varies, or by a factor for each step. */
  readonly law: 'power' | 'exponential'
  readonly points: readonly GrowthPoint[]
  readonly fits: readonly Fit[]
}

/** Everything of one run of the benchmark: what `--save` writes. */
export interface Results {
  readonly format: 1
  readonly date: string
  readonly quick: boolean
  readonly machine: Machine
  /** The first measurement, and the best of those before each case and after the last. The share of a case refers to the best
   *  up to it: its `bound`. */
  readonly roofline: { readonly first: Roofline; readonly best: Roofline } | undefined
  readonly cases: readonly CaseResult[]
  readonly growth?: readonly Growth[]
}

export function boundOf(bytes: number, flops: number, roofline: Roofline): Bound {
  const [memory, arithmetic] = [(1e3 * bytes) / roofline.copy, (1e3 * flops) / roofline.peak]
  return memory >= arithmetic ? { ms: memory, by: 'memory' } : { ms: arithmetic, by: 'arithmetic' }
}

/** What `--save` wrote. @throws BrauerError `invalid-file` */
export function readResults(path: string): Results {
  let value: Partial<Results> | null
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Results> | null
  } catch (error) {
    throw expected('invalid-file', path, 'a file that `bench --save` wrote', (error as Error).message)
  }
  if (value?.format !== 1 || !Array.isArray(value.cases) || !value.machine)
    throw expected('invalid-file', path, 'results of format 1, as `bench --save` writes them', 'something else')
  return value as Results
}

/** Several runs as one: the cases and curves of all, the rest from the first. The best roofline is the best of all.
 *  @throws BrauerError `invalid-file` where they come from different machines or numbers of threads */
export function merge(runs: readonly Results[]): Results {
  const [first, ...more] = runs as [Results, ...Results[]]
  const of = ({ machine: { cpu, isa, threads } }: Results): string => `${cpu}, ${isa}, ${threads} threads`
  for (const run of more)
    if (of(run) !== of(first)) throw expected('invalid-file', '--from', `results of ${of(first)}`, of(run))
  const bests = runs.flatMap(({ roofline }) => (roofline ? [roofline.best] : []))
  const growth = runs.flatMap((run) => run.growth ?? [])
  return {
    ...first,
    quick: runs.some(({ quick }) => quick),
    roofline: first.roofline && {
      ...first.roofline,
      best: { copy: Math.max(...bests.map(({ copy }) => copy)), peak: Math.max(...bests.map(({ peak }) => peak)) },
    },
    cases: runs.flatMap(({ cases }) => cases),
    ...(growth.length > 0 ? { growth } : {}),
  }
}
