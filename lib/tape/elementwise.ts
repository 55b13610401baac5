import { BrauerError } from '../errors.js'
import { contract, scalar } from './contract.js'
import type { FunctionName } from './form.js'
import { fresh, record, type Rule, type Value } from './value.js'

/** scales[0]·values[0] + scales[1]·values[1] + …, all of one shape. */
export function combine(values: readonly Value[], scales: readonly number[]): Value {
  const [first] = values as readonly [Value, ...Value[]]
  const rule: Rule = {
    form: { kind: 'combine', scales },
    run: (inputs) => {
      const out = fresh(first.dtype, first.size).fill(0)
      inputs.forEach((data, k) => {
        const scale = scales[k]!
        for (let i = 0; i < out.length; i++) out[i]! += scale * data[i]!
      })
      return [out]
    },
    adjoint: ([g]) => scales.map((by) => scale(g!, by)),
  }
  return record(rule, values, [first.shape])[0]!
}

export const add = (...values: readonly Value[]): Value =>
  combine(
    values,
    values.map(() => 1),
  )
export const subtract = (a: Value, b: Value): Value => combine([a, b], [1, -1])
export const scale = (value: Value, by: number): Value => (by === 1 ? value : combine([value], [by]))

/** Products of the elements of two values of one shape. */
export function multiply(a: Value, b: Value): Value {
  return contract(a, b, a.shape, { loops: [{ extent: a.size, out: 1, a: 1, b: 1 }] })
}

/** x + a number. */
export function shift(value: Value, by: number): Value {
  const rule: Rule = {
    form: { kind: 'shift', by },
    run: ([data]) => {
      const out = fresh(value.dtype, value.size)
      for (let i = 0; i < out.length; i++) out[i] = data![i]! + by
      return [out]
    },
    adjoint: ([g]) => [g],
  }
  return record(rule, [value], [value.shape])[0]!
}

/** A function of one number, and its derivative by means of others: x and y = f(x) are values. */
interface Elementary {
  readonly of: (x: number) => number
  readonly derivative: ((x: Value, y: Value) => Value) | undefined
}

const oneMinus = (value: Value): Value => shift(scale(value, -1), 1)

const functions: Readonly<Record<FunctionName, Elementary>> = {
  exp: { of: Math.exp, derivative: (_, y) => y },
  log: { of: Math.log, derivative: (x) => apply('reciprocal', x) },
  sin: { of: Math.sin, derivative: (x) => apply('cos', x) },
  cos: { of: Math.cos, derivative: (x) => scale(apply('sin', x), -1) },
  tanh: { of: Math.tanh, derivative: (_, y) => oneMinus(multiply(y, y)) },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), derivative: (_, y) => multiply(y, oneMinus(y)) },
  /** log(1 + eˣ). */
  softplus: { of: (x) => Math.log1p(Math.exp(-Math.abs(x))) + (x < 0 ? 0 : x), derivative: (x) => apply('sigmoid', x) },
  relu: { of: (x) => (x > 0 || Number.isNaN(x) ? x : 0), derivative: (x) => apply('step', x) },
  /** 1 above zero, else 0; where it jumps its derivative counts as zero, as everywhere. */
  step: { of: (x) => (x > 0 ? 1 : 0), derivative: undefined },
  sqrt: { of: Math.sqrt, derivative: (_, y) => scale(apply('reciprocal', y), 0.5) },
  reciprocal: { of: (x) => 1 / x, derivative: (_, y) => scale(multiply(y, y), -1) },
  /** The distribution function of a standard normal number, and its density. */
  normal: { of: normalDistribution, derivative: (x) => normalDensity(x) },
}

/** A function of every element. */
export function apply(name: FunctionName, x: Value): Value {
  const { of, derivative } = functions[name]
  const rule: Rule = {
    form: { kind: 'function', name },
    run: ([data]) => {
      const out = fresh(x.dtype, x.size)
      for (let i = 0; i < out.length; i++) out[i] = of(data![i]!)
      return [out]
    },
    adjoint: ([g]) => [derivative && multiply(g!, derivative(x, y))],
  }
  const y = record(rule, [x], [x.shape])[0]!
  return y
}

function normalDensity(x: Value): Value {
  return scale(apply('exp', scale(multiply(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
}

/** Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/15 + …) near zero, whose terms have one sign; further out 1 − φ(x) over the continued fraction
 *  x + 1/(x + 2/(x + 3/(x + …))) (Abramowitz and Stegun 26.2.11 and 26.2.14). */
function normalDistribution(x: number): number {
  const away = Math.abs(x)
  if (!(away < 40)) return x > 0 ? 1 : x < 0 ? 0 : x
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (away < 3) {
    let [sum, term] = [0, x]
    for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
      sum += term
      term *= (x * x) / k
    }
    return 0.5 + density * sum
  }
  let fraction = away
  for (let k = 80; k > 0; k--) fraction = away + k / fraction
  return x > 0 ? 1 - density / fraction : density / fraction
}

/** The sum of all elements, a value of one. */
export function sum(value: Value): Value {
  const one = scalar(1, value.dtype)
  return contract(value, one, [1], { loops: [{ extent: value.size, out: 0, a: 1, b: 0 }] })
}

export function mean(value: Value): Value {
  if (value.size === 0) throw new BrauerError('invalid-shape', 'mean: expected at least one element, received none')
  return scale(sum(value), 1 / value.size)
}
