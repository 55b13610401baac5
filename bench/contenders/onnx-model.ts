import type { Graph, Node } from './steps/graph.js'

/** The part of protobufjs that writes a message. */
export interface Protobuf {
  readonly Root: {
    fromJSON(schema: object): { lookupType(name: string): { encode(message: object): { finish(): Uint8Array } } }
  }
}

const field = (id: number, type: string, rule?: 'repeated') => ({ id, type, ...(rule ? { rule } : {}) })

/** The messages and fields of onnx.proto that a graph of float32 tensors needs. */
const schema = {
  nested: {
    Model: {
      fields: {
        irVersion: field(1, 'int64'),
        opsetImport: field(8, 'Opset', 'repeated'),
        graph: field(7, 'Graph'),
      },
    },
    Opset: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
    Graph: {
      fields: {
        node: field(1, 'Node', 'repeated'),
        name: field(2, 'string'),
        initializer: field(5, 'Tensor', 'repeated'),
        input: field(11, 'Value', 'repeated'),
        output: field(12, 'Value', 'repeated'),
      },
    },
    Node: {
      fields: {
        input: field(1, 'string', 'repeated'),
        output: field(2, 'string', 'repeated'),
        opType: field(4, 'string'),
        attribute: field(5, 'Attribute', 'repeated'),
      },
    },
    Attribute: {
      fields: {
        name: field(1, 'string'),
        i: field(3, 'int64'),
        ints: field(8, 'int64', 'repeated'),
        type: field(20, 'int32'),
      },
    },
    Tensor: {
      fields: {
        dims: field(1, 'int64', 'repeated'),
        dataType: field(2, 'int32'),
        name: field(8, 'string'),
        rawData: field(9, 'bytes'),
      },
    },
    Value: { fields: { name: field(1, 'string'), type: field(2, 'Type') } },
    Type: { fields: { tensorType: field(1, 'TensorType') } },
    TensorType: { fields: { elemType: field(1, 'int32'), shape: field(2, 'Shape') } },
    Shape: { fields: { dim: field(1, 'Dimension', 'repeated') } },
    Dimension: { fields: { dimValue: field(1, 'int64') } },
  },
}

const float = 1
const int64 = 7
const integer = 2
const integerList = 7

/** A graph as an ONNX model, operator set 17. */
export function onnxModel({ nodes, outputs }: Graph, protobuf: Protobuf): Uint8Array {
  const initializer: object[] = []
  const node: object[] = []
  const name = new Map<Node, string>()
  const integers = (of: Node, what: string, values: readonly number[]): string => {
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    initializer.push({ dims: [values.length], dataType: int64, name: `${of.name}.${what}`, rawData })
    return `${of.name}.${what}`
  }
  const value = ({ shape, name: own }: Node) => ({
    name: own,
    type: { tensorType: { elemType: float, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  })
  const write = (opType: string, input: readonly string[], output: string, attribute: readonly object[] = []): void =>
    void node.push({ input, output: [output], opType, attribute })
  const add = (
    of: Node,
    opType: string,
    more: readonly string[] = [],
    attributes: Record<string, number> = {},
  ): void => {
    const list = Object.entries(attributes).map(([key, i]) => ({ name: key, i, type: integer }))
    write(opType, [...of.from.map((from) => name.get(from)!), ...more], of.name, list)
  }
  for (const each of nodes) {
    const { op, axis, shape, begin, index, data } = each
    name.set(each, each.name)
    switch (op) {
      case 'input':
        break
      case 'constant': {
        const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        initializer.push({ dims: shape, dataType: float, name: each.name, rawData })
        break
      }
      case 'reshape':
        add(each, 'Reshape', [integers(each, 'shape', shape)])
        break
      case 'take':
        add(each, 'Gather', [integers(each, 'index', index)], { axis })
        break
      case 'transpose':
        write('Reshape', [name.get(each.from[0]!)!, integers(each, 'full', each.full)], `${each.name}.a`)
        write('Transpose', [`${each.name}.a`], `${each.name}.b`, [{ name: 'perm', ints: each.perm, type: integerList }])
        write('Reshape', [`${each.name}.b`, integers(each, 'shape', shape)], each.name)
        break
      case 'sum':
        add(each, 'ReduceSum', [integers(each, 'axes', [axis])], { keepdims: 0 })
        break
      case 'concat':
        add(each, 'Concat', [], { axis })
        break
      case 'matmul':
        // Gemm adds a third operand on its way, and takes matrices only.
        if (each.from.length < 3) add(each, 'MatMul')
        else if (shape.length === 2) add(each, 'Gemm')
        else {
          const [a, b, plus] = each.from.map((from) => name.get(from)!)
          write('MatMul', [a!, b!], `${each.name}.a`)
          write('Add', [`${each.name}.a`, plus!], each.name)
        }
        break
      case 'add':
        add(each, 'Add')
        break
      case 'multiply':
        add(each, 'Mul')
        break
      case 'slice': {
        const ends = [integers(each, 'starts', [begin]), integers(each, 'ends', [begin + shape[axis]!])]
        add(each, 'Slice', [...ends, integers(each, 'axes', [axis])])
        break
      }
      case 'expand':
        add(each, 'Expand', [integers(each, 'shape', shape)])
        break
    }
  }
  const results = Object.entries(outputs).map(([to, from]) => {
    write('Identity', [from.name], to)
    return value({ ...from, name: to })
  })
  const inputs = nodes.filter(({ op }) => op === 'input').map(value)
  const graph = { name: 'layer', node, initializer, input: inputs, output: results }
  const model = protobuf.Root.fromJSON(schema).lookupType('Model')
  return model.encode({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph }).finish()
}
