/** The whole addon. Nothing else of it is used. Statuses are turned into errors in native.ts. */
export interface Binding {
  readonly version: string
  /** A status when there is no memory for the answer. */
  info(): CpuInfo | Status
  /** Looks for devices anew. Apart from `info`, because it loads the driver: with one, the first call takes a tenth of a second or
   *  more. A status when there is no memory for the answer. */
  cuda(): CudaInfo | Status
  /** What runs on a device are expected to move, compute and take; it need not be here. device: a part of the name of a known one,
   *  or cuda:N. precision: as in `load`. numbers: nine of the fused executor (`cuda::Estimate` of native/core/cuda.h), then nine of
   *  the staged one. */
  cudaEstimate(
    words: Float64Array,
    dtype: number,
    device: string,
    batch: number,
    precision: number,
  ): { readonly device: string; readonly numbers: readonly number[] } | Status
  /** Decodes and verifies. dtype: 0 float32, 1 float64, 2 float16, 3 bfloat16. expectedBatch: items of a usual run. A status when
   *  the program is refused. */
  load(words: Float64Array, dtype: number, expectedBatch: number): Program | Status
  /** The same for an NVIDIA device. mode: 0 automatic, 1 fused, 2 staged. precision of float32: 0 its own, 1 tf32, 2 three products of tf32.
   *  memory: bytes that a run may take there beside the operands that lie there. */
  load(
    words: Float64Array,
    dtype: number,
    expectedBatch: number,
    device: number,
    mode: number,
    precision: number,
    memory: number,
  ): Program | Status
  /** operands: inputs, then outputs, in program order. threads 0: the default count. undefined: success. */
  runSync(program: Program, batch: number, operands: readonly ArrayBufferView[], threads: number): Status | undefined
  /** The same in half the time, with up to 24 operands as arguments, none of them over a resizable buffer. */
  runSync(
    program: Program,
    batch: number,
    operands: null,
    threads: number,
    ...rest: ArrayBufferView[]
  ): Status | undefined
  /** Returns a job. `done` is called on the event loop, once, also after `cancel` and for errors. The addon holds references
   *  to the operands until then. */
  run(
    program: Program,
    batch: number,
    operands: readonly ArrayBufferView[],
    threads: number,
    done: (status: Status | undefined) => void,
  ): Job | Status
  cancel(job: Job): void
  /** Says that the calling thread has nothing more to do for now. Since its last `run` it counted as busy: the threads of
   *  runs left a processor to it. */
  idle(): void
  /** Frees the program or the memory now; running jobs keep it. Later use gives a status. */
  dispose(handle: Program | DeviceArray): void
  /** Memory of a device with anything in it, which stands for an array of so many bytes among the operands of a program of that device. */
  allocate(device: number, bytes: number): DeviceArray | Status
  /** A program of one input and one output, each with one element of so many bytes (2, 4 or 8) for each item: a run copies it, to the
   *  device, from it or on it. */
  copier(device: number, elementBytes: number): Program | Status
  /** A program that moves rows of elements from some arrays of a device to others, in a run of one item. copier: whose device, elements
   *  and streams it has. words: `make_mover` of native/core/cuda.h says which. */
  mover(copier: Program, words: Float64Array): Program | Status
  memory(device: number): MemoryUse | Status
  /** 0: no limit. */
  limitMemory(device: number, bytes: number): Status | undefined
  /** Gives back what is kept for later. */
  dropMemory(device: number): Status | undefined
  /** What a run would do, by kinds of work (`workKinds` of calibration.ts); threads 0: the default count. */
  work(program: Program, batch: number, threads: number): readonly number[] | Status
  /** Measures the processor for about a second; threads 0: the default count, dtype as in `load`. */
  roofline(threads: number, dtype: number): Roofline | Status
  /** Products and sums in a second of [rows, inner]·[inner, cols] on the calling thread, by our own kernels (kind 0) or by an
   *  installed BLAS (kind 1); takes some 0.1 s. A status where there is no BLAS, or none that computes every row alike. */
  productRate(kind: 0 | 1, dtype: number, rows: number, inner: number, cols: number): number | Status
  /** Opens an installed BLAS to measure it: that of BRAUER_BLAS, under auto the first usual one. Its own name, if there is one. */
  installedBlas(): string | undefined
  /** Under BRAUER_BLAS=auto: from now on the usual library of this name, '' for none, multiplies where a calibration found it
   *  faster. ranges: per range five integers, the dtype as in `load` (0 or 1), the least and the most of inner and of cols. None
   *  does where it is gone or is called otherwise by now. The first call holds for the process, and a `load` before it for none. */
  useBlas(library: string, ranges: Float64Array): Status | undefined
}

