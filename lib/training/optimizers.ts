import { expected, show } from '../errors.js'
import { ownOptions } from '../layers/options.js'
import { Tensor } from '../tensor/tensor.js'

type Named = Readonly<Record<string, Tensor<'float32' | 'float64'>>>

/** A rule that changes parameters by their gradients. All that it remembers is in its state: tensors of the shapes of the parameters. */
export interface Optimizer {
  /** What makes it again, but for its state: JSON. */
  readonly specification: Readonly<Record<string, unknown>>
  /** Names of the moments that it keeps of each parameter. */
  readonly moments: readonly string[]
  /** New values of one parameter, and of its moments, all in place.
   *  @param step the number of the step, from 1 on
   *  @param rate a factor for the learning rate, of a schedule */
  update(values: Data, gradient: Data, moments: readonly Data[], step: number, rate: number): void
}

type Data = Float32Array | Float64Array

export interface SgdOptions {
  /** 0.01 when left out. */
  readonly learningRate?: number
  /** 0 when left out: v ← momentum·v + g, w ← w − learningRate·v. */
  readonly momentum?: number
}

/** Gradient descent with momentum. @throws BrauerError `invalid-argument`, `unknown-option` */
export function sgd(options?: SgdOptions): Optimizer {
  const { learningRate, momentum } = numbers('sgd', options, { learningRate: 0.01, momentum: 0 })
  return {
    specification: { kind: 'sgd', learningRate, momentum },
    moments: momentum === 0 ? [] : ['velocity'],
    update: (values, gradient, [velocity], _, rate) => {
      for (let i = 0; i < values.length; i++) {
        if (velocity) velocity[i] = momentum * velocity[i]! + gradient[i]!
        values[i]! -= rate * learningRate * (velocity ? velocity[i]! : gradient[i]!)
      }
    },
  }
}

export interface AdamWOptions {
  /** 1e-3 when left out. */
  readonly learningRate?: number
  /** Of the running means of gradients and of their squares, 0.9 and 0.999 when left out. */
  readonly beta1?: number
  readonly beta2?: number
  /** Added to the root, 1e-8 when left out. */
  readonly epsilon?: number
  /** Share of a parameter that is taken away in each step, times the learning rate; 0.01 when left out. */
  readonly weightDecay?: number
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
 *  @throws BrauerError `invalid-argument`, `unknown-option` */
export function adamW(options?: AdamWOptions): Optimizer {
  const given = numbers('adamW', options, {
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
  })
  const { learningRate, beta1, beta2, epsilon, weightDecay } = given
  return {
    specification: { kind: 'adamW', ...given },
    moments: ['mean', 'square'],
    update: (values, gradient, [mean, square], step, rate) => {
      const [bias1, bias2] = [1 - beta1 ** step, 1 - beta2 ** step]
      for (let i = 0; i < values.length; i++) {
        const g = gradient[i]!
        mean![i] = beta1 * mean![i]! + (1 - beta1) * g
        square![i] = beta2 * square![i]! + (1 - beta2) * g * g
        const direction = mean![i]! / bias1 / (Math.sqrt(square![i]! / bias2) + epsilon)
        values[i]! -= rate * learningRate * (direction + weightDecay * values[i]!)
      }
    },
  }
}

/** Zeroed moments of some parameters, by `moment.name`. */
export function startMoments({ moments }: Optimizer, parameters: Named): Record<string, Tensor<'float32' | 'float64'>> {
  return Object.fromEntries(
    moments.flatMap((moment) =>
      Object.entries(parameters).map(([name, { shape, dtype, data }]) => [
        `${moment}.${name}`,
        new Tensor(data.slice().fill(0) as never, shape, dtype),
      ]),
    ),
  )
}

function numbers<T extends Readonly<Record<string, number>>>(where: string, options: unknown, defaults: T): T {
  const given = ownOptions(options, Object.keys(defaults), `${where}: options`)
  const result = Object.entries(defaults).map(([name, value]) => {
    const each = given[name] ?? value
    if (typeof each !== 'number' || !(each >= 0 && each < Infinity))
      throw expected('invalid-argument', `${where}: option ${name}`, 'a number of at least 0', show(each))
    return [name, each]
  })
  return Object.fromEntries(result) as T
}
