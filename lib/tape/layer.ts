import type { Linear } from '../layers/linear.js'
import { wrap, type Tensor } from '../tensor/tensor.js'
import { add } from './elementwise.js'
import type { Form } from './form.js'
import { constant, fresh, record, type Call, type Data, type Value, type ValueDtype } from './value.js'

/** Values by order, or by the name of a parameter. */
export type Values = Readonly<Record<string, Value>>

type Tensors = Readonly<Record<string, Tensor>>
type Cotangents = Readonly<Record<string, Value | undefined>>
type Shapes = Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: ValueDtype }>>

/** y = f(x; parameters); a parameter left out counts as zero. Its derivatives of every order are made of the maps of the layer. */
export function applyLayer(layer: Linear, x: Values, parameters: Values): Values {
  const outputs = outputShapes(layer, x)
  return perform([x, parameters], [outputs], {
    form: { kind: 'layer', layer, x: Object.keys(x), parameters: Object.keys(parameters) },
    run: ([at, given], call) => [layer.forwardSync(at!, { parameters: given!, ...call })],
    runAsync: async ([at, given], call) => [await layer.forward(at!, { parameters: given!, ...call })],
    adjoint: ([given], [byX, byParameters]) => {
      const g = filled(given!, outputs)
      if (byX && byParameters) return bothGradients(layer, x, g, parameters)
      if (byX) return [inputGradient(layer, g, parameters, x), undefined]
      return [undefined, weightGradient(layer, x, g, parameters)]
    },
  })[0]!
}

/** The gradients of ⟨g, f(x; parameters)⟩ by x and by the parameters. */
function bothGradients(layer: Linear, x: Values, g: Values, parameters: Values): readonly Values[] {
  return perform([x, g, parameters], [x, parameters], {
    form: { kind: 'named', name: 'gradients' },
    run: ([at, pulled, given], call) => {
      const both = layer.gradientsSync(at!, pulled!, { parameters: given!, ...call })
      return [both.x, both.parameters]
    },
    runAsync: async ([at, pulled, given], call) => {
      const both = await layer.gradients(at!, pulled!, { parameters: given!, ...call })
      return [both.x, both.parameters]
    },
    adjoint: ([u, v], [byX, byG, byParameters]) => {
      const along = some(u!) ? filled(u!, x) : undefined
      const weights = some(v!) ? present(v!) : undefined
      const terms = [
        ...(along ? [applyLayer(layer, along, withoutBias(parameters))] : []),
        ...(weights ? [applyLayer(layer, x, weights)] : []),
      ]
      return [
        byX && weights ? inputGradient(layer, g, weights, x) : undefined,
        byG ? sums(terms) : undefined,
        byParameters && along ? withoutBias(weightGradient(layer, along, g, parameters)) : undefined,
      ]
    },
  })
}

/** The gradient by inputs with the shapes of `like`. It does not depend on biases. */
function inputGradient(layer: Linear, g: Values, parameters: Values, like: Shapes): Values {
  return perform([g, parameters], [like], {
    form: { kind: 'named', name: 'inputGradient' },
    run: ([pulled, given], call) => [layer.inputGradientSync(pulled!, { parameters: given!, ...call })],
    runAsync: async ([pulled, given], call) => [await layer.inputGradient(pulled!, { parameters: given!, ...call })],
    adjoint: ([u], [byG, byParameters]) => {
      const along = filled(u!, like)
      return [
        byG ? applyLayer(layer, along, withoutBias(parameters)) : undefined,
        byParameters ? withoutBias(weightGradient(layer, along, g, parameters)) : undefined,
      ]
    },
  })[0]!
}

/** The gradient by those parameters that `like` has. */
function weightGradient(layer: Linear, x: Values, g: Values, like: Shapes): Values {
  return perform([x, g], [like], {
    form: { kind: 'named', name: 'weightGradient' },
    run: ([at, pulled], call) => [layer.weightGradientSync(at!, pulled!, call)],
    runAsync: async ([at, pulled], call) => [await layer.weightGradient(at!, pulled!, call)],
    adjoint: ([v], [byX, byG]) => {
      const weights = present(v!)
      return [byX ? inputGradient(layer, g, weights, x) : undefined, byG ? applyLayer(layer, x, weights) : undefined]
    },
  })[0]!
}

/** A rule over groups of values by name. */
interface GroupRule {
  readonly form: Form
  run(inputs: readonly Tensors[], call: Call): readonly Tensors[]
  runAsync(inputs: readonly Tensors[], call: Call): Promise<readonly Tensors[]>
  /** One record per group of inputs, from one per group of outputs; `wanted` says which groups are. */
  adjoint(cotangents: readonly Cotangents[], wanted: readonly boolean[]): readonly (Cotangents | undefined)[]
}

/** Records an operation over groups; operations themselves have their operands in one list. */
function perform(inputs: readonly Values[], outputs: readonly Shapes[], rule: GroupRule): readonly Values[] {
  const tensors = (data: readonly Data[]): Tensors[] =>
    split(
      inputs,
      inputs.flatMap(list).map(({ shape, dtype }, i) => wrap(data[i]! as never, shape, dtype)),
    )
  const arrays = (results: readonly Tensors[]): Data[] =>
    outputs.flatMap((group, i) => Object.keys(group).map((name) => results[i]![name]!.data as Data))
  const made = record(
    {
      form: rule.form,
      run: (data, call) => arrays(rule.run(tensors(data), call)),
      runAsync: async (data, call) => arrays(await rule.runAsync(tensors(data), call)),
      adjoint: (cotangents, wanted) => {
        const groups = rule.adjoint(split(outputs, cotangents), split(inputs, wanted).map(some))
        return inputs.flatMap((group, i) => Object.keys(group).map((name) => groups[i]?.[name]))
      },
    },
    inputs.flatMap(list),
    outputs.flatMap((group) => list(group).map(({ shape }) => shape)),
  )
  return split(outputs, made)
}

const list = <T>(group: Readonly<Record<string, T>>): T[] => Object.values(group)
const some = (group: Readonly<Record<string, unknown>>): boolean => list(group).some(Boolean)

/** One entry per value as one record per group. */
function split<T>(
  groups: readonly Readonly<Record<string, unknown>>[],
  entries: readonly T[],
): Readonly<Record<string, T>>[] {
  let at = 0
  return groups.map((group) => Object.fromEntries(Object.keys(group).map((name) => [name, entries[at++]!])))
}

const pick = <T>(values: Readonly<Record<string, T>>, wanted: (name: string, value: T) => unknown): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name, value]) => wanted(name, value)))
const withoutBias = (parameters: Values): Values => pick(parameters, (name) => !name.startsWith('bias.'))
const present = (values: Cotangents): Values => pick(values, (_, value) => value) as Values

function filled(values: Cotangents, shapes: Shapes): Values {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, { shape, dtype }]) => {
      const size = shape.reduce((a, b) => a * b, 1)
      return [name, values[name] ?? constant(fresh(dtype, size).fill(0), shape)]
    }),
  )
}

function sums(terms: readonly Values[]): Values | undefined {
  const [first, second] = terms
  if (!first || !second) return first
  return Object.fromEntries(Object.entries(first).map(([name, value]) => [name, add(value, second[name]!)]))
}

function outputShapes({ group, output }: Linear, x: Values): Shapes {
  const [{ shape, dtype }] = list(x) as [Value]
  return Object.fromEntries(
    Object.entries(output).map(([order, channels]) => {
      const sizes = group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind]!.n)
      return [order, { shape: [shape[0]!, ...sizes, channels], dtype }]
    }),
  )
}
