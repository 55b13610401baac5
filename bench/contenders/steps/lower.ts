import { GraphWriter, type Graph, type Node } from './graph.js'
import type { Program, Step, Term, Tie } from './step.js'
import { flatten, product, tuples } from './values.js'

/** A value as a tensor [batch, indices, C], channels-first [batch, C, indices], all its indices in one. */
interface Value {
  readonly tensor: Node
  readonly batch: number
  readonly extents: readonly number[]
  readonly channels: number
}

type Gather = Extract<Step, { op: 'gather' }>

interface Input {
  readonly name: string
  readonly extents: readonly number[]
  readonly channels: number
}

/** A program as a graph of plain operations, for a batch. Entries along the indices are selected by a matrix where that has at
 *  most `matrixEntries`, else by their positions. */
export function lower(program: Program, batch: number, inputs: readonly Input[], matrixEntries: number): Graph {
  const lowering = new Lowering(program, batch, matrixEntries)
  const values = new Map<string, Value>()
  for (const { name, extents, channels } of inputs) values.set(name, lowering.input(name, extents, channels))
  const outputs: Record<string, Node> = {}
  for (const step of program.steps) {
    const value = lowering.apply(step, values)
    values.set(step.to, value)
    if (step.to.startsWith('y')) outputs[step.to] = value.tensor
  }
  return { nodes: lowering.nodes, outputs }
}

class Lowering {
  readonly #program: Program
  readonly #batch: number
  readonly #matrixEntries: number
  readonly #do = new GraphWriter()

  constructor(program: Program, batch: number, matrixEntries: number) {
    this.#program = program
    this.#batch = batch
    this.#matrixEntries = matrixEntries
  }

  get nodes(): readonly Node[] {
    return this.#do.nodes
  }

