import { ProductDiagram, factorKeys, type BlockDiagram, type Diagram } from '../diagrams/diagram.js'
import { expected, show } from '../errors.js'
import { checkLength, type Group, type Kind, type Order, type Piece, type Pieces, type Term } from './group.js'
import { SimpleGroup } from './simple.js'

/** The direct product of groups on spaces whose indices belong to one factor each: kinds are lettered a, b, … in the order of the
 *  factors, and an order is a word such as 'aab'. A diagram is one diagram per factor on the places of its letter.
 *  @throws BrauerError `invalid-group` */
export function product(...groups: readonly [Group, Group, ...Group[]]): Group {
  const factors = groups.flatMap((group) => (group instanceof ProductGroup ? group.factors : [group as SimpleGroup]))
  const stranger = factors.findIndex((factor) => !(factor instanceof SimpleGroup))
  if (stranger >= 0 || factors.length < 2) {
    throw expected('invalid-group', 'product', 'two or more groups', stranger >= 0 ? show(factors[stranger]) : 'fewer')
  }
  if (factors.length > 26) throw expected('invalid-group', 'product', 'at most 26 factors', String(factors.length))
  return Object.freeze(new ProductGroup(factors))
}

class ProductGroup implements Group {
  readonly name: string
  readonly factors: readonly SimpleGroup[]
  readonly kinds: readonly Kind[]
  readonly #letters: readonly string[]
  readonly #rows = new Map<unknown, unknown>()

