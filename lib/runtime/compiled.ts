import type { Executable } from '../backends/backend.js'
import type { Backend } from '../backends/backend.js'
import type { Group } from '../groups/group.js'
import { plan, type Plan } from '../plan/plan.js'
import { lowerDense } from '../program/dense.js'
import { decode, encode } from '../program/encode.js'
import { lowerForward, lowerGradients, lowerInputGradient, lowerWeightGradient } from '../program/lower.js'
import { adjoint, lowerPack } from '../program/pack.js'
import type { Program } from '../program/program.js'
import { computeDtype, type Dtype } from '../tensor/dtype.js'
import { loadFromDisk, saveToDisk } from './cache.js'
import { planRequest, specificationKey, type Specification } from './specification.js'

/** The six programs of a layer. pack and unpack turn parameters into packed weights and gradients of those back; gradients is both
 *  gradients in one. */
export const programNames = ['pack', 'unpack', 'forward', 'inputGradient', 'weightGradient', 'gradients'] as const
export type ProgramName = (typeof programNames)[number]

/** One parameter: its shape, and the standard deviation of its initial values, one per diagram (0 for a bias). */
export interface ParameterInfo {
  readonly name: string
  readonly shape: readonly number[]
  readonly deviations: Float64Array
}

/** What a worker or the disk cache hands over. */
export interface Serialized {
  readonly key: string
  readonly parameters: readonly ParameterInfo[]
  readonly programs: Readonly<Record<ProgramName, Float64Array>>
  /** Names of the buffers of each program, which the words leave out. */
  readonly names: Readonly<Record<ProgramName, readonly string[]>>
}

/** A specification with its plan and programs, each made on first use, and the executables loaded from them. */
export class Compiled {
  readonly specification: Specification
  readonly parameters: readonly ParameterInfo[]
  #plan: Plan | undefined
  readonly #programs = new Map<ProgramName, Program>()
  readonly #executables = new Map<string, { readonly executable: Executable; holders: number }>()

  constructor(specification: Specification, serialized?: Serialized) {
    this.specification = specification
    this.parameters = serialized?.parameters ?? parameterInfos(specification.group, this.plan)
    for (const name of serialized ? programNames : []) {
      this.#programs.set(name, decode(serialized!.programs[name], serialized!.names[name]))
    }
  }

  get plan(): Plan {
    this.#plan ??= plan(planRequest(this.specification))
    return this.#plan
  }

  program(name: ProgramName): Program {
    let program = this.#programs.get(name)
    if (!program) this.#programs.set(name, (program = this.#lower(name)))
    return program
  }

  #lower(name: ProgramName): Program {
    if (name === 'unpack') return adjoint(this.program('pack'))
    if (this.plan.strategy === 'dense') return lowerDense(this.plan, this.specification.group, name)
    const lower = {
      pack: lowerPack,
      forward: lowerForward,
      inputGradient: lowerInputGradient,
      weightGradient: lowerWeightGradient,
      gradients: lowerGradients,
    }
    return lower[name](this.plan)
  }

  /** The program on a backend, loaded once for all who hold it. The packing programs run in the dtype of the arithmetic. */
  executable(name: ProgramName, backend: Backend, dtype: Dtype): Executable {
    return this.#loaded(name, backend, dtype).executable
  }

  /** The same, and what to call when it is not needed any longer: the last one unloads it. Runs in flight keep it. */
  hold(name: ProgramName, backend: Backend, dtype: Dtype): { readonly executable: Executable; release(): void } {
    const loaded = this.#loaded(name, backend, dtype)
    loaded.holders++
    const release = (): void => {
      if (--loaded.holders > 0) return
      this.#executables.delete(keyOf(name, backend, dtype))
      loaded.executable.dispose()
    }
    return { executable: loaded.executable, release }
  }

  #loaded(name: ProgramName, backend: Backend, dtype: Dtype): { readonly executable: Executable; holders: number } {
    const packs = isPacking(name)
    const type = packs ? computeDtype(dtype) : dtype
    const batch = packs ? 1 : this.specification.expectedBatch
    const key = keyOf(name, backend, dtype)
    let loaded = this.#executables.get(key)
    if (!loaded) {
      loaded = { executable: backend.load(this.program(name), type, batch, packs), holders: 0 }
      this.#executables.set(key, loaded)
    }
    return loaded
  }

  serialize(): Serialized {
    const each = <T>(make: (program: Program) => T): Record<ProgramName, T> =>
      Object.fromEntries(programNames.map((name) => [name, make(this.program(name))])) as Record<ProgramName, T>
    return {
      key: specificationKey(this.specification),
      parameters: this.parameters,
      programs: each(encode),
      names: each((program) => program.buffers.map((buffer) => buffer.name)),
    }
  }
}

const isPacking = (name: ProgramName): boolean => name === 'pack' || name === 'unpack'
const keyOf = (name: ProgramName, backend: Backend, dtype: Dtype): string =>
  `${name}/${backend.key ?? backend.name}/${isPacking(name) ? computeDtype(dtype) : dtype}`

/** Names, shapes and initial deviations: σ² = n^l / (C_k · D_l · ‖M‖²), so that inputs of unit variance give outputs
 *  whose mean square is one (design 1.1). */
function parameterInfos(group: Group, { pairs, bottom, top, mean }: Plan): ParameterInfo[] {
  const diagramsInto = top.tensors.map((_, output) =>
    pairs.reduce((sum, pair) => sum + (pair.output === output && pair.input >= 0 ? pair.diagrams.length : 0), 0),
  )
  return pairs.map(({ name, input, output, diagrams }) => {
    const cols = top.tensors[output]!.channels
    if (input < 0) return { name, shape: [diagrams.length, cols], deviations: new Float64Array(diagrams.length) }
    const { channels } = bottom.tensors[input]!
    const size = top.tensors[output]!.extents.reduce((a, b) => a * b, 1)
    const deviations = Float64Array.from(diagrams, (diagram) => {
      let norm = group.gram(diagram, diagram)
      if (mean) {
        for (const piece of group.pieces(diagram).down) {
          if (piece.type === 'sum' || piece.type === 'form') norm /= bottom.tensors[input]!.extents[piece.at[0]!]! ** 2
        }
      }
      return Math.sqrt(size / (channels * diagramsInto[output]! * norm))
    })
    return { name, shape: [diagrams.length, channels, cols], deviations }
  })
}

/** Most recently used last. */
const cache = new Map<string, Compiled>()
const cacheSize = 128

/** The compiled form of a specification, from this process's cache, from the directory BRAUER_CACHE, or made now. */
export function compile(specification: Specification, serialized?: Serialized): Compiled {
  const key = specificationKey(specification)
  let compiled = cache.get(key)
  if (compiled) {
    cache.delete(key)
  } else {
    const stored = serialized ?? loadFromDisk(key)
    compiled = new Compiled(specification, stored)
    if (!stored) saveToDisk(key, () => compiled!.serialize())
  }
  cache.set(key, compiled)
  if (cache.size > cacheSize) cache.delete(cache.keys().next().value!)
  return compiled
}

/** Whether this process holds the specification already. */
export function isCompiled(specification: Specification): boolean {
  return cache.has(specificationKey(specification))
}