  input(name: string, extents: readonly number[], channels: number): Value {
    return this.#value(
      this.#do.input(name, this.#shape(this.#batch, extents, channels)),
      this.#batch,
      extents,
      channels,
    )
  }

  /** [batch, extents, C] or [batch, C, extents]. */
  #shape(batch: number, extents: readonly number[], channels: number): number[] {
    return this.#program.channelsFirst ? [batch, channels, ...extents] : [batch, ...extents, channels]
  }

  #value(tensor: Node, batch: number, extents: readonly number[], channels: number): Value {
    const flat = this.#do.reshape(tensor, this.#shape(batch, [product(extents)], channels))
    return { tensor: flat, batch, extents, channels }
  }

  apply(step: Step, values: ReadonlyMap<string, Value>): Value {
    const [of, first] = [this.#do, this.#program.channelsFirst]
    switch (step.op) {
      case 'pick':
        return this.#pick(values.get(step.from)!, step.pick)
      case 'sum':
        return step.axes
          .toSorted((a, b) => b - a)
          .reduce((value, axis) => this.#sum(value, axis), values.get(step.from)!)
      case 'gather': {
        const from = this.#channels(values.get(step.from)!, step.begin, step.count)
        return this.#select(from, step)
      }
      case 'stack': {
        const parts = step.from.map((name) => values.get(name)!)
        const channels = parts.reduce((sum, part) => sum + part.channels, 0)
        return { ...parts[0]!, channels, tensor: of.concat(parts.map(({ tensor }) => tensor), first ? 1 : 2) } // prettier-ignore
      }
      case 'mix':
        return this.#mix(step, step.from.map((name) => values.get(name)!)) // prettier-ignore
      case 'constant': {
        const { data } = this.#program.constants[step.value]!
        const tensor = of.constant(data, this.#shape(1, [1], data.length))
        return { tensor, batch: 1, extents: [], channels: data.length }
      }
      case 'add':
        return this.#add(step, values)
      case 'einsum':
        throw new Error('einsum is for libraries that have it')
    }
  }

  #pick(from: Value, pick: readonly number[]): Value {
    const extents: number[] = []
    pick.forEach((to, axis) => (extents[to] = from.extents[axis]!))
    if (extents.length === pick.length) {
      const lead = this.#program.channelsFirst ? 2 : 1
      const perm = extents.map((_, to) => lead + pick.indexOf(to))
      const whole = this.#program.channelsFirst ? [0, 1, ...perm] : [0, ...perm, lead + perm.length]
      const full = this.#shape(from.batch, from.extents, from.channels)
      return { ...from, extents, tensor: this.#do.transpose(from.tensor, full, whole, from.tensor.shape) }
    }
    const index = Array.from(tuples(extents), (tuple) => flatten(pick.map((to) => tuple[to]!), from.extents)) // prettier-ignore
    return this.#select(from, { shape: extents, terms: 1, index, sign: index.map(() => 1) })
  }

  /** Signed sums of entries along the indices. */
  #select(from: Value, { shape, terms, index, sign }: Pick<Gather, 'shape' | 'terms' | 'index' | 'sign'>): Value {
    const [of, first] = [this.#do, this.#program.channelsFirst]
    const { batch, extents, channels } = from
    const [rows, size] = [product(shape), product(extents)]
    if (rows * size <= this.#matrixEntries) {
      const matrix = new Float32Array(rows * size)
      index.forEach((at, i) => {
        const row = Math.floor(i / terms)
        matrix[first ? at * rows + row : row * size + at]! += sign[i]!
      })
      const tensor = first
        ? of.matmul(of.reshape(from.tensor, [batch * channels, size]), of.constant(matrix, [size, rows]))
        : of.matmul(of.constant(matrix, [rows, size]), from.tensor)
      return this.#value(tensor, batch, shape, channels)
    }
    let taken = of.take(from.tensor, index, first ? 2 : 1)
    if (sign.some((each) => each !== 1))
      taken = of.multiply(taken, of.constant(Float32Array.from(sign), first ? [sign.length] : [sign.length, 1]))
    const value = this.#value(taken, batch, [rows, terms], channels)
    return this.#value(terms === 1 ? value.tensor : this.#sum(value, 1).tensor, batch, shape, channels)
  }

  #sum(from: Value, axis: number): Value {
    const { batch, extents, channels } = from
    const [before, after] = [product(extents.slice(0, axis)), product(extents.slice(axis + 1))]
    const [outer, inner] = this.#program.channelsFirst ? [channels * before, after] : [before, after * channels]
    const cut = this.#do.reshape(from.tensor, [batch * outer, extents[axis]!, inner])
    return this.#value(this.#do.sum(cut, 1), batch, extents.toSpliced(axis, 1), channels)
  }

  #channels(from: Value, begin: number, count = from.channels): Value {
    if (count === from.channels) return from
    const tensor = this.#do.slice(from.tensor, this.#program.channelsFirst ? 1 : 2, begin, count)
    return { ...from, tensor, channels: count }
  }

  #mix(step: Extract<Step, { op: 'mix' }>, parts: readonly Value[]): Value {
    const [of, first] = [this.#do, this.#program.channelsFirst]
    const { batch, extents, channels } = parts[0]!
    const { shape, data } = this.#program.constants[step.weight]!
    const cols = shape[1]!
    const size = product(extents)
    let total: Node | undefined
    parts.forEach(({ tensor }, p) => {
      const block = data.subarray(p * channels * cols, (p + 1) * channels * cols)
      const weight = first
        ? of.constant(transposed(block, channels, cols), [cols, channels])
        : of.constant(block, [channels, cols])
      total = first
        ? of.matmul(weight, tensor, total)
        : of.matmul(of.reshape(tensor, [batch * size, channels]), weight, total)
    })
    if (step.bias !== undefined) {
      const bias = this.#program.constants[step.bias]!.data
      total = of.add(total!, of.constant(bias, first ? [cols, 1] : [cols]))
    }
    return this.#value(total!, batch, extents, cols)
  }

  #add({ terms, shape, channels }: Extract<Step, { op: 'add' }>, values: ReadonlyMap<string, Value>): Value {
    const full = this.#shape(this.#batch, shape, channels)
    const all = full.map(() => true)
    let total: Node | undefined
    terms.forEach((term) => {
      const { tensor, along } = this.#term(term, shape, values)
      const [grouped, own] = groups(full, [all, along])
      const part = this.#do.reshape(tensor, own!)
      if (total !== undefined) total = this.#do.add(this.#do.reshape(total, grouped!), part)
      else total = along.includes(false) ? this.#do.expand(part, grouped!) : tensor
    })
    total ??= this.#do.constant(new Float32Array(product(full)), full)
    return this.#value(total, this.#batch, shape, channels)
  }

  /** A term, and along which axes of the sum it runs; the others have extent 1. */
  #term(term: Term, shape: readonly number[], values: ReadonlyMap<string, Value>): { tensor: Node; along: boolean[] } {
    const axes = term.axes.filter((axis) => axis >= 0)
    let value = this.#channels(values.get(term.from)!, term.begin, term.count)
    // The value's axis axes[i] comes i-th.
    if (axes.some((axis, i) => axis !== i)) value = this.#pick(value, axes.map((_, axis) => axes.indexOf(axis))) // prettier-ignore
    const lead = this.#program.channelsFirst ? 2 : 1
    const along = this.#shape(0, shape, 0).map((_, axis) => (term.axes[axis - lead] ?? 0) >= 0)
    along[0] = value.batch === this.#batch
    if (term.ties.length === 0) return { tensor: value.tensor, along }
    // Ties are a mask: the libraries have no views of diagonals.
    const tied = along.map((_, axis) => term.ties.some(({ at }) => at.includes(axis - lead)))
    const [own, mask] = groups(this.#shape(this.#batch, shape, term.count), [along, tied])
    const factor = this.#do.constant(maskOf(term.ties, shape), mask!)
    const tensor = this.#do.multiply(this.#do.reshape(value.tensor, own!), factor)
    return { tensor, along: along.map((runs, axis) => runs || tied[axis]!) }
  }
}

/** Neighbouring axes that all operands treat alike become one, as libraries know few axes: the shape of each operand. */
function groups(full: readonly number[], operands: readonly (readonly boolean[])[]): number[][] {
  const shapes = operands.map((): number[] => [])
  full.forEach((extent, axis) => {
    const joins = axis > 0 && operands.every((along) => along[axis] === along[axis - 1])
    operands.forEach((along, i) => {
      const own = along[axis] ? extent : 1
      if (joins) shapes[i]!.push(shapes[i]!.pop()! * own)
      else shapes[i]!.push(own)
    })
  })
  return shapes
}

/** The product of all ties over the axes that they tie. */
function maskOf(ties: readonly Tie[], shape: readonly number[]): Float32Array {
  const tied = shape.map((extent, at) => (ties.some((tie) => tie.at.includes(at)) ? extent : 1))
  const on = ties.map(({ at, lines }) => {
    const signs = new Map<string, number>()
    for (const { start, step, count, sign } of lines)
      for (let t = 0; t < count; t++) signs.set(`${start[0] + t * step[0]},${start[1] + t * step[1]}`, sign)
    return (tuple: readonly number[]) => signs.get(`${tuple[at[0]]},${tuple[at[1]]}`) ?? 0
  })
  return Float32Array.from(tuples(tied), (tuple) => on.reduce((all, sign) => all * sign(tuple), 1))
}

function transposed(data: Float32Array, rows: number, cols: number): Float32Array {
  return Float32Array.from({ length: data.length }, (_, at) => data[(at % rows) * cols + Math.floor(at / rows)]!)
}
