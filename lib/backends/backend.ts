import type { DeviceData, DeviceMemory } from '../tensor/device.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Program } from '../program/program.js'

/** Element storage as it crosses to a backend: 16-bit floats travel as their bits. */
export type Data = Float32Array | Float64Array | Uint16Array

/** An operand of a run: elements on the host, or in memory of the device that runs. */
export type Operand = Data | DeviceData

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Number of threads at most; the backend's own choice when left out. */
  readonly threads?: number | undefined
}

/** A program loaded into a backend for one storage type. */
export interface Executable {
  /** Runs on the calling thread's time. `operands` holds one array per input buffer, then one per output buffer, in program
   *  order: item buffers hold batch·size elements, shared ones size. Item operands have the storage type, shared ones the
   *  compute type (float32 for 16-bit storage). Operands must not overlap. */
  runSync(batch: number, operands: readonly Operand[], options?: RunOptions): void
  /** The same off the event loop. The caller keeps the operands alive and untransferred until it settles. */
  run(batch: number, operands: readonly Operand[], options?: RunOptions): Promise<void>
  /** What a run would do, by kinds of work (`workKinds` of calibration.ts), where the backend can tell. */
  work?(batch: number, threads: number): readonly number[]
  dispose(): void
}

/** One way to execute programs. Implementations are listed once, in order of preference, in index.ts. */
export interface Backend {
  readonly name: string
  readonly device: string
  /** Equal for backends whose executables are interchangeable; the name when left out. */
  readonly key?: string
  /** Where operands may lie besides the host. */
  readonly memory?: DeviceMemory
  /** Does off the event loop what the first use of a device takes, some tenths of a second; `load` would do it on the way. */
  ready?(): Promise<void>
  /** @param expectedBatch items of a usual run, 1 by default: a backend may lay items out for it, once for all runs
   *  @param exact whether products need the full precision of the dtype, whatever the layer asks for; false by default */
  load(program: Program, dtype: Dtype, expectedBatch?: number, exact?: boolean): Executable
}

/** What a run on an NVIDIA device is expected to do, by a model of the device. Bytes and operations are of the whole run. */
export interface DeviceEstimate {
  readonly mode: 'fused' | 'staged'
  readonly seconds: number
  readonly launches: number
  /** Read from and written to the device's memory; handed out again by its last cache; read and written in shared memory. */
  readonly globalBytes: number
  readonly l2Bytes: number
  readonly sharedBytes: number
  /** Products and sums; two flops each. */
  readonly multiplies: number
  /** Instructions of warps. */
  readonly instructions: number
  /** Barriers of a tile or box, and bytes of shared memory that a block takes. */
  readonly barriers: number
  readonly sharedMemory: number
}

export interface DeviceEstimates {
  readonly device: string
  readonly batch: number
  readonly modes: readonly DeviceEstimate[]
}
