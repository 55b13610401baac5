import type { Graph, Node } from '../../bench/contenders/steps/graph.js'
import type { Program, Step, Table } from '../../bench/contenders/steps/step.js'

/** A value for every item: indices, then channels. */
interface Value {
  readonly extents: readonly number[]
  readonly channels: number
  readonly at: (batch: number, index: readonly number[], channel: number) => number
}

/** What the steps of a program mean, number by number, in float64. Inputs and outputs by name, channels last or first as the
 *  program says; `inputs` holds shape [batch, …]. */
export function interpret(program: Program, inputs: Readonly<Record<string, Table>>): Record<string, Float64Array> {
  const values = new Map<string, Value>()
  let batch = 0
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    batch = shape[0]!
    const channels = program.channelsFirst ? shape[1]! : shape.at(-1)!
    const extents = program.channelsFirst ? shape.slice(2) : shape.slice(1, -1)
    const at = (b: number, index: readonly number[], c: number): number => {
      const tuple = program.channelsFirst ? [b, c, ...index] : [b, ...index, c]
      return data[flat(tuple, shape)]!
    }
    values.set(name, { extents, channels, at })
  }
  const outputs: Record<string, Float64Array> = {}
  for (const step of program.steps) {
    const value = stored(apply(step, values, program), batch)
    if (values.has(step.to)) throw new Error(`${step.to} is written twice`)
    values.set(step.to, value)
    if (step.to.startsWith('y')) outputs[step.to] = written(value, batch, program.channelsFirst)
  }
  return outputs
}

function apply(step: Step, values: Map<string, Value>, { constants, channelsFirst }: Program): Value {
  const get = (name: string): Value => {
    const value = values.get(name)
    if (!value) throw new Error(`${name} is read before it is written`)
    return value
  }
  switch (step.op) {
    case 'pick': {
      const from = get(step.from)
      const extents: number[] = []
      step.pick.forEach((to, axis) => (extents[to] = from.extents[axis]!))
      return { ...from, extents, at: (b, i, c) => from.at(b, step.pick.map((to) => i[to]!), c) } // prettier-ignore
    }
    case 'sum': {
      const from = get(step.from)
      const kept = from.extents.flatMap((_, axis) => (step.axes.includes(axis) ? [] : [axis]))
      const at: Value['at'] = (b, i, c) => {
        let total = 0
        for (const tuple of tuples(from.extents))
          if (kept.every((axis, k) => tuple[axis] === i[k])) total += from.at(b, tuple, c)
        return total
      }
      return { ...from, extents: kept.map((axis) => from.extents[axis]!), at }
    }
    case 'gather': {
      const from = get(step.from)
      const all = [...tuples(from.extents)]
      const at: Value['at'] = (b, i, c) => {
        let total = 0
        for (let m = 0; m < step.terms; m++) {
          const place = flat(i, step.shape) * step.terms + m
          total += step.sign[place]! * from.at(b, all[step.index[place]!]!, step.begin + c)
        }
        return total
      }
      return { extents: step.shape, channels: step.count ?? from.channels - step.begin, at }
    }
    case 'stack':
      return stacked(step.from.map(get))
    case 'mix': {
      const from = stacked(step.from.map(get))
      const { shape, data } = constants[step.weight]!
      if (shape[0] !== from.channels) throw new Error(`${step.to}: ${from.channels} channels meet ${shape[0]} rows`)
      const bias = step.bias === undefined ? undefined : constants[step.bias]!.data
      const at: Value['at'] = (b, i, c) => {
        let total = bias?.[c] ?? 0
        for (let k = 0; k < from.channels; k++) total += from.at(b, i, k) * data[k * shape[1]! + c]!
        return total
      }
      return { extents: from.extents, channels: shape[1]!, at }
    }
    case 'constant': {
      const { data } = constants[step.value]!
      return { extents: [], channels: data.length, at: (_b, _i, c) => data[c]! }
    }
    case 'add': {
      const at: Value['at'] = (b, i, c) => {
        let total = 0
        for (const { from, begin, axes, ties } of step.terms) {
          const value = get(from)
          const tuple = value.extents.map((_, axis) => i[axes.indexOf(axis)]!)
          const factors = ties.map(({ at: [p, q], lines }) => {
            const on = lines.filter(({ start, step: by, count }) =>
              Array.from({ length: count }, (_, t) => t).some(
                (t) => i[p] === start[0] + t * by[0] && i[q] === start[1] + t * by[1],
              ),
            )
            return on.reduce((sum, { sign }) => sum + sign, 0)
          })
          total += factors.reduce((all, factor) => all * factor, value.at(b, tuple, begin + c))
        }
        return total
      }
      return { extents: step.shape, channels: step.channels, at }
    }
    case 'einsum': {
      const [operands, result] = step.equation.split('->') as [string, string]
      const [read, ...words] = operands.split(',') as [string, ...string[]]
      const from = get(step.from)
      const extents = new Map<string, number>()
      const letters = [...read].filter((letter) => letter !== 'b' && letter !== 'c')
      letters.forEach((letter, axis) => extents.set(letter, from.extents[axis]!))
      const tables = step.tables.map((name) => constants[name]!)
      tables.forEach(({ shape }, t) => [...words[t]!].forEach((letter, axis) => extents.set(letter, shape[axis]!)))
      const [name, index] = step.weight
      const { shape, data } = constants[name]!
      const names = [...extents.keys()]
      const kept = [...result].filter((letter) => letter !== 'b' && letter !== 'o')
      if ((channelsFirst ? 1 : result.length - 1) !== result.indexOf('o')) throw new Error('the channels are misplaced')
      const at: Value['at'] = (b, i, o) => {
        let total = 0
        for (const tuple of tuples(names.map((letter) => extents.get(letter)!))) {
          const value = (letter: string): number => tuple[names.indexOf(letter)]!
          if (kept.some((letter, k) => value(letter) !== i[k])) continue
          let factor = 1
          tables.forEach((table, t) => (factor *= table.data[flat([...words[t]!].map(value), table.shape)]!))
          if (factor === 0) continue
          for (let c = 0; c < shape[1]!; c++)
            total += factor * from.at(b, letters.map(value), c) * data[flat([index, c, o], shape)]!
        }
        return total
      }
      return { extents: kept.map((letter) => extents.get(letter)!), channels: shape[2]!, at }
    }
  }
}

