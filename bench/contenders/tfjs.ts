import type { Problem } from '../problem.js'
import { ContenderError, timeOf, type Contender, type Prepared, type Skip } from './contender.js'
import { graphOf } from './graph-of.js'
import { installed } from './installed.js'
import type { Node } from './steps/graph.js'

/** What is used of @tensorflow/tfjs-core. */
interface Tf {
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): TfTensor
  keep(tensor: TfTensor): TfTensor
  tidy<T>(work: () => T): T
  reshape(x: TfTensor, shape: readonly number[]): TfTensor
  gather(x: TfTensor, index: TfTensor, axis: number): TfTensor
  transpose(x: TfTensor, perm: readonly number[]): TfTensor
  sum(x: TfTensor, axis: number): TfTensor
  concat(x: readonly TfTensor[], axis: number): TfTensor
  matMul(a: TfTensor, b: TfTensor): TfTensor
  add(a: TfTensor, b: TfTensor): TfTensor
  mul(a: TfTensor, b: TfTensor): TfTensor
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor
  broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor
}
interface TfTensor {
  dataSync(): Float32Array
  dispose(): void
}

/** TensorFlow.js in WebAssembly with SIMD. Under Node its backend has no threads. */
export const tfjsShared: Contender = {
  name: 'tfjs-shared',
  summary: 'TensorFlow.js, wasm with SIMD on one thread (it has no more under Node), shared by hand',
  async prepare(problem): Promise<Prepared | Skip> {
    const tf = await installed<Tf>('@tensorflow/tfjs-core')
    if ('skip' in tf) return tf
    const wasm = await installed<object>('@tensorflow/tfjs-backend-wasm')
    if ('skip' in wasm) return wasm as Skip
    if (!(await tf.setBackend('wasm'))) throw new ContenderError('the wasm backend does not start')
    await tf.ready()
    try {
      return prepare(problem, tf)
    } catch (error) {
      throw new ContenderError((error as Error).message)
    }
  },
}

function prepare(problem: Problem, tf: Tf): Prepared {
  const { outputs, x } = problem
  // A product with a small matrix is ten times faster than its gather.
  const graph = graphOf(problem, 2 ** 14)
  const kept = new Map<Node, TfTensor>()
  const indices = new Map<Node, TfTensor>()
  for (const node of graph.nodes) {
    const { op, name, shape, data, index } = node
    if (op === 'input') kept.set(node, tf.tensor(x[name.slice(1)]!, shape, 'float32'))
    if (op === 'constant') kept.set(node, tf.tensor(data, shape, 'float32'))
    if (op === 'take') indices.set(node, tf.tensor(Int32Array.from(index), [index.length], 'int32'))
  }
  let y: Record<string, TfTensor> = {}
  const run = (): void => {
    for (const tensor of Object.values(y)) tensor.dispose()
    y = tf.tidy(() => {
      const values = new Map(kept)
      for (const node of graph.nodes)
        if (!values.has(node)) values.set(node, compute(tf, node, node.from.map((from) => values.get(from)!), indices)) // prettier-ignore
      return Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, values.get(node)!]))
    })
  }
  return {
    time: (repeats) => {
      try {
        return timeOf(run)(repeats)
      } catch (error) {
        throw new ContenderError((error as Error).message)
      }
    },
    output: () => Object.fromEntries(outputs.map(({ order }) => [order, y[`y${order}`]!.dataSync()])),
    close: () => {
      for (const tensor of [...kept.values(), ...indices.values(), ...Object.values(y)]) tensor.dispose()
    },
  }
}

function compute(tf: Tf, node: Node, from: readonly TfTensor[], indices: ReadonlyMap<Node, TfTensor>): TfTensor {
  const [a, b, c] = from as [TfTensor, TfTensor, TfTensor?]
  switch (node.op) {
    case 'reshape':
      return tf.reshape(a, node.shape)
    case 'take':
      return tf.gather(a, indices.get(node)!, node.axis)
    case 'transpose':
      return tf.reshape(tf.transpose(tf.reshape(a, node.full), node.perm), node.shape)
    case 'sum':
      return tf.sum(a, node.axis)
    case 'concat':
      return tf.concat(from, node.axis)
    case 'matmul':
      return c ? tf.add(tf.matMul(a, b), c) : tf.matMul(a, b)
    case 'add':
      return tf.add(a, b)
    case 'multiply':
      return tf.mul(a, b)
    case 'slice':
      return tf.slice(a, node.shape.map((_, axis) => (axis === node.axis ? node.begin : 0)), node.shape) // prettier-ignore
    case 'expand':
      return tf.broadcastTo(a, node.shape)
    default:
      throw new Error(`${node.op} is no operation`)
  }
}
