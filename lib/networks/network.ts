import type { BackendChoice } from '../backends/index.js'
import { BrauerError, expected, show } from '../errors.js'
import type { Group } from '../groups/group.js'
import type { Gradients, JvpResult, Tangents, VjpResult } from '../layers/derivatives.js'
import { pullbackOptions } from '../layers/derivatives.js'
import { End } from '../layers/end.js'
import { checkSignal } from '../layers/job.js'
import { Linear, type Parameters, type Space, type TensorsOf } from '../layers/linear.js'
import { parseSpace } from '../layers/operands.js'
import { ownOptions } from '../layers/options.js'
import { groupBySize } from '../layers/sizes.js'
import { pullBack, pushForward } from '../tape/gradient.js'
import { applyLayer, type Values } from '../tape/layer.js'
import { corners } from '../tape/sizes.js'
import {
  constant,
  evaluate,
  evaluateSync,
  input,
  operationsBehind,
  zerosLike,
  type Bindings,
  type Data,
  type Value,
  type ValueDtype,
} from '../tape/value.js'
import { Tensor, type TensorLike } from '../tensor/tensor.js'
import type { Module, ModuleCallOptions } from './module.js'
import { OwnParameters, prefixed, takeParameters, under, type Initial } from './parameters.js'

type Tensors = Readonly<Record<string, Tensor<ValueDtype>>>

/** What makes a module again, but for its parameters, as JSON: its kind, and what the function of that name was given; parts as
 *  specifications of their own. */
export interface ModuleSpecification {
  readonly kind: string
  readonly [name: string]: unknown
}

/** What a network is made of. */
export interface NetworkSetup {
  readonly specification: ModuleSpecification
  readonly group: Group
  readonly input: Space
  readonly output: Space
  readonly dtype: ValueDtype
  /** Parts, whose parameters have their number before their name. */
  readonly children?: readonly Module[]
  /** Parameters of the network itself. */
  readonly initial?: Initial
  /** Records the network on values of the input orders, [batch, n, …, n, C]: its own parameters by name, its parts as functions.
   *  An item of the result depends on that item alone. */
  readonly apply: (x: Values, own: Values, parts: readonly ((x: Values) => Values)[]) => Values
}

/** A module that is recorded as operations, from which all its derivatives follow. Networks are made by the functions of this folder. */
export class Network implements Module {
  readonly group: Group
  readonly input: Space
  readonly output: Space
  readonly options: { readonly dtype: ValueDtype; readonly layout: 'channels-last' }
  readonly children: readonly Module[]
  readonly specification: ModuleSpecification
  readonly #own: OwnParameters
  readonly #apply: NetworkSetup['apply']
  readonly #ends: { readonly input: End; readonly output: End }
  #isDisposed = false

  /** @internal */
  constructor({ group, input: from, output: to, dtype, children = [], initial = {}, ...setup }: NetworkSetup) {
    const space = (given: Space) => parseSpace(group, given, 'network')
    const frozen = (given: Space): Space =>
      Object.freeze(Object.fromEntries(space(given).map(({ key, channels }) => [key, channels])))
    this.specification = setup.specification
    this.#apply = setup.apply
    this.group = group
    this.input = frozen(from)
    this.output = frozen(to)
    this.options = Object.freeze({ dtype, layout: 'channels-last' })
    this.children = Object.freeze([...children])
    this.#own = new OwnParameters(initial, dtype)
    this.#ends = { input: new End(space(from), dtype, false), output: new End(space(to), dtype, false) }
  }

