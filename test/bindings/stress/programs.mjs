// Tiny programs for the scripts beside this file and for the tests above: plain data, so that nothing but the backend is needed.
import { setTimeout as sleep } from 'node:timers/promises'
import { cpu } from '../../../dist/backends/native.js'

const nothing = { constants: new Float64Array(), table: new Float64Array(), sections: [], scratchSize: 0, localSize: 0 }
const buffer = (name, role, size, scope = 'item') => ({ name, role, scope, size, offset: 0 })
const loop = (extent, out, input) => ({ extent, out, in: input, alternate: false, strands: 0 })
const strided = (out, input, scale, set, loops) => ({
  op: 'strided',
  out,
  in: input,
  outBase: 0,
  inBase: 0,
  scale,
  set,
  loops,
})

/** out = scale · in, `size` elements per item. */
export function scaling(size, scale = 2) {
  const buffers = [buffer('x', 'input', size), buffer('y', 'output', size)]
  return { ...nothing, buffers, instructions: [strided(1, 0, scale, true, [loop(size, 1, 1)])] }
}

/** out = in + the weights, which are shared: every kind of operand there is. */
export function adding(size) {
  const buffers = [buffer('x', 'input', size), buffer('w', 'input', size, 'shared'), buffer('y', 'output', size)]
  const loops = [loop(size, 1, 1)]
  return { ...nothing, buffers, instructions: [strided(2, 0, 1, true, loops), strided(2, 1, 1, false, loops)] }
}

const width = 256
const terms = 1000
const passes = 64

/** out[i] = 64 · (in[i] + … + in[i + 999]), as that many sums, none of which can be saved: about a millisecond an item. */
export function slow() {
  const buffers = [buffer('x', 'input', width + terms - 1), buffer('y', 'output', width)]
  const sums = (set) => strided(1, 0, 1, set, [loop(terms, 0, 1), loop(width, 1, 1)])
  return { ...nothing, buffers, instructions: Array.from({ length: passes }, (_, i) => sums(i === 0)) }
}

/** What `slow` makes of ones. */
export const slowAnswer = passes * terms

/** Ones and the output for so many items. */
export function slowOperands(items = 1024) {
  return [new Float32Array(items * (width + terms - 1)).fill(1), new Float32Array(items * width)]
}

/** Loads a program, runs it both ways and throws unless the answer is right. */
export async function checkScaling(items = 3) {
  const executable = cpu().load(scaling(96, 3), 'float32')
  const x = Float32Array.from({ length: items * 96 }, (_, i) => i % 1000)
  for (const run of ['runSync', 'run']) {
    const y = new Float32Array(x.length)
    await executable[run](items, [x, y])
    y.forEach((value, i) => {
      if (value !== 3 * x[i]) throw new Error(`${run}: expected ${3 * x[i]} at ${i}, received ${value}`)
    })
  }
  executable.dispose()
}

/** A generator of numbers in [0, 1) that repeats: a failure at a random moment can be run again. */
export function randomness(seed) {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return state / 2 ** 32
  }
}

export function check(condition, message) {
  if (!condition) throw new Error(message)
}

export { sleep }
