import type { Backend } from './backend.js'
import { checkDevice, deviceLoader, deviceMemory } from './device-memory.js'
import { cudaInfo } from './native.js'

/** How a device runs a program: all of it in one launch over tiles of items in shared memory, or one launch per instruction. */
export const cudaModes = ['auto', 'fused', 'staged'] as const
export type CudaMode = (typeof cudaModes)[number]

/** What products of float32 are computed in: float32 itself; tf32, which keeps 11 bits of each factor; or three products of tf32, nearly as
 *  exact as float32. Processors compute in full precision, whatever is asked for. */
export const precisions = ['highest', 'tf32', 'tf32x3'] as const
export type Precision = (typeof precisions)[number]

/** How a layer runs on a device. */
export interface DeviceOptions {
  readonly mode?: CudaMode
  readonly precision?: Precision
  /** Bytes that a call may take there beside tensors that lie there; larger batches are cut. 2^30 when left out. */
  readonly memory?: number
}

/** The NVIDIA device of this index, as CUDA counts them.
 *  @param where the beginning of the error's message
 *  @throws BrauerError `backend-unavailable` with exactly why it cannot be used */
export function cuda(index: number, where: string, options: DeviceOptions = {}): Backend {
  const device = cudaInfo().devices[checkDevice(index, where)]!
  const { mode = 'auto', precision = 'highest', memory = 2 ** 30 } = options
  return {
    name: 'cuda',
    key: `cuda:${String(index)}/${mode}/${precision}/${String(memory)}`,
    device: `${device.name} (cuda:${String(index)})`,
    memory: deviceMemory(index),
    ready: () => deviceMemory(index).ready(),
    load: deviceLoader(index, { mode: cudaModes.indexOf(mode), precision: precisions.indexOf(precision), memory }),
  }
}