  /** Records the network on values of the input orders; `parameters` are all of its own. */
  apply(x: Values, parameters: Values): Values {
    const parts = this.children.map((child, i) => (at: Values) => applyModule(child, at, under(i, parameters)))
    const y = this.#apply(x, parameters, parts)
    // Records have their orders in the order of the spaces.
    return Object.fromEntries(this.#ends.output.entries.map(({ key }) => [key, y[key]!]))
  }

  get backend(): BackendChoice {
    const used = this.children.map((child) => child.backend).find(({ name }) => name !== 'javascript')
    return used ?? { name: 'javascript', device: 'javascript', reason: 'there is no linear layer in it' }
  }

  get parameters(): Parameters {
    return Object.assign(
      {},
      this.#own.read(),
      ...this.children.map((child, i) => prefixed(i, child.parameters)),
    ) as Parameters
  }

  load(parameters: Readonly<Record<string, TensorLike>>): void {
    this.#check('load')
    // All are checked before the first part changes.
    const taken = takeParameters(this.parameters, parameters, 'load', false)
    this.#own.load(taken)
    this.children.forEach((child, i) => child.load(under(i, taken)))
  }

  /** Disposes of all its parts, which must not be parts of networks that are still in use. */
  dispose(): void {
    this.#isDisposed = true
    for (const child of this.children) child.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #check(where: string): void {
    if (this.#isDisposed) throw expected('disposed', where, 'a live network', 'a disposed one')
  }

  async forward(x: TensorsOf<Space>, options?: ModuleCallOptions): Promise<TensorsOf<Space, Tensor>> {
    const { y, given, call, wrap } = this.#record('forward', x, options)
    return wrap(await evaluate(Object.values(y), given, call))
  }

  forwardSync(x: TensorsOf<Space>, options?: ModuleCallOptions): TensorsOf<Space, Tensor> {
    const { y, given, call, wrap } = this.#record('forward', x, options)
    return wrap(evaluateSync(Object.values(y), given, call))
  }

  async vjp(x: TensorsOf<Space>, options?: ModuleCallOptions): Promise<VjpResult<Space, Space, ValueDtype, 'async'>> {
    const { targets, given, call, result, pull } = this.#vjp(x, options)
    const data = await evaluate(targets, given, call)
    return {
      y: result(data),
      pullback: async (g, own) => {
        const back = pull(data, g, own)
        return back.wrap(await evaluate(back.targets, back.given, back.call))
      },
    }
  }

  vjpSync(x: TensorsOf<Space>, options?: ModuleCallOptions): VjpResult<Space, Space, ValueDtype, 'sync'> {
    const { targets, given, call, result, pull } = this.#vjp(x, options)
    const data = evaluateSync(targets, given, call)
    return {
      y: result(data),
      pullback: (g, own) => {
        const back = pull(data, g, own)
        return back.wrap(evaluateSync(back.targets, back.given, back.call))
      },
    }
  }

  async jvp(
    x: TensorsOf<Space>,
    tangents: Tangents<Space>,
    options?: ModuleCallOptions,
  ): Promise<JvpResult<Space, ValueDtype>> {
    const { targets, given, call, wrap } = this.#jvp(x, tangents, options)
    return wrap(await evaluate(targets, given, call))
  }

  jvpSync(x: TensorsOf<Space>, tangents: Tangents<Space>, options?: ModuleCallOptions): JvpResult<Space, ValueDtype> {
    const { targets, given, call, wrap } = this.#jvp(x, tangents, options)
    return wrap(evaluateSync(targets, given, call))
  }

  /** The network on inputs, with what they are. */
  #record(where: string, x: unknown, options: unknown) {
    this.#check(where)
    const { signal, parameters, sizes } = ownOptions(
      options,
      ['signal', 'parameters', 'sizes'],
      `${where}: options`,
    ) as ModuleCallOptions
    const { dtype } = this.options
    const { batch, data } = this.#ends.input.take(x, where)
    if (sizes !== undefined) groupBySize(sizes, batch, this.group, where)
    checkSignal(signal, where)
    const given = new Map<Value, Data>()
    const leaf = (from: { readonly shape: readonly number[] }, values: Data): Value => {
      const value = input(from.shape, dtype)
      given.set(value, values)
      return value
    }
    const shapes = this.#ends.input.shapes(batch)
    const at = Object.fromEntries(
      this.#ends.input.entries.map(({ key }, i) => [key, leaf({ shape: shapes[i]! }, data[i] as Data)]),
    )
    const own = this.parameters
    const taken = parameters === undefined ? own : takeParameters(own, parameters, `${where}: parameters`, true)
    const weights = Object.fromEntries(Object.entries(taken).map(([name, value]) => [name, leaf(value, value.data)]))
    // Padding is never read, and nothing comes back for it.
    const inside = (values: Values): Values => (sizes === undefined ? values : corners(values))
    const y = inside(this.apply(inside(at), weights))
    const call = { signal, sizes }
    const wrap = (results: readonly Data[]): Tensors => this.#tensors(this.#ends.output, batch, results)
    return { batch, at, weights, own, y, given, call, wrap }
  }

  #tensors(end: End, batch: number, results: readonly Data[]): Tensors {
    const { dtype } = this.options
    const shapes = end.shapes(batch)
    return end.record(shapes.map((shape, i) => new Tensor(results[i] as never, shape, dtype))) as Tensors
  }

