import { createRequire } from 'node:module'
import type * as Protobuf from 'protobufjs/light.js'
import { BrauerError } from '../errors.js'
import type { Graph, Port } from './graph.js'

const field = (id: number, type: string, rule?: 'repeated') => ({ id, type, ...(rule ? { rule } : {}) })

/** By the rules of the second version of the language, a zero is written too. */
const message = (fields: Record<string, ReturnType<typeof field>>) => ({ edition: 'proto2', fields })

/** The messages and fields of onnx.proto that a graph of tensors needs. */
const schema = {
  nested: {
    Model: message({
      irVersion: field(1, 'int64'),
      producerName: field(2, 'string'),
      graph: field(7, 'Graph'),
      opsetImport: field(8, 'Opset', 'repeated'),
    }),
    Opset: message({ domain: field(1, 'string'), version: field(2, 'int64') }),
    Graph: message({
      node: field(1, 'Node', 'repeated'),
      name: field(2, 'string'),
      initializer: field(5, 'Tensor', 'repeated'),
      input: field(11, 'Port', 'repeated'),
      output: field(12, 'Port', 'repeated'),
    }),
    Node: message({
      input: field(1, 'string', 'repeated'),
      output: field(2, 'string', 'repeated'),
      name: field(3, 'string'),
      opType: field(4, 'string'),
      attribute: field(5, 'Attribute', 'repeated'),
    }),
    Attribute: message({
      name: field(1, 'string'),
      i: field(3, 'int64'),
      ints: field(8, 'int64', 'repeated'),
      type: field(20, 'int32'),
    }),
    Tensor: message({
      dims: field(1, 'int64', 'repeated'),
      dataType: field(2, 'int32'),
      name: field(8, 'string'),
      rawData: field(9, 'bytes'),
    }),
    Port: message({ name: field(1, 'string'), type: field(2, 'Type') }),
    Type: message({ tensorType: field(1, 'TensorType') }),
    TensorType: message({ elemType: field(1, 'int32'), shape: field(2, 'Shape') }),
    Shape: message({ dim: field(1, 'Dimension', 'repeated') }),
    Dimension: message({ dimValue: field(1, 'int64'), dimParam: field(2, 'string') }),
  },
}

/** What `type` of an attribute means. */
const integer = 2
const integers = 7

/** Bytes of one message at most, by the rules of its format. */
const largestMessage = 2 ** 31 - 1

/** The bytes of an ONNX ModelProto: IR version 8, operator set 17, the batch a dimension of its own name.
 *  @throws BrauerError `package-missing` without protobufjs, `size-overflow` for constants of 2 GiB or more */
export function encodeModel(graph: Graph): Uint8Array {
  const { nodes, constants } = graph.needed()
  const total = constants.reduce((sum, { bytes }) => sum + bytes.length, 0)
  // What is beside the constants is small: a name and a few numbers for each.
  if (total + 1024 * (constants.length + nodes.length) > largestMessage) {
    throw new BrauerError('size-overflow', `exportOnnx: expected constants of less than 2 GiB, received ${total} bytes`)
  }
  const node = nodes.map(({ op, inputs, outputs, attributes }) => ({
    opType: op,
    name: outputs[0],
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number' ? { name, i: value, type: integer } : { name, ints: value, type: integers },
    ),
  }))
  const initializer = constants.map(({ name, type, dims, bytes }) => {
    return { name, dataType: type, dims, rawData: bytes }
  })
  const body = { name: 'brauer', node, initializer, input: graph.inputs.map(portOf), output: graph.outputs.map(portOf) }
  const model = {
    irVersion: 8,
    producerName: 'brauer',
    opsetImport: [{ domain: '', version: 17 }],
    graph: body,
  }
  return protobuf().Root.fromJSON(schema).lookupType('Model').encode(model).finish()
}

function portOf({ name, type, shape }: Port): object {
  const dim = [{ dimParam: 'batch' }, ...shape.map((dimValue) => ({ dimValue }))]
  return { name, type: { tensorType: { elemType: type, shape: { dim } } } }
}

/** Loaded when it is needed, so that all else works without it. */
function protobuf(): typeof Protobuf {
  try {
    return createRequire(import.meta.url)('protobufjs/light.js') as typeof Protobuf
  } catch (error) {
    throw new BrauerError(
      'package-missing',
      `exportOnnx: expected the package protobufjs (npm install protobufjs), received ${(error as Error).message.split('\n')[0]}`,
      { cause: error },
    )
  }
}
