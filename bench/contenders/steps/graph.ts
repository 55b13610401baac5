import { product } from './values.js'

/** One operation of a library that has no diagonals and knows few axes. Shapes are static. */
export interface Node {
  /** input: given. constant: `data`. take: the entries at positions `index` of `axis`. transpose: of the operand in the shape `full`,
   *  by `perm`. matmul: the last two axes, of which the first operand may lack the batch; plus a third operand of the result's
   *  shape. add, multiply: axes of extent 1 are spread. slice: `shape[axis]` entries from `begin` on. expand: axes of extent 1 to
   *  those of the shape. */
  readonly op: Operation
  readonly name: string
  readonly from: readonly Node[]
  readonly shape: readonly number[]
  readonly axis: number
  readonly begin: number
  readonly index: readonly number[]
  readonly full: readonly number[]
  readonly perm: readonly number[]
  readonly data: Float32Array
}

type Operation =
  | 'input'
  | 'constant'
  | 'reshape'
  | 'take'
  | 'transpose'
  | 'sum'
  | 'concat'
  | 'matmul'
  | 'add'
  | 'multiply'
  | 'slice'
  | 'expand'

/** The operations of a layer, in order. */
export interface Graph {
  readonly nodes: readonly Node[]
  readonly outputs: Readonly<Record<string, Node>>
}

const nothing = { axis: 0, begin: 0, index: [], full: [], perm: [], data: new Float32Array() }

/** Writes the nodes of a graph. */
export class GraphWriter {
  readonly nodes: Node[] = []

  #add(op: Node['op'], from: readonly Node[], shape: readonly number[], more: Partial<Node> = {}): Node {
    const node = { ...nothing, op, name: `n${this.nodes.length}`, from, shape, ...more }
    this.nodes.push(node)
    return node
  }

  input(name: string, shape: readonly number[]): Node {
    return this.#add('input', [], shape, { name })
  }

  constant(data: Float32Array, shape: readonly number[]): Node {
    return this.#add('constant', [], shape, { data })
  }

  reshape(from: Node, shape: readonly number[]): Node {
    return from.shape.join() === shape.join() ? from : this.#add('reshape', [from], shape)
  }

  take(from: Node, index: readonly number[], axis: number): Node {
    return this.#add('take', [from], from.shape.with(axis, index.length), { index, axis })
  }

  transpose(from: Node, full: readonly number[], perm: readonly number[], shape: readonly number[]): Node {
    return this.#add('transpose', [from], shape, { full, perm })
  }

  sum(from: Node, axis: number): Node {
    return this.#add('sum', [from], from.shape.toSpliced(axis, 1), { axis })
  }

  concat(from: readonly Node[], axis: number): Node {
    const total = from.reduce((sum, { shape }) => sum + shape[axis]!, 0)
    return this.#add('concat', from, from[0]!.shape.with(axis, total), { axis })
  }

  matmul(a: Node, b: Node, plus?: Node): Node {
    return this.#add('matmul', plus ? [a, b, plus] : [a, b], [
      ...b.shape.slice(0, -2),
      a.shape.at(-2)!,
      b.shape.at(-1)!,
    ])
  }

  add(a: Node, b: Node): Node {
    return this.#add('add', [a, b], spread(a, b))
  }

  multiply(a: Node, b: Node): Node {
    return this.#add('multiply', [a, b], spread(a, b))
  }

  slice(from: Node, axis: number, begin: number, count: number): Node {
    return this.#add('slice', [from], from.shape.with(axis, count), { axis, begin })
  }

  expand(from: Node, shape: readonly number[]): Node {
    return product(from.shape) === product(shape) ? from : this.#add('expand', [from], shape)
  }
}

/** The shape of a sum: axes are matched from the last one on. */
function spread(a: Node, b: Node): number[] {
  const axes = Math.max(a.shape.length, b.shape.length)
  return Array.from({ length: axes }, (_, i) => Math.max(a.shape.at(i - axes) ?? 1, b.shape.at(i - axes) ?? 1))
}
