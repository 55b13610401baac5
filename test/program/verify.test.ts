import { describe, expect, test } from '@jest/globals'
import type { Instruction, Mix, Orbit, Program, Strided } from '../../lib/program/program.js'
import { verify } from '../../lib/program/verify.js'
import { programs } from './programs.js'

// One program per rule of FORMAT.md, each a good one with one thing changed.

const fourier = programs('S(4)', { 1: 2, 2: 3 }, { 0: 1, 2: 2 }, { bias: true, steps: { fourier: true } })
const signed = programs('SO(3)', { 1: 2, 2: 2 }, { 1: 2, 2: 1 })

const replace = <T>(list: readonly T[], at: number, change: (value: T) => T): T[] =>
  list.map((value, i) => (i === at ? change(value) : value))

/** The program with its first instruction of an opcode changed. */
function changed<Op extends Instruction['op']>(
  program: Program,
  op: Op,
  change: Partial<Extract<Instruction, { op: Op }>>,
  where?: (i: Extract<Instruction, { op: Op }>) => boolean,
): Program {
  const at = program.instructions.findIndex(
    (i) => i.op === op && (!where || where(i as Extract<Instruction, { op: Op }>)),
  )
  if (at < 0) throw new Error(`the sample has no such ${op}`)
  return { ...program, instructions: replace(program.instructions, at, (i) => ({ ...i, ...change }) as Instruction) }
}

const buffer = (program: Program, at: number, change: object): Program => ({
  ...program,
  buffers: replace(program.buffers, at, (b) => ({ ...b, ...change })),
})
const { forward, weightGradient } = fourier
const inputs = forward.buffers.findIndex((b) => b.role === 'input')
const local = forward.buffers.findIndex((b) => b.local)
const sharedOut = weightGradient.buffers.findIndex((b) => b.role === 'output')
const plainMix = (i: Mix): boolean => !forward.buffers[i.a]!.local
const localMix = (i: Mix): boolean => forward.buffers[i.a]!.local !== undefined
const marked = (i: Strided): boolean => i.loops.some((loop) => loop.strands > 0)
const orbit = forward.instructions.find((i): i is Orbit => i.op === 'orbit')!
const strided = forward.instructions.find((i): i is Strided => i.op === 'strided')!
const section = forward.sections[0]!

test('the programs that are changed below are good', () => {
  for (const program of [...Object.values(fourier), ...Object.values(signed)])
    expect(() => verify(program)).not.toThrow()
})

