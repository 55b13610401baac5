import { arrangements, ascending, compositionCode, matrixStarts } from '../plan/count.js'
import type { Instruction, Loop, Mix, Orbit, Program } from '../program/program.js'
import { verify } from '../program/verify.js'
import type { Dtype } from '../tensor/dtype.js'
import { decoder, encoder } from '../tensor/half.js'
import type { Backend, Data, Executable, Operand } from './backend.js'
import { BrauerError } from '../errors.js'

/** The living definition of a program: one loop over the items, one over the instructions, float64 throughout, nothing optimised.
 *  Every other backend is tested against it. */
export const reference: Backend = {
  name: 'reference',
  device: 'javascript',
  load(program: Program, dtype: Dtype): Executable {
    verify(program)
    const runSync: Executable['runSync'] = (batch, operands, options) =>
      interpret(program, dtype, batch, operands, options?.signal)
    return { runSync, run: async (...call) => runSync(...call), dispose: () => undefined }
  },
}

function interpret(program: Program, dtype: Dtype, batch: number, given: readonly Operand[], signal?: AbortSignal) {
  const operands = given as readonly Data[] // it has no memory but the host's
  const bound = program.buffers.filter(({ role }) => role === 'input' || role === 'output')
  const operandOf = new Map(bound.map((buffer, i) => [buffer, operands[i]!]))
  const decode = decoder(dtype)
  const encode = encoder(dtype)
  const shared = program.buffers.map(({ role, scope, size, offset }, at) => {
    if (role === 'constant') return program.constants.subarray(offset, offset + size)
    if (role === 'input' && scope === 'shared') return Float64Array.from(operandOf.get(program.buffers[at]!)!)
    return new Float64Array(scope === 'shared' ? size : 0)
  })
  for (let item = 0; item < batch; item++) {
    if (signal?.aborted) throw new BrauerError('aborted', 'run: expected to finish, received an abort')
    const memory = program.buffers.map((buffer, at) => {
      if (buffer.scope === 'shared') return shared[at]!
      const from = operandOf.get(buffer)?.subarray(item * buffer.size, (item + 1) * buffer.size)
      return buffer.role === 'input' ? Float64Array.from(from!, decode) : new Float64Array(buffer.size).fill(NaN)
    })
    for (const instruction of program.instructions) execute(program, instruction, memory)
    program.buffers.forEach((buffer, at) => {
      if (buffer.role !== 'output' || buffer.scope !== 'item') return
      const to = operandOf.get(buffer)!
      memory[at]!.forEach((value, i) => (to[item * buffer.size + i] = encode(value)))
    })
  }
  program.buffers.forEach(
    (buffer, at) => buffer.role === 'output' && buffer.scope === 'shared' && operandOf.get(buffer)!.set(shared[at]!),
  )
}

function execute(program: Program, i: Instruction, memory: readonly Float64Array[]): void {
  switch (i.op) {
    case 'zero':
      for (let r = 0; r < i.rows; r++) memory[i.out]!.fill(0, i.base + r * i.stride, i.base + r * i.stride + i.count)
      return
    case 'strided': {
      const [out, from] = [memory[i.out]!, memory[i.in]!]
      if (i.set) walk(i.loops, i.outBase, i.inBase, 1, (o) => (out[o] = 0))
      walk(i.loops, i.outBase, i.inBase, i.scale, (o, f, scale) => (out[o]! += scale * from[f]!))
      return
    }
    case 'gather': {
      const [out, from] = [memory[i.out]!, memory[i.in]!]
      for (let entry = i.first; entry < i.first + i.count; entry++) {
        const [o, f, sign] = program.table.subarray(3 * entry, 3 * entry + 3) as unknown as [number, number, number]
        walk(i.loops, i.outBase + o, i.inBase + f, i.scale * sign, (to, at, scale) => (out[to]! += scale * from[at]!))
      }
      return
    }
    case 'mix':
      return mix(i, memory)
    case 'orbit':
      return orbit(program, i, memory)
  }
}

type Visit = (out: number, from: number, scale: number) => void

function walk(loops: readonly Loop[], out: number, from: number, scale: number, visit: Visit, depth = 0): void {
  const loop = loops[depth]
  if (!loop) return visit(out, from, scale)
  for (let t = 0; t < loop.extent; t++) {
    walk(loops, out + t * loop.out, from + t * loop.in, loop.alternate && t % 2 ? -scale : scale, visit, depth + 1)
  }
}

function mix(i: Mix, memory: readonly Float64Array[]): void {
  const [a, b, c] = [memory[i.a]!, memory[i.b]!, memory[i.c]!]
  const each = (visit: Visit): void => {
    for (let r = 0; r < i.rows; r++) {
      for (let k = 0; k < i.inner; k++) {
        const [row, at, to] = [i.aBase + r * i.aStride, i.bBase + k * i.bStride, i.cBase + r * i.cStride]
        for (let n = 0; n < i.cols; n++) visit(row + k, at + n, to + n)
      }
    }
  }
  if (i.form === 'forward') {
    if (i.set) each((_, __, z) => (c[z] = 0))
    each((x, y, z) => (c[z]! += a[x]! * b[y]!))
  } else if (i.form === 'input') {
    if (i.set) each((x) => (a[x] = 0))
    each((x, y, z) => (a[x]! += c[z]! * b[y]!))
  } else {
    each((x, y, z) => (b[y]! += a[x]! * c[z]!))
  }
}

/** One multi-index at a time: its rearrangements are the columns of the matrix, its rows of every λ the rows. */
function orbit(program: Program, i: Orbit, memory: readonly Float64Array[]): void {
  const d = i.strides.length
  const starts = matrixStarts(d)
  const next = i.lambdas.map(() => 0) // row counters, one per λ
  for (const index of ascending(i.n, d)) {
    const code = compositionCode(index)
    const columns = arrangements(index).map((word) => ({
      to: memory[i.strands]!,
      at: word.reduce((sum, value, p) => sum + value * i.strides[p]!, i.base),
      λ: -1,
    }))
    const rows = i.lambdas.flatMap(({ buffer, base, rowStride, unitStride, dimension, kostka }, λ) =>
      Array.from({ length: kostka[code]! * dimension }, (_, row) => {
        const at = base + (next[λ]! + Math.floor(row / dimension)) * rowStride + (row % dimension) * unitStride
        return { to: memory[buffer]!, at, λ }
      }),
    )
    i.lambdas.forEach(({ kostka }, λ) => (next[λ]! += kostka[code]!))
    const entry = (r: number, s: number): number =>
      program.constants[i.matrices + starts[code]! + r * columns.length + s]!
    const [out, from] = i.form === 'forward' ? [rows, columns] : [columns, rows]
    const matrix = i.form === 'forward' ? entry : (r: number, s: number): number => entry(s, r)
    const visit = (depth: number, along: number, across: readonly number[]): void => {
      const loop = i.loops[depth]
      for (let t = 0; loop && t < loop.extent; t++) {
        visit(depth + 1, along + t * loop.strands, across.map((at, λ) => at + t * loop.rows[λ]!)) // prettier-ignore
      }
      if (loop) return
      const shift = (λ: number): number => (λ < 0 ? along : across[λ]!)
      out.forEach(({ to, at, λ }, r) => {
        const sum = from.reduce((all, f, s) => all + matrix(r, s) * f.to[f.at + shift(f.λ)]!, 0)
        to[at + shift(λ)] = (i.set ? 0 : to[at + shift(λ)]!) + sum
      })
    }
    visit(0, 0, i.lambdas.map(() => 0)) // prettier-ignore
  }
}