function stacked(parts: readonly Value[]): Value {
  const of = parts.flatMap((part) => Array.from({ length: part.channels }, (_, c) => ({ part, c })))
  return { extents: parts[0]!.extents, channels: of.length, at: (b, i, c) => of[c]!.part.at(b, i, of[c]!.c) }
}

/** A value with every number computed once. */
function stored({ extents, channels, at }: Value, batch: number): Value {
  const shape = [batch, ...extents, channels]
  const data = Float64Array.from(tuples(shape), (tuple) => at(tuple[0]!, tuple.slice(1, -1), tuple.at(-1)!))
  return { extents, channels, at: (b, i, c) => data[flat([b, ...i, c], shape)]! }
}

function written({ extents, channels, at }: Value, batch: number, channelsFirst: boolean): Float64Array {
  if (!channelsFirst)
    return Float64Array.from(tuples([batch, ...extents, channels]), (t) => at(t[0]!, t.slice(1, -1), t.at(-1)!))
  return Float64Array.from(tuples([batch, channels, ...extents]), (t) => at(t[0]!, t.slice(2), t[1]!))
}

/** What the operations of a graph mean, in float64: the outputs by name, in the shapes of their nodes. */
export function evaluate({ nodes, outputs }: Graph, inputs: Readonly<Record<string, Table>>): Record<string, number[]> {
  const values = new Map<Node, number[]>()
  for (const node of nodes)
    values.set(
      node,
      compute(node, (from) => values.get(from)!, inputs),
    )
  return Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, values.get(node)!]))
}

function compute(node: Node, value: (of: Node) => number[], inputs: Readonly<Record<string, Table>>): number[] {
  const { op, from, shape, axis, begin, index, full, perm, data, name } = node
  const [a, b, c] = from as [Node, Node, Node?]
  /** Each entry of the result from its place. */
  const each = (entry: (tuple: number[]) => number): number[] => Array.from(tuples(shape), entry)
  /** An entry of an operand; axes count from the last one, and those of extent 1 are spread. */
  const read = (of: Node, tuple: readonly number[]): number => {
    const own = tuple.slice(tuple.length - of.shape.length).map((i, at) => (of.shape[at] === 1 ? 0 : i))
    return value(of)[flat(own, of.shape)]!
  }
  switch (op) {
    case 'input':
      return [...inputs[name]!.data]
    case 'constant':
      return [...data]
    case 'reshape':
      return value(a)
    case 'take':
      return each((tuple) => read(a, tuple.with(axis, index[tuple[axis]!]!)))
    case 'transpose': {
      const to = perm.map((at) => full[at]!)
      return Array.from(tuples(to), (tuple) => value(a)[flat(perm.map((_, at) => tuple[perm.indexOf(at)]!), full)]!) // prettier-ignore
    }
    case 'sum':
      return each((tuple) => {
        let total = 0
        for (let i = 0; i < a.shape[axis]!; i++) total += read(a, tuple.toSpliced(axis, 0, i))
        return total
      })
    case 'concat': {
      const of = from.flatMap((part) => Array.from({ length: part.shape[axis]! }, (_, at) => ({ part, at })))
      return each((tuple) => read(of[tuple[axis]!]!.part, tuple.with(axis, of[tuple[axis]!]!.at)))
    }
    case 'matmul':
      return each((tuple) => {
        let total = c ? read(c, tuple) : 0
        for (let k = 0; k < a.shape.at(-1)!; k++) total += read(a, tuple.with(-1, k)) * read(b, tuple.with(-2, k))
        return total
      })
    case 'add':
      return each((tuple) => read(a, tuple) + read(b, tuple))
    case 'multiply':
      return each((tuple) => read(a, tuple) * read(b, tuple))
    case 'slice':
      return each((tuple) => read(a, tuple.with(axis, begin + tuple[axis]!)))
    case 'expand':
      return each((tuple) => read(a, tuple))
  }
}

function flat(tuple: readonly number[], extents: readonly number[]): number {
  return tuple.reduce((all, value, axis) => all * extents[axis]! + value, 0)
}

function* tuples(extents: readonly number[]): Generator<number[]> {
  const total = extents.reduce((a, b) => a * b, 1)
  for (let rest = 0; rest < total; rest++) {
    const tuple = new Array<number>(extents.length)
    for (let axis = extents.length - 1, left = rest; axis >= 0; axis--) {
      tuple[axis] = left % extents[axis]!
      left = Math.floor(left / extents[axis]!)
    }
    yield tuple
  }
}
