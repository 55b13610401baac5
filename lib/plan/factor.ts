import type { Piece } from '../groups/group.js'
import type { PlanRequest } from './plan.js'

/** A class of diagrams: equal strands and compact index. */
export interface Class {
  readonly strands: readonly number[]
  readonly tag: string
  readonly compact: number
  /** Distinct permutations that occur. */
  readonly sigmas: (readonly number[])[]
  /** Five numbers per diagram: pair, index, down (−1 for a bias), up, position in sigmas. */
  readonly terms: number[]
}

/** A down or an up before it is placed in a product. */
export interface Part {
  readonly tensor: number
  readonly pieces: readonly Piece[]
  readonly key: string
}

export interface Factored {
  readonly downs: Part[]
  readonly ups: Part[]
  readonly classes: Class[]
}

/** Takes every diagram apart into up ∘ strands ∘ down. With sharing, equal downs and equal ups are one. */
export function factor(request: PlanRequest): Factored {
  const { group, pairs, steps } = request
  const downs = new Pool(steps.share !== false)
  const ups = new Pool(steps.share !== false)
  const classes = new Map<string, Class & { ranks: Map<string, number> }>()
  pairs.forEach((pair, p) => {
    pair.diagrams.forEach((diagram, index) => {
      const pieces = group.pieces(diagram)
      const key = `${pieces.strands.join()}/${pieces.tag}`
      let found = classes.get(key)
      if (!found) {
        found = {
          strands: pieces.strands,
          tag: pieces.tag,
          compact: pieces.compact,
          sigmas: [],
          terms: [],
          ranks: new Map(),
        }
        classes.set(key, found)
      }
      const down = pair.input < 0 ? -1 : downs.add(pair.input, pieces.down)
      const up = ups.add(pair.output, pieces.up)
      const sigma = pieces.sigma.join()
      let rank = found.ranks.get(sigma)
      if (rank === undefined) {
        rank = found.sigmas.push(pieces.sigma) - 1
        found.ranks.set(sigma, rank)
      }
      found.terms.push(p, index, down, up, rank)
    })
  })
  return { downs: downs.parts, ups: ups.parts, classes: [...classes.values()] }
}

class Pool {
  readonly parts: Part[] = []
  readonly #index = new Map<string, number>()
  readonly #shared: boolean

  constructor(shared: boolean) {
    this.#shared = shared
  }

  add(tensor: number, pieces: readonly Piece[]): number {
    const key = `${tensor}:${pieces.map(pieceKey).join(';')}`
    const found = this.#shared ? this.#index.get(key) : undefined
    if (found !== undefined) return found
    const at = this.parts.push({ tensor, pieces, key }) - 1
    this.#index.set(key, at)
    return at
  }
}

/** Equal pieces have equal keys. */
export function pieceKey(piece: Piece): string {
  const name = piece.type === 'form' ? piece.form.name : piece.type === 'list' ? piece.list.name : ''
  return `${piece.type[0]}${name}${piece.at.join()}`
}
