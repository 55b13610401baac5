import { expected, show } from '../errors.js'
import type { DataOf, Dtype } from './dtype.js'

/** Elements in memory of a device. */
export interface DeviceData<D extends Dtype = Dtype> {
  /** 'cuda:0' and so on. */
  readonly device: string
  readonly dtype: D
  readonly size: number
  /** False once disposed of. */
  readonly isLive: boolean
  /** A copy on the host. @throws BrauerError `disposed`, `out-of-memory`, `device-lost` */
  read(): Promise<DataOf[D]>
  readSync(): DataOf[D]
  /** Gives the memory back now; the garbage collector does so some time. Runs in flight keep it until they are done. */
  dispose(): void
}

/** Memory of a device. */
export interface DeviceMemory {
  readonly device: string
  /** Room with anything in it. @throws BrauerError `out-of-memory`, `device-lost` */
  allocate<D extends Dtype>(dtype: D, size: number): DeviceData<D>
  /** A copy of `data` there. @throws BrauerError `out-of-memory`, `device-lost` */
  upload<D extends Dtype>(dtype: D, data: DataOf[D]): Promise<DeviceData<D>>
  uploadSync<D extends Dtype>(dtype: D, data: DataOf[D]): DeviceData<D>
}

let open = (device: string): DeviceMemory => {
  throw expected('invalid-argument', 'to: device', 'cpu', show(device))
}

/** The memory of a device by its name. @throws BrauerError `invalid-argument`, `backend-unavailable` */
export const memoryOf = (device: string): DeviceMemory => open(device)

/** Says where devices come from: the backends know them, and tensors know no backends. */
export function provideDevices(opener: typeof open): void {
  open = opener
}
