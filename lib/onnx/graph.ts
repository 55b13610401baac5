import { createHash } from 'node:crypto'
import type { Dtype } from '../tensor/dtype.js'

/** A value of a graph: its name and the extents of one item. In the graph it has the batch in front of them, or 1 where it is
 *  the same for every item. */
export interface Value {
  readonly name: string
  readonly shape: readonly number[]
  readonly batched: boolean
}

/** ONNX names of element types, as numbers of its TensorProto.DataType. */
export const elementTypes = { float32: 1, int64: 7, float16: 10, float64: 11, bfloat16: 16 } as const

export interface Constant {
  readonly name: string
  readonly type: number
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
}

export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, number | readonly number[]>>
}

/** An input or an output of the graph; its shape follows the batch. */
export interface Port {
  readonly name: string
  readonly type: number
  readonly shape: readonly number[]
}

/** Operators that are functions of one number. */
export type ElementwiseOperator =
  'Cos' | 'Erf' | 'Exp' | 'Log' | 'Reciprocal' | 'Relu' | 'Sigmoid' | 'Sin' | 'Softplus' | 'Sqrt' | 'Tanh'

/** An ONNX graph in the making, on a batch that is open: operators of the default domain, version 17, each equal node and each
 *  equal constant once. Axes count those of one item; arithmetic is float32, or float64 where that is asked for. */
export class Graph {
  readonly nodes: Node[] = []
  readonly constants: Constant[] = []
  readonly inputs: Port[] = []
  readonly outputs: Port[] = []
  /** Of the arithmetic. */
  readonly type: 'float32' | 'float64'
  readonly #known = new Map<string, readonly string[]>()

  constructor(type: 'float32' | 'float64') {
    this.type = type
  }

  input(name: string, shape: readonly number[], dtype: Dtype): Value {
    this.inputs.push({ name, type: elementTypes[dtype], shape })
    const value = { name, shape, batched: true }
    return dtype === this.type ? value : this.#make('Cast', [value], shape, [], { to: elementTypes[this.type] })
  }

  /** Gives a value, whose extents may be 1 where those of `shape` are not, a name outside. */
  output(name: string, value: Value, shape: readonly number[], dtype: Dtype): void {
    this.outputs.push({ name, type: elementTypes[dtype], shape })
    const whole = this.whole(value, shape)
    const [op, attributes] =
      dtype === this.type ? (['Identity', {}] as const) : (['Cast', { to: elementTypes[dtype] }] as const)
    this.nodes.push({ op, inputs: [whole.name], outputs: [name], attributes })
  }

