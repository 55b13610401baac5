import type { Group, Piece, Pieces } from '../groups/group.js'
import type { Plan } from '../plan/plan.js'
import { product } from '../tensor/size.js'
import { Builder } from './builder.js'
import { rowMajor, tensorSize, turn } from './passes.js'
import type { Loop, Mix, Program } from './program.js'

/** The strategy that everything else is measured against: packing forms the matrix [n^k·C_in, n^l·C_out] of every pair of
 *  orders, running multiplies by it. */
export function lowerDense(
  plan: Plan,
  group: Group,
  name: 'pack' | 'forward' | 'inputGradient' | 'weightGradient' | 'gradients',
): Program {
  const b = new Builder()
  const layout = denseLayout(plan)
  if (name === 'pack') {
    pack(b, plan, group, layout)
    return b.finish()
  }
  const maps: Record<typeof name, readonly Mix['form'][]> = {
    forward: ['forward'],
    inputGradient: ['input'],
    weightGradient: ['weight'],
    gradients: ['weight', 'input'],
  }
  const forms = maps[name]
  const reads = (side: 'bottom' | 'top'): boolean =>
    forms.some((form) => form !== (side === 'bottom' ? 'input' : 'forward'))
  const operands = (side: 'bottom' | 'top', role: 'input' | 'output', prefix = ''): number[] =>
    plan[side].tensors.map((entry) =>
      b.buffer(`${prefix}${side === 'bottom' ? 'x' : 'y'}${entry.order}`, role, 'item', tensorSize(entry)),
    )
  // Operands come in the order inputs, weights, outputs of the map in question.
  const given = {
    bottom: reads('bottom') ? operands('bottom', 'input') : [],
    top: reads('top') ? operands('top', 'input') : [],
  }
  const weights = name === 'weightGradient' ? -1 : b.buffer('weights', 'input', 'shared', layout.size)
  const side = forms.includes('input') ? 'bottom' : 'top'
  const written = name === 'weightGradient' ? [] : operands(side, 'output', name === 'gradients' ? 'd' : '')
  const gradient = !forms.includes('weight')
    ? -1
    : b.buffer(name === 'gradients' ? 'dweights' : 'weights', 'output', 'shared', layout.size)

  const turned = (end: 'bottom' | 'top', tensors: readonly number[], reading: boolean, prefix = ''): number[] =>
    tensors.map((operand, t) => {
      const entry = plan[end].tensors[t]!
      if (!plan.channelsFirst) return operand
      const inside = b.scratch(`${prefix}${end}${t}'`, tensorSize(entry))
      if (reading) b.read(turn(entry), operand, inside, true)
      return inside
    })
  const bottom = turned('bottom', given.bottom, true)
  const top = turned('top', given.top, true)
  const target = turned(side, written, false, name === 'gradients' ? 'd' : '')
  target.forEach((at, t) => b.zero(at, tensorSize(plan[side].tensors[t]!)))
  for (const form of forms) {
    const a = form === 'input' ? target : bottom
    const c = form === 'forward' ? target : top
    const matrix = form === 'weight' ? gradient : weights
    plan.pairs.forEach(({ input, output }, p) => {
      const cols = tensorSize(plan.top.tensors[output]!)
      const at = layout.pairs[p]!
      if (input < 0) {
        const bias = { wideBase: at, narrowBase: 0, scale: 1, loops: [{ extent: cols, wide: 1, narrow: 1 }] }
        if (form === 'forward') b.read(bias, matrix, c[output]!, false)
        if (form === 'weight') b.write(bias, matrix, c[output]!, false)
        return
      }
      const rows = tensorSize(plan.bottom.tensors[input]!)
      b.push({
        op: 'mix', form, a: a[input]!, b: matrix, c: c[output]!, aBase: 0, bBase: at, cBase: 0,
        aStride: rows, bStride: cols, cStride: cols, rows: 1, inner: rows, cols, set: false,
      } satisfies Mix) // prettier-ignore
    })
  }
  if (plan.channelsFirst) target.forEach((at, t) => b.write(turn(plan[side].tensors[t]!), written[t]!, at, true))
  return b.finish()
}

interface DenseLayout {
  readonly size: number
  readonly pairs: readonly number[]
}

function denseLayout(plan: Plan): DenseLayout {
  let size = 0
  const pairs = plan.pairs.map(({ input, output }) => {
    const rows = input < 0 ? 1 : tensorSize(plan.bottom.tensors[input]!)
    const at = size
    size += product([rows, tensorSize(plan.top.tensors[output]!)], 'dense matrix')
    return at
  })
  return { size, pairs }
}

