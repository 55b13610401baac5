import type { Piece } from '../../../dist/groups/group.js'
import { pieceKey } from '../../../dist/plan/factor.js'
import type { Step } from './step.js'
import { entriesOf, flatten, product, tuples } from './values.js'

/** What diagrams read of an input: strands, contractions, and a compact index where that is longer than 1. */
export interface Down {
  readonly name: string
  readonly pieces: readonly Piece[]
  /** Of the strands, and of the compact index where there is one. */
  readonly extents: readonly number[]
  readonly compact: number
}

/** A value that a down may be computed from: the input itself or another down. */
type Source = Omit<Down, 'compact'>

/** Writes the steps that compute some downs of one input, each from the value that leaves least to do: totals from row sums. */
export function writeDowns(input: Source, downs: readonly Down[], write: (step: Step) => void): void {
  const sources = [input]
  const visits = (piece: Piece): number => entriesOf(piece, input.extents[piece.at[0]!]!).length
  for (const down of downs.toSorted((a, b) => product(b.extents) - product(a.extents))) {
    let [best, pieces, least] = [input, down.pieces, Infinity]
    for (const source of sources) {
      const left = express(down.pieces, source.pieces)
      const cost = left ? product(left.map(({ original }) => visits(original))) : Infinity
      if (left && cost <= least) [best, pieces, least] = [source, left.map(({ piece }) => piece), cost]
    }
    contract(down, best, pieces, write)
    if (down.compact === 1) sources.push(down)
  }
}

/** What a down still has to do where a source is given, over the source's axes; undefined where the source has contracted or
 *  merged what the down keeps. */
function express(down: readonly Piece[], source: readonly Piece[]): { piece: Piece; original: Piece }[] | undefined {
  const done = new Set(source.filter(({ type }) => type !== 'diagonal').map(pieceKey))
  const strands = source.filter(({ type }) => type === 'diagonal')
  const wanted = down.filter((piece) => piece.type === 'diagonal' || !done.delete(pieceKey(piece)))
  if (done.size > 0) return undefined
  const left: { piece: Piece; original: Piece }[] = []
  for (const original of wanted) {
    const at = original.at.map((position) => strands.findIndex((strand) => strand.at.includes(position)))
    const axes = [...new Set(at)]
    // A strand may not reach beyond the piece, and a form or a list needs its positions apart.
    const reach = axes.reduce((sum, axis) => sum + (strands[axis]?.at.length ?? Infinity), 0)
    const apart = original.type === 'form' || original.type === 'list'
    if (reach !== at.length || (apart && axes.length !== at.length)) return undefined
    left.push({ piece: { ...original, at: axes }, original })
  }
  return left
}

function contract(down: Down, from: Source, pieces: readonly Piece[], write: (step: Step) => void): void {
  const strands = pieces.filter(({ type }) => type === 'diagonal')
  const contracted = pieces.filter(({ type }) => type !== 'diagonal')
  if (contracted.some(({ type }) => type !== 'sum')) return gather(down, from, strands, contracted, write)
  const plain = pieces.every(({ at }) => at.length === 1) && isAscending(strands.map(({ at }) => at[0]!))
  const to = plain || contracted.length === 0 ? down.name : `${down.name}d`
  let [name, axes] = [from.name, contracted.map(({ at }) => at[0]!)]
  if (!plain) {
    // The strands first, then what is summed.
    const order = [...strands, ...contracted]
    const pick = from.extents.map((_, axis) => order.findIndex(({ at }) => at.includes(axis)))
    write({ op: 'pick', from: name, to, pick })
    name = to
    axes = contracted.map((_, i) => strands.length + i)
  }
  if (contracted.length > 0) write({ op: 'sum', from: name, to: down.name, axes })
}

function gather(
  down: Down,
  from: Source,
  strands: readonly Piece[],
  contracted: readonly Piece[],
  write: (step: Step) => void,
): void {
  // All ways to fill the contracted axes, by compact index.
  let ways = [{ tuple: new Array<number>(from.extents.length).fill(0), compact: 0, sign: 1 }]
  for (const piece of contracted) {
    const entries = entriesOf(piece, from.extents[piece.at[0]!]!)
    ways = ways.flatMap((way) =>
      entries.map(({ values, compact, sign }) => {
        const tuple = [...way.tuple]
        piece.at.forEach((axis, i) => (tuple[axis] = values[i]!))
        return { tuple, compact: way.compact + compact, sign: way.sign * sign }
      }),
    )
  }
  const byCompact = Array.from({ length: down.compact }, (_, compact) => ways.filter((way) => way.compact === compact))
  const terms = byCompact[0]!.length
  const [index, sign]: [number[], number[]] = [[], []]
  for (const row of tuples(down.extents)) {
    for (const way of byCompact[down.compact > 1 ? row.at(-1)! : 0]!) {
      const tuple = [...way.tuple]
      strands.forEach(({ at }, strand) => at.forEach((axis) => (tuple[axis] = row[strand]!)))
      index.push(flatten(tuple, from.extents))
      sign.push(way.sign)
    }
  }
  write({ op: 'gather', from: from.name, begin: 0, to: down.name, shape: down.extents, terms, index, sign })
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > values[i - 1]!)
}
