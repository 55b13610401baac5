import { BrauerError, expected, show } from '../errors.js'
import type { Data, Executable, RunOptions } from '../backends/backend.js'

/** What one call comes down to: programs to run, one after the other, and what to make of their operands then. */
export interface Job<Result> {
  readonly runs: readonly {
    readonly executable: Executable
    readonly batch: number
    readonly operands: readonly Data[]
  }[]
  readonly options: RunOptions
  finish(): Result
}

/** Runs a job on the calling thread. Empty batches have nothing to run. */
export function runSync<Result>({ runs, options, finish }: Job<Result>): Result {
  for (const { executable, batch, operands } of runs) if (batch > 0) executable.runSync(batch, operands, options)
  return finish()
}

/** Runs a job off the event loop. The job is made when this is called, so that what is wrong with it rejects. */
export async function runAsync<Result>(make: () => Job<Result>): Promise<Result> {
  const { runs, options, finish } = make()
  for (const { executable, batch, operands } of runs) if (batch > 0) await executable.run(batch, operands, options)
  return finish()
}

/** @throws BrauerError `invalid-argument`, `aborted` */
export function checkSignal(signal: unknown, where: string): asserts signal is AbortSignal | undefined {
  if (signal === undefined) return
  if (!(signal instanceof AbortSignal))
    throw expected('invalid-argument', `${where}: signal`, 'an AbortSignal', show(signal))
  if (signal.aborted)
    throw new BrauerError('aborted', `${where}: expected a signal that is not aborted, received an aborted one`, {
      cause: signal.reason,
    })
}
