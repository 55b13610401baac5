import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { BrauerError, expected } from '../errors.js'
import { encode } from '../program/encode.js'
import type { Program } from '../program/program.js'
import { dtypes, type Dtype } from '../tensor/dtype.js'
import { own, owned } from '../tensor/owned.js'
import type { Backend, Data, Executable, RunOptions } from './backend.js'
import type { Binding, CpuInfo, Program as Handle, Roofline, Status } from './binding.js'

let outcome: { readonly addon: Binding } | { readonly failure: unknown } | undefined
let backend: Backend | undefined

/** The C++ executor on this machine's processor.
 *  @throws BrauerError `backend-unavailable` with the loader's message when there is no addon for this platform,
 *  `invalid-argument` when BRAUER_CPU_ISA or BRAUER_NUM_THREADS ask for what cannot be had */
export function cpu(): Backend {
  if (backend) return backend
  const addon = binding()
  const { cpu: device, error } = addon.info()
  // An override that cannot be met is an error for `auto` too, never another choice in silence.
  if (error !== undefined) throw new BrauerError('invalid-argument', `backend cpu: ${error}`)
  backend = {
    name: 'cpu',
    device,
    load(program: Program, dtype: Dtype, expectedBatch = 1): Executable {
      const handle = addon.load(encode(program), dtypes.indexOf(dtype), expectedBatch)
      if (isStatus(handle)) throw toError(handle)
      return new NativeExecutable(addon, handle, program.buffers.filter((buffer) => buffer.role === 'input').length)
    },
  }
  return backend
}

/** What the addon found out about the processor. @throws BrauerError `backend-unavailable` when there is no addon */
export function cpuInfo(): CpuInfo {
  return binding().info()
}

/** Measures what this machine can do at most; takes about a second on the calling thread.
 *  @param threads 0 for the default count
 *  @throws BrauerError `backend-unavailable`, `invalid-argument`, `out-of-memory` */
export function measureRoofline(threads: number, dtype: Dtype): Roofline {
  const roofline = binding().roofline(threads, dtypes.indexOf(dtype))
  if (isStatus(roofline)) throw toError(roofline)
  return roofline
}

/** Loads the addon on first use; a failure is remembered too, so that asking again costs nothing. */
function binding(): Binding {
  outcome ??= load()
  if ('addon' in outcome) return outcome.addon
  const { failure } = outcome
  throw unavailable(failure instanceof Error ? failure.message.trim() : String(failure), failure)
}

function load(): NonNullable<typeof outcome> {
  const require = createRequire(import.meta.url)
  const root = fileURLToPath(new URL('../..', import.meta.url))
  try {
    const addon = (require('node-gyp-build') as (root: string) => Binding)(root)
    const { version } = require('../../package.json') as { version: string }
    // An addon left in build/ by an older version wins over a prebuilt one and would read programs of another format.
    if (addon.version !== version)
      throw expected('backend-unavailable', 'addon', `version ${version}`, `version ${addon.version}`)
    return { addon }
  } catch (failure) {
    return { failure }
  }
}

class NativeExecutable implements Executable {
  readonly #addon: Binding
  readonly #handle: Handle
  readonly #inputs: number

  constructor(addon: Binding, handle: Handle, inputs: number) {
    this.#addon = addon
    this.#handle = handle
    this.#inputs = inputs
  }

  runSync(batch: number, operands: readonly Data[], options?: RunOptions): void {
    if (options?.signal?.aborted) throw aborted(options.signal)
    const status = this.#addon.runSync(this.#handle, batch, operands, options?.threads ?? 0)
    if (status !== undefined) throw toError(status)
  }

  async run(batch: number, operands: readonly Data[], options?: RunOptions): Promise<void> {
    const signal = options?.signal
    if (signal?.aborted) throw aborted(signal)
    const given = [...operands]
    const held = hold(given, this.#inputs)
    await new Promise<void>((resolve, reject) => {
      const job = this.#addon.run(this.#handle, batch, held, options?.threads ?? 0, (status) => {
        signal?.removeEventListener('abort', cancel)
        if (signal?.aborted) reject(aborted(signal))
        else if (status) reject(toError(status))
        else resolve()
      })
      if (isStatus(job)) return reject(toError(job))
      const cancel = () => this.#addon.cancel(job)
      signal?.addEventListener('abort', cancel)
    })
    for (let i = this.#inputs; i < given.length; i++) giveBack(held[i] as Data, given[i] as Data, i)
  }

  work(batch: number, threads: number): readonly number[] {
    const work = this.#addon.work(this.#handle, batch, threads)
    if (isStatus(work)) throw toError(work)
    return work
  }

  dispose(): void {
    this.#addon.dispose(this.#handle)
  }
}

/** Operands that stay in place while another thread works on them: a copy of every input that could be transferred away,
 *  and fresh memory for every such output. What the addon refuses anyway is passed on, so that it can say why. */
function hold(operands: readonly Data[], inputs: number): readonly Data[] {
  if (!operands.some(isLoose)) return operands
  checkOverlap(operands, inputs)
  return operands.map((operand, i) => {
    if (!isLoose(operand)) return operand
    const copy =
      i < inputs ? operand.slice() : new (operand.constructor as new (length: number) => Data)(operand.length)
    own(copy.buffer as ArrayBuffer)
    return copy
  })
}

function isLoose(operand: Data): boolean {
  if (!types.isTypedArray(operand) || operand.length === 0) return false
  const buffer = operand.buffer as ArrayBuffer & { readonly resizable?: boolean }
  return types.isArrayBuffer(buffer) && buffer.resizable !== true && !owned(buffer)
}

/** The addon's own check, for the operands that it gets copies of. */
function checkOverlap(operands: readonly Data[], inputs: number): void {
  for (let i = inputs; i < operands.length; i++) {
    for (let j = 0; j < operands.length; j++) {
      const [a, b] = [operands[i] as Data, operands[j] as Data]
      if (i === j || !types.isTypedArray(a) || !types.isTypedArray(b) || a.buffer !== b.buffer) continue
      if (a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength) {
        throw expected(
          'invalid-buffer',
          `run: operand ${i} (output)`,
          'memory of its own',
          `memory that operand ${j} uses too`,
        )
      }
    }
  }
}

function giveBack(result: Data, output: Data, i: number): void {
  if (result === output) return
  if (output.length !== result.length) {
    throw expected(
      'invalid-buffer',
      `run: operand ${i} (output)`,
      'its buffer back',
      'a buffer that was transferred away during the run',
    )
  }
  output.set(result)
}

function isStatus(value: object): value is Status {
  return 'code' in value
}

function toError(status: Status): BrauerError {
  return new BrauerError(status.code, status.message)
}

function aborted(signal: AbortSignal): BrauerError {
  return new BrauerError('aborted', 'run: expected a signal that does not fire, received an aborted one', {
    cause: signal.reason,
  })
}

function unavailable(message: string, cause?: unknown): BrauerError {
  return new BrauerError('backend-unavailable', `backend cpu: ${message}`, cause === undefined ? undefined : { cause })
}
