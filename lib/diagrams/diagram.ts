import { BrauerError, expected, show } from '../errors.js'
import { drawBlocks, drawFactors } from './draw.js'

/** A (k,l)-diagram as a frozen value: l top vertices 1..l (output indices, left to right) and k bottom vertices l+1..l+k
 *  (input indices). It stands for a map R^n^(⊗k) -> R^n^(⊗l); which one depends on the group. */
export abstract class Diagram {
  /** Number of top vertices. */
  abstract readonly l: number
  /** Number of bottom vertices. */
  abstract readonly k: number
  /** The stored name, fixed for ever: `1,3|2,4`, with free vertices `1,4|!2,3,5`, for products `1,2;1|2`. */
  abstract readonly key: string
  /** A picture in text, rows on top of each other. */
  abstract draw(): string
  abstract equals(other: Diagram): boolean

  toJSON(): string {
    return this.key
  }

  toString(): string {
    return this.key
  }

  /** Checks blocks of 1-based vertices, given in any order, and puts them in canonical form. `free` are the free vertices of a
   *  determinant diagram, which are in no block.
   *  @throws BrauerError `invalid-diagram`
   *  @example Diagram.of(2, 2, [[2, 4], [1, 3]]).key // '1,3|2,4' */
  static of(
    l: number,
    k: number,
    blocks: readonly (readonly number[])[],
    free: readonly number[] | null = null,
  ): BlockDiagram {
    const where = 'Diagram.of'
    for (const [name, size] of [['l', l] as const, ['k', k] as const]) {
      if (!Number.isSafeInteger(size) || size < 0) {
        throw expected('invalid-diagram', where, `${name} to be an integer of at least 0`, show(size))
      }
    }
    if (!Array.isArray(blocks)) throw expected('invalid-diagram', where, 'an array of blocks', show(blocks))
    const all: readonly (readonly number[])[] = free === null ? blocks : [...blocks, free]
    const owner = new Map<number, number>()
    for (const [index, block] of all.entries()) {
      if (!Array.isArray(block) || block.length === 0) {
        throw expected('invalid-diagram', where, 'blocks of at least one vertex', show(block))
      }
      for (const vertex of block) {
        if (!Number.isSafeInteger(vertex) || vertex < 1 || vertex > l + k) {
          throw expected('invalid-diagram', where, `vertices in 1..${l + k}`, show(vertex))
        }
        if (owner.has(vertex)) throw expected('invalid-diagram', where, 'every vertex once', `${vertex} twice`)
        owner.set(vertex, index)
      }
    }
    if (owner.size !== l + k) {
      let missing = 1
      while (owner.has(missing)) missing++
      throw expected('invalid-diagram', where, `all vertices 1..${l + k}`, `blocks without ${missing}`)
    }
    const numbers = new Map<number, number>()
    let word = ''
    for (let vertex = 1; vertex <= l + k; vertex++) {
      const index = owner.get(vertex) as number
      if (!numbers.has(index)) numbers.set(index, numbers.size)
      word += String.fromCharCode(numbers.get(index) as number)
    }
    return new BlockDiagram(l, k, word, free === null ? -1 : (numbers.get(blocks.length) as number))
  }

  /** Reads a key, which must be in canonical form.
   *  @throws BrauerError `invalid-diagram` */
  static parse(key: string, k: number, l: number): BlockDiagram {
    const where = `diagram key ${show(key)} of orders ${k} -> ${l}`
    if (typeof key !== 'string') throw expected('invalid-diagram', 'diagram key', 'a string', show(key))
    const blocks: number[][] = []
    let free: number[] | null = null
    for (const part of key === '' ? [] : key.split('|')) {
      const match = /^(!?)([1-9]\d{0,8}(?:,[1-9]\d{0,8})*)$/.exec(part)
      if (!match) throw expected('invalid-diagram', where, 'vertices joined by "," in blocks joined by "|"', show(part))
      const block = (match[2] as string).split(',').map(Number)
      if (match[1] === '') blocks.push(block)
      else if (free === null) free = block
      else throw expected('invalid-diagram', where, 'at most one free block', 'two')
    }
    let diagram: BlockDiagram
    try {
      diagram = Diagram.of(l, k, blocks, free)
    } catch (cause) {
      if (!(cause instanceof BrauerError)) throw cause
      throw new BrauerError('invalid-diagram', cause.message.replace('Diagram.of', where), { cause })
    }
    if (diagram.key !== key)
      throw expected('invalid-diagram', where, `the canonical form ${show(diagram.key)}`, show(key))
    return diagram
  }
}

