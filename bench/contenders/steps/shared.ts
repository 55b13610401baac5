import type { Diagram } from '../../../dist/diagrams/diagram.js'
import { groupFrom } from '../../../dist/index.js'
import type { Piece } from '../../../dist/groups/group.js'
import { pieceKey } from '../../../dist/plan/factor.js'
import type { Problem } from '../../problem.js'
import { writeDowns, type Down } from './downs.js'
import type { Program, Step, Table, Term } from './step.js'
import { foldTerms, upTerm } from './ups.js'

interface Up {
  readonly tensor: number
  readonly pieces: readonly Piece[]
}

interface Use {
  readonly pair: number
  readonly index: number
  /** −1 for a bias. */
  readonly down: number
  readonly up: number
  readonly sigma: number
}

/** All diagrams with the same strands. */
interface Class {
  readonly name: string
  readonly extents: readonly number[]
  readonly compact: number
  readonly downs: (Down & { readonly tensor: number })[]
  readonly ups: Up[]
  readonly sigmas: (readonly number[])[]
  readonly uses: Use[]
}

/** A layer as a skilled user of a tensor library would write it by hand: contract first, mix once. Every distinct contraction is
 *  computed once and from another where that is less work; the channels of all of them with as many strands are put side by
 *  side and multiplied by one matrix for every order of the strands; what comes out is spread over the output, small values
 *  added up before large ones. */
export function sharedProgram(problem: Problem): Program {
  const { plan } = problem
  const steps: Step[] = []
  const constants: Record<string, Table> = {}
  const write = (step: Step): void => void steps.push(step)
  let count = 0
  const fresh = (): string => `t${count++}`
  const classes = classesOf(problem)
  plan.bottom.tensors.forEach(({ extents }, tensor) => {
    const input = { name: valueName(problem, tensor, whole(extents.length)), extents, pieces: whole(extents.length) }
    const downs = classes.flatMap((cls) => cls.downs.filter((down) => down.tensor === tensor))
    const distinct = new Map(downs.map((down) => [down.name, down]))
    distinct.delete(input.name)
    writeDowns(input, [...distinct.values()], write)
  })
  const terms: Term[][] = problem.outputs.map(() => [])
  for (const cls of classes) {
    const { weight, bias } = matrices(cls, problem)
    constants[`w${cls.name}`] = weight
    if (bias) constants[`b${cls.name}`] = bias
    writeProduct(cls, bias !== undefined, write)
    let begin = 0
    for (const { tensor, pieces } of cls.ups) {
      const { channels, extents } = plan.top.tensors[tensor]!
      const part = { from: `m${cls.name}`, begin, count: channels, extents: cls.extents, compact: cls.compact }
      terms[tensor]!.push(upTerm(part, pieces, extents, fresh, write))
      begin += channels
    }
  }
  plan.top.tensors.forEach(({ extents, channels }, tensor) => {
    const left = foldTerms(terms[tensor]!, extents, fresh, write)
    write({ op: 'add', to: `y${problem.outputs[tensor]!.order}`, shape: extents, channels, terms: left })
  })
  return { channelsFirst: plan.channelsFirst, steps, constants }
}

function classesOf(problem: Problem): Class[] {
  const { plan } = problem
  const group = groupFrom(problem.case.group)
  const classes = new Map<string, Class>()
  plan.pairs.forEach((pair, p) => {
    pair.diagrams.forEach((diagram: Diagram, index) => {
      const { down, up, strands, tag, compact, sigma } = group.pieces(diagram)
      const key = `${strands.join()}/${tag}`
      let cls = classes.get(key)
      if (!cls) {
        const extents = strands.flatMap((d, kind) => new Array<number>(d).fill(group.kinds[kind]!.n))
        const full = compact > 1 ? [...extents, compact] : extents
        cls = { name: `${classes.size}`, extents: full, compact, downs: [], ups: [], sigmas: [], uses: [] }
        classes.set(key, cls)
      }
      const { downs, ups, sigmas, extents } = cls
      // Equal rows of diagrams are one object.
      const at = {
        down: pair.input < 0 ? -1 : downs.findIndex(({ tensor, pieces }) => tensor === pair.input && pieces === down),
        up: ups.findIndex(({ tensor, pieces }) => tensor === pair.output && pieces === up),
        sigma: sigmas.findIndex((each) => each.join() === sigma.join()),
      }
      if (pair.input >= 0 && at.down < 0) {
        const value = valueName(problem, pair.input, down)
        at.down = downs.push({ name: value, tensor: pair.input, pieces: down, extents, compact }) - 1
      }
      if (at.up < 0) at.up = ups.push({ tensor: pair.output, pieces: up }) - 1
      if (at.sigma < 0) at.sigma = sigmas.push(sigma) - 1
      cls.uses.push({ pair: p, index, ...at })
    })
  })
  return [...classes.values()]
}