/** Opaque handles. */
export interface Program {
  readonly program: unique symbol
}
export interface DeviceArray {
  readonly array: unique symbol
}
export interface Job {
  readonly job: unique symbol
}

export interface Status {
  readonly code:
    | 'invalid-program'
    | 'invalid-buffer'
    | 'invalid-argument'
    | 'aborted'
    | 'disposed'
    | 'out-of-memory'
    | 'device-lost'
    | 'internal'
  readonly message: string
}

/** The limits that a run is compared with, of all threads together. */
export interface Roofline {
  /** Bytes read plus bytes written in a second, by a copy of arrays far past the last cache. */
  readonly copy: number
  /** Products and sums in a second, in registers. */
  readonly peak: number
}

export interface CpuInfo {
  /** Brand string of the processor. */
  readonly cpu: string
  /** The instruction set in use, and all that are compiled in, each with whether this machine has it. */
  readonly isa: string
  readonly isas: readonly { readonly name: string; readonly available: boolean }[]
  /** Set when BRAUER_CPU_ISA, BRAUER_NUM_THREADS or BRAUER_BLAS cannot be met; then every load fails with this message. */
  readonly error?: string
  readonly threads: number
  /** Bytes of one core's L2 cache and of the last-level cache, and the scratch budget of a tile. */
  readonly l2: number
  readonly llc: number
  readonly tileBytes: number
  readonly blas: BlasInfo
}

/** An installed BLAS that multiplies in place of our kernels, opened at run time; see BRAUER_BLAS. */
export interface BlasInfo {
  /** The one in use, left out when there is none. */
  readonly library?: string
  /** Why this one, or why none. */
  readonly reason: string
  /** The products that it is used for; left out when it is used for all, or none is in use. */
  readonly faster?: readonly BlasRange[]
  /** The products that layers made so far have asked it for. It is not used for shapes in which it sums the rows of a call in
   *  different orders: the bits of an item would then depend on the batch around it. */
  readonly products: readonly {
    readonly dtype: 'float32' | 'float64'
    readonly inner: number
    readonly cols: number
    readonly used: boolean
  }[]
}

/** Products [rows, inner]·[inner, cols] of one dtype, by the least and the most of two sizes. */
export interface BlasRange {
  readonly dtype: 'float32' | 'float64'
  readonly inner: readonly [number, number]
  readonly cols: readonly [number, number]
}

/** What CUDA finds on this machine; no device is set to work by asking. Problems read "expected …, received …". */
export interface CudaInfo {
  /** The versions of CUDA that the driver has, and that the addon was built with; left out where there is none. */
  readonly driver?: string
  readonly runtime?: string
  readonly devices: readonly CudaDevice[]
  /** Why there is no device at all. */
  readonly problem?: string
}

/** Bytes of a device's memory. */
export interface MemoryUse {
  /** By tensors, layers and runs in flight, of this process; and the most of that at one time. */
  readonly used: number
  readonly peak: number
  /** Given back, and kept for the next: asking a device for memory takes long. */
  readonly kept: number
  /** Of what is used and kept; 0 for none. */
  readonly limit: number
  /** Of the whole device, whoever uses it. */
  readonly free: number
  readonly total: number
}

export interface CudaDevice {
  readonly name: string
  /** Compute capability, as "9.0". */
  readonly capability: string
  readonly multiprocessors: number
  /** Bytes. */
  readonly memory: number
  /** Why this device cannot be used. */
  readonly problem?: string
}
