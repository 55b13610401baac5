import type { Data, Executable, Operand } from '../backends/backend.js'
import { compile, programNames, type Compiled, type ProgramName } from '../runtime/compiled.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import type { CallOptions, Space } from './call.js'
import type { CallMemory } from './call-memory.js'
import { End, release } from './end.js'
import { Held } from './held.js'
import { fresh } from './operands.js'
import { ParameterStore } from './parameters.js'
import { setUpAt, type Setup } from './setup.js'
import { groupBySize } from './sizes.js'

/** What the calls of a layer work with: its programs as loaded, its parameters, and these packed for the programs. */
export class Core<In extends Space = Space, Out extends Space = Space, D extends Dtype = Dtype> {
  readonly setup: Setup<In, Out, D>
  readonly compiled: Compiled
  readonly inputs: End
  readonly outputs: End
  readonly store: ParameterStore
  readonly #executables: Partial<Record<ProgramName, Executable | undefined>> = {}
  readonly #held: Held
  #packed: { readonly version: number; readonly weights: Operand } | undefined

  /** @param held of a layer whose calls need this one */
  constructor(setup: Setup<In, Out, D>, compiled: Compiled, store?: ParameterStore, held = new Held()) {
    this.#held = held
    this.setup = setup
    this.compiled = compiled
    const { dtype, layout, seed } = setup.options
    const { memory } = setup.backend
    this.inputs = new End(setup.inputs, dtype, layout === 'channels-first', memory)
    this.outputs = new End(setup.outputs, dtype, layout === 'channels-first', memory)
    this.store = store ?? new ParameterStore(compiled.parameters, computeDtype(dtype), seed)
    // Loaded now, so that a program that a backend refuses fails where the layer is made.
    this.executable('forward')
    this.#weights()
  }

  /** The same at another n, with the same store. @throws BrauerError `n-too-small`, `invalid-group` */
  at(n: number | readonly number[]): Core<In, Out, D> {
    const setup = setUpAt(this.setup, n, true)
    return new Core(setup, compile(setup.specification), this.store)
  }

  executable(name: ProgramName): Executable {
    const { backend, options } = this.setup
    return (this.#executables[name] ??= this.#held.executable(this.compiled, name, backend, options.dtype))
  }

  /** @throws BrauerError `disposed` */
  check(where: string): void {
    this.#held.check(where)
  }

  /** Frees the packed weights and the programs that nobody else holds, when the last call has ended. */
  dispose(): void {
    this.#drop()
    for (const name of programNames) this.#executables[name] = undefined
    this.#held.dispose()
  }

  /** What the layer has stays until the end of a call. */
  stay(memory: CallMemory): void {
    memory.atEnd(this.#held.begin())
  }

  ends(name: 'forward' | 'inputGradient'): [End, End] {
    return name === 'forward' ? [this.inputs, this.outputs] : [this.outputs, this.inputs]
  }

  /** The layers that serve the items of a call which differ in n. */
  bySize(sizes: unknown, batch: number, where: string, memory: CallMemory) {
    return groupBySize(sizes, batch, this.setup.specification.group, where).map((group) => {
      const setup = setUpAt(this.setup, group.n, false)
      const core = new Core(setup, compile(setup.specification), this.store, this.#held)
      memory.atEnd(() => core.#drop())
      return { core, group }
    })
  }

  load(values: readonly Data[]): void {
    const weights = this.pack(values)
    this.#replace(this.store.replace(values), weights)
  }

  /** The packed weights of a call: of its own parameters, or of the layer's. Made now, since the call has to begin before it returns:
   *  until then its inputs are the caller's. */
  weightsOf(parameters: CallOptions['parameters'], where: string, memory?: CallMemory): Operand {
    if (parameters === undefined) return this.#weights()
    const weights = this.pack(this.store.take(parameters, `${where}: parameters`, true))
    return memory?.keep(weights) ?? weights
  }

  pack(values: readonly Data[]): Operand {
    const weights = this.freshWeights()
    try {
      this.executable('pack').runSync(1, [...values, weights])
    } catch (error) {
      release([weights])
      throw error
    }
    return weights
  }

  /** Room for packed weights, on the device that runs where there is one; elements of the host are zero. */
  freshWeights(host = false): Operand {
    const packed = this.compiled.program('pack').buffers.find((buffer) => buffer.role === 'output')!
    const dtype = computeDtype(this.setup.options.dtype)
    const { memory } = this.setup.backend
    return memory === undefined || host ? fresh(dtype, packed.size) : memory.allocate(dtype, packed.size)
  }

  /** The packed weights of the current parameters, made anew after a load of another layer. */
  #weights(): Operand {
    const { version, values } = this.store
    if (this.#packed?.version !== version) this.#replace(version, this.pack(values))
    return this.#packed!.weights
  }

  /** What was packed before goes; runs in flight keep it until they are done. */
  #replace(version: number, weights: Operand): void {
    this.#drop()
    this.#packed = { version, weights }
  }

  #drop(): void {
    if (this.#packed) release([this.#packed.weights])
    this.#packed = undefined
  }
}

/** The packed weights of a call, or of its part with another n; memory: of the call, where something looks after that. */
export type WeightsOf = (core: Core, memory?: CallMemory) => Operand
