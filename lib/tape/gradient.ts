import { add } from './elementwise.js'
import { input, operationsBehind, zerosLike, type Value } from './value.js'

/** Cotangents of some values from those of the outputs (undefined is zero): the gradients of Σ ⟨cotangent, output⟩ by each of `by`, as
 *  values, which have gradients themselves. Undefined where nothing depends on a value. */
export function pullBack(
  outputs: readonly Value[],
  cotangents: readonly (Value | undefined)[],
  by: readonly Value[],
): (Value | undefined)[] {
  const operations = operationsBehind(outputs)
  const moving = new Set<Value>(by)
  for (const { inputs, outputs: made } of operations)
    if (inputs.some((value) => moving.has(value))) for (const value of made) moving.add(value)
  const gathered = new Map<Value, Value[]>()
  const gather = (value: Value, cotangent: Value | undefined): void => {
    if (!cotangent || !moving.has(value)) return
    const list = gathered.get(value)
    if (list) list.push(cotangent)
    else gathered.set(value, [cotangent])
  }
  const total = (value: Value): Value | undefined => {
    const list = gathered.get(value)
    return list && (list.length === 1 ? list[0] : add(...list))
  }
  outputs.forEach((value, i) => gather(value, cotangents[i]))
  for (const { rule, inputs, outputs: made } of operations.reverse()) {
    const received = made.map(total)
    if (!received.some(Boolean)) continue
    const wanted = inputs.map((value) => moving.has(value))
    if (!wanted.some(Boolean)) continue
    rule.adjoint(received, wanted).forEach((cotangent, i) => gather(inputs[i]!, cotangent))
  }
  return by.map(total)
}

/** The gradients of one number by some values, as values of their shapes. @param loss of one element */
export function gradients(loss: Value, by: readonly Value[], one: Value): Value[] {
  return pullBack([loss], [one], by).map((gradient, i) => gradient ?? zerosLike(by[i]!))
}

/** Tangents of the outputs along tangents of the inputs (undefined is zero). The pullback is linear in its cotangents, and its own
 *  pullback is this map; the cotangents themselves are never asked for. */
export function pushForward(
  outputs: readonly Value[],
  inputs: readonly Value[],
  tangents: readonly (Value | undefined)[],
): (Value | undefined)[] {
  const cotangents = outputs.map(({ shape, dtype }) => input(shape, dtype))
  const pulled = pullBack(outputs, cotangents, inputs)
  const kept = pulled.flatMap((value, i) => (value && tangents[i] ? [[value, tangents[i]] as const] : []))
  return pullBack(
    kept.map(([value]) => value),
    kept.map(([, tangent]) => tangent),
    cotangents,
  )
}
