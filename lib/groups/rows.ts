import type { BlockDiagram } from '../diagrams/diagram.js'
import type { Piece } from './group.js'

/** What a simple group makes of a row: pieces of blocks that stay in their row, and of the free vertices in it. */
export interface RowRules {
  own(at: readonly number[]): Piece
  list?(row: 'up' | 'down', at: readonly number[]): Piece
}

/** A diagram cut between its rows: equal rows are the same frozen object, whatever diagram they come from. */
export interface Rows {
  readonly up: readonly Piece[]
  readonly down: readonly Piece[]
  readonly strands: readonly number[]
  readonly sigma: readonly number[]
}

/** A tree over small numbers, one step per vertex: it finds the stored value of a row without building a name for it. */
class Tree<V> {
  readonly next: (Tree<V> | undefined)[] = []
  value: V | undefined

  step(code: number): Tree<V> {
    return (this.next[code] ??= new Tree<V>())
  }
}

/** Roles of a block in a row. */
const OWN = 0
const THROUGH = 1
const FREE = 2

/** Cuts diagrams between the rows, as 109,299 of them may come at once: every distinct row, strand count and σ is built once. */
export class RowCutter {
  readonly #rules: RowRules
  readonly #up = new Tree<readonly Piece[]>()
  readonly #down = new Tree<readonly Piece[]>()
  readonly #sigma = new Tree<readonly number[]>()
  readonly #strands: (readonly number[])[] = []
  // By block: its number among the blocks of the bottom row, its strand in the bottom row.
  readonly #local: number[] = []
  readonly #strand: number[] = []

  constructor(rules: RowRules) {
    this.#rules = rules
  }

  cut({ l, word, freeBlock }: BlockDiagram): Rows {
    const [local, strand] = [this.#local, this.#strand]
    const size = word.length
    // Blocks are numbered as they first appear, so those of the top row are the first ones.
    let topBlocks = 0
    for (let i = 0; i < size; i++) {
      local[i] = strand[i] = -1
      if (i < l && word.charCodeAt(i) >= topBlocks) topBlocks++
    }
    let strands = 0
    let bottomBlocks = 0
    let down = this.#down
    for (let i = l; i < size; i++) {
      const block = word.charCodeAt(i)
      const role = block === freeBlock ? FREE : block < topBlocks ? THROUGH : OWN
      if ((local[block] as number) < 0) {
        local[block] = bottomBlocks++
        if (role === THROUGH) strand[block] = strands++
      }
      down = down.step(3 * (local[block] as number) + role)
    }
    let up = this.#up
    let sigma = this.#sigma
    let seen = 0
    for (let i = 0; i < l; i++) {
      const block = word.charCodeAt(i)
      const joined = strand[block] as number
      if (block === seen) {
        seen++
        if (joined >= 0) sigma = sigma.step(joined)
      }
      up = up.step(3 * block + (block === freeBlock ? FREE : joined >= 0 ? THROUGH : OWN))
    }
    const image = (): number[] => this.#image(word, topBlocks)
    return {
      down: (down.value ??= this.#pieces('down', word, l, size, freeBlock, (block) => block < topBlocks)),
      up: (up.value ??= this.#pieces('up', word, 0, l, freeBlock, (block) => (strand[block] as number) >= 0)),
      strands: (this.#strands[strands] ??= Object.freeze([strands])),
      sigma: (sigma.value ??= Object.freeze(image())),
    }
  }

  #image(word: string, topBlocks: number): number[] {
    return this.#strand.slice(0, Math.min(topBlocks, word.length)).filter((joined) => joined >= 0)
  }

  #pieces(
    row: 'up' | 'down',
    word: string,
    from: number,
    to: number,
    freeBlock: number,
    through: (block: number) => boolean,
  ): readonly Piece[] {
    const places = new Map<number, number[]>()
    for (let i = from; i < to; i++) {
      const block = word.charCodeAt(i)
      if (!places.has(block)) places.set(block, [])
      ;(places.get(block) as number[]).push(i - from)
    }
    const diagonals: Piece[] = []
    const others: Piece[] = []
    for (const [block, at] of places) {
      Object.freeze(at)
      if (block === freeBlock) others.push((this.#rules.list as NonNullable<RowRules['list']>)(row, at))
      else if (through(block)) diagonals.push({ type: 'diagonal', at })
      else others.push(this.#rules.own(at))
    }
    return Object.freeze([...diagonals, ...others].map((piece) => Object.freeze(piece)))
  }
}
