import { expected, type BrauerError } from '../errors.js'
import { parseSpace } from '../layers/operands.js'
import { evaluateSync, operationsBehind, type Bindings, type Data, type Operation, type Value as Recorded } from '../tape/value.js' // prettier-ignore
import { functions } from './functions.js'
import type { Graph, Value } from './graph.js'
import { addLinear } from './linear.js'
import { multiplyNest } from './nest.js'

/** A recorded computation on one item as nodes. What no input reaches is computed now and becomes constants.
 *  @param inputs values [1, …] and what they are in the graph @param known what all others are
 *  @throws BrauerError `invalid-argument` for an operation that has no form in ONNX */
export function addOperations(
  graph: Graph,
  outputs: readonly Recorded[],
  inputs: ReadonlyMap<Recorded, Value>,
  known: Bindings,
): Value[] {
  const values = new Map(inputs)
  const reached = reachedBy([...inputs.keys()], outputs)
  const moving = new Set([...inputs.keys(), ...reached.flatMap(({ outputs: made }) => made)])
  const fixed = [...new Set([...reached.flatMap(({ inputs: from }) => from), ...outputs])].filter((value) => !moving.has(value)) // prettier-ignore
  const computed = evaluateSync(fixed, known)
  const constants = new Map(fixed.map((value, i) => [value, computed[i]!]))
  const valueOf = (value: Recorded): Value => values.get(value) ?? graph.constant(constants.get(value)!, itemOf(value))
  for (const operation of reached) {
    const { outputs: made } = operation
    const results = translate(graph, operation, valueOf, constants)
    made.forEach((value, i) => values.set(value, results[i]!))
  }
  return outputs.map(valueOf)
}

/** @param inputs values of so many items @throws BrauerError `invalid-argument` for an operation whose results are no items any more */
export function checkItems(outputs: readonly Recorded[], inputs: readonly Recorded[], items: number): void {
  const mixing = reachedBy(inputs, outputs).find(({ outputs: made }) => made.some(({ shape }) => shape[0] !== items))
  if (mixing) throw formless(`${mixing.rule.form.kind}, which puts items together`)
}

/** The operations behind some values that depend on the inputs, in order. */
function reachedBy(inputs: readonly Recorded[], outputs: readonly Recorded[]): Operation[] {
  const moving = new Set(inputs)
  return operationsBehind(outputs).filter(({ inputs: from, outputs: made }) => {
    const isReached = from.some((value) => moving.has(value))
    if (isReached) for (const value of made) moving.add(value)
    return isReached
  })
}

/** The extents of one item, at least one: constants, which have a batch of 1 too, are aligned at the last. */
const itemOf = ({ shape }: Recorded): readonly number[] => (shape.length > 1 ? shape.slice(1) : [1])

function translate(
  graph: Graph,
  { rule, inputs, outputs }: Operation,
  valueOf: (value: Recorded) => Value,
  constants: ReadonlyMap<Recorded, Data>,
): Value[] {
  const { form } = rule
  const [first] = inputs as [Recorded]
  const shape = itemOf(outputs[0]!)
  switch (form.kind) {
    case 'take':
      return [graph.slice(valueOf(first), shape.length - 1, form.from, form.from + form.count)]
    case 'join': {
      let next = 0
      const parts = form.parts.map((part) => {
        const value = part === 'input' ? valueOf(inputs[next++]!) : graph.constant([0], [1])
        return graph.whole(value, shape.with(-1, part === 'input' ? value.shape.at(-1)! : part))
      })
      return [graph.concat(parts, shape.length - 1)]
    }
    case 'contract': {
      const [a, b] = inputs.map((value) => constants.get(value) ?? valueOf(value)) as [Value | Data, Value | Data]
      const value = multiplyNest(graph, a, b, shape, form.nest)
      if (!value) throw formless('contract, which does not write every place of its output once')
      return [value]
    }
    case 'combine':
      return [inputs.map((value, i) => graph.scale(valueOf(value), form.scales[i]!)).reduce((a, b) => graph.add(a, b))]
    case 'shift':
      return [graph.add(valueOf(first), graph.constant([form.by], [1]))]
    case 'function':
      return [functions[form.name](graph, valueOf(first))]
    case 'layer': {
      const { layer, x } = form
      const given = new Map(x.map((order, i) => [order, valueOf(inputs[i]!)]))
      const parameters = form.parameters.map((name, i) => {
        const data = constants.get(inputs[x.length + i]!)
        if (!data) throw formless(`layer, whose ${name} depends on the input`)
        return [name, data] as const
      })
      const sorted = parseSpace(layer.group, layer.input, 'exportOnnx').map(({ key }) => given.get(key)!)
      const results = addLinear(graph, layer, sorted, Object.fromEntries(parameters))
      const made = parseSpace(layer.group, layer.output, 'exportOnnx').map(({ key }) => key)
      // Extents along which a result is the same may be 1 until here.
      return Object.keys(layer.output).map((key, i) => graph.whole(results[made.indexOf(key)]!, itemOf(outputs[i]!)))
    }
    case 'named':
      throw formless(form.name)
  }
}

const formless = (name: string): BrauerError =>
  expected('invalid-argument', 'exportOnnx', 'operations that have a form in ONNX', name)