  constructor(factors: readonly SimpleGroup[]) {
    this.factors = Object.freeze([...factors])
    this.name = factors.map((factor) => factor.name).join('×')
    this.#letters = Object.freeze(factors.map((_, i) => String.fromCharCode(97 + i)))
    this.kinds = Object.freeze(factors.map(({ n }, i) => Object.freeze({ letter: this.#letters[i] as string, n })))
  }

  get sharesOverN(): boolean {
    return this.factors.every((factor) => factor.sharesOverN)
  }

  toString(): string {
    return this.factors.join('×')
  }

  at(n: readonly number[]): Group {
    if (!Array.isArray(n) || n.length !== this.factors.length) {
      throw expected('invalid-group', `${this}.at`, `${this.factors.length} sizes`, show(n))
    }
    return Object.freeze(new ProductGroup(this.factors.map((factor, i) => factor.at([n[i] as number]))))
  }

  sample(random: () => number): Float64Array[] {
    return this.factors.flatMap((factor) => factor.sample(random))
  }

  parseOrder(value: unknown): string {
    if (value === 0 || value === '0') return ''
    if (typeof value === 'string') checkLength(value.length)
    if (typeof value === 'string' && [...value].every((letter) => this.#letters.includes(letter))) return value
    throw expected('invalid-order', `order of a space of ${this}`, `a word in ${this.#letters.join(', ')}`, show(value))
  }

  indices(order: Order): readonly number[] {
    return Array.from(this.parseOrder(order), (letter) => this.#letters.indexOf(letter))
  }

  spanning(k: Order, l: Order): ProductDiagram[] {
    return this.#combine(k, l, (factor, bottom, top) => factor.spanning(bottom, top))
  }

  independent(k: Order, l: Order): ProductDiagram[] {
    // The greedy choice in a tensor product of lists is the product of the greedy choices.
    return this.#combine(k, l, (factor, bottom, top) => factor.independent(bottom, top))
  }

  parse(key: string, k: Order, l: Order): ProductDiagram {
    const [bottom, top] = [this.parseOrder(k), this.parseOrder(l)]
    const keys = factorKeys(key, this.factors.length)
    const factors = this.factors.map((factor, i) =>
      factor.parse(keys[i] as string, this.#places(bottom, i).length, this.#places(top, i).length),
    )
    return this.#diagram(factors, top, bottom)
  }

  pieces(diagram: Diagram): Pieces {
    const { factors, top, bottom } = this.#own(diagram)
    const parts = factors.map((factor, i) => this.#factor(i).pieces(factor))
    const long = parts.filter((part) => part.compact > 1)
    if (long.length > 1) {
      throw expected('invalid-group', `pieces of ${this}`, 'one factor at most with determinants across the rows', '2')
    }
    const sigma: number[] = []
    for (const part of parts) {
      const first = sigma.length
      sigma.push(...part.sigma.map((strand) => first + strand))
    }
    return {
      down: this.#row(
        bottom,
        parts.map((part) => part.down),
      ),
      up: this.#row(
        top,
        parts.map((part) => part.up),
      ),
      strands: parts.flatMap((part) => part.strands),
      tag: parts.some((part) => part.tag !== '') ? parts.map((part) => part.tag).join(';') : '',
      compact: long[0]?.compact ?? 1,
      sigma,
    }
  }

  gram(a: Diagram, b: Diagram): number {
    const [x, y] = [this.#own(a), this.#own(b)]
    if (x.top !== y.top || x.bottom !== y.bottom) {
      throw expected('invalid-order', 'gram', `two diagrams ${x.bottom} -> ${x.top}`, `${y.bottom} -> ${y.top}`)
    }
    return x.factors.reduce((total, factor, i) => total * this.#factor(i).gram(factor, y.factors[i] as BlockDiagram), 1)
  }

  transpose(diagram: Diagram): Term {
    const { factors, top, bottom } = this.#own(diagram)
    return this.#expand(
      factors.map((factor, i) => [this.#factor(i).transpose(factor)]),
      bottom,
      top,
    )[0] as Term
  }

  compose(b: Diagram, a: Diagram): Term[] {
    const [upper, lower] = [this.#own(b), this.#own(a)]
    if (upper.bottom !== lower.top) {
      throw expected('invalid-order', 'compose', `an upper diagram from order ${lower.top}`, `one from ${upper.bottom}`)
    }
    const parts = upper.factors.map((factor, i) => this.#factor(i).compose(factor, lower.factors[i] as BlockDiagram))
    return this.#expand(parts, upper.top, lower.bottom)
  }

  #factor(i: number): SimpleGroup {
    return this.factors[i] as SimpleGroup
  }

  #places(word: string, factor: number): number[] {
    return Array.from(word).flatMap((letter, place) => (letter === this.#letters[factor] ? [place] : []))
  }

  #diagram(factors: readonly BlockDiagram[], top: string, bottom: string): ProductDiagram {
    return new ProductDiagram(factors, this.#letters, top, bottom)
  }

  #own(diagram: Diagram): ProductDiagram {
    if (diagram instanceof ProductDiagram && diagram.factors.length === this.factors.length) return diagram
    throw expected(
      'invalid-diagram',
      `diagram of ${this}`,
      `a diagram of ${this.factors.length} factors`,
      show(diagram),
    )
  }

  /** All tuples, the last factor fastest: the canonical order. */
  #combine(
    k: Order,
    l: Order,
    list: (factor: SimpleGroup, bottom: number, top: number) => readonly BlockDiagram[],
  ): ProductDiagram[] {
    const [bottom, top] = [this.parseOrder(k), this.parseOrder(l)]
    const lists = this.factors.map((factor, i) =>
      list(factor, this.#places(bottom, i).length, this.#places(top, i).length),
    )
    const count = lists.reduce((total, { length }) => total * length, 1)
    if (count > 2 ** 24) throw expected('size-overflow', `${this}`, 'at most 2^24 diagrams', `${count}`)
    return tuples(lists).map((factors) => this.#diagram(factors, top, bottom))
  }

  #expand(parts: readonly (readonly Term[])[], top: string, bottom: string): Term[] {
    return tuples(parts).map((terms) => ({
      coefficient: terms.reduce((total, term) => total * term.coefficient, 1),
      diagram: this.#diagram(
        terms.map((term) => term.diagram as BlockDiagram),
        top,
        bottom,
      ),
    }))
  }

  /** The pieces of a row at the places of its word, diagonals first. Equal rows are the same object, as with simple groups. */
  #row(word: string, parts: readonly (readonly Piece[])[]): readonly Piece[] {
    let node = this.#rows
    for (const step of [word, ...parts.slice(0, -1)]) {
      const next = (node.get(step) as typeof node | undefined) ?? new Map<unknown, unknown>()
      node.set(step, next)
      node = next
    }
    const last = parts.at(-1)
    const known = node.get(last) as readonly Piece[] | undefined
    if (known) return known
    const moved = parts.flatMap((pieces, i) => {
      const places = this.#places(word, i)
      return pieces.map((piece) =>
        Object.freeze({ ...piece, at: Object.freeze(piece.at.map((p) => places[p] as number)) }),
      )
    })
    const diagonal = (piece: Piece): boolean => piece.type === 'diagonal'
    const row = Object.freeze([...moved.filter(diagonal), ...moved.filter((piece) => !diagonal(piece))])
    node.set(last, row)
    return row
  }
}

function tuples<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((heads, list) => heads.flatMap((head) => list.map((item) => [...head, item])), [[]])
}
