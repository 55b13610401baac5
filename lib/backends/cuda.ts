import { BrauerError } from '../errors.js'
import type { Backend } from './backend.js'
import { cudaInfo } from './native.js'

/** The NVIDIA device of this index, as CUDA counts them. This version finds devices and runs nothing on them.
 *  @param where the beginning of the error's message
 *  @throws BrauerError `backend-unavailable` */
export function cuda(index: number, where: string): Backend {
  const { devices, problem } = cudaInfo()
  const device = devices[index]
  const reason =
    problem ??
    (device === undefined
      ? `expected a device below ${String(devices.length)}, received ${String(index)}`
      : (device.problem ??
        `expected a version of brauer that computes on a GPU, received one that only finds ${device.name}`))
  throw new BrauerError('backend-unavailable', `${where}: ${reason}`)
}
