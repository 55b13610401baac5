import { expected, show } from '../errors.js'
import { asTensor, fresh, takeData } from '../layers/operands.js'
import type { ValueDtype } from '../tape/value.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'

type Named = Readonly<Record<string, Tensor<ValueDtype>>>

/** Parameters with the value that all their elements begin with. */
export type Initial = Readonly<Record<string, { readonly shape: readonly number[]; readonly value: number }>>

/** The parameters that a network has beside those of its parts. */
export class OwnParameters {
  #values: Named

  constructor(initial: Initial, dtype: ValueDtype) {
    this.#values = map(initial, ({ shape, value }) => {
      const size = shape.reduce((a, b) => a * b, 1)
      return new Tensor(fresh(dtype, size).fill(value) as never, shape, dtype)
    })
  }

  /** A copy. */
  read(): Named {
    return map(this.#values, ({ data, shape, dtype }) => new Tensor(data.slice() as never, shape, dtype))
  }

  /** Takes those of its names; they have been checked. */
  load(parameters: Named): void {
    this.#values = map(this.#values, (_, name) => parameters[name]!)
  }
}

/** Checked copies with the names and shapes of `like`; names left out are zeros where `partial`.
 *  @throws BrauerError `invalid-parameters`, `invalid-dtype` */
export function takeParameters(
  like: Readonly<Record<string, Tensor>>,
  parameters: unknown,
  where: string,
  partial: boolean,
): Named {
  const names = Object.keys(like).join(', ') || 'none'
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    throw expected('invalid-parameters', where, `a record of tensors (${names})`, show(parameters))
  const stranger = Object.keys(parameters).find((name) => !Object.hasOwn(like, name))
  if (stranger !== undefined) throw expected('invalid-parameters', where, `the parameters ${names}`, show(stranger))
  return map(like as Named, ({ shape, dtype, size }, name) => {
    const value = (parameters as Record<string, TensorLike | undefined>)[name]
    if (value === undefined && partial) return new Tensor(fresh(dtype, size) as never, shape, dtype)
    if (value === undefined)
      throw expected('invalid-parameters', where, `${name} of shape [${shape.join(', ')}]`, 'none')
    const { dims, ...rest } = members(asTensor(value, `${where}, ${name}`))
    if (dims.length !== shape.length || shape.some((extent, i) => extent !== dims[i]))
      throw expected('invalid-parameters', `${where}, ${name}`, `shape [${shape.join(', ')}]`, show(dims))
    const data = takeData({ dims, ...rest }, dtype, size, `${where}, ${name}`)
    return new Tensor(data.slice() as never, shape, dtype)
  })
}

const members = ({ dims, type, data }: TensorLike): TensorLike => ({ dims, type, data })

/** Names of a part's parameters have its number before them. */
export function prefixed<T>(part: number, parameters: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`${part}.${name}`, value]))
}

/** The parameters of a part, by its own names. */
export function under<T>(part: number, parameters: Readonly<Record<string, T>>): Record<string, T> {
  const prefix = `${part}.`
  const found = Object.entries(parameters).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}

const map = <From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Record<string, To> => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))
