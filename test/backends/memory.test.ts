import { expect, test } from '@jest/globals'
import { linear, S, tensor } from '../../lib/index.js'
import { inChild } from './child.js'

// Peak resident set of fresh processes; the kernel's own count, so Linux only.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a 2 -> 2 layer of S(2048) adds at most the bytes of x and y to the peak', () => {
  const { added, operands } = inChild(`
    import { readFileSync } from 'node:fs'
    const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    const n = 2048, channels = 4
    const layer = brauer.linear(brauer.S(n), { 2: channels }, { 2: channels }, { backend: 'cpu', expectedBatch: 1 })
    const data = new Float32Array(n * n * channels).fill(0.5)
    const x = brauer.tensor(data, [1, n, n, channels])
    const before = peak()
    layer.forwardSync({ 2: x })
    console.log(JSON.stringify({ added: peak() - before, operands: 2 * data.byteLength }))
  `) as { added: number; operands: number }
  expect(added).toBeLessThanOrEqual(operands)
  // The result alone is half of that: were less added, the measurement would be broken.
  expect(added).toBeGreaterThan(0.45 * operands)
})

test('bytes moved by s2-big are at most 1.5 times two readings of x and one writing of y', () => {
  const text = linear(S(512), { 2: 16 }, { 2: 16 }, { backend: 'cpu', expectedBatch: 1 }).explain()
  const [, value, unit] = /, ([\d.]+) (k|M|G)B moved/.exec(text)!
  const moved = Number(value) * { k: 1e3, M: 1e6, G: 1e9 }[unit as 'k' | 'M' | 'G']
  const operand = 512 * 512 * 16 * 4
  expect(moved).toBeLessThanOrEqual(1.5 * 3 * operand)
  expect(moved).toBeGreaterThanOrEqual(2 * operand)
})

test('the total over S(2048) of positive numbers is right to 1e-6 in float32', () => {
  const n = 2048
  const layer = linear(S(n), { 2: 1 }, { 0: 1 }, { backend: 'cpu' })
  const keys = layer.diagrams(2, 0).map((diagram) => diagram.key)
  layer.load({
    'weight.2.0': tensor(
      keys.map((key) => Number(key === '1|2')),
      [keys.length, 1, 1],
    ),
  })
  const data = Float32Array.from({ length: n * n }, (_, i) => 0.1 + ((i * 2654435761) % 1000) / 1000)
  const exact = data.reduce((sum, value) => sum + value, 0)
  const total = layer.forwardSync({ 2: tensor(data, [1, n, n, 1]) })[0].data[0]!
  expect(Math.abs(total - exact) / exact).toBeLessThan(1e-6)
})
