import {
  engine, getKernel, registerKernel,
  type KernelBackend, type NamedAttrMap, type NamedTensorMap, type Tensor, type TensorInfo,
} from '@tensorflow/tfjs-core' // prettier-ignore
import type { Linear } from '../layers/linear.js'
import { shapeOf, type Entry } from '../layers/operands.js'
import type { TensorLike } from '../tensor/tensor.js'

/** A layer as the kernels know it. */
export interface Target {
  readonly layer: Linear
  readonly inputs: readonly Entry[]
  readonly outputs: readonly Entry[]
  /** Names of all parameters, and the shape of each. */
  readonly parameters: ReadonlyMap<string, readonly number[]>
  /** Where the layer is nobody else's, the values that were loaded into it last: they are packed already. */
  readonly loaded?: Map<string, object>
}

/** The three maps of a layer. Their inputs are tensors in this order: of the space or spaces that the map takes, then a parameter for each
 *  of `names`; parameters that are not named are zero. Without `names` the parameters are the layer's own. `weightGradient` takes
 *  no parameters; there the names say whose gradients are wanted. */
export const kernelNames = {
  forward: 'BrauerForward',
  inputGradient: 'BrauerInputGradient',
  weightGradient: 'BrauerWeightGradient',
} as const
export type MapName = keyof typeof kernelNames

/** What a kernel is called with. */
export interface Attributes {
  readonly target: Target
  readonly names?: readonly string[]
}

/** Runs a map as a kernel of the backend in use, so that gradients can be taken of it, of any order. */
export function runMap(map: MapName, tensors: readonly Tensor[], target: Target, names?: readonly string[]): Tensor[] {
  register()
  const inputs = tensors as unknown as NamedTensorMap
  return engine().runKernel(kernelNames[map], inputs, { target, names } as unknown as NamedAttrMap) as Tensor[]
}

/** Backends may be registered at any time, so their kernels are when they are first needed. */
function register(): void {
  // Asking for the backend is what starts the one that is set.
  if (engine().backend === undefined) return
  const { backendName } = engine()
  for (const [map, kernelName] of Object.entries(kernelNames) as [MapName, string][]) {
    if (getKernel(kernelName, backendName)) continue
    const kernelFunc = ({ inputs, attrs, backend }: { inputs: object; attrs?: object; backend: unknown }) =>
      compute(map, Object.values(inputs) as TensorInfo[], attrs as Attributes, backend as Host)
    registerKernel({ kernelName, backendName, kernelFunc })
  }
}

/** What is used of a backend. That of WebAssembly lets its memory be looked at. */
interface Host extends Pick<KernelBackend, 'readSync' | 'write' | 'disposeData'> {
  typedArrayFromHeap?(info: TensorInfo): Float32Array
  makeOutput?(shape: readonly number[], dtype: 'float32'): TensorInfo
}

function compute(
  map: MapName,
  tensors: readonly TensorInfo[],
  { target, names }: Attributes,
  host: Host,
): TensorInfo[] {
  const { layer, inputs, outputs } = target
  const [from, to] = map === 'inputGradient' ? [outputs, inputs] : [inputs, outputs]
  const batch = tensors[0]!.shape[0]!
  if (map === 'weightGradient') {
    const [x, g] = [record(from, tensors, host), record(to, tensors.slice(from.length), host)]
    const gradients = layer.weightGradientSync(x, g)
    return names!.map((name) => give(host, gradients[name]!.shape, gradients[name]!.data as Float32Array))
  }
  const options = weightsOf(map, target, names, tensors.slice(from.length), host)
  const run = (x: Readonly<Record<string, TensorLike>>, out?: Readonly<Record<string, TensorLike>>) =>
    map === 'forward' ? layer.forwardSync(x, { ...options, out }) : layer.inputGradientSync(x, { ...options, out })
  const shapes = to.map((entry) => shapeOf(entry, batch, layer.options.layout === 'channels-first') as number[])
  if (!host.typedArrayFromHeap || !host.makeOutput) {
    const y = run(record(from, tensors, host))
    return to.map(({ key }, i) => give(host, shapes[i]!, y[key]!.data as Float32Array))
  }
  // The heap may move when it grows, so views of it are made when everything has its place: inputs that come from another
  // backend, then outputs.
  for (let i = 0; i < from.length; i++) read(host, tensors[i]!)
  const results = shapes.map((shape) => host.makeOutput!(shape, 'float32'))
  try {
    run(record(from, tensors, host), record(to, results, host))
  } catch (error) {
    for (const { dataId } of results) host.disposeData(dataId)
    throw error
  }
  return results
}

/** The parameters of a call, as far as they are not those that the layer has. */
function weightsOf(
  map: MapName,
  { layer, parameters, loaded }: Target,
  names: readonly string[] | undefined,
  tensors: readonly TensorInfo[],
  host: Host,
): { parameters?: Readonly<Record<string, TensorLike>> } {
  if (!names) return {}
  // The bias has no part in the input gradient.
  const needed = [...parameters.keys()].filter((name) => map === 'forward' || name.startsWith('weight.'))
  const same = (name: string): boolean => loaded?.get(name) === tensors[names.indexOf(name)]?.dataId
  if (loaded && loaded.size > 0 && needed.every((name) => names.includes(name) && same(name))) return {}
  const given = Object.fromEntries(names.map((name, i) => [name, view(host, tensors[i]!)]))
  if (!loaded || names.length < parameters.size) return { parameters: given }
  layer.load(given)
  names.forEach((name, i) => loaded.set(name, tensors[i]!.dataId))
  return {}
}

function record(entries: readonly Entry[], tensors: readonly TensorInfo[], host: Host): Record<string, TensorLike> {
  return Object.fromEntries(entries.map(({ key }, i) => [key, view(host, tensors[i]!)]))
}

function view(host: Host, info: TensorInfo): TensorLike {
  return { dims: info.shape, type: 'float32', data: read(host, info) }
}

/** The numbers of a tensor, copied only where the backend keeps them out of reach. */
function read(host: Host, info: TensorInfo): Float32Array {
  return host.typedArrayFromHeap?.(info) ?? (host.readSync(info.dataId) as Float32Array)
}

function give(host: Host, shape: readonly number[], values: Float32Array): TensorInfo {
  return { dataId: host.write(values, [...shape], 'float32'), shape: [...shape], dtype: 'float32' }
}
