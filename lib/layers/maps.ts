import type { Operand } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Tensor, TensorLike } from '../tensor/tensor.js'
import type { CallOptions, Parameters, Space, TensorsOf, WeightGradientOptions } from './call.js'
import { withMemory, type CallMemory } from './call-memory.js'
import type { Core, WeightsOf } from './core.js'
import { layoutOf, putCorners, takeCorners } from './corners.js'
import { pullbackOptions, type Gradients, type PullbackOptions } from './derivatives.js'
import { callOptions, checkSignal, type Job } from './job.js'
import type { Operands } from './operands.js'
import { ownOptions } from './options.js'

type Results<S extends Space, D extends Dtype> = TensorsOf<S, Tensor<D>>
type Named = Readonly<Record<string, TensorLike>>

/** A call of `forward` or `inputGradient`; weights: other ones than those of the layer or of the options. */
export function mapJob<To extends Space, D extends Dtype>(
  core: Core,
  name: 'forward' | 'inputGradient',
  x: unknown,
  options: CallOptions | undefined,
  weights?: WeightsOf,
): Job<Results<To, D>> {
  core.check(name)
  const { signal, out, parameters, sizes } = callOptions(options, name) as CallOptions
  const [from, to] = core.ends(name)
  const operands = from.take(x, name)
  const { batch, data: input } = operands
  const given = out === undefined ? undefined : to.takeOut(out, from, operands, name)
  checkSignal(signal, name)
  const { backend, options: own } = core.setup
  const call = { signal, threads: own.threads }
  const weightsOf: WeightsOf = weights ?? ((each, memory) => each.weightsOf(parameters, name, memory))
  const finish = (tensors: readonly TensorLike[]): Results<To, D> => to.record(tensors) as Named as Results<To, D>
  if (sizes === undefined && backend.memory === undefined) {
    // Memory of the host needs no looking after, and small calls have no time for it.
    const packed = weightsOf(core)
    const { data: output, tensors } = given ?? to.make(batch, input, name)
    const run = { executable: core.executable(name), batch, operands: [...input, packed, ...output] }
    return { runs: [run], options: call, finish: () => finish(tensors) }
  }
  return withMemory(call, (memory) => {
    core.stay(memory)
    if (sizes === undefined) {
      const packed = weightsOf(core, memory)
      const executable = core.executable(name)
      const { data: output, tensors } = given ?? memory.results(to.make(batch, input, name))
      return {
        runs: [{ executable, batch, operands: [...input, packed, ...output] }],
        finish: () => finish(tensors),
      }
    }
    const { data: output, tensors } = given ?? memory.results(to.make(batch, input, name))
    const parts = core.bySize(sizes, batch, name, memory)
    const small = (end: 0 | 1) => parts.map((part) => ({ ...part, small: part.core.ends(name)[end].entries }))
    const layout = layoutOf(core.setup, memory)
    const taken = takeCorners(from.entries, small(0), input, layout)
    const put = putCorners(to.entries, small(1), output, layout)
    const runs = parts.map((part, i) => ({
      executable: part.core.executable(name),
      batch: part.group.items.length,
      operands: [...taken.corners[i]!, weightsOf(part.core, memory), ...put.corners[i]!],
    }))
    return { runs: [...taken.runs, ...runs, ...put.runs], finish: () => (put.finish(), finish(tensors)) }
  })
}

export function weightJob(
  core: Core,
  x: unknown,
  g: unknown,
  options: WeightGradientOptions | undefined,
): Job<Parameters> {
  const where = 'weightGradient'
  core.check(where)
  const given = ownOptions(options, ['signal', 'sizes'], `${where}: options`) as WeightGradientOptions
  const job = gradientsJob(core, where, core.inputs.take(x, `${where}: x`), g, given, undefined)
  return { ...job, finish: () => job.finish().parameters }
}

export function bothJob<In extends Space, D extends Dtype>(
  core: Core,
  x: unknown,
  g: unknown,
  given: unknown,
): Job<Gradients<In, D>> {
  const where = 'gradients'
  core.check(where)
  const options = callOptions(given, where) as CallOptions<In>
  const weights: WeightsOf = (each, memory) => each.weightsOf(options.parameters, where, memory)
  return gradientsJob(core, where, core.inputs.take(x, `${where}: x`), g, options, weights)
}

