import type { Group, Piece } from '../groups/group.js'
import { pieceKey } from './factor.js'
import type { Product, Row, Side } from './plan.js'

/** True where the pieces read a tensor exactly as it lies: one diagonal piece per index, in order. */
export function isIdentity(pieces: readonly Piece[], indices: number): boolean {
  return (
    pieces.length === indices &&
    pieces.every((piece, p) => piece.type === 'diagonal' && piece.at.length === 1 && piece.at[0] === p)
  )
}

/** The pieces that contract: everything but diagonals. They follow the diagonals. */
export function contractions(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.filter((piece) => piece.type !== 'diagonal')
}

/** How many values a piece visits where the positions have these extents. */
export function visits(piece: Piece, extents: readonly number[]): number {
  if (piece.type === 'list') return piece.list.entries.length
  if (piece.type === 'form') return piece.form.loops.reduce((all, loop) => all * loop.extent, 1)
  return extents[piece.at[0]!]!
}

/** Computes a row from a finer one where that visits fewer values: the source has done some of the row's contractions
 *  already, and its other strands can be merged and contracted further. */
export function linkRows(group: Group, side: Side, products: readonly Product[]): void {
  // Candidates by tensor and by what they have contracted.
  const candidates = new Map<string, number[]>()
  const done = side.rows.map((row) => contractions(row.pieces).map(pieceKey))
  side.rows.forEach((row, at) => {
    if (row.direct || done[at]!.length === 0) return
    const key = `${row.tensor}:${done[at]!.join(';')}`
    const list = candidates.get(key)
    if (list) list.push(at)
    else candidates.set(key, [at])
  })
  side.rows.forEach((row, at) => {
    if (row.direct || done[at]!.length < 2) return
    const keys = done[at]!
    const { extents } = side.tensors[row.tensor]!
    const cost = (source: readonly Piece[]): number =>
      row.pieces.reduce((all, piece) => all * (source.includes(piece) ? 1 : visits(piece, extents)), 1)
    // Larger subsets first: more is already done.
    for (const subset of properSubsets(keys)) {
      for (const source of candidates.get(`${row.tensor}:${subset.join(';')}`) ?? []) {
        const pieces = express(row, side.rows[source]!, subset)
        const found = side.rows[source]!
        if (!pieces || products[found.product]!.compact > products[row.product]!.compact) continue
        if (cost(contractions(row.pieces).filter((piece) => subset.includes(pieceKey(piece)))) >= cost([])) continue
        row.from = source
        row.fromPieces = pieces
        return
      }
    }
  })
}

/** The row's pieces as pieces over the strands of a source that has contracted `shared`, or undefined where the source has
 *  already merged what the row keeps apart. */
function express(row: Row, source: Row, shared: readonly string[]): readonly Piece[] | undefined {
  const strandOf = new Map<number, number>()
  const strands: (readonly number[])[] = []
  source.pieces.forEach((piece) => {
    if (piece.type !== 'diagonal') return
    piece.at.forEach((position) => strandOf.set(position, strands.length))
    strands.push(piece.at)
  })
  const result: Piece[] = []
  for (const piece of row.pieces) {
    if (piece.type !== 'diagonal' && shared.includes(pieceKey(piece))) continue
    const at: number[] = []
    for (const position of piece.at) {
      const strand = strandOf.get(position)
      if (strand === undefined) return undefined
      if (!at.includes(strand)) at.push(strand)
    }
    // A strand of the source may not reach over the piece's edge, and forms and lists need their positions apart.
    const covered = at.reduce((count, strand) => count + strands[strand]!.length, 0)
    if (covered !== piece.at.length) return undefined
    if ((piece.type === 'form' || piece.type === 'list') && at.length !== piece.at.length) return undefined
    result.push({ ...piece, at })
  }
  return result
}

/** Proper non-empty subsets, in order, larger ones first. */
function properSubsets(keys: readonly string[]): string[][] {
  const result: string[][] = []
  for (let mask = 1; mask < 2 ** keys.length - 1; mask++) result.push(keys.filter((_, i) => (mask >> i) & 1))
  return result.sort((a, b) => b.length - a.length)
}
