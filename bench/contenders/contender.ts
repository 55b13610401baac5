import type { Problem } from '../problem.js'
import type { Runner } from '../timing.js'

/** One way to compute a layer. */
export interface Contender {
  readonly name: string
  /** One line for the list of contenders. */
  readonly summary: string
  /** Sets a problem up, or says why this contender sits it out. */
  prepare(problem: Problem): Promise<Prepared | Skip> | Prepared | Skip
}

export interface Prepared extends Runner {
  /** Milliseconds for this many runs over the whole batch, all together, taken where the work is done: in another process by
   *  its own clock. Every run writes the same outputs. */
  time(repeats: number): Promise<number> | number
  /** What the last run wrote, by output order, items back to back. */
  output(): Promise<Outputs> | Outputs
  /** Milliseconds that a run is expected to take, where somebody can tell. */
  readonly predicted?: number
  /** Frees what the problem holds. */
  close?(): Promise<void> | void
}

export type Outputs = Readonly<Record<string, Float32Array>>

export interface Skip {
  readonly skip: string
}

export function isSkip(value: Prepared | Skip): value is Skip {
  return 'skip' in value
}

/** A failure of a contender that is no fault of the benchmark: it is refused, and the others run on. */
export class ContenderError extends Error {}

/** `time` of a run on this thread. */
export function timeOf(run: () => void): (repeats: number) => number {
  return (repeats) => {
    const start = performance.now()
    for (let i = 0; i < repeats; i++) run()
    return performance.now() - start
  }
}