describe('refused', () => {
  test.each<[string, Program, RegExp]>([
    ['a buffer of negative size', buffer(forward, 0, { size: -1 }), /size: expected an integer/],
    ['a buffer of fractional size', buffer(forward, 0, { size: 1.5 }), /size: expected an integer/],
    ['scratch outside its arena', { ...forward, scratchSize: 0 }, /within its arena/],
    ['local rows outside their arena', { ...forward, localSize: 1 }, /within its arena/],
    [
      'shared scratch',
      buffer(
        forward,
        forward.buffers.findIndex((b) => b.role === 'scratch'),
        { scope: 'shared' },
      ),
      /item scope/,
    ],
    [
      'a constant outside the constants',
      buffer(
        fourier.pack,
        fourier.pack.buffers.findIndex((b) => b.role === 'constant'),
        { offset: 1e6 },
      ),
      /constants up to/,
    ],
    ['local rows that are no scratch', buffer(forward, local, { role: 'output' }), /scratch for section-local rows/],
    [
      'local rows of no section',
      buffer(forward, local, { local: { section: 7, lambda: 0, width: 1 } }),
      /a section below/,
    ],
    ['local rows of another size', buffer(forward, local, { size: 1 }), /rows\(λ\)·width/],
    ['a section past the end', { ...forward, sections: [{ ...section, count: 1000 }] }, /instructions from/],
    ['sections that overlap', { ...forward, sections: [section, section] }, /instructions from/],
    ['a section of one strand', { ...forward, sections: [{ ...section, d: 1 }] }, /from 2 to/],
    ['a section of another n', { ...forward, sections: [{ ...section, n: section.n + 1 }] }, /./],
    [
      'a section with two numberings of its rows',
      changed(
        forward,
        'orbit',
        { lambdas: orbit.lambdas.map((r) => ({ ...r, dimension: r.dimension + 1 })) },
        (i) => i.form === 'inverse',
      ),
      /one numbering/,
    ],
    ['a buffer out of range', changed(forward, 'strided', { in: 99 }), /a buffer below/],
    [
      'writing an input',
      changed(forward, 'strided', { out: inputs, in: strided.out }),
      /an output or scratch to write/,
    ],
    ['reading and writing one buffer', changed(forward, 'strided', { in: strided.out }), /different buffers/],
    ['an offset below the buffer', changed(forward, 'strided', { inBase: -1 }), /offsets within/],
    ['an offset past the buffer', changed(forward, 'strided', { outBase: 1e6 }), /offsets within/],
    ['a fractional offset', changed(forward, 'strided', { outBase: 0.5 }), /offsets within/],
    ['a scale that is no number', changed(forward, 'strided', { scale: NaN }), /finite scale/],
    [
      'an extent of zero',
      changed(forward, 'strided', { loops: [{ extent: 0, out: 1, in: 1, alternate: false, strands: 0 }] }),
      /extent: expected/,
    ],
    [
      'too many loops',
      changed(forward, 'strided', { loops: new Array(33).fill(strided.loops[0]) as Strided['loops'] }),
      /at most 32 loops/,
    ],
    [
      'a stride that leaves the buffer',
      changed(forward, 'strided', { loops: strided.loops.map((l) => ({ ...l, in: l.in + 1000 })) }),
      /offsets within/,
    ],
    [
      'marked loops outside a section',
      changed(forward, 'strided', { loops: strided.loops.map((l) => ({ ...l, strands: 1 })) }),
      /strand/,
    ],
    [
      'a section write without its strands',
      changed(forward, 'strided', { loops: strided.loops.map((l) => ({ ...l, strands: 0 })) }, marked),
      /every strand|offsets/,
    ],
    ['a list outside the table', changed(signed.forward, 'gather', { count: 1e6 }), /within the table/],
    [
      'a list that leaves its buffer',
      { ...signed.forward, table: signed.forward.table.map((word) => word * 100) },
      /signs|offsets within/,
    ],
    [
      'a sign of two',
      { ...signed.forward, table: signed.forward.table.map((word, i) => (i % 3 === 2 ? 2 : word)) },
      /signs of 1/,
    ],
    ['a product of no rows', changed(forward, 'mix', { rows: 0 }), /an integer from 1/],
    [
      'a product with one buffer twice',
      changed(forward, 'mix', { c: (forward.instructions.find((i) => i.op === 'mix') as Mix).a }),
      /three different/,
    ],
    ['a product past its weights', changed(forward, 'mix', { bBase: 1e6 }), /offsets within/],
    ['a local product in other rows', changed(forward, 'mix', { aStride: 1 }, localMix), /whole rows/],
    ['a local product of some rows', changed(forward, 'mix', { rows: 1 }, localMix), /all rows|rows of/],
    ['a plain product outside on local rows', changed(forward, 'mix', { a: local }, plainMix), /./],
    [
      'reading a shared output',
      changed(weightGradient, 'strided', { in: sharedOut }),
      /no reading of a shared output|offsets within|different/,
    ],
    ['an orbit of another n', changed(forward, 'orbit', { n: 3 }), /n 4 and d 2/],
    ['matrices outside the constants', changed(forward, 'orbit', { matrices: 1e6 }), /matrices within/],
    [
      'dimensions and Kostka numbers that do not add up',
      {
        ...forward,
        instructions: forward.instructions.map((i) =>
          i.op === 'orbit' ? { ...i, lambdas: i.lambdas.map((r) => ({ ...r, dimension: r.dimension + 1 })) } : i,
        ),
      },
      /rows for the composition/,
    ],
    [
      'two λ in one buffer',
      changed(forward, 'orbit', { lambdas: orbit.lambdas.map((r) => ({ ...r, buffer: orbit.lambdas[0]!.buffer })) }),
      /buffer of its own/,
    ],
    [
      'rows that reach into the next',
      changed(forward, 'orbit', { lambdas: orbit.lambdas.map((r) => ({ ...r, base: r.base + 1000 })) }),
      /./,
    ],
    ['strands that leave their buffer', changed(forward, 'orbit', { strides: [1000, 1] }), /offsets within/],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(
      expect.objectContaining({ code: 'invalid-program', message: expect.stringMatching(message) }),
    )
  })
})
