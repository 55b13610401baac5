import { engine, registerGradient, tensor, zeros, type NamedAttrMap, type Tensor } from '@tensorflow/tfjs-core'
import { kernelNames, runMap, type Attributes, type MapName, type Target } from './kernels.js'

// The three maps are closed under differentiation, so gradients of gradients are gradients of the same kernels:
//   y = f(x; w)               dx = inputGradient(dy; w)     dw = weightGradient(x, dy)
//   h = inputGradient(g; w)   dg = f(dh; w, no bias)        dw = weightGradient(dh, g), none for the bias
//   v = weightGradient(x, g)  dx = inputGradient(g; dv)     dg = f(x; dv)

/** By the place of an input. */
type Gradients = Record<number, () => Tensor>

const isWeight = (name: string): boolean => name.startsWith('weight.')

/** Registers the gradients of the three kernels, which are the same for every backend. */
export function registerGradients(): void {
  for (const [map, kernelName] of Object.entries(kernelNames) as [MapName, string][]) {
    const gradFunc = (dy: Tensor | Tensor[], saved: Tensor[], attributes: NamedAttrMap) =>
      gradientsOf(map, Array.isArray(dy) ? dy : [dy], saved, attributes as unknown as Attributes)
    registerGradient({ kernelName, saveAllInputs: true, gradFunc: gradFunc as never })
  }
}

function gradientsOf(
  map: MapName,
  dys: readonly Tensor[],
  saved: readonly Tensor[],
  attributes: Attributes,
): Gradients {
  const { target, names } = attributes
  const { inputs, outputs } = target
  if (map === 'weightGradient') {
    const [x, g] = [saved.slice(0, inputs.length), saved.slice(inputs.length)]
    const weights = names!.flatMap((name, i) => (isWeight(name) ? [{ name, dy: dys[i]! }] : []))
    const given = [weights.map(({ dy }) => dy), weights.map(({ name }) => name)] as const
    return Object.assign(
      together(0, inputs.length, () => runMap('inputGradient', [...g, ...given[0]], target, given[1])),
      together(inputs.length, outputs.length, () => runMap('forward', [...x, ...dys], target, names)),
    )
  }
  const forward = map === 'forward'
  const count = forward ? inputs.length : outputs.length
  const [x, parameters] = [saved.slice(0, count), saved.slice(count)]
  const weights = names?.filter(isWeight)
  const values = parameters.filter((_, i) => isWeight(names![i]!))
  const gradients = forward
    ? together(0, count, () => runMap('inputGradient', [...dys, ...values], target, weights))
    : together(0, count, () => linearPart(dys, values, target, weights))
  if (!names) return gradients
  // Only of those that take part: the bias is added after an input gradient has gone by.
  const wanted = forward ? names : weights!
  const ends = forward ? [...x, ...dys] : [...dys, ...x]
  const made = together(0, wanted.length, () => runMap('weightGradient', ends, target, wanted))
  names.forEach((name, i) => {
    gradients[count + i] = made[wanted.indexOf(name)] ?? (() => zeros(parameters[i]!.shape))
  })
  return gradients
}

/** f(x) − f(0). */
function linearPart(
  x: readonly Tensor[],
  values: readonly Tensor[],
  target: Target,
  names?: readonly string[],
): Tensor[] {
  if (names) return runMap('forward', [...x, ...values], target, names)
  const own = Object.entries(target.layer.parameters).filter(([name]) => isWeight(name))
  const given = own.map(([, { data, shape }]) => tensor(data as Float32Array, [...shape]))
  return runMap('forward', [...x, ...given], target, own.map(([name]) => name)) // prettier-ignore
}

/** Gradients that one call makes, made when the first of them is asked for. Each is asked for in a scope of its own, at whose end all
 *  tensors but that one are disposed; so they are made before that scope, and live until all gradients are there. */
function together(first: number, count: number, make: () => readonly Tensor[]): Gradients {
  let made: readonly Tensor[] | undefined
  const get = (i: number): Tensor => {
    if (made) return made[i]!
    engine().endScope()
    try {
      made = make()
    } finally {
      engine().startScope('brauer')
    }
    return made[i]!
  }
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [first + i, () => get(i)]))
}
