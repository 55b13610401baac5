import { BrauerError, expected, show } from '../errors.js'
import type { Executable, Operand, RunOptions } from '../backends/backend.js'
import { ownOptions } from './options.js'

/** A program to run. */
export interface Run {
  readonly executable: Pick<Executable, 'run' | 'runSync'>
  readonly batch: number
  readonly operands: readonly Operand[]
}

/** What one call comes down to: programs to run, one after the other, and what to make of their operands then. */
export interface Job<Result> {
  readonly runs: readonly Run[]
  readonly options: RunOptions
  finish(): Result
  /** After a failure: gives up what nobody will see. */
  abandon?(): void
}

/** Runs a job on the calling thread. Empty batches have nothing to run. */
export function runSync<Result>(job: Job<Result>): Result {
  const { runs, options } = job
  try {
    for (const { executable, batch, operands } of runs) if (batch > 0) executable.runSync(batch, operands, options)
    return job.finish()
  } catch (error) {
    job.abandon?.()
    throw error
  }
}

/** Runs a job off the event loop. The job is made when this is called, so that what is wrong with it rejects. */
export async function runAsync<Result>(make: () => Job<Result>): Promise<Result> {
  const job = make()
  const { runs, options } = job
  try {
    for (const { executable, batch, operands } of runs) if (batch > 0) await executable.run(batch, operands, options)
    return job.finish()
  } catch (error) {
    job.abandon?.()
    throw error
  }
}

/** Options of the three maps, each read once. */
interface Read {
  signal: unknown
  out: unknown
  parameters: unknown
  sizes: unknown
}
const callNames = ['signal', 'out', 'parameters', 'sizes']
const none: Read = { signal: undefined, out: undefined, parameters: undefined, sizes: undefined }

/** The short way of `ownOptions` for what is right. @throws BrauerError `unknown-option`, `invalid-argument` */
export function callOptions(given: unknown, where: string): Readonly<Read> {
  if (given === undefined) return none
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return slowly(given, where)
  const read: Read = { signal: undefined, out: undefined, parameters: undefined, sizes: undefined }
  for (const name of Object.keys(given)) {
    if (name === 'out') read.out = (given as Read).out
    else if (name === 'signal') read.signal = (given as Read).signal
    else if (name === 'parameters') read.parameters = (given as Read).parameters
    else if (name === 'sizes') read.sizes = (given as Read).sizes
    else return slowly(given, where)
  }
  return read
}

const slowly = (given: unknown, where: string): Readonly<Read> =>
  ownOptions(given, callNames, `${where}: options`) as unknown as Read

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
