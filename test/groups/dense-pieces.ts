import type { Form, Group, Order, Piece, Pieces } from '../../lib/groups/group.js'

/** The entry of a form at two index values, summed from its loops. */
export function formEntry(form: Form, a: number, b: number): number {
  let value = 0
  const walk = (depth: number, x: number, y: number, sign: number): void => {
    const loop = form.loops[depth]
    if (loop === undefined) {
      if (x === a && y === b) value += sign
      return
    }
    for (let t = 0; t < loop.extent; t++) {
      walk(depth + 1, x + t * loop.step[0], y + t * loop.step[1], loop.alternate && t % 2 === 1 ? -sign : sign)
    }
  }
  walk(0, form.base[0], form.base[1], 1)
  return value
}

/** What one piece that is no diagonal contributes at the index values of its row. */
function pieceEntry(piece: Piece, row: readonly number[], compact: number): number {
  const values = piece.at.map((p) => row[p]!)
  if (piece.type === 'sum') return Number(values.every((value) => value === values[0]))
  if (piece.type === 'form') return formEntry(piece.form, values[0]!, values[1]!)
  if (piece.type === 'diagonal') throw new Error('diagonals come first')
  const entry = piece.list.entries.filter(
    (e) => e.compact === compact && e.values.every((value, i) => value === values[i]),
  )
  if (entry.length > 1) throw new Error(`${piece.list.name} lists ${values.join()} twice`)
  return entry[0]?.sign ?? 0
}

/** The dense matrix of pieces, [n^l, n^k], by the words of `group.ts` and nothing else. */
export function matrixOfPieces(group: Group, pieces: Pieces, k: Order, l: Order): Float64Array {
  const [bottom, top] = [k, l].map((order) => group.indices(order).map((kind) => group.kinds[kind]!.n))
  const strands = pieces.strands.reduce((total, d) => total + d, 0)
  const [tops, bottoms] = [tuples(top!), tuples(bottom!)]
  return Float64Array.from(
    tops.flatMap((I) =>
      bottoms.map((J) => {
        const [up, down] = [pieces.up.slice(0, strands), pieces.down.slice(0, strands)]
        for (const [p, piece] of up.entries()) {
          const joined = down[pieces.sigma[p]!]!
          if (piece.type !== 'diagonal' || joined.type !== 'diagonal') throw new Error('strands are diagonals')
          const value = I[piece.at[0]!]
          if (!piece.at.every((q) => I[q] === value) || !joined.at.every((q) => J[q] === value)) return 0
        }
        let entry = 0
        for (let compact = 0; compact < pieces.compact; compact++) {
          let product = 1
          for (const piece of pieces.up.slice(strands)) product *= pieceEntry(piece, I, compact)
          for (const piece of pieces.down.slice(strands)) product *= pieceEntry(piece, J, compact)
          entry += product
        }
        return entry
      }),
    ),
  )
}

/** All index tuples, row-major. */
export function tuples(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (heads, n) => heads.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  )
}
