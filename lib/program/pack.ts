import { transform } from '../plan/fourier.js'
import type { Plan, Product } from '../plan/plan.js'
import { Builder } from './builder.js'
import type { Gather, Instruction, Loop, Mix, Program } from './program.js'
import { weightLayout } from './weights.js'

/** The parameters of a layer spread to the packed weights of its products, and transformed. Operands (batch 1): the parameters
 *  of every pair that has diagrams, [diagrams, C_in, C_out] or [diagrams, C_out], then `weights`. */
export function lowerPack(plan: Plan): Program {
  const b = new Builder()
  const layout = weightLayout(plan)
  const parameters = plan.pairs.map((pair) => {
    const channels =
      (pair.input < 0 ? 1 : plan.bottom.tensors[pair.input]!.channels) * plan.top.tensors[pair.output]!.channels
    return pair.diagrams.length === 0 ? -1 : b.buffer(pair.name, 'input', 'item', pair.diagrams.length * channels)
  })
  const weights = b.buffer('weights', 'output', 'item', layout.size)
  b.zero(weights, layout.size)
  plan.products.forEach((product, p) => {
    const { blocks, bias } = layout.products[p]!
    for (const group of groupTerms(plan, product).values()) {
      if (group.bias) packBias(b, plan, product, group, parameters, weights, bias)
      else if (product.fourier < 0) packPlain(b, plan, product, group, parameters, weights, blocks[0]!)
      else packTransformed(b, plan, product, group, parameters, weights, blocks)
    }
  })
  return b.finish()
}

/** Terms of one pair whose downs lie in one run of columns, and whose ups do. */
interface Group {
  readonly pair: number
  readonly bias: boolean
  readonly terms: number[]
  readonly low: Run
  readonly high: Run
}

/** Rows of one tensor with neighbouring columns: the first position, the first column, the number of rows. */
interface Run {
  first: number
  column: number
  count: number
}

function groupTerms(plan: Plan, product: Product): Map<string, Group> {
  const low = runs(product.bottom, plan.bottom.rows)
  const high = runs(product.top, plan.top.rows)
  const groups = new Map<string, Group>()
  for (let t = 0; t < product.terms.length; t += 5) {
    const down = product.terms[t + 2]!
    const from = down < 0 ? { first: 0, column: 0, count: 0 } : low[down]!
    const to = high[product.terms[t + 3]!]!
    const key = `${product.terms[t]}/${from.first}/${to.first}`
    const group = groups.get(key)
    if (group) group.terms.push(t)
    else groups.set(key, { pair: product.terms[t]!, bias: down < 0, terms: [t], low: from, high: to })
  }
  return groups
}

function runs(positions: readonly number[], rows: Plan['bottom']['rows']): Run[] {
  const result: Run[] = []
  positions.forEach((at, position) => {
    const before = position > 0 ? rows[positions[position - 1]!]! : undefined
    const row = rows[at]!
    const same = before && before.tensor === row.tensor && before.direct === row.direct
    const run = same ? result[position - 1]! : { first: position, column: row.column, count: 0 }
    run.count++
    result.push(run)
  })
  return result
}

const loop = (extent: number, out: number, into: number): Loop => ({
  extent,
  out,
  in: into,
  alternate: false,
  strands: 0,
})

function packBias(
  b: Builder,
  plan: Plan,
  product: Product,
  group: Group,
  parameters: readonly number[],
  weights: number,
  base: number,
): void {
  const channels = plan.top.tensors[plan.pairs[group.pair]!.output]!.channels
  for (const t of group.terms) {
    const column = plan.top.rows[product.top[product.terms[t + 3]!]!]!.column
    const inBase = product.terms[t + 1]! * channels
    b.push({
      op: 'strided',
      out: weights,
      in: parameters[group.pair]!,
      outBase: base + column,
      inBase,
      scale: 1,
      set: false,
      loops: [loop(channels, 1, 1)],
    })
  }
}

function packPlain(
  b: Builder,
  plan: Plan,
  product: Product,
  group: Group,
  parameters: readonly number[],
  weights: number,
  base: number,
): void {
  const pair = plan.pairs[group.pair]!
  const inner = plan.bottom.tensors[pair.input]!.channels
  const cols = plan.top.tensors[pair.output]!.channels
  const entries = group.terms.map((t) => {
    const down = plan.bottom.rows[product.bottom[product.terms[t + 2]!]!]!
    const up = plan.top.rows[product.top[product.terms[t + 3]!]!]!
    return [down.column * product.cols + up.column, product.terms[t + 1]! * inner * cols] as const
  })
  b.gather(weights, parameters[group.pair]!, base, entries, [loop(inner, product.cols, cols), loop(cols, 1, 1)])
}

