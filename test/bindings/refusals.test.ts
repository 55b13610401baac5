import { describe, expect, test } from '@jest/globals'
import type { Data } from '../../lib/backends/backend.js'
import { own } from '../../lib/tensor/owned.js'
import { backendOf, compiled, inTurn } from '../support/backends.js'
import { adding } from './stress/programs.mjs'

const batch = 2
const x = () => new Float32Array(96)
const w = () => new Float32Array(48)
const memory = new Float32Array(400)

function detached(length: number): Float32Array {
  const data = new Float32Array(length)
  structuredClone(data.buffer, { transfer: [data.buffer] })
  return data
}

const resizable = (): unknown => {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
  return new Float32Array(new Resizable(384, { maxByteLength: 800 }))
}

type Refusal = readonly [name: string, operands: unknown, message: string]
const buffers: readonly Refusal[] = [
  [
    'an input of another kind',
    [new Float64Array(96), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received Float64Array of 96 elements',
  ],
  [
    'a shared input of another kind',
    [x(), new Uint16Array(48), x()],
    'operand 1 (input): expected Float32Array of 48 elements, received Uint16Array of 48 elements',
  ],
  [
    'an output of another kind',
    [x(), w(), new Int32Array(96)],
    'operand 2 (output): expected Float32Array of 96 elements, received Int32Array of 96 elements',
  ],
  [
    'an input one too short',
    [new Float32Array(95), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received Float32Array of 95 elements',
  ],
  [
    'an output one too long',
    [x(), w(), new Float32Array(97)],
    'operand 2 (output): expected Float32Array of 96 elements, received Float32Array of 97 elements',
  ],
  [
    'a shared input with one copy per item',
    [x(), x(), x()],
    'operand 1 (input): expected Float32Array of 48 elements, received Float32Array of 96 elements',
  ],
  ['nothing', [x(), undefined, x()], 'operand 1 (input): expected Float32Array of 48 elements, received undefined'],
  ['a number', [7, w(), x()], 'operand 0 (input): expected Float32Array of 96 elements, received a number'],
  [
    'numbers',
    [x(), w(), Array.from(x())],
    'operand 2 (output): expected Float32Array of 96 elements, received an object that is no typed array',
  ],
  [
    'a view without elements',
    [new DataView(new ArrayBuffer(384)), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received an object that is no typed array',
  ],
  [
    'memory shared with other threads',
    [new Float32Array(new SharedArrayBuffer(384)), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received Float32Array over a SharedArrayBuffer',
  ],
  [
    'an output shared with other threads',
    [x(), w(), new Float32Array(new SharedArrayBuffer(384))],
    'operand 2 (output): expected Float32Array of 96 elements, received Float32Array over a SharedArrayBuffer',
  ],
  [
    'a detached input',
    [detached(96), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received Float32Array over a detached buffer',
  ],
  [
    'a detached output',
    [x(), w(), detached(96)],
    'operand 2 (output): expected Float32Array of 96 elements, received Float32Array over a detached buffer',
  ],
  [
    'a resizable buffer',
    [resizable(), w(), x()],
    'operand 0 (input): expected Float32Array of 96 elements, received Float32Array over a resizable buffer',
  ],
  [
    'the output in the place of an input',
    [memory.subarray(0, 96), w(), memory.subarray(0, 96)],
    'operand 2 (output): expected memory of its own, received memory that operand 0 uses too',
  ],
  [
    'an output that begins in an input',
    [memory.subarray(0, 96), w(), memory.subarray(95, 191)],
    'operand 2 (output): expected memory of its own, received memory that operand 0 uses too',
  ],
  [
    'an output that ends in a shared input',
    [x(), memory.subarray(95, 143), memory.subarray(0, 96)],
    'operand 2 (output): expected memory of its own, received memory that operand 1 uses too',
  ],
]
const lists: readonly Refusal[] = [
  ['one operand too few', [x(), w()], 'operands: expected an array of 3, received one of 2'],
  ['one operand too many', [x(), w(), x(), x()], 'operands: expected an array of 3, received one of 4'],
]

async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return undefined
}

describe.each(inTurn(compiled, 0))('%s', (name) => {
  const subject = backendOf(name)
  const executable = subject.load(adding(48), 'float32')

  const ways = ['runSync', 'run'] as const
  describe.each(ways)('%s refuses', (way) => {
    test.each(buffers)('%s', async (_, operands, message) => {
      const error = await refusal(() => executable[way](batch, operands as Data[]))
      expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-buffer', message: `run: ${message}` })
    })

    test.each(lists)('%s', async (_, operands, message) => {
      const error = await refusal(() => executable[way](batch, operands as Data[]))
      expect(error).toMatchObject({ code: 'invalid-argument', message: `run: ${message}` })
    })

    test.each([
      [-1, '-1'],
      [1.5, '1.5'],
      [NaN, 'nan'],
      [Infinity, 'inf'],
      ['2', 'a string'],
      [undefined, 'undefined'],
    ])('batch %p', async (value, received) => {
      const error = await refusal(() => executable[way](value as number, [x(), w(), x()]))
      expect(error).toMatchObject({
        code: 'invalid-argument',
        message: `run: batch: expected an integer from 0 to 9007199254740992, received ${received}`,
      })
    })

    test.each([-1, 0.5, 2 ** 31])('%p threads', async (threads) => {
      const error = await refusal(() => executable[way](batch, [x(), w(), x()], { threads }))
      expect(error).toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(/^run: threads: expected an integer from 0 to 2147483647, received /),
      })
    })

    test('a batch whose size overflows', async () => {
      const wide = subject.load(adding(4096), 'float32')
      const error = await refusal(() => wide[way](2 ** 53, [x(), w(), x()]))
      expect(error).toMatchObject({
        code: 'invalid-argument',
        message: 'run: batch: expected one whose operands have below 2^63 bytes, received 9007199254740992',
      })
    })

    test('a detached buffer where no element is needed', async () => {
      const error = await refusal(() => executable[way](0, [detached(96), w(), new Float32Array(0)]))
      expect(error).toMatchObject({
        code: 'invalid-buffer',
        message: expect.stringMatching(/operand 0 .* over a detached buffer$/),
      })
    })

    test('memory of a tensor like any other', async () => {
      const ours = new Float32Array(200)
      own(ours.buffer)
      const operands = [ours.subarray(0, 96), w(), ours.subarray(95, 191)]
      const error = await refusal(() => executable[way](batch, operands))
      expect(error).toMatchObject({
        code: 'invalid-buffer',
        message: 'run: operand 2 (output): expected memory of its own, received memory that operand 0 uses too',
      })
    })

    test('a program that was disposed of', async () => {
      const gone = subject.load(adding(48), 'float32')
      gone.dispose()
      gone.dispose()
      const error = await refusal(() => gone[way](batch, [x(), w(), x()]))
      expect(error).toMatchObject({
        code: 'disposed',
        message: 'run: expected a loaded program, received one that was disposed of',
      })
    })

    test('nothing of operands that touch, inputs that are one, or no items', async () => {
      await executable[way](batch, [memory.subarray(0, 96), memory.subarray(0, 48), memory.subarray(96, 192)])
      await executable[way](0, [new Float32Array(0), w(), new Float32Array(0)])
    })
  })

  test('operands hold their storage type, shared ones the compute type', () => {
    const half = subject.load(adding(48), 'float16')
    expect(() => half.runSync(1, [new Uint16Array(48), w(), new Uint16Array(48)])).not.toThrow()
    expect(() => half.runSync(1, [new Uint16Array(48), new Uint16Array(48), new Uint16Array(48)])).toThrow(
      /operand 1 \(input\): expected Float32Array/,
    )
    const double = subject.load(adding(48), 'float64')
    expect(() => double.runSync(1, [new Float64Array(48), w(), new Float64Array(48)])).toThrow(
      /operand 1 \(input\): expected Float64Array/,
    )
  })

  test('a program that no verifier accepts', () => {
    const program = adding(48)
    const instructions = [{ ...program.instructions[0], outBase: 1 }] as unknown as typeof program.instructions
    let error: unknown
    try {
      subject.load({ ...program, instructions }, 'float32')
    } catch (reason) {
      error = reason
    }
    expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-program' })
  })

  test('an operand list whose elements are code, which detaches what was looked at', () => {
    const first = x()
    const operands = [first, w(), x()]
    Object.defineProperty(operands, 2, {
      get: () => (structuredClone(first.buffer, { transfer: [first.buffer] }), x()),
    })
    expect(() => executable.runSync(batch, operands)).toThrow(/operand 0 \(input\).*detached/)
  })
})
