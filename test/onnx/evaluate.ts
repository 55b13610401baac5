import { parse } from 'protobufjs'

/** The messages of the ONNX format, as far as models of modules use them, by the numbers of its published onnx.proto. */
const format = `
syntax = "proto2";
message AttributeProto { optional string name = 1; optional float f = 2; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
message NodeProto { repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4; repeated AttributeProto attribute = 5; optional string domain = 7; }
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; repeated float float_data = 4; optional string name = 8; optional bytes raw_data = 9; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShapeProto { repeated Dimension dim = 1; }
message TypeTensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TypeProto { oneof value { TypeTensor tensor_type = 1; } }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto { optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
`

interface Attribute {
  readonly name: string
  readonly i?: number
  readonly ints?: readonly number[]
}
export interface Node {
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly opType: string
  readonly attribute?: readonly Attribute[]
}
interface Port {
  readonly name: string
  readonly type: {
    readonly tensorType: {
      readonly elemType: number
      readonly shape: { readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[] }
    }
  }
}
export interface Model {
  readonly irVersion: number
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[]
  readonly graph: {
    readonly node: readonly Node[]
    readonly initializer: readonly {
      readonly name: string
      readonly dims: readonly number[]
      readonly dataType: number
      readonly rawData: Uint8Array
    }[]
    readonly input: readonly Port[]
    readonly output: readonly Port[]
  }
}

export interface Value {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

export function decodeModel(bytes: Uint8Array): Model {
  const type = parse(format).root.lookupType('ModelProto')
  return type.toObject(type.decode(bytes), { longs: Number, arrays: true }) as Model
}

/** Runs a model by the definitions of its operators, in float64, one element at a time. A name that is not defined yet, or defined twice, fails. */
export function evaluate({ graph }: Model, inputs: Readonly<Record<string, Value>>): Record<string, Value> {
  const values = new Map<string, Value>()
  const define = (name: string, value: Value): void => {
    if (values.has(name)) throw new Error(`${name} is defined twice`)
    if (size(value.shape) !== value.data.length) throw new Error(`${name}: ${value.data.length} for ${value.shape}`)
    values.set(name, value)
  }
  const valueOf = (name: string): Value => {
    const value = values.get(name)
    if (!value) throw new Error(`${name} is not defined`)
    return value
  }
  for (const { name } of graph.input) define(name, inputs[name]!)
  for (const { name, dims = [], dataType, rawData } of graph.initializer) {
    const buffer = Uint8Array.from(rawData).buffer
    const floats = (type: number) => (type === 1 ? new Float32Array(buffer) : new Float64Array(buffer))
    const data = dataType === 7 ? Array.from(new BigInt64Array(buffer), Number) : floats(dataType)
    define(name, { shape: dims, data })
  }
  for (const node of graph.node) {
    const results = compute(node, node.input.map(valueOf))
    node.output.forEach((name, i) => define(name, results[i]!))
  }
  return Object.fromEntries(graph.output.map(({ name }) => [name, valueOf(name)]))
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** A value of a shape by its elements, each from its place. */
function build(shape: readonly number[], element: (place: readonly number[]) => number): Value {
  const data = new Float64Array(size(shape))
  const place = shape.map(() => 0)
  for (let i = 0; i < data.length; i++) {
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      place[axis] = rest % shape[axis]!
      rest = Math.floor(rest / shape[axis]!)
    }
    data[i] = element(place)
  }
  return { shape, data }
}

function at({ shape, data }: Value, place: readonly number[]): number {
  const flat = shape.reduce((sum, extent, axis) => {
    if (!(place[axis]! >= 0 && place[axis]! < extent)) throw new Error(`no place ${place} in ${shape}`)
    return sum * extent + place[axis]!
  }, 0)
  return data[flat]!
}

/** By the rules of numpy: aligned at the last axis, an extent of 1 is every extent. */
function elementwise(a: Value, b: Value, combine: (x: number, y: number) => number): Value {
  const rank = Math.max(a.shape.length, b.shape.length)
  const extent = (value: Value, axis: number): number => value.shape[axis - rank + value.shape.length] ?? 1
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [extent(a, axis), extent(b, axis)]
    if (x !== y && x !== 1 && y !== 1) throw new Error(`${a.shape} and ${b.shape} do not go together`)
    return x === 1 ? y : x
  })
  const pick = (value: Value, place: readonly number[]): number =>
    at(value, place.slice(rank - value.shape.length).map((i, axis) => (value.shape[axis] === 1 ? 0 : i))) // prettier-ignore
  return build(shape, (place) => combine(pick(a, place), pick(b, place)))
}

const functions: Readonly<Record<string, (x: number) => number>> = {
  Cos: Math.cos,
  Erf: erf,
  Exp: Math.exp,
  Log: Math.log,
  Reciprocal: (x) => 1 / x,
  Softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0),
  Relu: (x) => Math.max(0, x),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Sin: Math.sin,
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
}

