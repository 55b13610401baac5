import { composeDiagrams, transposeDiagram } from '../diagrams/compose.js'
import { BlockDiagram, Diagram } from '../diagrams/diagram.js'
import { gram, type Calculus } from '../diagrams/gram.js'
import { expected, show } from '../errors.js'
import { checkLength, type Group, type Kind, type Order, type Pieces, type Term } from './group.js'
import type { RowCutter } from './rows.js'

/** More diagrams than this are refused before any is made. */
const MOST_DIAGRAMS = 2 ** 24

/** What the four families share: one kind of index, orders that are numbers, and the calculus of their diagrams. */
export abstract class SimpleGroup implements Group {
  readonly name: Calculus
  readonly n: number
  readonly kinds: readonly [Kind]

  constructor(name: Calculus, n: number) {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw expected('invalid-group', `${name}(n)`, 'n to be an integer of at least 1', show(n))
    }
    this.name = name
    this.n = n
    this.kinds = Object.freeze([Object.freeze({ letter: 'a', n })]) as readonly [Kind]
  }

  abstract at(n: readonly number[]): SimpleGroup
  abstract sample(random: () => number): Float64Array[]

  /** Number of diagrams on l+k vertices. */
  protected abstract count(size: number): number
  /** All diagrams in canonical order. */
  protected abstract enumerate(k: number, l: number): Iterable<BlockDiagram>
  protected abstract select(k: number, l: number): BlockDiagram[]
  protected abstract readonly cutter: RowCutter
  /** Says what kind of diagram was expected where this one is not of the group, else null. */
  protected abstract misfit(diagram: BlockDiagram): string | null

  get sharesOverN(): boolean {
    return this.name === 'S'
  }

  toString(): string {
    return `${this.name}(${this.n})`
  }

  parseOrder(value: unknown): number {
    const order = typeof value === 'string' && /^(0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value
    if (typeof order === 'number' && Number.isSafeInteger(order) && order >= 0) return checkLength(order)
    throw expected('invalid-order', `order of a space of ${this}`, 'an integer of at least 0', show(value))
  }

  indices(order: Order): readonly number[] {
    return new Array<number>(this.parseOrder(order)).fill(0)
  }

  spanning(k: Order, l: Order): BlockDiagram[] {
    const [bottom, top] = [this.parseOrder(k), this.parseOrder(l)]
    this.limit(this.count(bottom + top), bottom, top)
    return [...this.enumerate(bottom, top)]
  }

  independent(k: Order, l: Order): BlockDiagram[] {
    return this.select(this.parseOrder(k), this.parseOrder(l))
  }

  parse(key: string, k: Order, l: Order): BlockDiagram {
    const diagram = Diagram.parse(key, this.parseOrder(k), this.parseOrder(l))
    const wanted = this.misfit(diagram)
    if (wanted !== null) throw expected('invalid-diagram', `diagram of ${this}`, wanted, show(key))
    return diagram
  }

  pieces(diagram: Diagram): Pieces {
    const { down, up, strands, sigma } = this.cutter.cut(this.own(diagram))
    return { down, up, strands, tag: '', compact: 1, sigma }
  }

  gram(a: Diagram, b: Diagram): number {
    this.own(a)
    this.own(b)
    if (a.l !== b.l || a.k !== b.k) {
      throw expected('invalid-order', 'gram', `two diagrams of orders ${a.k} -> ${a.l}`, `${b.k} -> ${b.l}`)
    }
    return gram(this.name, this.n, this.own(a), this.own(b))
  }

  transpose(diagram: Diagram): Term {
    return transposeDiagram(this.name, this.n, this.own(diagram))
  }

  compose(b: Diagram, a: Diagram): Term[] {
    this.own(a)
    this.own(b)
    if (a.l !== b.k) {
      throw expected('invalid-order', 'compose', `an upper diagram from order ${a.l}`, `one from order ${b.k}`)
    }
    return composeDiagrams(this.name, this.n, this.own(b), this.own(a))
  }

  /** Refuses a list of diagrams too long to be made. */
  protected limit(count: number, k: number, l: number): void {
    if (count <= MOST_DIAGRAMS) return
    throw expected('size-overflow', `${this}, orders ${k} -> ${l}`, `at most ${MOST_DIAGRAMS} diagrams`, `${count}`)
  }

  /** @throws BrauerError `invalid-argument` */
  protected checkRandom(random: unknown): void {
    if (typeof random !== 'function') throw expected('invalid-argument', `${this}.sample`, 'a function', show(random))
  }

  /** The one size of an argument of `at`. */
  protected one(sizes: readonly number[]): number {
    if (Array.isArray(sizes) && sizes.length === 1) return sizes[0] as number
    throw expected('invalid-group', `${this}.at`, 'one n', show(sizes))
  }

  /** Checks the class only: which diagrams fit the group is checked where they come in, by `parse`. */
  protected own(diagram: Diagram): BlockDiagram {
    if (diagram instanceof BlockDiagram) return diagram
    throw expected('invalid-diagram', `diagram of ${this}`, 'a diagram of one group', show(diagram))
  }
}

/** Freezes without the loss of type: groups have members that are not public. */
export function frozen<G extends SimpleGroup>(group: G): G {
  Object.freeze(group)
  return group
}
