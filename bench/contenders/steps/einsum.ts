import { groupFrom } from '../../../dist/index.js'
import type { Piece } from '../../../dist/groups/group.js'
import type { Problem } from '../../problem.js'
import type { Program, Step, Table, Term } from './step.js'
import { upTerm } from './ups.js'
import { entriesOf, flatten, product, tiesOf } from './values.js'

/** A layer one diagram at a time: what it contracts, its permutation and its channels in one einsum, which is then spread over
 *  the output. */
export function einsumProgram(problem: Problem): Program {
  const { plan, parameters, inputs, outputs } = problem
  const group = groupFrom(problem.case.group)
  const steps: Step[] = []
  const constants: Record<string, Table> = { ...parameters }
  const terms: Term[][] = outputs.map(() => [])
  plan.pairs.forEach(({ name, input, output, diagrams }) => {
    const { channels: count, extents: outputExtents } = plan.top.tensors[output]!
    diagrams.forEach((diagram, index) => {
      const { down, up, sigma } = group.pieces(diagram)
      const to = `${name}:${index}`
      if (input < 0) {
        constants[to] = { shape: [count], data: parameters[name]!.data.slice(index * count, (index + 1) * count) }
        steps.push({ op: 'constant', to, value: to })
        const part = { from: to, begin: 0, count, extents: [], compact: 1 }
        terms[output]!.push(upTerm(part, up, outputExtents, () => `${to}s`, (step) => steps.push(step))) // prettier-ignore
        return
      }
      const axes = outputExtents.map(() => -1)
      const spread = up.filter(({ type }) => type === 'diagonal' || type === 'list')
      spread.flatMap(({ type, at }) => (type === 'list' ? at : [at[0]!])).forEach((at, axis) => (axes[at] = axis))
      const ties = up.flatMap((piece) => tiesOf(piece, outputExtents[piece.at[0]!]!))
      terms[output]!.push({ from: to, begin: 0, count, axes, ties })
      const { extents } = plan.bottom.tensors[input]!
      const from = `x${inputs[input]!.order}`
      const { equation, tables } = equationOf({ down, up, sigma }, extents, outputExtents, plan.channelsFirst)
      Object.assign(constants, tables)
      steps.push({ op: 'einsum', equation, from, to, tables: Object.keys(tables), weight: [name, index] })
    })
  })
  plan.top.tensors.forEach(({ extents: shape, channels }, tensor) => {
    steps.push({ op: 'add', to: `y${outputs[tensor]!.order}`, shape, channels, terms: terms[tensor]! })
  })
  return { channelsFirst: plan.channelsFirst, steps, constants }
}

interface Rows {
  readonly down: readonly Piece[]
  readonly up: readonly Piece[]
  readonly sigma: readonly number[]
}

/** b, c and o are the batch and the channels, z is the compact index. */
function equationOf(
  { down, up, sigma }: Rows,
  inputExtents: readonly number[],
  outputExtents: readonly number[],
  channelsFirst: boolean,
): { equation: string; tables: Record<string, Table> } {
  const letters = [...'ijklmnpqrstuvwxyadefgh']
  const tables: Record<string, Table> = {}
  const operands: string[] = []
  const addTable = (piece: Piece, extents: readonly number[], word: string): void => {
    const name = piece.type === 'list' ? piece.list.name : piece.type === 'form' ? piece.form.name : ''
    operands.push(piece.type === 'list' ? `${word}z` : word)
    tables[`table.${name}.${operands.length}`] = tableOf(piece, extents)
  }
  const read = inputExtents.map(() => '')
  const strands: string[] = []
  for (const piece of down) {
    const apart = piece.type === 'form' || piece.type === 'list'
    const one = apart ? '' : letters.shift()!
    for (const at of piece.at) read[at] = apart ? letters.shift()! : one
    if (piece.type === 'diagonal') strands.push(one)
    if (apart) addTable(piece, inputExtents, piece.at.map((at) => read[at]).join('')) // prettier-ignore
  }
  const written = sigma.map((strand) => strands[strand]!)
  for (const piece of up) {
    if (piece.type !== 'list') continue
    const word = piece.at.map(() => letters.shift()!).join('')
    addTable(piece, outputExtents, word)
    written.push(word)
  }
  const tensor = (indices: readonly string[], channel: string): string =>
    channelsFirst ? `b${channel}${indices.join('')}` : `b${indices.join('')}${channel}`
  return { equation: `${[tensor(read, 'c'), ...operands, 'co'].join()}->${tensor(written, 'o')}`, tables }
}

function tableOf(piece: Piece, extents: readonly number[]): Table {
  const shape = piece.at.map((at) => extents[at]!)
  const full = piece.type === 'list' ? [...shape, piece.list.size] : shape
  const data = new Float32Array(product(full))
  for (const { values, compact, sign } of entriesOf(piece, shape[0]!))
    data[flatten(piece.type === 'list' ? [...values, compact] : values, full)] = sign
  return { shape: full, data }
}
