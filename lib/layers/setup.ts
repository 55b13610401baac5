import { chooseBackend, type BackendChoice } from '../backends/index.js'
import type { Backend } from '../backends/backend.js'
import { expected, show } from '../errors.js'
import { isGroup, type Group } from '../groups/group.js'
import type { Specification } from '../runtime/specification.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Space } from './call.js'
import { parseSpace, type Entry } from './operands.js'
import { resolveOptions, type LinearOptions, type ResolvedOptions } from './options.js'

/** What a layer is made of, before it is planned. */
export interface Setup<In extends Space, Out extends Space, D extends Dtype> {
  readonly specification: Specification
  readonly input: In
  readonly output: Out
  readonly options: ResolvedOptions<D>
  readonly choice: BackendChoice
  readonly backend: Backend
  readonly inputs: readonly Entry[]
  readonly outputs: readonly Entry[]
}

/** The space as it was read, whatever becomes of the object it was read from. */
function asRecord<T extends Space>(entries: readonly Entry[]): T {
  return Object.freeze(Object.fromEntries(entries.map(({ key, channels }) => [key, channels]))) as T
}

/** Reads the arguments of `linear` and chooses the backend. @throws BrauerError those of `linear` */
export function setUp<In extends Space, Out extends Space, D extends Dtype>(
  group: Group,
  input: In,
  output: Out,
  given: LinearOptions<D> | undefined,
): Setup<In, Out, D> {
  if (!isGroup(group))
    throw expected('invalid-group', 'linear: group', 'a group such as S(5), O(3), SO(3) or Sp(4)', show(group))
  const options = resolveOptions(given)
  const inputs = parseSpace(group, input, 'linear: input space')
  const outputs = parseSpace(group, output, 'linear: output space')
  const { backend, choice } = chooseBackend(options.backend, { ...options.cuda, precision: options.precision })
  const space = (entries: readonly Entry[]) => entries.map(({ order, channels }) => ({ order, channels }))
  const { bias, basis, normalize, layout, strategy, steps, expectedBatch } = options
  const specification: Specification = {
    group, basisGroup: group, inputs: space(inputs), outputs: space(outputs), bias, basis, normalize, layout, strategy, steps, expectedBatch,
  } // prettier-ignore
  return {
    specification,
    input: asRecord<In>(inputs),
    output: asRecord<Out>(outputs),
    options,
    choice,
    backend,
    inputs,
    outputs,
  }
}

/** The same layer at another n. @param strict whether the basis must be the same there
 *  @throws BrauerError `n-too-small`, `invalid-group` */
export function setUpAt<In extends Space, Out extends Space, D extends Dtype>(
  setup: Setup<In, Out, D>,
  n: number | readonly number[],
  strict: boolean,
): Setup<In, Out, D> {
  const { group: own, basis, basisGroup } = setup.specification
  if (!own.sharesOverN)
    throw expected('invalid-group', 'at', 'a group whose diagrams serve every n (S)', own.toString())
  const sizes = Array.isArray(n) ? (n as readonly number[]) : own.kinds.map(() => n as number)
  const group = own.at(sizes)
  const longest = (entries: readonly Entry[]): number => Math.max(...entries.map(({ extents }) => extents.length))
  const most = longest(setup.outputs) + longest(setup.inputs)
  if (strict && basis === 'independent') {
    for (const value of [...sizes, ...basisGroup.kinds.map((kind) => kind.n)]) {
      if (value >= most) continue
      const wanted = `n of at least ${most} with the independent basis (use basis: 'spanning' for smaller ones)`
      throw expected('n-too-small', 'at', wanted, String(value))
    }
  }
  const space = (entries: readonly Entry[]): Entry[] =>
    parseSpace(group, Object.fromEntries(entries.map((entry) => [entry.key, entry.channels])), 'at')
  const specification = { ...setup.specification, group }
  return { ...setup, specification, inputs: space(setup.inputs), outputs: space(setup.outputs) }
}
