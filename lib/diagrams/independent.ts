import type { BlockDiagram } from './diagram.js'
import { determinantDiagrams, type MarkedWord } from './enumerate.js'
import { meet } from './gram.js'
import { partners } from './matching.js'
import { modular } from './modular.js'

/** Sp(n): a matching stays iff it has no n/2+1 mutually nested arcs. Arcs are read in the vertex numbering. */
export function independentSymplectic(diagram: BlockDiagram, n: number): boolean {
  const arcs = arcsOf(diagram)
  const deepest = insertions(arcs.map(([, right]) => right))[0]
  return deepest <= n / 2
}

/** O(n): a matching stays iff it has no n+1 arcs in two colours, those of one colour nested and those of different colours
 *  overlapping. Such arcs overlap in pairs, so some gap between vertices lies under all of them (Helly); and among the arcs over
 *  a gap, the largest union of two nested sets has the length of two rows of a tableau (Greene). */
export function independentOrthogonal(diagram: BlockDiagram, n: number): boolean {
  const arcs = arcsOf(diagram)
  if (arcs.length <= n) return true
  for (let gap = 1; gap < 2 * arcs.length; gap++) {
    const over = arcs.filter(([left, right]) => left < gap && gap <= right).map(([, right]) => right)
    const [first, second] = insertions(over)
    if (first + second > n) return false
  }
  return true
}

/** Arcs [left, right] by left end, vertices from 0. */
function arcsOf(diagram: BlockDiagram): [number, number][] {
  return partners(diagram).flatMap((other, v): [number, number][] => (other > v ? [[v, other]] : []))
}

/** Lengths of the first two rows after row insertion, for decreasing subsequences: one, and the union of two, is longest. */
function insertions(values: readonly number[]): [number, number] {
  const rows: [number[], number[]] = [[], []]
  for (const value of values) {
    let moving = value
    for (const row of rows) {
      const place = row.findIndex((other) => other < moving)
      if (place < 0) {
        row.push(moving)
        break
      }
      const bumped = row[place] as number
      row[place] = moving
      moving = bumped
    }
  }
  return [rows[0].length, rows[1].length]
}

/** The least prime above 2^30. */
const PRIME = 1_073_741_827

/** SO(n), n ≥ 2: the determinant diagrams of `size` vertices that stay, in canonical order. A diagram is a combination of
 *  earlier ones iff its Gram determinant with those that stayed is 0, which is decided modulo a prime. */
export function independentDeterminants(size: number, n: number, prime = PRIME): MarkedWord[] {
  if (size < n || (size - n) % 2 !== 0) return []
  const smaller = size === n ? null : new Set(independentDeterminants(size - 2, n, prime).map(nameOf))
  const { times, inverse } = modular(prime)
  const powers = [1]
  // All entries share the factor n!, which is left out.
  const entry = (a: readonly number[], b: readonly number[]): number => {
    const met = meet(a, b, n)
    if (met === null) return 0
    while (powers.length <= met.loops) powers.push(times(powers.at(-1) as number, n % prime))
    const power = powers[met.loops] as number
    return met.sign > 0 ? power : prime - power
  }
  // L·D·Lᵀ of the Gram matrix of the chosen diagrams, row by row, with the inverses of D.
  const chosen: { marked: MarkedWord; partner: number[]; lower: number[]; inverse: number }[] = []
  for (const marked of determinantDiagrams(size, n)) {
    if (smaller && !inherits(marked, smaller)) continue
    const partner = partners({ word: marked.word, freeBlock: marked.free })
    const solved: number[] = []
    const lower: number[] = []
    let rest = entry(partner, partner)
    for (const other of chosen) {
      const row = other.lower
      let value = entry(partner, other.partner)
      for (let i = 0; i < row.length; i++) {
        value -= times(row[i] as number, solved[i] as number)
        if (value < 0) value += prime
      }
      const ratio = times(value, other.inverse)
      solved.push(value)
      lower.push(ratio)
      rest -= times(value, ratio)
      if (rest < 0) rest += prime
    }
    if (rest !== 0) chosen.push({ marked, partner, lower, inverse: inverse(rest) })
  }
  return chosen.map(({ marked }) => marked)
}

/** Whether the diagram without any one of its pairs is among those that stay on two vertices less; if not, it cannot stay: the
 *  pair put back into the relation gives a relation, with diagrams in the same order. This spares most of the elimination. */
function inherits({ word, free }: MarkedWord, smaller: ReadonlySet<string>): boolean {
  const codes = Array.from(word, (unit) => unit.charCodeAt(0))
  for (let pair = 0; pair <= Math.max(...codes); pair++) {
    if (pair === free) continue
    const others = codes.filter((code) => code !== pair).map((code) => (code > pair ? code - 1 : code))
    const rest = { word: String.fromCharCode(...others), free: free > pair ? free - 1 : free }
    if (!smaller.has(nameOf(rest))) return false
  }
  return true
}

const nameOf = ({ word, free }: MarkedWord): string => word + String.fromCharCode(free)
