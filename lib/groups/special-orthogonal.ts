import {
  binomial,
  countDeterminants,
  countMatchings,
  determinantDiagrams,
  matchings,
  type MarkedWord,
} from '../diagrams/enumerate.js'
import { BlockDiagram, type Diagram } from '../diagrams/diagram.js'
import { independentDeterminants, independentOrthogonal } from '../diagrams/independent.js'
import { factorial, permutations, sortingSign } from '../diagrams/matching.js'
import { expected } from '../errors.js'
import type { Pieces, SignedList } from './group.js'
import { isMatching } from './orthogonal.js'
import { RowCutter } from './rows.js'
import { rotationMatrix } from './sample.js'
import { frozen, SimpleGroup } from './simple.js'
import { sum } from './symmetric.js'

/** More entries than this are refused; they number n!/s! or n!/(n−s)!. */
const MOST_ENTRIES = 2 ** 22

/** The rotations. Its diagrams are those of O(n) and those with n free vertices, which are the determinant of their values
 *  (arXiv 2212.08630). With s free vertices on top the compact index is the ascending s-subset of 0..n−1 that they take. */
export class SpecialOrthogonalGroup extends SimpleGroup {
  protected readonly cutter = new RowCutter({
    own: sum,
    list: (row, at) => ({ type: 'list', at, list: this.#list(row, at.length) }),
  })
  readonly #lists = new Map<string, SignedList>()
  /** The independent determinant diagrams by number of vertices: they cost an elimination. */
  readonly #chosen = new Map<number, readonly MarkedWord[]>()

  constructor(n: number) {
    super('SO', n)
  }

  at(n: readonly number[]): SpecialOrthogonalGroup {
    return frozen(new SpecialOrthogonalGroup(this.one(n)))
  }

  sample(random: () => number): Float64Array[] {
    this.checkRandom(random)
    return [rotationMatrix(this.n, random)]
  }

  override pieces(diagram: Diagram): Pieces {
    const own = this.own(diagram)
    const { down, up, strands, sigma } = this.cutter.cut(own)
    let above = 0
    for (let i = 0; i < own.l; i++) if (own.word.charCodeAt(i) === own.freeBlock) above++
    const compact = own.freeBlock < 0 ? 1 : binomial(this.n, above)
    return { down, up, strands, tag: compact === 1 ? '' : `det${above}`, compact, sigma }
  }

  protected count(size: number): number {
    return countMatchings(size) + countDeterminants(size, this.n)
  }

  protected *enumerate(k: number, l: number): Generator<BlockDiagram, void> {
    for (const word of matchings(k + l)) yield new BlockDiagram(l, k, word, -1)
    for (const { word, free } of determinantDiagrams(k + l, this.n)) yield new BlockDiagram(l, k, word, free)
  }

  protected select(k: number, l: number): BlockDiagram[] {
    this.limit(this.count(k + l), k, l)
    // For n = 1 every matrix is the number 1.
    if (this.n === 1) return this.spanning(k, l).slice(0, 1)
    // The inner product of a matching and a determinant diagram is 0, so the two choices do not meet.
    const chosen: BlockDiagram[] = []
    for (const word of matchings(k + l)) {
      const diagram = new BlockDiagram(l, k, word, -1)
      if (independentOrthogonal(diagram, this.n)) chosen.push(diagram)
    }
    let marked = this.#chosen.get(k + l)
    if (!marked) this.#chosen.set(k + l, (marked = independentDeterminants(k + l, this.n)))
    for (const { word, free } of marked) chosen.push(new BlockDiagram(l, k, word, free))
    return chosen
  }

  protected misfit(diagram: BlockDiagram): string | null {
    if (isMatching(diagram)) return null
    const fits = diagram.free?.length === this.n && diagram.blocks.every((block) => block.length === 2)
    return fits ? null : `pairs only, or pairs and ${this.n} free vertices`
  }

  /** With A the ascending subset: up couples A with the values t of the free top vertices, all rearrangements of A, and down
   *  with the values b of the free bottom vertices, all rearrangements of the rest; sign(t, b) = sign(t to A) · sign(A, b). */
  #list(row: 'up' | 'down', positions: number): SignedList {
    const { n } = this
    const name = `det${n}-${row}${positions}`
    const known = this.#lists.get(name)
    if (known) return known
    const count = binomial(n, positions) * factorial(positions)
    if (count > MOST_ENTRIES) {
      throw expected('size-overflow', `determinant of ${this}`, `at most ${MOST_ENTRIES} entries`, `${count}`)
    }
    const entries: SignedList['entries'][number][] = []
    const above = row === 'up' ? positions : n - positions
    let compact = 0
    for (const subset of subsets(n, above)) {
      const rest = Array.from({ length: n }, (_, i) => i).filter((i) => !subset.includes(i))
      const split = row === 'up' ? 1 : sortingSign([...subset, ...rest])
      const values = row === 'up' ? subset : rest
      for (const { image, sign } of permutations(positions)) {
        const rearranged = Object.freeze(image.map((i) => values[i] as number))
        entries.push(Object.freeze({ compact, values: rearranged, sign: split === sign ? 1 : -1 }))
      }
      compact++
    }
    const list: SignedList = Object.freeze({ name, size: compact, entries: Object.freeze(entries) })
    this.#lists.set(name, list)
    return list
  }
}

/** The subsets of 0..n−1, ascending and in lexicographic order. */
function* subsets(n: number, size: number, from = 0): Generator<number[], void> {
  if (size === 0) return yield []
  for (let first = from; first <= n - size; first++) {
    for (const rest of subsets(n, size - 1, first + 1)) yield [first, ...rest]
  }
}