/** A diagram of one simple group. It is kept as its restricted growth string, the block numbers of vertices 1, 2, … in order of
 *  first appearance, held as the code units of `word`: one short string per diagram, whose string order is the canonical order. */
export class BlockDiagram extends Diagram {
  readonly l: number
  readonly k: number
  readonly word: string
  /** Number of the free block in `word`, −1 where there is none. */
  readonly freeBlock: number
  #blocks: readonly (readonly number[])[] | null = null

  /** Takes a restricted growth string unchecked; `Diagram.of` and `Diagram.parse` check. */
  constructor(l: number, k: number, word: string, freeBlock: number) {
    super()
    this.l = l
    this.k = k
    this.word = word
    this.freeBlock = freeBlock
  }

  /** All blocks by their number, the free one among them. */
  get numbered(): readonly (readonly number[])[] {
    if (this.#blocks) return this.#blocks
    const blocks: number[][] = []
    for (let i = 0; i < this.word.length; i++) {
      const number = this.word.charCodeAt(i)
      if (number === blocks.length) blocks.push([i + 1])
      else (blocks[number] as number[]).push(i + 1)
    }
    for (const block of blocks) Object.freeze(block)
    return (this.#blocks = Object.freeze(blocks))
  }

  /** Blocks of 1-based vertices, ascending, by least vertex, without the free ones. */
  get blocks(): readonly (readonly number[])[] {
    if (this.freeBlock < 0) return this.numbered
    return Object.freeze(this.numbered.filter((_, number) => number !== this.freeBlock))
  }

  /** The free vertices, ascending, or null for a diagram without a free block. */
  get free(): readonly number[] | null {
    return this.numbered[this.freeBlock] ?? null
  }

  get key(): string {
    const parts: string[] = []
    for (let i = 0; i < this.word.length; i++) {
      const block = this.word.charCodeAt(i)
      if (block === parts.length) parts.push(`${block === this.freeBlock ? '!' : ''}${i + 1}`)
      else parts[block] += `,${i + 1}`
    }
    return parts.join('|')
  }

  draw(): string {
    return drawBlocks(this.l, this.k, this.numbered, this.freeBlock)
  }

  equals(other: Diagram): boolean {
    return (
      other instanceof BlockDiagram &&
      other.word === this.word &&
      other.l === this.l &&
      other.freeBlock === this.freeBlock
    )
  }
}

/** A diagram of a product of groups: one diagram per factor. `top` and `bottom` are the order words; the i-th vertex of a factor
 *  in a row is the i-th place of the row's word that has the factor's letter. */
export class ProductDiagram extends Diagram {
  readonly factors: readonly BlockDiagram[]
  readonly letters: readonly string[]
  readonly top: string
  readonly bottom: string

  /** Takes factors that fit the words unchecked. */
  constructor(factors: readonly BlockDiagram[], letters: readonly string[], top: string, bottom: string) {
    super()
    this.factors = Object.freeze(factors)
    this.letters = letters
    this.top = top
    this.bottom = bottom
  }

  get l(): number {
    return this.top.length
  }

  get k(): number {
    return this.bottom.length
  }

  get key(): string {
    return this.factors.map((factor) => factor.key).join(';')
  }

  draw(): string {
    return drawFactors(this.factors, this.letters)
  }

  equals(other: Diagram): boolean {
    return (
      other instanceof ProductDiagram &&
      other.top === this.top &&
      other.bottom === this.bottom &&
      other.factors.length === this.factors.length &&
      other.factors.every((factor, i) => factor.equals(this.factors[i] as BlockDiagram))
    )
  }
}

/** Splits the key of a product diagram into the keys of its factors.
 *  @throws BrauerError `invalid-diagram` */
export function factorKeys(key: string, count: number): string[] {
  if (typeof key !== 'string') throw expected('invalid-diagram', 'diagram key', 'a string', show(key))
  const keys = key.split(';')
  if (keys.length !== count) {
    throw expected('invalid-diagram', `diagram key ${show(key)}`, `${count} factors joined by ";"`, `${keys.length}`)
  }
  return keys
}