function pack(b: Builder, plan: Plan, group: Group, layout: DenseLayout): void {
  const parameters = plan.pairs.map(({ name, input, output, diagrams }) =>
    b.buffer(
      name,
      'input',
      'item',
      diagrams.length * (input < 0 ? 1 : plan.bottom.tensors[input]!.channels) * plan.top.tensors[output]!.channels,
    ),
  )
  const weights = b.buffer('weights', 'output', 'item', layout.size)
  b.zero(weights, layout.size)
  plan.pairs.forEach(({ input, output, diagrams }, p) => {
    const entry = plan.top.tensors[output]!
    const cols = tensorSize(entry)
    const inner = input < 0 ? 1 : plan.bottom.tensors[input]!.channels
    const lowExtents = input < 0 ? [] : plan.bottom.tensors[input]!.extents
    const low = { extents: lowExtents, strides: rowMajor(lowExtents, inner * cols) }
    const high = { extents: entry.extents, strides: rowMajor(entry.extents, entry.channels) }
    diagrams.forEach((diagram, index) => {
      const { loops, base, list, contractions } = nest(group.pieces(diagram), low, high)
      const scale = plan.mean && input >= 0 ? contractions.reduce((all, n) => all / n, 1) : 1
      const channels: Loop[] = [
        { extent: inner, out: cols, in: entry.channels, alternate: false, strands: 0 },
        { extent: entry.channels, out: 1, in: 1, alternate: false, strands: 0 },
      ]
      const common = {
        out: weights,
        in: parameters[p]!,
        outBase: layout.pairs[p]! + base,
        inBase: index * inner * entry.channels,
        scale,
        loops: [...loops, ...channels],
      }
      if (list) b.push({ op: 'gather', ...common, ...b.table(list) })
      else b.push({ op: 'strided', ...common, set: false })
    })
  })
}

interface Row {
  readonly extents: readonly number[]
  readonly strides: readonly number[]
}

/** The non-zero entries of a diagram's matrix as loops over its blocks; `contractions` are the extents that `mean` divides by. */
function nest(
  pieces: Pieces,
  low: Row,
  high: Row,
): { loops: Loop[]; base: number; list: [number, number, number][] | undefined; contractions: number[] } {
  const loops: Loop[] = []
  const contractions: number[] = []
  const step = (extent: number, out: number, alternate = false): number =>
    loops.push({ extent, out, in: 0, alternate, strands: 0 })
  const extent = (row: Row, piece: Piece): number => row.extents[piece.at[0]!]!
  let base = 0
  pieces.up.forEach((piece, p) => {
    if (piece.type === 'diagonal')
      step(extent(high, piece), along(high, piece) + along(low, pieces.down[pieces.sigma[p]!]!))
  })
  const contract = (row: Row, piece: Piece): void => {
    if (piece.type === 'sum') step(extent(row, piece), along(row, piece))
    if (piece.type !== 'form') return
    const [left, right] = [row.strides[piece.at[0]!]!, row.strides[piece.at[1]!]!]
    base += piece.form.base[0] * left + piece.form.base[1] * right
    for (const { extent: count, step: by, alternate } of piece.form.loops)
      step(count, by[0] * left + by[1] * right, alternate)
  }
  for (const piece of pieces.down) {
    contract(low, piece)
    if (piece.type === 'sum' || piece.type === 'form') contractions.push(extent(low, piece))
  }
  for (const piece of pieces.up) contract(high, piece)
  return { loops, base, list: joined(pieces, low, high), contractions }
}

const along = (row: Row, piece: Piece): number => piece.at.reduce((sum, position) => sum + row.strides[position]!, 0)

/** Entries of the signed lists of both rows that meet in one value of the compact index. */
function joined(pieces: Pieces, low: Row, high: Row): [number, number, number][] | undefined {
  // A product of groups may have several lists in a row, of which one at most has a compact index.
  const entries = (row: Row, all: readonly Piece[]): { compact: number; offset: number; sign: number }[] =>
    all.reduce(
      (joint, piece) =>
        piece.type !== 'list'
          ? joint
          : joint.flatMap(({ compact, offset, sign }) =>
              piece.list.entries.map((entry) => ({
                compact: compact + entry.compact,
                offset: entry.values.reduce((sum, value, i) => sum + value * row.strides[piece.at[i]!]!, offset),
                sign: sign * entry.sign,
              })),
            ),
      [{ compact: 0, offset: 0, sign: 1 }],
    )
  if (![...pieces.down, ...pieces.up].some((piece) => piece.type === 'list')) return undefined
  const above = entries(high, pieces.up)
  return entries(low, pieces.down).flatMap((a) =>
    above.flatMap((b): [number, number, number][] =>
      a.compact === b.compact ? [[a.offset + b.offset, 0, a.sign * b.sign]] : [],
    ),
  )
}
