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
  /** The same elements once more, which stay until every one of these has been disposed of. @throws BrauerError `disposed` */
  share(): DeviceData<D>
  /** Gives the memory back now; the garbage collector does so some time. Runs in flight keep it until they are done. */
  dispose(): void
}

/** Rows of `row` elements: those of `packed` lie one after the other, item by item, and row r of item i of `spread` at items[i] + rows[r].
 *  Both are numbers of arrays, inputs before outputs; one of them is an input and the other an output. */
export interface RowMove {
  readonly packed: number
  readonly spread: number
  readonly row: number
  readonly items: readonly number[]
  readonly rows: readonly number[]
}

/** A program of a device whose operands lie there. */
export interface DeviceProgram {
  runSync(batch: number, operands: readonly DeviceData[], options?: { readonly signal?: AbortSignal | undefined }): void
  run(
    batch: number,
    operands: readonly DeviceData[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>
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
  /** Moves rows from inputs to outputs of these sizes, in a run of one item.
   *  @param clears whether what no row of an output covers becomes zero; it stays as it is otherwise
   *  @throws BrauerError `device-lost` */
  mover(
    dtype: Dtype,
    inputs: readonly number[],
    outputs: readonly number[],
    moves: readonly RowMove[],
    clears: boolean,
  ): DeviceProgram
  /** Adds the second to the first of two inputs, element by element, one for each item, rounded to the dtype; the device keeps it.
   *  @throws BrauerError `out-of-memory`, `device-lost` */
  adder(dtype: Dtype): DeviceProgram
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