  /** Numbers that every item has. */
  constant(data: ArrayLike<number>, shape: readonly number[]): Value {
    return { name: this.#constant(this.#numbers(data), [1, ...shape], elementTypes[this.type]), shape, batched: false }
  }

  reshape(value: Value, shape: readonly number[]): Value {
    // The 0 stands for the batch as it is.
    return equal(shape, value.shape) ? value : this.#make('Reshape', [value], shape, [this.#integers([0, ...shape])])
  }

  /** Axis p of the result is axis order[p] of the value. */
  transpose(value: Value, order: readonly number[]): Value {
    if (order.every((axis, p) => axis === p)) return value
    const shape = order.map((axis) => value.shape[axis]!)
    return this.#make('Transpose', [value], shape, [], { perm: [0, ...order.map((axis) => axis + 1)] })
  }

  gather(value: Value, axis: number, indices: readonly number[]): Value {
    const shape = value.shape.with(axis, indices.length)
    return this.#make('Gather', [value], shape, [this.#integers(indices)], { axis: axis + 1 })
  }

  /** The places from `from` to `to`, the latter not, of an axis. */
  slice(value: Value, axis: number, from: number, to: number): Value {
    const range = [from, to, axis + 1].map((each) => this.#integers([each]))
    return this.#make('Slice', [value], value.shape.with(axis, to - from), range)
  }

  /** The sum over some axes, which are gone then. */
  sum(value: Value, axes: readonly number[]): Value {
    if (axes.length === 0) return value
    const shape = value.shape.filter((_, axis) => !axes.includes(axis))
    return this.#make('ReduceSum', [value], shape, [this.#integers(axes.map((axis) => axis + 1))], { keepdims: 0 })
  }

  concat(values: readonly Value[], axis: number): Value {
    if (values.length === 1) return values[0]!
    const total = values.reduce((sum, { shape }) => sum + shape[axis]!, 0)
    return this.#make('Concat', values, values[0]!.shape.with(axis, total), [], { axis: axis + 1 })
  }

  /** The value cut along an axis. */
  split(value: Value, axis: number, sizes: readonly number[]): Value[] {
    if (sizes.length === 1) return [value]
    const names = this.#node('Split', [value.name, this.#integers(sizes)], { axis: axis + 1 }, sizes.length)
    return names.map((name, i) => ({ name, shape: value.shape.with(axis, sizes[i]!), batched: value.batched }))
  }

  /** The last axis times a matrix [inner, cols], plus a row of cols. As a product of two matrices: what onnxruntime 1.30 makes of a
   *  transposed value of more axes times a matrix fails when it runs. */
  product(value: Value, matrix: ArrayLike<number>, row: ArrayLike<number> | undefined, cols: number): Value {
    const inner = value.shape.at(-1)!
    const type = elementTypes[this.type]
    const numbers = [this.#constant(this.#numbers(matrix), [inner, cols], type)]
    if (row) numbers.push(this.#constant(this.#numbers(row), [cols], type))
    const flat =
      value.shape.length === 1 ? value : this.#make('Reshape', [value], [inner], [this.#integers([-1, inner])])
    const result = this.#make(row ? 'Gemm' : 'MatMul', [flat], [cols], numbers)
    const shape = value.shape.with(-1, cols)
    return shape.length === 1 ? result : this.#make('Reshape', [result], shape, [this.#integers([-1, ...shape])])
  }

  /** Extents of 1 run along those of the other. */
  add(a: Value, b: Value): Value {
    return this.#make('Add', [a, b], broadcast(a.shape, b.shape))
  }

  multiply(a: Value, b: Value): Value {
    return this.#make('Mul', [a, b], broadcast(a.shape, b.shape))
  }

  scale(value: Value, factor: number): Value {
    return factor === 1 ? value : this.multiply(value, this.constant([factor], [1]))
  }

  /** An operator on every element. */
  map(op: ElementwiseOperator, value: Value): Value {
    return this.#make(op, [value], value.shape)
  }

  /** 1 where a value is above zero, else 0. */
  positive(value: Value): Value {
    const above = this.#make('Greater', [value, this.constant([0], [1])], value.shape)
    return this.#make('Cast', [above], value.shape, [], { to: elementTypes[this.type] })
  }

  /** The nearest numbers between −limit and limit. */
  clamp(value: Value, limit: number): Value {
    const above = this.#make('Max', [value, this.constant([-limit], [1])], value.shape)
    return this.#make('Min', [above, this.constant([limit], [1])], value.shape)
  }

  /** A value of full extents, and with a batch where it has none. */
  whole(value: Value, shape: readonly number[]): Value {
    if (value.batched && equal(value.shape, shape)) return value
    const batch = this.#node('Shape', [this.inputs[0]!.name], { start: 0, end: 1 })
    const [full] = this.#node('Concat', [...batch, this.#integers(shape)], { axis: 0 })
    return { ...this.#make('Expand', [value], shape, [full!]), batched: true }
  }

  /** Nodes and constants that the outputs need. */
  needed(): Pick<Graph, 'nodes' | 'constants'> {
    const read = new Set(this.outputs.map(({ name }) => name))
    const nodes = this.nodes.toReversed().filter(({ inputs, outputs }) => {
      const isRead = outputs.some((name) => read.has(name))
      if (isRead) for (const name of inputs) read.add(name)
      return isRead
    })
    return { nodes: nodes.reverse(), constants: this.constants.filter(({ name }) => read.has(name)) }
  }

  #make(
    op: string,
    values: readonly Value[],
    shape: readonly number[],
    more: readonly string[] = [],
    attributes: Node['attributes'] = {},
  ): Value {
    const [name] = this.#node(op, [...values.map((value) => value.name), ...more], attributes)
    return { name: name!, shape, batched: values.some((value) => value.batched) }
  }

  #node(op: string, inputs: readonly string[], attributes: Node['attributes'], count = 1): readonly string[] {
    const key = JSON.stringify([op, inputs, attributes])
    let outputs = this.#known.get(key)
    if (outputs) return outputs
    const name = `${op}_${this.nodes.length}`
    outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}_${i}`))
    this.nodes.push({ op, inputs, outputs, attributes })
    this.#known.set(key, outputs)
    return outputs
  }

  #numbers(data: ArrayLike<number>): Float32Array | Float64Array {
    return this.type === 'float32' ? Float32Array.from(data) : Float64Array.from(data)
  }

  #integers(values: readonly number[]): string {
    return this.#constant(BigInt64Array.from(values, BigInt), [values.length], elementTypes.int64)
  }

  #constant(values: ArrayBufferView, dims: readonly number[], type: number): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const key = `${type} ${dims.join()} ${createHash('sha256').update(bytes).digest('base64')}`
    const known = this.#known.get(key)
    if (known) return known[0]!
    const name = `constant_${this.constants.length}`
    this.constants.push({ name, type, dims, bytes })
    this.#known.set(key, [name])
    return name
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis])
}

/** Aligned at the last axis. */
function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a]
  const shift = long.length - short.length
  return long.map((extent, axis) => (extent === 1 ? (short[axis - shift] ?? 1) : extent))
}
