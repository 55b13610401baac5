import type { Instruction, Loop, Program } from './program.js'

/** A program as text: buffers, then one line per instruction. Loops are `extent(out,in)`, a sum over a reduced loop has out 0,
 *  `±` marks alternating signs; `mix` is rows×inner×cols.
 *  @example 0 strided x1 -> t1   set 5(0,3) 3(1,1) */
export function print(program: Program): string {
  const names = program.buffers.map((buffer) => buffer.name)
  const sizes = (role: string): string =>
    program.buffers
      .filter((buffer) => buffer.role === role)
      .map(
        (buffer) => `${buffer.name} ${buffer.size}${buffer.scope === 'shared' && role !== 'constant' ? ' shared' : ''}`,
      )
      .join(', ')
  const lines = ['input', 'output', 'constant', 'scratch'].map((role) => `${role.padEnd(9)}${sizes(role) || '-'}`)
  lines.push(`arena    ${program.scratchSize} scratch, ${program.localSize} local`)
  program.instructions.forEach((instruction, at) => {
    const section = program.sections.findIndex(({ first, count }) => at >= first && at < first + count)
    const bar = section < 0 ? ' ' : '|'
    lines.push(`${String(at).padStart(3)}${bar}${instruction.op.padEnd(8)}${describe(instruction, names)}`)
  })
  return lines.join('\n')
}

function describe(i: Instruction, names: readonly string[]): string {
  const at = (buffer: number, base: number): string => names[buffer]! + (base ? `+${base}` : '')
  switch (i.op) {
    case 'zero':
      return `${at(i.out, i.base)}  ${i.rows > 1 ? `${i.rows}(${i.stride}) ` : ''}${i.count}`
    case 'strided':
      return `${at(i.in, i.inBase)} -> ${at(i.out, i.outBase)}  ${i.set ? '=' : '+='}${scale(i.scale)} ${i.loops.map(loop).join(' ')}`
    case 'gather':
      return `${at(i.in, i.inBase)} -> ${at(i.out, i.outBase)}  +=${scale(i.scale)} list ${i.first}…${i.first + i.count - 1} ${i.loops.map(loop).join(' ')}`
    case 'mix': {
      const [a, b, c] = [at(i.a, i.aBase), at(i.b, i.bBase), at(i.c, i.cBase)]
      const text =
        i.form === 'forward' ? `${a} ${b} -> ${c}` : i.form === 'input' ? `${c} ${b}' -> ${a}` : `${a}' ${c} -> ${b}`
      return `${text}  ${i.set ? '=' : '+='} ${i.rows}×${i.inner}×${i.cols}`
    }
    case 'orbit': {
      const rows = i.lambdas.map((r) => at(r.buffer, r.base)).join(' ')
      const strands = at(i.strands, i.base)
      const extents = `${i.n}^${i.strides.length} ${i.loops.map((l) => `${l.extent}(${l.strands})`).join(' ')}`
      return `${i.form === 'forward' ? `${strands} -> ${rows}` : `${rows} -> ${strands}`}  ${i.set ? '=' : '+='} ${extents}`
    }
  }
}

const scale = (value: number): string => (value === 1 ? '' : ` ${value}·`)
const loop = (l: Loop): string => `${l.extent}${l.alternate ? '±' : ''}(${l.out},${l.in})`
