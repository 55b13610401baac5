import { BrauerError } from '../errors.js'
import type { Data, Executable, Operand, RunOptions } from './backend.js'
import type { Binding, Program as Handle, Status } from './binding.js'
import { giveBack, handOver, hold } from './staging.js'

/** Operands that go to the addon as arguments; more of them go in an array, which takes longer. */
const mostArguments = 16
/** Such memory may only go in an array, which the addon then refuses. */
const isResizable = (operand: Data | undefined): boolean =>
  (operand?.buffer as { readonly resizable?: boolean } | undefined)?.resizable === true

/** Until the promises that are settled have had their turn, this thread is busy. */
let isIdleSoon = false
function becomeIdle(addon: Binding): void {
  isIdleSoon = false
  addon.idle()
}

/** A program that the addon has loaded. */
export class NativeExecutable implements Executable {
  protected readonly addon: Binding
  protected readonly handle: Handle
  readonly #inputs: number

  constructor(addon: Binding, handle: Handle, inputs: number) {
    this.addon = addon
    this.handle = handle
    this.#inputs = inputs
  }

  runSync(batch: number, given: readonly Operand[], options?: RunOptions): void {
    const operands = this.place(given)
    if (options?.signal?.aborted) throw aborted(options.signal)
    const threads = options?.threads ?? 0
    const status =
      operands.length <= mostArguments && !operands.some(isResizable)
        ? this.addon.runSync(this.handle, batch, null, threads, ...operands)
        : this.addon.runSync(this.handle, batch, operands, threads)
    if (status !== undefined) throw toError(status)
  }

  run(batch: number, given: readonly Operand[], options?: RunOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal
      if (signal?.aborted) throw aborted(signal)
      const held = hold(this.place(given), this.#inputs)
      const done = (status: Status | undefined): void => {
        signal?.removeEventListener('abort', cancel)
        try {
          if (signal?.aborted) throw aborted(signal)
          if (status) throw toError(status)
          handOver(held, this.#inputs)
          resolve()
        } catch (error) {
          reject(error)
        } finally {
          giveBack(held)
        }
      }
      const job = this.addon.run(this.handle, batch, held.operands, options?.threads ?? 0, done)
      if (isStatus(job)) {
        giveBack(held)
        throw toError(job)
      }
      const cancel = (): void => this.addon.cancel(job)
      signal?.addEventListener('abort', cancel)
      if (!isIdleSoon) process.nextTick(becomeIdle, this.addon)
      isIdleSoon = true
    })
  }

  /** Operands as the addon takes them. */
  protected place(operands: readonly Operand[]): readonly Data[] {
    return operands as readonly Data[]
  }

  dispose(): void {
    this.addon.dispose(this.handle)
  }
}

export function isStatus(value: object): value is Status {
  return 'code' in value
}

export function toError(status: Status): BrauerError {
  return new BrauerError(status.code, status.message)
}

function aborted(signal: AbortSignal): BrauerError {
  return new BrauerError('aborted', 'run: expected a signal that does not fire, received an aborted one', {
    cause: signal.reason,
  })
}
