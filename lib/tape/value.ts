import { BrauerError } from '../errors.js'
import { unset } from '../layers/operands.js'
import type { Form } from './form.js'

/** Elements of a value: values have one of the two dtypes of arithmetic. */
export type Data = Float32Array | Float64Array
export type ValueDtype = 'float32' | 'float64'

/** A tensor of a computation that is recorded and not yet done: the result of an operation, a constant, or an input that is
 *  given when the computation is run. Values are made by the functions of this folder. */
export class Value {
  /** Values are numbered as they are made, so that an operation's inputs have lower numbers than its outputs. */
  readonly id: number
  readonly shape: readonly number[]
  readonly dtype: ValueDtype
  readonly size: number
  readonly operation: Operation | undefined
  /** Of a constant. */
  readonly data: Data | undefined
  static #next = 0

  /** @internal */
  constructor(shape: readonly number[], dtype: ValueDtype, operation?: Operation, data?: Data) {
    this.id = Value.#next++
    this.shape = shape
    this.dtype = dtype
    this.size = shape.reduce((a, b) => a * b, 1)
    this.operation = operation
    this.data = data
  }
}

/** What an operation is: its form, how it is run, and its adjoint in terms of operations. */
export interface Rule {
  readonly form: Form
  /** New arrays for the outputs. */
  run(inputs: readonly Data[], call: Call): readonly Data[]
  /** The same off the event loop, where there is such a way. */
  runAsync?(inputs: readonly Data[], call: Call): Promise<readonly Data[]>
  /** Cotangents of the inputs from those of the outputs, where undefined is zero; only those `wanted` are used. Made of operations, so
   *  that they have adjoints themselves. */
  adjoint(cotangents: readonly (Value | undefined)[], wanted: readonly boolean[]): readonly (Value | undefined)[]
}

/** What a computation is run with, beside its inputs. */
export interface Call {
  readonly signal?: AbortSignal | undefined
  /** The n of each item where they differ; see `sizes.ts`. */
  readonly sizes?: readonly number[] | undefined
}

export interface Operation {
  readonly rule: Rule
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
}

/** Records an operation; its outputs have the dtype of its inputs. */
export function record(rule: Rule, inputs: readonly Value[], shapes: readonly (readonly number[])[]): readonly Value[] {
  const outputs: Value[] = []
  const operation = { rule, inputs, outputs }
  for (const shape of shapes) outputs.push(new Value(shape, inputs[0]!.dtype, operation))
  return outputs
}

/** An input, to be given when the computation is run. */
export function input(shape: readonly number[], dtype: ValueDtype): Value {
  return new Value(shape, dtype)
}

export function constant(data: Data, shape: readonly number[]): Value {
  return new Value(shape, data.BYTES_PER_ELEMENT === 8 ? 'float64' : 'float32', undefined, data)
}

/** Zeros of the shape and dtype of a value. */
export function zerosLike({ shape, dtype, size }: Value): Value {
  return constant(fresh(dtype, size).fill(0), shape)
}

/** An array with anything in it. */
export function fresh(dtype: ValueDtype, size: number): Data {
  return unset(dtype, size) as Data
}

/** What inputs and earlier results are. */
export type Bindings = ReadonlyMap<Value, Data>

/** The arrays of some values, on the calling thread. @throws BrauerError `invalid-argument` for an input that is not given */
export function evaluateSync(targets: readonly Value[], given: Bindings, call: Call = {}): Data[] {
  const run = new Evaluation(targets, given)
  for (const operation of run.operations) run.take(operation, operation.rule.run(run.inputsOf(operation), call))
  return targets.map((value) => run.dataOf(value))
}

/** `evaluateSync`, with what takes long off the event loop. */
export async function evaluate(targets: readonly Value[], given: Bindings, call: Call = {}): Promise<Data[]> {
  const run = new Evaluation(targets, given)
  for (const operation of run.operations) {
    const { rule } = operation
    const inputs = run.inputsOf(operation)
    run.take(operation, rule.runAsync ? await rule.runAsync(inputs, call) : rule.run(inputs, call))
  }
  return targets.map((value) => run.dataOf(value))
}

/** The operations behind some values, each after those it needs. Values for which `stop` holds are not looked behind. */
export function operationsBehind(
  targets: readonly Value[],
  stop: (value: Value) => boolean = () => false,
): Operation[] {
  const found = new Set<Operation>()
  const open = [...targets]
  for (let value = open.pop(); value; value = open.pop()) {
    const { operation } = value
    if (!operation || found.has(operation) || stop(value)) continue
    found.add(operation)
    open.push(...operation.inputs)
  }
  return [...found].sort((a, b) => a.outputs[0]!.id - b.outputs[0]!.id)
}

/** One evaluation: arrays are dropped after their last use. */
class Evaluation {
  readonly operations: readonly Operation[]
  readonly #data: Map<Value, Data>
  readonly #uses = new Map<Value, number>()

  constructor(targets: readonly Value[], given: Bindings) {
    this.#data = new Map(given)
    this.operations = operationsBehind(targets, (value) => given.has(value))
    const count = (value: Value, by: number): unknown => this.#uses.set(value, (this.#uses.get(value) ?? 0) + by)
    for (const { inputs } of this.operations) for (const value of inputs) count(value, 1)
    for (const value of targets) count(value, Infinity)
  }

  inputsOf({ inputs }: Operation): Data[] {
    const data = inputs.map((value) => this.dataOf(value))
    for (const value of inputs) {
      const left = this.#uses.get(value)! - 1
      this.#uses.set(value, left)
      if (left === 0) this.#data.delete(value)
    }
    return data
  }

  take({ outputs }: Operation, data: readonly Data[]): void {
    outputs.forEach((value, i) => this.#uses.has(value) && !this.#data.has(value) && this.#data.set(value, data[i]!))
  }

  dataOf(value: Value): Data {
    const data = this.#data.get(value) ?? value.data
    if (!data)
      throw new BrauerError(
        'invalid-argument',
        `evaluate: expected all inputs, received none of shape [${value.shape.join(', ')}]`,
      )
    return data
  }
}
