import type { Operand, RunOptions } from '../backends/backend.js'
import { release } from './end.js'
import type { Job } from './job.js'
import type { Operands } from './operands.js'

/** What one call takes of a device, and gives back at its end however it ends: nobody else would before the garbage collector. */
export class CallMemory {
  readonly #kept: Operand[] = []
  readonly #results: Operand[] = []
  readonly #ends: (() => void)[] = []

  /** An operand for the time of the call. */
  keep<Kept extends Operand>(operand: Kept): Kept {
    this.#kept.push(operand)
    return operand
  }

  /** Operands that the caller gets, unless the call fails. */
  results(operands: Operands): Operands {
    for (const operand of operands.data) this.result(operand)
    return operands
  }

  result<Result extends Operand>(operand: Result): Result {
    this.#results.push(operand)
    return operand
  }

  atEnd(act: () => void): void {
    this.#ends.push(act)
  }

  succeed(): void {
    release(this.#kept)
    for (const act of this.#ends) act()
  }

  fail(): void {
    release(this.#results)
    this.succeed()
  }
}

/** A job whose memory comes back, also where making it fails half way. */
export function withMemory<Result>(
  options: RunOptions,
  make: (memory: CallMemory) => Pick<Job<Result>, 'runs' | 'finish'>,
): Job<Result> {
  const memory = new CallMemory()
  const abandon = (): void => memory.fail()
  try {
    const { runs, finish } = make(memory)
    const end = (): Result => {
      const result = finish()
      memory.succeed()
      return result
    }
    return { runs, options, finish: end, abandon }
  } catch (error) {
    abandon()
    throw error
  }
}