  #vjp(x: unknown, options: unknown) {
    const { batch, at, weights, own, y, given, call, wrap } = this.#record('vjp', x, options)
    const ys = Object.values(y)
    const leaves = [...Object.values(at), ...Object.values(weights)]
    const cotangents = ys.map(({ shape, dtype }) => input(shape, dtype))
    const pulled = pullBack(ys, cotangents, leaves).map((value, i) => value ?? zerosLike(leaves[i]!))
    // What the way back needs of the way there is kept.
    const there = new Set(operationsBehind(ys))
    const back = operationsBehind(pulled).filter((operation) => !there.has(operation))
    const isThere = (value: Value): boolean => value.operation !== undefined && there.has(value.operation)
    const kept = [...new Set([...back.flatMap(({ inputs }) => inputs), ...pulled].filter(isThere))]
    return {
      targets: [...ys, ...kept],
      given,
      call,
      result: wrap,
      pull: (data: readonly Data[], g: unknown, pullOptions: unknown) => {
        const { signal = call.signal, out } = pullbackOptions(pullOptions)
        if (out !== undefined)
          throw new BrauerError('invalid-argument', 'pullback: expected no out for a network, received one')
        const { batch: other, data: cotangentData } = this.#ends.output.take(g, 'pullback: g')
        if (other !== batch) throw expected('invalid-shape', 'pullback: g', `a batch of ${batch}`, String(other))
        checkSignal(signal, 'pullback')
        const bound = new Map(given)
        kept.forEach((value, i) => bound.set(value, data[ys.length + i]!))
        cotangents.forEach((value, i) => bound.set(value, cotangentData[i] as Data))
        return {
          targets: pulled,
          given: bound as Bindings,
          call: { ...call, signal },
          wrap: (results: readonly Data[]): Gradients<Space, ValueDtype> => {
            const count = Object.keys(at).length
            return {
              x: this.#tensors(this.#ends.input, batch, results.slice(0, count)) as Gradients<Space, ValueDtype>['x'],
              parameters: Object.fromEntries(
                Object.entries(own).map(([name, { shape, dtype }], i) => [
                  name,
                  new Tensor(results[count + i] as never, shape, dtype),
                ]),
              ) as Parameters,
            }
          },
        }
      },
    }
  }

  #jvp(x: unknown, tangents: unknown, options: unknown) {
    if (tangents === undefined) throw expected('invalid-argument', 'jvp: tangents', 'an object', show(tangents))
    const along = ownOptions(tangents, ['x', 'parameters'], 'jvp: tangents')
    const { batch, at, weights, own, y, given, call, wrap } = this.#record('jvp', x, options)
    const leaves: Value[] = []
    const directions: Value[] = []
    if (along['x'] !== undefined) {
      const { batch: other, data } = this.#ends.input.take(along['x'], 'jvp: tangents.x')
      if (other !== batch) throw expected('invalid-shape', 'jvp: tangents.x', `a batch of ${batch}`, String(other))
      Object.values(at).forEach((value, i) => {
        leaves.push(value)
        directions.push(constant(data[i] as Data, value.shape))
      })
    }
    if (along['parameters'] !== undefined) {
      const taken = takeParameters(own, along['parameters'], 'jvp: tangents.parameters', true)
      for (const [name, value] of Object.entries(taken)) {
        leaves.push(weights[name]!)
        directions.push(constant(value.data, value.shape))
      }
    }
    const ys = Object.values(y)
    const tangent = pushForward(ys, leaves, directions).map((value, i) => value ?? zerosLike(ys[i]!))
    return {
      targets: [...ys, ...tangent],
      given,
      call,
      wrap: (results: readonly Data[]): JvpResult<Space, ValueDtype> => {
        return { y: wrap(results.slice(0, ys.length)), tangent: wrap(results.slice(ys.length)) } as JvpResult<
          Space,
          ValueDtype
        >
      },
    }
  }
}

/** Records a module; `parameters` are all of its own. */
export function applyModule(module: Module, x: Values, parameters: Values): Values {
  if (module instanceof Linear) return applyLayer(module, x, parameters)
  if (module instanceof Network) return module.apply(x, parameters)
  throw expected('invalid-argument', 'network: part', 'a layer made by linear, or a network', show(module))
}
