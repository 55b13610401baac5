import type { Problem } from '../problem.js'
import { ContenderError, type Contender, type Prepared, type Skip } from './contender.js'
import { graphOf } from './graph-of.js'
import { installed } from './installed.js'
import { onnxModel, type Protobuf } from './onnx-model.js'

interface Ort {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
}
interface OrtTensor {
  readonly data: Float32Array
}
type Tensors = Readonly<Record<string, OrtTensor>>
interface Session {
  run(feeds: Tensors, fetches: Tensors): Promise<Tensors>
  release(): Promise<void>
}

/** ONNX Runtime on the CPU, the model as a careful user would export it. */
export const onnxShared: Contender = {
  name: 'onnx-shared',
  summary: 'onnxruntime-node, shared by hand: every contraction once, one product per class and order of the strands',
  async prepare(problem): Promise<Prepared | Skip> {
    const ort = await installed<Ort>('onnxruntime-node')
    const protobuf = await installed<Protobuf>('protobufjs')
    if ('skip' in ort) return ort
    return 'skip' in protobuf ? protobuf : await prepare(problem, ort, protobuf)
  },
}

async function prepare(problem: Problem, ort: Ort, protobuf: Protobuf): Promise<Prepared> {
  const { inputs, outputs, x, batch, threads } = problem
  const graph = graphOf(problem, 0)
  const options = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Between runs other contenders have the processor.
    extra: { session: { force_spinning_stop: '1' } },
  }
  const session = await refusing(() => ort.InferenceSession.create(onnxModel(graph, protobuf), options))
  const tensors = (entries: readonly (readonly [string, Float32Array, readonly number[]])[]): Tensors =>
    Object.fromEntries(entries.map(([name, data, shape]) => [name, new ort.Tensor('float32', data, shape)]))
  const feeds = tensors(inputs.map(({ order, shape }) => [`x${order}`, x[order]!, [batch, ...shape]]))
  // What a run leaves unwritten then shows as no number.
  const y = outputs.map(({ order, size }) => [order, new Float32Array(batch * size).fill(NaN)] as const)
  const fetches = tensors(y.map(([order, data]) => [`y${order}`, data, graph.outputs[`y${order}`]!.shape]))
  return {
    time: (repeats) =>
      refusing(async () => {
        const start = performance.now()
        for (let i = 0; i < repeats; i++) await session.run(feeds, fetches)
        return performance.now() - start
      }),
    output: () => Object.fromEntries(y),
    close: () => session.release(),
  }
}

/** Errors of the library are refusals. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new ContenderError((error as Error).message)
  }
}
