import { types } from 'node:util'
import { BrauerError, expected } from '../errors.js'
import { allocateUnset, view, type Dtype } from '../tensor/dtype.js'
import { bufferOf, bytesOf, isFixed, lengthOf, overlap } from '../tensor/memory.js'
import { own, owned } from '../tensor/owned.js'
import type { Data } from './backend.js'

/** The operands of an asynchronous run where they stay in place while another thread works on them. */
export interface Held {
  readonly operands: readonly Data[]
  /** What the caller gave: others than these are copies. */
  readonly given: readonly Data[]
  /** Memory of the copies, to be used again. */
  readonly borrowed: ArrayBuffer | undefined
}

/** Copies every input that could be transferred away, and makes room for every such output; the first `inputs` operands are
 *  inputs. What the addon refuses anyway is passed on, so that it can say why.
 *  @throws BrauerError `invalid-buffer`, `out-of-memory` */
export function hold(operands: readonly Data[], inputs: number): Held {
  const given = [...operands]
  let bytes = 0
  for (const operand of given) if (isLoose(operand)) bytes += padded(operand)
  if (bytes === 0) return { operands: given, given, borrowed: undefined }
  checkOverlap(given, inputs)
  const borrowed = bytes <= largest ? borrow(bytes) : undefined
  let at = 0
  const copies = given.map((operand, i) => {
    if (!isLoose(operand)) return operand
    const copy = room(operand, borrowed, at)
    at += padded(operand)
    if (i < inputs) copy.set(operand)
    return copy
  })
  return { operands: copies, given, borrowed }
}

/** Copies the results to where they are wanted, once the run is over.
 *  @throws BrauerError `invalid-buffer` when that was transferred away */
export function handOver({ operands, given }: Held, inputs: number): void {
  for (let i = inputs; i < given.length; i++) {
    const [result, output] = [operands[i]!, given[i]!]
    if (result === output) continue
    if (lengthOf(output) !== lengthOf(result)) {
      const place = `run: operand ${i} (output)`
      throw expected('invalid-buffer', place, 'its buffer back', 'a buffer that was transferred away during the run')
    }
    output.set(result)
  }
}

/** Keeps the memory of a run that is over, however it ended, for the next one. */
export function giveBack({ borrowed }: Held): void {
  if (borrowed === undefined) return
  const free = kept.get(borrowed.byteLength) ?? []
  kept.set(borrowed.byteLength, free)
  if (free.length < most) free.push(borrowed)
}

/** Memory of copies by its size in bytes, a power of two: so much of each, and all of it a few megabytes. */
const kept = new Map<number, ArrayBuffer[]>()
const [smallest, largest, most] = [2 ** 10, 2 ** 20, 4]

function borrow(bytes: number): ArrayBuffer {
  let size = smallest
  while (size < bytes) size *= 2
  return kept.get(size)?.pop() ?? own(new ArrayBuffer(size))
}

/** Each operand begins a cache line. */
const padded = (operand: Data): number => Math.ceil(bytesOf(operand) / 64) * 64

function room(operand: Data, borrowed: ArrayBuffer | undefined, at: number): Data {
  const length = lengthOf(operand)
  const dtype = dtypeOf(operand)
  if (borrowed) return view(dtype, borrowed, at, length)
  try {
    const copy = allocateUnset(dtype, length)
    own(copy.buffer as ArrayBuffer)
    return copy
  } catch (error) {
    const received = (error as Error).message
    throw new BrauerError('out-of-memory', `run: expected memory for a copy of an operand, received ${received}`)
  }
}

/** Some dtype that such an array holds. */
function dtypeOf(operand: Data): Dtype {
  if (types.isFloat32Array(operand)) return 'float32'
  return types.isFloat64Array(operand) ? 'float64' : 'float16'
}

function isLoose(operand: Data): boolean {
  const isData = types.isFloat32Array(operand) || types.isFloat64Array(operand) || types.isUint16Array(operand)
  return isData && lengthOf(operand) > 0 && isFixed(operand) && !owned(bufferOf(operand))
}

/** The addon's own check, for the operands that it gets copies of. */
function checkOverlap(operands: readonly Data[], inputs: number): void {
  for (let i = inputs; i < operands.length; i++) {
    for (let j = 0; j < operands.length; j++) {
      const [a, b] = [operands[i], operands[j]]
      if (i === j || !types.isTypedArray(a) || !types.isTypedArray(b) || !overlap(a as Data, b as Data)) continue
      const place = `run: operand ${i} (output)`
      throw expected('invalid-buffer', place, 'memory of its own', `memory that operand ${j} uses too`)
    }
  }
}
