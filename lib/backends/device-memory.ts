import { BrauerError, expected, show } from '../errors.js'
import { Builder } from '../program/builder.js'
import { encode } from '../program/encode.js'
import type { Program } from '../program/program.js'
import { provideDevices, type DeviceData, type DeviceMemory, type RowMove } from '../tensor/device.js'
import { allocateUnset, bytesPerElement, dtypes, type DataOf, type Dtype } from '../tensor/dtype.js'
import { lengthOf } from '../tensor/memory.js'
import { own } from '../tensor/owned.js'
import { product } from '../tensor/size.js'
import type { Backend, Data, Operand } from './backend.js'
import type { DeviceArray, MemoryUse } from './binding.js'
import { isStatus, NativeExecutable, toError } from './native-executable.js'
import { binding, cudaInfo, inputsOf } from './native.js'

/** A piece of memory, and how many hold it. */
interface Held {
  readonly array: DeviceArray
  holders: number
}

/** What the addon takes an operand as: its own handle of what lies on a device, all else as it is. */
let placed: (operand: Operand) => Operand | DeviceArray

class CudaData<D extends Dtype = Dtype> implements DeviceData<D> {
  readonly dtype: D
  readonly size: number
  readonly #memory: CudaMemory
  #held: Held | undefined

  static {
    placed = (operand) => {
      if (typeof operand !== 'object' || operand === null || !(#held in operand)) return operand
      return operand.#live().array
    }
  }

  constructor(memory: CudaMemory, held: Held, dtype: D, size: number) {
    this.#memory = memory
    this.#held = held
    this.dtype = dtype
    this.size = size
    held.holders++
  }

  get device(): string {
    return this.#memory.device
  }

  get isLive(): boolean {
    return this.#held !== undefined
  }

  async read(): Promise<DataOf[D]> {
    const data = allocateHost(this.dtype, this.size)
    await this.#memory.copier(this.dtype).run(this.size, [this, data])
    return data
  }

  readSync(): DataOf[D] {
    const data = allocateHost(this.dtype, this.size)
    this.#memory.copier(this.dtype).runSync(this.size, [this, data])
    return data
  }

  share(): CudaData<D> {
    return new CudaData(this.#memory, this.#live(), this.dtype, this.size)
  }

  dispose(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined && --held.holders === 0) binding('cuda').dispose(held.array)
  }

  #live(): Held {
    if (this.#held === undefined)
      throw expected('disposed', `memory of ${this.device}`, 'some that is there', 'some that was disposed of')
    return this.#held
  }
}

/** A program on an NVIDIA device; operands may lie there. */
class CudaExecutable extends NativeExecutable {
  protected override place(operands: readonly Operand[]): readonly Data[] {
    return operands.map(placed) as readonly unknown[] as readonly Data[]
  }

  /** Of a copier: see `Binding.mover`. */
  mover(words: Float64Array, inputs: number): CudaExecutable {
    const handle = this.addon.mover(this.handle, words)
    if (isStatus(handle)) throw toError(handle)
    return new CudaExecutable(this.addon, handle, inputs)
  }
}

/** c = a + b, a number each. */
const sum = ((): Program => {
  const builder = new Builder()
  const [a, b] = [builder.buffer('a', 'input', 'item', 1), builder.buffer('b', 'input', 'item', 1)]
  const c = builder.buffer('c', 'output', 'item', 1)
  const pass = { wideBase: 0, narrowBase: 0, scale: 1, loops: [] }
  builder.read(pass, a, c, true)
  builder.read(pass, b, c, false)
  return builder.finish()
})()

class CudaMemory implements DeviceMemory {
  readonly index: number
  readonly #copiers = new Map<number, CudaExecutable>()
  readonly #adders = new Map<Dtype, CudaExecutable>()

  constructor(index: number) {
    this.index = index
  }

  get device(): string {
    return `cuda:${String(this.index)}`
  }

  allocate<D extends Dtype>(dtype: D, size: number): CudaData<D> {
    const array = binding('cuda').allocate(this.index, product([size, bytesPerElement(dtype)], this.device))
    if (isStatus(array)) throw toError(array)
    return new CudaData(this, { array, holders: 0 }, dtype, size)
  }

  async upload<D extends Dtype>(dtype: D, data: DataOf[D]): Promise<CudaData<D>> {
    const there = this.allocate(dtype, lengthOf(data))
    try {
      await this.copier(dtype).run(there.size, [data, there])
    } catch (error) {
      there.dispose()
      throw error
    }
    return there
  }

  uploadSync<D extends Dtype>(dtype: D, data: DataOf[D]): CudaData<D> {
    const there = this.allocate(dtype, lengthOf(data))
    try {
      this.copier(dtype).runSync(there.size, [data, there])
    } catch (error) {
      there.dispose()
      throw error
    }
    return there
  }

  mover(
    dtype: Dtype,
    inputs: readonly number[],
    outputs: readonly number[],
    moves: readonly RowMove[],
    clears: boolean,
  ): CudaExecutable {
    const words = [clears ? 1 : 0, inputs.length, outputs.length, ...inputs, ...outputs]
    for (const { spread, packed, row, items, rows } of moves) {
      words.push(spread, packed, row, items.length, rows.length)
      for (const offsets of [items, rows]) for (const offset of offsets) words.push(offset)
    }
    return this.copier(dtype).mover(Float64Array.from(words), inputs.length)
  }

  adder(dtype: Dtype): CudaExecutable {
    let adder = this.#adders.get(dtype)
    if (!adder) this.#adders.set(dtype, (adder = loadOn(this.index, sum, dtype, stagedOptions)))
    return adder
  }

  /** A copy from the host to the host is one of the device all the same, and sets it to work. */
  async ready(): Promise<void> {
    await this.copier('float32').run(1, [allocateHost('float32', 1), allocateHost('float32', 1)])
  }

  copier(dtype: Dtype): CudaExecutable {
    const bytes = bytesPerElement(dtype)
    let copier = this.#copiers.get(bytes)
    if (!copier) {
      const handle = binding('cuda').copier(this.index, bytes)
      if (isStatus(handle)) throw toError(handle)
      this.#copiers.set(bytes, (copier = new CudaExecutable(binding('cuda'), handle, 1)))
    }
    return copier
  }
}

function allocateHost<D extends Dtype>(dtype: D, size: number): DataOf[D] {
  try {
    const data = allocateUnset(dtype, size)
    own(data.buffer as ArrayBuffer)
    return data
  } catch (error) {
    const received = (error as Error).message
    throw new BrauerError('out-of-memory', `getData: expected memory for ${size} elements of ${dtype}, received ${received}`) // prettier-ignore
  }
}

/** How programs are loaded: as in `Binding.load`. */
interface LoadOptions {
  readonly mode: number
  readonly precision: number
  readonly memory: number
}

/** Where there is one number for each item, every thread has its own. */
const stagedOptions: LoadOptions = { mode: 2, precision: 0, memory: 2 ** 30 }

function loadOn(device: number, program: Program, dtype: Dtype, { mode, precision, memory }: LoadOptions) {
  const addon = binding('cuda')
  const handle = addon.load(encode(program), dtypes.indexOf(dtype), 1, device, mode, precision, memory)
  if (isStatus(handle)) throw toError(handle)
  return new CudaExecutable(addon, handle, inputsOf(program))
}

/** Programs on an NVIDIA device; exact ones have the highest precision. @throws BrauerError `backend-unavailable` */
export function deviceLoader(device: number, options: LoadOptions): Backend['load'] {
  return (program, dtype, _, exact = false) =>
    loadOn(device, program, dtype, exact ? { ...options, precision: 0 } : options)
}

const memories = new Map<number, CudaMemory>()

/** The memory of an NVIDIA device by its index. */
export function deviceMemory(index: number): CudaMemory {
  let found = memories.get(index)
  if (!found) memories.set(index, (found = new CudaMemory(index)))
  return found
}

/** The index of a device that can be used, 'cuda' or 'cuda:1' and so on.
 *  @throws BrauerError `invalid-argument`, `backend-unavailable` with exactly why it cannot be used */
function usableDevice(device: unknown, where: string, wanted = 'cuda, or cuda:1 and so on'): number {
  const [, number = '0'] = /^cuda(?::(\d{1,4}))?$/.exec(typeof device === 'string' ? device : '') ?? []
  if (typeof device !== 'string' || !/^cuda(:\d{1,4})?$/.test(device))
    throw expected('invalid-argument', where, wanted, show(device))
  return checkDevice(Number(number), where)
}

/** @throws BrauerError `backend-unavailable` */
export function checkDevice(index: number, where: string): number {
  // Asking a driver for all that it knows takes up to milliseconds, and a device that could be used once is still there.
  if (memories.has(index)) return index
  const { devices, problem } = cudaInfo()
  const device = devices[index]
  const reason =
    problem ??
    (device === undefined
      ? `expected a device below ${String(devices.length)}, received ${String(index)}`
      : device.problem)
  if (reason !== undefined) throw new BrauerError('backend-unavailable', `${where}: ${reason}`)
  deviceMemory(index)
  return index
}

provideDevices((device) => deviceMemory(usableDevice(device, 'to: device', 'cpu, cuda, or cuda:1 and so on')))

/** The memory of an NVIDIA device in bytes: what this process uses and keeps, and what there is.
 *  @param device 'cuda', which is 'cuda:0', or another
 *  @throws BrauerError `invalid-argument`, `backend-unavailable`, `device-lost` */
export function memory(device = 'cuda'): MemoryUse {
  const use = binding('cuda').memory(usableDevice(device, 'memory: device'))
  if (isStatus(use)) throw toError(use)
  return use
}

/** Limits what this process takes of a device, from now on, in bytes; undefined: no limit. A call that would pass it is cut into smaller
 *  batches, or fails with `out-of-memory` where that is not enough.
 *  @throws BrauerError `invalid-argument`, `backend-unavailable` */
memory.limit = (bytes: number | undefined, device = 'cuda'): void => {
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes > 0))
    throw expected('invalid-argument', 'memory.limit: bytes', 'a positive integer or undefined', show(bytes))
  const status = binding('cuda').limitMemory(usableDevice(device, 'memory.limit: device'), bytes ?? 0)
  if (status) throw toError(status)
}

/** Gives a device the memory back that is kept for later calls. @throws BrauerError `invalid-argument`, `backend-unavailable` */
memory.release = (device = 'cuda'): void => {
  const status = binding('cuda').dropMemory(usableDevice(device, 'memory.release: device'))
  if (status) throw toError(status)
}