/** 2/√π ∫ exp(−t²) dt from 0 to x, by Simpson's rule; beyond 6 it is 1 to the precision of float64. */
function erf(x: number): number {
  const [end, steps] = [Math.min(6, Math.abs(x)), 800]
  let sum = 0
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2
    sum += weight * Math.exp(-(((i * end) / steps) ** 2))
  }
  return (Math.sign(x) * sum * end * 2) / (3 * steps * Math.sqrt(Math.PI))
}

function compute({ opType, attribute = [] }: Node, inputs: readonly Value[]): Value[] {
  const [a, b, c] = inputs as [Value, Value, Value]
  const find = (name: string): Attribute | undefined => attribute.find((each) => each.name === name)
  const integer = (name: string): number => find(name)!.i!
  const list = (value: Value): number[] => Array.from(value.data)
  switch (opType) {
    case 'Identity':
    case 'Cast':
      return [a]
    case 'Add':
      return [elementwise(a, b, (x, y) => x + y)]
    case 'Mul':
      return [elementwise(a, b, (x, y) => x * y)]
    case 'Max':
      return [elementwise(a, b, Math.max)]
    case 'Min':
      return [elementwise(a, b, Math.min)]
    case 'Greater':
      return [elementwise(a, b, (x, y) => (x > y ? 1 : 0))]
    case 'Slice': {
      const [from, to, axis] = inputs.slice(1).map((each) => at(each, [0])) as [number, number, number]
      if (from < 0 || to > a.shape[axis]!) throw new Error(`no places ${from} to ${to} in ${a.shape}`)
      return [build(a.shape.with(axis, to - from), (place) => at(a, place.with(axis, place[axis]! + from)))]
    }
    case 'Transpose': {
      const perm = find('perm')!.ints!
      const inverse = perm.map((_, axis) => perm.indexOf(axis))
      return [build(perm.map((axis) => a.shape[axis]!), (place) => at(a, inverse.map((p) => place[p]!)))] // prettier-ignore
    }
    case 'Reshape': {
      const wanted = list(b).map((extent, axis) => (extent === 0 ? a.shape[axis]! : extent))
      const known = wanted.filter((extent) => extent !== -1)
      return [{ shape: wanted.map((extent) => (extent === -1 ? a.data.length / size(known) : extent)), data: a.data }]
    }
    case 'Gather': {
      const axis = integer('axis')
      const shape = a.shape.with(axis, b.data.length)
      return [build(shape, (place) => at(a, place.with(axis, b.data[place[axis]!]!)))]
    }
    case 'ReduceSum': {
      const axes = list(b)
      if (integer('keepdims') !== 0) throw new Error('axes that are summed over are meant to go')
      const summed = axes.map((axis) => a.shape[axis]!)
      return [
        build(a.shape.filter((_, axis) => !axes.includes(axis)), (place) => {
          let sum = 0
          build(summed, (over) => {
            const kept = [...place]
            const full = a.shape.map((_, axis) => (axes.includes(axis) ? over[axes.indexOf(axis)]! : kept.shift()!))
            sum += at(a, full)
            return 0
          })
          return sum
        }),
      ] // prettier-ignore
    }
    case 'Concat': {
      const axis = integer('axis')
      const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, { shape }) => sum + shape[axis]!, 0))
      const total = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0)
      return [
        build(a.shape.with(axis, total), (place) => {
          const which = starts.findLastIndex((start) => start <= place[axis]!)
          return at(inputs[which]!, place.with(axis, place[axis]! - starts[which]!))
        }),
      ]
    }
    case 'Split': {
      const axis = integer('axis')
      let start = 0
      return list(b).map((extent) => {
        const from = start
        start += extent
        return build(a.shape.with(axis, extent), (place) => at(a, place.with(axis, place[axis]! + from)))
      })
    }
    case 'MatMul':
    case 'Gemm': {
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0]) throw new Error(`${a.shape} times ${b.shape}`) // prettier-ignore
      const result = build([a.shape[0]!, b.shape[1]!], ([r, s]) => {
        let sum = 0
        for (let k = 0; k < a.shape[1]!; k++) sum += at(a, [r!, k]) * at(b, [k, s!])
        return sum
      })
      return [c ? elementwise(result, c, (x, y) => x + y) : result]
    }
    case 'Shape': {
      const shape = a.shape.slice(integer('start'), integer('end'))
      return [{ shape: [shape.length], data: shape }]
    }
    case 'Expand': {
      const shape = list(b)
      return [elementwise(a, build(shape, () => 0), (x) => x)] // prettier-ignore
    }
    default:
      if (Object.hasOwn(functions, opType)) return [{ shape: a.shape, data: Float64Array.from(a.data, functions[opType]) }] // prettier-ignore
      throw new Error(`${opType} is no operator that a module needs`)
  }
}
