import { rearrangements } from '../plan/count.js'
import type { Instruction, Loop, Mix, Orbit, Program } from '../program/program.js'
import { verify } from '../program/verify.js'
import type { Dtype } from '../tensor/dtype.js'
import { decoder, encoder } from '../tensor/half.js'
import type { Backend, Data, Executable } from './backend.js'
import { BrauerError } from '../errors.js'

/** The living definition of a program: one loop over the items, one over the instructions, float64 throughout, nothing optimised.
 *  Every other backend is tested against it. */
export const reference: Backend = {
  name: 'reference',
  device: 'javascript',
  load(program: Program, dtype: Dtype): Executable {
    verify(program)
    const run = (batch: number, operands: readonly Data[], signal?: AbortSignal): void => interpret(program, dtype, batch, operands, signal)
    return {
      runSync: (batch, operands, options) => run(batch, operands, options?.signal),
      run: async (batch, operands, options) => run(batch, operands, options?.signal),
      dispose: () => undefined,
    }
  },
}

function interpret(program: Program, dtype: Dtype, batch: number, operands: readonly Data[], signal?: AbortSignal): void {
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
    if (signal?.aborted) throw new BrauerError('aborted', 'run: expected to finish, received an abort', { cause: signal.reason })
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
  program.buffers.forEach((buffer, at) => buffer.role === 'output' && buffer.scope === 'shared' && operandOf.get(buffer)!.set(shared[at]!))
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

function walk(loops: readonly Loop[], out: number, from: number, scale: number, visit: (out: number, from: number, scale: number) => void, depth = 0): void {
  const loop = loops[depth]
  if (!loop) {
    visit(out, from, scale)
    return
  }
  for (let t = 0; t < loop.extent; t++) {
    walk(loops, out + t * loop.out, from + t * loop.in, loop.alternate && t % 2 ? -scale : scale, visit, depth + 1)
  }
}

function mix(i: Mix, memory: readonly Float64Array[]): void {
  const [a, b, c] = [memory[i.a]!, memory[i.b]!, memory[i.c]!]
  const at = (r: number, k: number, n: number): [number, number, number] => [i.aBase + r * i.aStride + k, i.bBase + k * i.bStride + n, i.cBase + r * i.cStride + n]
  const each = (visit: (a: number, b: number, c: number) => void): void => {
    for (let r = 0; r < i.rows; r++) for (let k = 0; k < i.inner; k++) for (let n = 0; n < i.cols; n++) visit(...at(r, k, n))
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

function orbit(program: Program, i: Orbit, memory: readonly Float64Array[]): void {
  const strands = memory[i.strands]!
  const d = i.strides.length
  const starts = [i.matrices]
  for (let code = 0; code < 2 ** (d - 1); code++) starts.push(starts[code]! + rearrangements(code, d) ** 2)
  const next = i.lambdas.map(() => 0) // row counters, one per λ
  ascending(i.n, d, (index) => {
    const code = index.reduce((bits, value, p) => (p > 0 && value > index[p - 1]! ? bits | (1 << (p - 1)) : bits), 0)
    const places = arrangements(index).map((word) => word.reduce((sum, value, p) => sum + value * i.strides[p]!, i.base))
    const rows = i.lambdas.flatMap(({ buffer, base, rowStride, unitStride, dimension, kostka }, λ) =>
      Array.from({ length: kostka[code]! * dimension }, (_, row) => {
        const at = base + (next[λ]! + Math.floor(row / dimension)) * rowStride + (row % dimension) * unitStride
        return { memory: memory[buffer]!, at, λ }
      }),
    )
    i.lambdas.forEach(({ kostka }, λ) => (next[λ]! += kostka[code]!))
    const visit = (depth: number, along: number, across: readonly number[]): void => {
      const loop = i.loops[depth]
      for (let t = 0; loop && t < loop.extent; t++) visit(depth + 1, along + t * loop.strands, across.map((at, λ) => at + t * loop.rows[λ]!))
      if (loop) return
      const matrix = (r: number, s: number): number => program.constants[starts[code]! + r * places.length + s]!
      if (i.form === 'forward') {
        rows.forEach((row, r) => {
          const sum = places.reduce((all, place, s) => all + matrix(r, s) * strands[place + along]!, 0)
          row.memory[row.at + across[row.λ]!] = (i.set ? 0 : row.memory[row.at + across[row.λ]!]!) + sum
        })
      } else {
        places.forEach((place, s) => {
          const sum = rows.reduce((all, row, r) => all + matrix(r, s) * row.memory[row.at + across[row.λ]!]!, 0)
          strands[place + along] = (i.set ? 0 : strands[place + along]!) + sum
        })
      }
    }
    visit(0, 0, i.lambdas.map(() => 0))
  })
}

function ascending(n: number, d: number, visit: (index: readonly number[]) => void, index: readonly number[] = []): void {
  if (index.length === d) return visit(index)
  for (let value = index.at(-1) ?? 0; value < n; value++) ascending(n, d, visit, [...index, value])
}

/** Distinct rearrangements in lexicographic order. */
function arrangements(index: readonly number[]): number[][] {
  if (index.length === 0) return [[]]
  const values = [...new Set(index)].sort((a, b) => a - b)
  return values.flatMap((value) => {
    const at = index.indexOf(value)
    return arrangements(index.filter((_, p) => p !== at)).map((rest) => [value, ...rest])
  })
}
