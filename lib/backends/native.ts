import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { BrauerError, expected } from '../errors.js'
import { encode } from '../program/encode.js'
import type { Program } from '../program/program.js'
import { dtypes, type Dtype } from '../tensor/dtype.js'
import type { Backend, DeviceEstimate, DeviceEstimates, Executable } from './backend.js'
import type { Binding, BlasRange, CpuInfo, CudaInfo, Roofline } from './binding.js'
import { blasText, encodeRanges } from './blas.js'
import { measuredBlas, processorName } from './calibration.js'
import { isStatus, NativeExecutable, toError } from './native-executable.js'

let outcome: { readonly addon: Binding } | { readonly failure: unknown } | undefined
let backend: Backend | undefined

/** The C++ executor on this machine's processor.
 *  @throws BrauerError `backend-unavailable` with the loader's message when there is no addon for this platform,
 *  `invalid-argument` when BRAUER_CPU_ISA, BRAUER_NUM_THREADS or BRAUER_BLAS ask for what cannot be had */
export function cpu(): Backend {
  if (backend) return backend
  const addon = settled()
  const { cpu: processor, blas, error } = infoOf(addon)
  // An override that cannot be met is an error for `auto` too, never another choice in silence.
  if (error !== undefined) throw new BrauerError('invalid-argument', `backend cpu: ${error}`)
  backend = {
    name: 'cpu',
    device: blas.library === undefined ? processor : `${processor} with ${blasText(blas)}`,
    load(program: Program, dtype: Dtype, expectedBatch = 1): Executable {
      const handle = addon.load(encode(program), dtypes.indexOf(dtype), expectedBatch)
      if (isStatus(handle)) throw toError(handle)
      return new CpuExecutable(addon, handle, inputsOf(program))
    },
  }
  return backend
}

/** What the addon found out about the processor. @throws BrauerError `backend-unavailable` when there is no addon, `out-of-memory` */
export function cpuInfo(): CpuInfo {
  return infoOf(settled())
}

function infoOf(addon: Binding): CpuInfo {
  const info = addon.info()
  if (isStatus(info)) throw toError(info)
  return info
}

/** What CUDA finds on this machine; the first call loads the driver.
 *  @throws BrauerError `backend-unavailable` when there is no addon, `out-of-memory` */
export function cudaInfo(): CudaInfo {
  const info = binding('cuda').cuda()
  if (isStatus(info)) throw toError(info)
  return info
}

/** What runs of a program on an NVIDIA device would move, compute and take, by a model; the device need not be here.
 *  @param device a part of its name ('h200'), or 'cuda:0'
 *  @param precision as in `Binding.load`
 *  @throws BrauerError `backend-unavailable`, `invalid-argument`, `out-of-memory` */
export function estimateOnDevice(
  program: Program,
  dtype: Dtype,
  device: string,
  batch: number,
  precision = 0,
): DeviceEstimates {
  const estimates = binding('cuda').cudaEstimate(encode(program), dtypes.indexOf(dtype), device, batch, precision)
  if (isStatus(estimates)) throw toError(estimates)
  const { numbers } = estimates
  const half = numbers.length / 2
  const estimate = (mode: 'fused' | 'staged', from: number): DeviceEstimate => {
    const [seconds, launches, globalBytes, l2Bytes, sharedBytes, multiplies, instructions, barriers, sharedMemory] =
      numbers.slice(from, from + half) as [number, number, number, number, number, number, number, number, number]
    return { mode, seconds, launches, globalBytes, l2Bytes, sharedBytes, multiplies, instructions, barriers, sharedMemory } // prettier-ignore
  }
  return { device: estimates.device, batch, modes: [estimate('fused', 0), estimate('staged', half)] }
}

/** Measures what this machine can do at most; takes about a second on the calling thread.
 *  @param threads 0 for the default count
 *  @throws BrauerError `backend-unavailable`, `invalid-argument`, `out-of-memory` */
export function measureRoofline(threads: number, dtype: Dtype): Roofline {
  const roofline = binding().roofline(threads, dtypes.indexOf(dtype))
  if (isStatus(roofline)) throw toError(roofline)
  return roofline
}

/** Measures a product of one shape on the calling thread, as floating-point operations in a second; takes some 0.1 s.
 *  @param by our own kernels, or the installed BLAS (under BRAUER_BLAS=auto the first usual one)
 *  @throws BrauerError `backend-unavailable`; `invalid-argument` where no BLAS can run it; `out-of-memory` */
export function measureProduct(by: 'own' | 'blas', dtype: Dtype, rows: number, inner: number, cols: number): number {
  const rate = binding().productRate(by === 'own' ? 0 : 1, dtypes.indexOf(dtype), rows, inner, cols)
  if (typeof rate !== 'number') throw toError(rate)
  return rate
}

/** The installed BLAS that `measureProduct` runs, by its own name. @throws BrauerError `backend-unavailable` */
export function installedBlas(): string | undefined {
  return binding().installedBlas()
}

/** Leaves all products of this process to our kernels, whatever a calibration found: for what is measured without that.
 *  Comes too late once there is a cpu backend, and changes nothing where BRAUER_BLAS names a library.
 *  @throws BrauerError `backend-unavailable` */
export function leaveBlas(): void {
  useBlas(binding())
}

let isSettled = false
/** The addon, with the choice of BRAUER_BLAS=auto made. It is made before anything is loaded, once for all threads of the process,
 *  so that no two executables of a program differ. */
function settled(): Binding {
  const addon = binding()
  if (isSettled) return addon
  const measured = measuredBlas(processorName(infoOf(addon)))
  useBlas(addon, measured?.library, measured?.faster)
  isSettled = true
  return addon
}

function useBlas(addon: Binding, library = '', faster: readonly BlasRange[] = []): void {
  const status = addon.useBlas(library, encodeRanges(faster))
  if (status) throw toError(status)
}

/** Operands of a run that are inputs; they come first. */
export const inputsOf = (program: Program): number => program.buffers.filter((buffer) => buffer.role === 'input').length

class CpuExecutable extends NativeExecutable {
  work(batch: number, threads: number): readonly number[] {
    const work = this.addon.work(this.handle, batch, threads)
    if (isStatus(work)) throw toError(work)
    return work
  }
}

/** Loads the addon on first use; a failure is remembered too, so that asking again costs nothing.
 *  @throws BrauerError `backend-unavailable` */
export function binding(backend = 'cpu'): Binding {
  outcome ??= load()
  if ('addon' in outcome) return outcome.addon
  const { failure } = outcome
  const message = failure instanceof Error ? failure.message.trim() : String(failure)
  throw new BrauerError('backend-unavailable', `backend ${backend}: ${message}`, { cause: failure })
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
