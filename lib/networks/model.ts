import { chooseBackend } from '../backends/index.js'
import { BrauerError, expected, show } from '../errors.js'
import type { Group } from '../groups/group.js'
import { groupFrom } from '../groups/index.js'
import { readSafetensors, writeSafetensors } from '../interop/safetensors.js'
import { Linear, type Space } from '../layers/linear.js'
import {
  inOrder,
  isFree,
  loadModel,
  make,
  parseMetadata,
  parseStored,
  record,
  saveModel,
  type ModelOptions,
} from '../layers/model.js'
import { ownOptions, resolveOptions } from '../layers/options.js'
import { computeDtype } from '../tensor/dtype.js'
import { tensor, type Tensor, type TensorLike } from '../tensor/tensor.js'
import {
  gated,
  invariants,
  layerNorm,
  norms,
  pointwise,
  type ActivationName,
  type GatedOptions,
} from './activations.js'
import { bilinear } from './bilinear.js'
import { directSum, residual, sequential, specificationOf, sum } from './combine.js'
import type { Module } from './module.js'
import { Network, type ModuleSpecification } from './network.js'
import { prefixed, under } from './parameters.js'

/** Options of `loadNetwork`: how its layers run, never what they compute. */
export type NetworkOptions = Omit<ModelOptions, 'layout'>

type Tensors = Readonly<Record<string, Tensor>>

/** A network as a model file (safetensors): all parameters, those of the i-th part with `i.` before their names, and the metadata entry
 *  `brauer`, from which `loadNetwork` makes it again. A single layer gives the file of `saveModel`. */
export function saveNetwork(module: Module): Uint8Array {
  if (module instanceof Linear) return saveModel(module)
  if (!(module instanceof Network))
    throw expected('invalid-argument', 'saveNetwork: network', 'a network or a layer', show(module))
  return writeSafetensors(module.parameters, { brauer: JSON.stringify({ format: 1, network: module.specification }) })
}

/** Makes the network of a model file, or the layer of one.
 *  @param options how its layers run (backend, threads, …); dtype and expectedBatch replace those of the file
 *  @throws BrauerError `invalid-file`; `unknown-option` and the other errors of `linear` for `options` */
export function loadNetwork(bytes: Uint8Array, options: NetworkOptions = {}): Module {
  const names = Object.keys(resolveOptions({})).filter((name) => isFree(name) && name !== 'layout')
  ownOptions(options, names, 'loadNetwork: options')
  const { backend, cuda, precision, dtype } = resolveOptions(options)
  chooseBackend(backend, { ...cuda, precision })
  if (dtype !== 'float32' && dtype !== 'float64')
    throw expected('invalid-dtype', 'loadNetwork: option dtype', 'float32 or float64', dtype)
  const { tensors, metadata } = readSafetensors(bytes)
  const stored = parseMetadata(metadata)
  if (stored['network'] === undefined) return loadModel(bytes, options)
  const specification = record(stored['network'], 'network') as ModuleSpecification
  const module = faulty(() => makeModule(specification, options))
  faulty(() => module.load(parametersOf(module, specification, tensors)))
  return module
}

/** Makes a module of its specification, with parameters as a new one has them. @throws BrauerError `invalid-file` and those of its maker */
export function makeModule(specification: ModuleSpecification, options: NetworkOptions = {}): Module {
  const { kind, ...given } = specification
  if (kind === 'linear') return make(parseStored(given), options, {})
  const parts = (): ModuleSpecification[] => {
    if (!Array.isArray(given['parts'])) throw invalid(`parts of ${show(kind)}`, 'a list', show(given['parts']))
    return given['parts'].map((part) => record(part, 'part') as ModuleSpecification)
  }
  const modules = (): Module[] => parts().map((part) => makeModule(part, options))
  const group = (): Group => groupFrom(given['group'] as string)
  const space = given['space'] as Space
  const dtype = options.dtype ?? given['dtype']
  switch (kind) {
    case 'sequential':
      return sequential(...modules())
    case 'residual':
      return residual(modules()[0]!)
    case 'sum':
      return sum(...modules())
    case 'directSum':
      return directSum(...modules())
    case 'pointwise':
      return pointwise(group(), space, given['name'] as ActivationName, { dtype } as object)
    case 'gated': {
      const { activation, gate, gates } = given as GatedOptions
      return gated(group(), space, { activation, gate, gates, dtype } as GatedOptions)
    }
    case 'norms':
      return norms(group(), space, { activation: given['activation'], dtype } as object)
    case 'layerNorm':
      return layerNorm(group(), space, { epsilon: given['epsilon'], dtype } as object)
    case 'invariants':
      return invariants(group(), space, { dtype } as object)
    case 'bilinear': {
      const { spaces, options: own } = parseStored(record(parts()[0], 'part of bilinear'))
      const run = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
      return bilinear(group(), given['left'] as Space, given['right'] as Space, spaces.output, { ...own, ...run })
    }
    default:
      throw invalid('kind of a module', 'a known one', show(kind))
  }
}

/** A network with other options of how it runs, and the same parameters, in its dtype. */
export function copyModule(module: Module, options: NetworkOptions): Module {
  const specification = specificationOf(module)
  const copy = makeModule(specification, options)
  copy.load(parametersOf(copy, specification, module.parameters))
  return copy
}

/** The tensors of a file as the parameters of its module: rows of weights by the keys of their diagrams, in the module's dtype. */
function parametersOf(
  module: Module,
  specification: ModuleSpecification,
  tensors: Tensors,
): Record<string, TensorLike> {
  if (module instanceof Linear) return inOrder(module, parseStored(specification), tensors)
  const { children, options } = module as Network
  const own = Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => !/^\d+\./.test(name))
      .map(([name, value]) => [name, tensor(value.toNumbers(), value.shape, computeDtype(options.dtype))]),
  )
  const stranger = Object.keys(tensors).find((name) => Number(/^(\d+)\./.exec(name)?.[1]) >= children.length)
  if (stranger !== undefined) throw invalid('tensors', `those of ${children.length} parts`, show(stranger))
  const parts = specification['parts'] as ModuleSpecification[]
  return Object.assign(
    own,
    ...children.map((child, i) => prefixed(i, parametersOf(child, parts[i]!, under(i, tensors)))),
  )
}

/** What is wrong with a module of a file is wrong in the file: the caller's own options are known to be good. */
function faulty<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    const own = ['invalid-file', 'backend-unavailable', 'out-of-memory', 'internal']
    if (!(error instanceof BrauerError) || own.includes(error.code)) throw error
    throw new BrauerError(
      'invalid-file',
      `model file: expected a network that can be made, received one for which ${error.message}`,
      {
        cause: error,
      },
    )
  }
}

const invalid = (where: string, wanted: string, received: string): BrauerError =>
  expected('invalid-file', `model file: ${where}`, wanted, received)
