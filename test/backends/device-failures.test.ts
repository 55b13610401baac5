/** Calls of layers and tensors on a device while any call to it fails: what is told, what is left behind, and what works afterwards. */
import { expect, test } from '@jest/globals'
import { cudaInfo } from '../../lib/index.js'
import { compiled, isCuda } from '../support/backends.js'
import { inChild } from './child.js'

/** Everything that tensors and layers do on a device; whatever it took is given back at its end. */
const journey = `
const { linear, memory, O, tensor } = brauer
const draw = (shape) => tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)), shape)
const x = { 1: draw([2, 3, 1]), 2: draw([2, 3, 3, 1]) }
const make = (device) => linear(O(3), { 1: 1, 2: 1 }, { 0: 1, 2: 1 }, { backend: device, cuda: { mode: 'MODE' }, bias: true })
async function travel(layer, device) {
  const held = []
  const hold = (y) => (held.push(...(y.shape ? [y] : Object.values(y))), y)
  try {
    const there = { 1: hold(await x[1].to(device)), 2: hold(x[2].toSync(device)) }
    const y = hold(await layer.forward(there))
    const { parameters } = layer
    hold(layer.forwardSync({ 1: there[1], 2: x[2] }, { parameters }))
    const back = hold(await layer.inputGradient(y, { parameters }))
    await layer.weightGradient(there, y)
    layer.weightGradientSync(there, y)
    layer.load(parameters)
    return [...(await back[2].getData()), ...y[0].toSync('cpu').data]
  } finally {
    for (const each of held) each.dispose()
  }
}
const outcome = async (run) => {
  try {
    return { value: await run() }
  } catch (error) {
    return { code: error.code, message: error.message }
  }
}`

const planned = (gap: (i: number) => number, count: number, code: string): string => {
  let at = 0
  return Array.from({ length: count }, (_, i) => `fail=any:${(at += gap(i))}:${code}`).join(' ')
}
const child = (mode: string, code: string, emulation: string): unknown =>
  inChild(journey.replace('MODE', mode) + code, { BRAUER_EMULATION: emulation, BRAUER_CUDA_CACHE: '0' })

// Only an emulated device fails when it is asked to: `npm test` runs this file once more on such.
const isEmulated = compiled.some(isCuda) && cudaInfo().runtime === 'emulated'
const each = isEmulated ? test.each(['fused', 'staged']) : () => undefined

test('a device fails only on demand', () => {
  expect(isEmulated).toBe(process.env['BRAUER_EMULATION'] !== undefined)
})

each('%s: a device without memory says so, keeps nothing, and goes on', (mode) => {
  // The first failure waits for the layer; then the n-th call after the one before fails.
  const seen = child(
    mode,
    `
const layer = make('cuda:0')
const expected = JSON.stringify(await travel(layer, 'cuda:0'))
const used = async () => {
  const use = await outcome(() => memory().used)
  return use.code === undefined ? use.value : used()
}
const before = await used()
const counts = { failed: 0, passed: 0 }, other = []
for (let i = 0; i < 280; i++) {
  const { value, code, message } = await outcome(() => travel(layer, 'cuda:0'))
  counts[code ? 'failed' : 'passed']++
  if (code ? code !== 'out-of-memory' || !message.includes('a failure that a test asked for') : JSON.stringify(value) !== expected)
    other.push(code + ' ' + message)
  const now = await used()
  if (now !== before) other.push('keeps ' + (now - before) + ' bytes after ' + message)
}
console.log(JSON.stringify({ ...counts, other: [...new Set(other)] }))`,
    `devices=sm_80 ${planned((i) => (i === 0 ? 600 : i), 220, 'out-of-memory')}`,
  )
  expect(seen).toMatchObject({ other: [] })
  const { failed, passed } = seen as { failed: number; passed: number }
  expect(failed).toBeGreaterThan(100)
  expect(passed).toBeGreaterThan(30)
})

/** Devices of one process, as many as are emulated, and processes. */
const [devices, processes] = [6, 13]

each('%s: a device that is lost says so to every call, and no other one does', (mode) => {
  let lost = 0
  for (let process = 0; process < processes; process++) {
    // On the next device the n-th call fails, with every third n for each mode.
    const nth = (i: number): number => 1 + 3 * (process * devices + i) + (mode === 'fused' ? 0 : 1)
    const seen = child(
      mode,
      `
const other = []
let lost = 0
for (let i = 0; i < ${devices}; i++) {
  const device = 'cuda:' + i
  let layer
  const { code, message } = await outcome(() => travel((layer = make(device)), device))
  if (code === undefined) continue
  if (code !== 'device-lost') other.push(code + ' ' + message)
  // Pinned memory of the host belongs to no device: then none is lost.
  const use = await outcome(() => memory(device))
  if (use.code === undefined) continue
  lost++
  const calls = [() => memory(device), () => make(device), () => x[1].to(device)]
  if (layer !== undefined) calls.push(() => layer.forward(x), () => layer.forwardSync(x), () => layer.load(layer.parameters))
  for (const run of calls) {
    const { code, message } = await outcome(run)
    if (code !== 'device-lost') other.push(run + ': ' + code + ' ' + message)
  }
}
const last = 'cuda:${devices}'
const { value, message } = await outcome(() => travel(make(last), last))
console.log(JSON.stringify({ lost, numbers: value?.length ?? message, other }))`,
      `devices=${Array.from({ length: devices + 1 }, () => 'sm_80').join(',')} ${planned((i) => nth(i) - (i === 0 ? 0 : 1), devices, 'device-lost')}`,
    )
    expect(seen).toMatchObject({ other: [], numbers: 20 })
    lost += (seen as { lost: number }).lost
  }
  expect(lost).toBeGreaterThan(processes * devices * 0.7)
})