/** The forward call of `vjp`, and what makes that of a pullback. */
export function vjpJobs<In extends Space, Out extends Space, D extends Dtype>(
  core: Core,
  x: unknown,
  given: CallOptions<Out> | undefined,
) {
  core.check('vjp')
  const options = ownOptions(given, ['signal', 'out', 'parameters', 'sizes'], 'vjp: options') as CallOptions<Out>
  const { parameters, signal, sizes } = options
  // Taken now: the pullback is of the function that gave y, whatever is loaded meanwhile.
  const isOwn = parameters === undefined
  const values = isOwn ? core.store.values : core.store.take(parameters, 'vjp: parameters', true)
  // On a device those of the layer go with the next load.
  const packed = isOwn && !core.setup.backend.memory ? core.weightsOf(undefined, 'vjp') : core.pack(values)
  const weights: WeightsOf = (each, memory) => {
    if (each === core) return packed
    const others = each.pack(values)
    return memory?.keep(others) ?? others
  }
  const taken = core.inputs.take(x, 'vjp')
  return {
    forward: mapJob<Out, D>(core, 'forward', x, { ...options, parameters: undefined }, weights),
    pull: (g: unknown, own: unknown): Job<Gradients<In, D>> =>
      gradientsJob(core, 'pullback', taken, g, { signal, sizes, ...pullbackOptions<In>(own) }, weights),
  }
}

/** Gradients of a batch from one pass: of the parameters, and of the inputs where the packed weights are given. */
function gradientsJob<In extends Space, D extends Dtype>(
  core: Core,
  where: 'weightGradient' | 'gradients' | 'pullback',
  { batch, data: inputs }: Operands,
  g: unknown,
  { signal, sizes, out }: WeightGradientOptions & PullbackOptions<In>,
  weights: WeightsOf | undefined,
): Job<Gradients<In, D>> {
  core.check(where)
  const pulled = core.outputs.take(g, `${where}: g`)
  const { batch: other, data: gradients } = pulled
  if (batch !== other) throw expected('invalid-shape', `${where}: g`, `a batch of ${batch}`, String(other))
  checkSignal(signal, where)
  const into = out && core.inputs.takeOut(out, core.outputs, pulled, where)
  const given = [...inputs, ...gradients]
  return withMemory({ signal, threads: core.setup.options.threads }, (memory) => {
    core.stay(memory)
    const target = into ?? (weights ? memory.results(core.inputs.make(batch, given, where)) : { data: [], tensors: [] })
    const cut = sizes === undefined ? undefined : cutBySize(core, sizes, batch, where, memory, given, target.data)
    const whole = { core, batch, operands: given, written: target.data }
    const jobs = (cut?.parts ?? [whole]).map(({ core: own, batch: items, operands, written }) => {
      const [executable, unpack] = [own.executable(weights ? 'gradients' : 'weightGradient'), own.executable('unpack')]
      const packed = weights ? [weights(own, memory)] : []
      const sum = memory.keep(own.freshWeights(items === 0))
      const values = core.store.fresh()
      const first = { executable, batch: items, operands: [...operands, ...packed, ...written, sum] }
      return { values, runs: [first, { executable: unpack, batch: 1, operands: [sum, ...values] }] }
    })
    const finish = (): Gradients<In, D> => {
      cut?.finish()
      const x = (weights ? core.inputs.record(target.tensors) : {}) as Named as Results<In, D>
      return { x, parameters: core.store.wrap(jobs.map(({ values }) => values)) }
    }
    const runs = jobs.flatMap((job) => job.runs)
    return { runs: cut ? [...cut.before, ...runs, ...cut.after] : runs, finish }
  })
}

/** The parts of a gradient's items which differ in n: x and g are `given`, the gradient by x is `written` where there is one. */
function cutBySize(
  core: Core,
  sizes: unknown,
  batch: number,
  where: string,
  memory: CallMemory,
  given: readonly Operand[],
  written: readonly Operand[],
) {
  const cores = core.bySize(sizes, batch, where, memory)
  const byX = (each: Core) => (written.length === 0 ? [] : [...each.inputs.entries])
  const both = (each: Core) => [...each.inputs.entries, ...each.outputs.entries]
  const small = (entries: typeof both) => cores.map((part) => ({ ...part, small: entries(part.core) }))
  const layout = layoutOf(core.setup, memory)
  const taken = takeCorners(both(core), small(both), given, layout)
  const { corners, runs, finish } = putCorners(byX(core), small(byX), written, layout)
  const parts = cores.map((part, i) => ({
    core: part.core,
    batch: part.group.items.length,
    operands: taken.corners[i]!,
    written: corners[i]!,
  }))
  return { parts, before: taken.runs, after: runs, finish }
}