/** Equal downs have equal names; the down that changes nothing is the input. */
function valueName({ plan, inputs }: Problem, tensor: number, pieces: readonly Piece[]): string {
  const key = (all: readonly Piece[]): string => all.map(pieceKey).join(';')
  const input = `x${inputs[tensor]!.order}`
  return key(pieces) === key(whole(plan.bottom.tensors[tensor]!.extents.length)) ? input : `${input}:${key(pieces)}`
}

function whole(indices: number): Piece[] {
  return Array.from({ length: indices }, (_, at) => ({ type: 'diagonal', at: [at] }))
}

/** The stacked downs, once in every order of the strands, through one matrix. */
function writeProduct({ name, downs, sigmas }: Class, hasBias: boolean, write: (step: Step) => void): void {
  const to = `m${name}`
  if (downs.length === 0) return write({ op: 'constant', to, value: `b${name}` })
  let from = downs[0]!.name
  if (downs.length > 1) write({ op: 'stack', from: downs.map((down) => down.name), to: (from = `s${name}`) })
  const orders = sigmas.map((sigma, i) => {
    if (sigma.every((strand, p) => strand === p)) return from
    // Up strand p is joined to down strand sigma[p]; a compact index stays last.
    const pick = sigma.map((_, strand) => sigma.indexOf(strand))
    const compact = downs[0]!.extents.length > sigma.length ? [sigma.length] : []
    write({ op: 'pick', from, to: `p${name}.${i}`, pick: [...pick, ...compact] })
    return `p${name}.${i}`
  })
  write({ op: 'mix', from: orders, to, weight: `w${name}`, ...(hasBias ? { bias: `b${name}` } : {}) })
}

/** The matrix of a class, [orders × downs × C_in, ups × C_out], and its bias. */
function matrices(cls: Class, { plan, parameters }: Problem): { weight: Table; bias: Table | undefined } {
  const [inner, cols] = [offsets(cls.downs, plan.bottom.tensors), offsets(cls.ups, plan.top.tensors)]
  const [rows, width] = [inner.total * cls.sigmas.length, cols.total]
  const weight = new Float32Array(rows * width)
  const bias = new Float32Array(width)
  let biased = false
  for (const { pair, index, down, up, sigma } of cls.uses) {
    const { name } = plan.pairs[pair]!
    const { shape, data } = parameters[name]!
    const size = shape.slice(1).reduce((a, b) => a * b, 1)
    const outs = shape.at(-1)!
    const block = data.subarray(index * size, (index + 1) * size)
    if (down < 0) {
      bias.set(block, cols.at[up]!)
      biased = true
      continue
    }
    const first = sigma * inner.total + inner.at[down]!
    for (let c = 0; c < shape[1]!; c++)
      weight.set(block.subarray(c * outs, (c + 1) * outs), (first + c) * width + cols.at[up]!)
  }
  return { weight: { shape: [rows, width], data: weight }, bias: biased ? { shape: [width], data: bias } : undefined }
}

function offsets(rows: readonly { readonly tensor: number }[], tensors: readonly { readonly channels: number }[]) {
  const at: number[] = []
  let total = 0
  for (const { tensor } of rows) {
    at.push(total)
    total += tensors[tensor]!.channels
  }
  return { at, total }
}