/** Spread over the permutations, one product with the representation matrices, then into place block by block. */
function packTransformed(
  b: Builder,
  plan: Plan,
  product: Product,
  group: Group,
  parameters: readonly number[],
  weights: number,
  blocks: readonly number[],
): void {
  const pair = plan.pairs[group.pair]!
  const inner = plan.bottom.tensors[pair.input]!.channels
  const cols = plan.top.tensors[pair.output]!.channels
  const { lambdas, weights: matrix } = transform(product.strands[product.fourier]!)
  const permutations = lambdas.reduce((sum, { dimension }) => sum + dimension * dimension, 0)
  const cell = inner * cols
  const width = group.low.count * group.high.count * cell
  const spread = b.scratch('spread', permutations * width)
  const transformed = b.scratch('transformed', permutations * width)
  b.zero(spread, permutations * width)
  const entries = group.terms.map((t) => {
    const [down, up, sigma] = [
      product.terms[t + 2]! - group.low.first,
      product.terms[t + 3]! - group.high.first,
      product.terms[t + 4]!,
    ]
    return [sigma * width + (down * group.high.count + up) * cell, product.terms[t + 1]! * cell] as const
  })
  b.gather(spread, parameters[group.pair]!, 0, entries, [loop(cell, 1, 1)])
  const a = b.constantBuffer('representations', matrix)
  b.push({
    op: 'mix', form: 'forward', a, b: spread, c: transformed, aBase: 0, bBase: 0, cBase: 0, aStride: permutations, bStride: width,
    cStride: width, rows: permutations, inner: permutations, cols: width, set: true,
  }) // prettier-ignore
  let first = 0
  lambdas.forEach(({ dimension }, λ) => {
    const stride = dimension * product.cols
    const outBase = blocks[λ]! + group.low.column * stride + group.high.column
    const loops = [
      loop(dimension, product.inner * stride, dimension * width),
      loop(dimension, product.cols, width),
      loop(group.low.count, inner * stride, group.high.count * cell),
      loop(group.high.count, cols, cell),
      loop(inner, stride, cols),
      loop(cols, 1, 1),
    ]
    b.push({
      op: 'strided',
      out: weights,
      in: transformed,
      outBase,
      inBase: first * width,
      scale: 1,
      set: false,
      loops,
    })
    first += dimension * dimension
  })
}

/** The adjoint of a packing program: gradients of the packed weights to gradients of the parameters. Operands (batch 1):
 *  `weights`, then the parameters in the packing program's order. Every instruction is its own adjoint with the roles of its buffers
 *  exchanged, in reverse order. */
export function adjoint(program: Program): Program {
  const b = new Builder()
  const inputs = program.buffers.flatMap((buffer, at) => (buffer.role === 'input' ? [at] : []))
  const outputs = program.buffers.flatMap((buffer, at) => (buffer.role === 'output' ? [at] : []))
  const map = new Map<number, number>()
  for (const at of outputs) map.set(at, b.buffer(program.buffers[at]!.name, 'input', 'item', program.buffers[at]!.size))
  for (const at of inputs) map.set(at, b.buffer(program.buffers[at]!.name, 'output', 'item', program.buffers[at]!.size))
  program.buffers.forEach((buffer, at) => {
    if (buffer.role === 'scratch') map.set(at, b.scratch(buffer.name, buffer.size))
    if (buffer.role === 'constant')
      map.set(at, b.constantBuffer(buffer.name, program.constants.subarray(buffer.offset, buffer.offset + buffer.size)))
  })
  for (const at of inputs) b.zero(map.get(at)!, program.buffers[at]!.size)
  const zeroed = new Set<number>()
  const ready = (at: number): number => {
    // Scratch is zeroed right before its first use, so that buffers may share memory.
    if (program.buffers[at]!.role === 'scratch' && !zeroed.has(at)) b.zero(map.get(at)!, program.buffers[at]!.size)
    zeroed.add(at)
    return map.get(at)!
  }
  for (const instruction of [...program.instructions].reverse()) adjointOf(b, program, instruction, ready)
  return b.finish()
}

function adjointOf(b: Builder, program: Program, instruction: Instruction, ready: (at: number) => number): void {
  switch (instruction.op) {
    case 'zero':
      return
    case 'strided':
    case 'gather': {
      const { outBase: inBase, inBase: outBase, scale } = instruction
      const loops = instruction.loops.map((l) => ({ ...l, out: l.in, in: l.out }))
      const common = { out: ready(instruction.in), in: ready(instruction.out), outBase, inBase, scale, loops }
      if (instruction.op === 'strided') b.push({ op: 'strided', ...common, set: false })
      else b.push({ op: 'gather', ...common, ...b.table(swapped(program, instruction)) })
      return
    }
    case 'mix':
      b.push({
        ...(instruction satisfies Mix),
        form: 'weight',
        a: ready(instruction.a),
        b: ready(instruction.b),
        c: ready(instruction.c),
        set: false,
      })
      return
    case 'orbit':
      throw new Error('a packing program has no orbit instruction')
  }
}

function swapped(program: Program, { first, count }: Gather): [number, number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const [out, into, sign] = program.table.subarray(3 * (first + i), 3 * (first + i) + 3)
    return [into!, out!, sign!]
  })
}
