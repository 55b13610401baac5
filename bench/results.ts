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

/** Everything of one run of the suite: what `--json` writes. */
export interface Results {
  readonly format: 1
  readonly date: string
  readonly quick: boolean
  readonly machine: Machine
  /** The first measurement, and the best of those before each case and after the last. The share of a case refers to the best
   *  up to it: its `bound`. */
  readonly roofline: { readonly first: Roofline; readonly best: Roofline } | undefined
  readonly cases: readonly CaseResult[]
}

export function boundOf(bytes: number, flops: number, roofline: Roofline): Bound {
  const [memory, arithmetic] = [(1e3 * bytes) / roofline.copy, (1e3 * flops) / roofline.peak]
  return memory >= arithmetic ? { ms: memory, by: 'memory' } : { ms: arithmetic, by: 'arithmetic' }
}
