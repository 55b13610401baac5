import { BrauerError } from '../errors.js'
import type { Backend } from './backend.js'
import { cudaInfo, deviceLoader } from './native.js'

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
}

/** The NVIDIA device of this index, as CUDA counts them.
 *  @param where the beginning of the error's message
 *  @throws BrauerError `backend-unavailable` with exactly why it cannot be used */
export function cuda(index: number, where: string, { mode, precision }: DeviceOptions = {}): Backend {
  const { devices, problem } = cudaInfo()
  const device = devices[index]
  const reason =
    problem ??
    (device === undefined
      ? `expected a device below ${String(devices.length)}, received ${String(index)}`
      : device.problem)
  if (device === undefined || reason !== undefined)
    throw new BrauerError('backend-unavailable', `${where}: ${reason ?? 'expected a device, received none'}`)
  return {
    name: 'cuda',
    key: `cuda:${String(index)}/${mode ?? 'auto'}/${precision ?? 'highest'}`,
    device: `${device.name} (cuda:${String(index)})`,
    load: deviceLoader(index, cudaModes.indexOf(mode ?? 'auto'), precisions.indexOf(precision ?? 'highest')),
  }
}
