import type { Data } from '../backends/backend.js'
import { expected, show } from '../errors.js'
import type { ParameterInfo } from '../runtime/compiled.js'
import { allocate, type Dtype } from '../tensor/dtype.js'
import { normalAt } from '../tensor/random.js'
import { product } from '../tensor/size.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import { asTensor, fresh, takeData } from './operands.js'

/** The parameters of a layer, shared by all layers that `at` makes of it. Arrays are replaced, never written, so that a call
 *  in flight keeps what it started with. */
export class ParameterStore {
  readonly infos: readonly ParameterInfo[]
  readonly dtype: 'float32' | 'float64'
  #values: readonly Data[]
  /** Changes with every load. */
  #version = 0

  constructor(infos: readonly ParameterInfo[], dtype: 'float32' | 'float64', seed: number) {
    this.infos = infos
    this.dtype = dtype
    this.#values = initialize(infos, dtype, seed)
  }

  get values(): readonly Data[] {
    return this.#values
  }

  get version(): number {
    return this.#version
  }

  /** Tensors over the sum of some arrays of values; the first of them are used up. */
  wrap(summands: readonly (readonly Data[])[]): Record<string, Tensor<'float32' | 'float64'>> {
    return Object.fromEntries(
      this.infos.map(({ name, shape }, i) => {
        const sum = summands[0]?.[i] ?? allocate(this.dtype, product(shape, name))
        for (const values of summands.slice(1)) for (let at = 0; at < sum.length; at++) sum[at]! += values[i]![at]!
        return [name, new Tensor(sum as Float32Array & Float64Array, shape, this.dtype)]
      }),
    )
  }

  /** A copy, by name. */
  read(): Record<string, Tensor<'float32' | 'float64'>> {
    return this.wrap([this.#values.map((values) => values.slice())])
  }

  /** Replaces all values at once, by what `take` gave. Returns the new version. */
  replace(values: readonly Data[]): number {
    this.#values = values
    return ++this.#version
  }

  /** Room for values. @throws BrauerError `out-of-memory` */
  fresh(): Data[] {
    return this.infos.map(({ shape }) => fresh(this.dtype, product(shape, 'parameters')))
  }

  /** Checked copies in the order of the infos; names left out count as zero where `partial`. */
  take(parameters: unknown, where: string, partial: boolean): Data[] {
    if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
      throw expected('invalid-parameters', where, `a record of tensors (${this.#names()})`, show(parameters))
    }
    for (const name of Object.keys(parameters)) {
      if (!this.infos.some((info) => info.name === name))
        throw expected('invalid-parameters', where, `the parameters ${this.#names()}`, show(name))
    }
    return this.infos.map(({ name, shape }) => {
      const size = product(shape, name)
      const value = (parameters as Record<string, TensorLike | undefined>)[name]
      if (value === undefined && partial) return allocate(this.dtype, size)
      if (value === undefined)
        throw expected('invalid-parameters', where, `${name} of shape [${shape.join(', ')}]`, 'none')
      const tensor = asTensor(value, `${where}, ${name}`)
      if (tensor.dims.length !== shape.length || shape.some((extent, i) => extent !== tensor.dims[i])) {
        throw expected('invalid-parameters', `${where}, ${name}`, `shape [${shape.join(', ')}]`, show(tensor.dims))
      }
      return takeData(tensor, this.dtype, size, `${where}, ${name}`).slice()
    })
  }

  #names(): string {
    return this.infos.map((info) => info.name).join(', ') || 'none'
  }
}

/** Independent normal weights, zero biases (design 1.1). Each value depends on the seed and its position alone. */
function initialize(infos: readonly ParameterInfo[], dtype: Dtype, seed: number): Data[] {
  let index = 0
  return infos.map(({ shape, deviations }) => {
    const values = fresh(dtype, product(shape, 'parameters'))
    const cell = values.length / Math.max(deviations.length, 1)
    for (let i = 0; i < values.length; i++) {
      const deviation = deviations[Math.floor(i / cell)]!
      values[i] = deviation === 0 ? 0 : deviation * normalAt(seed, index + i)
    }
    index += values.length
    return values
  })
}
