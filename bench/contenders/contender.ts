import type { Problem } from '../problem.js'

/** One way to compute a layer. */
export interface Contender {
  readonly name: string
  /** One line for the list of contenders. */
  readonly summary: string
  /** Sets a problem up, or says why this contender sits it out. */
  prepare(problem: Problem): Prepared | Skip
}

export interface Prepared {
  /** One run over the whole batch, into the same output memory every time. This is what is timed. */
  run(): void
  /** What the last run wrote, by output order, items back to back. */
  output(): Readonly<Record<string, Float32Array>>
}

export interface Skip {
  readonly skip: string
}

export function isSkip(value: Prepared | Skip): value is Skip {
  return 'skip' in value
}
