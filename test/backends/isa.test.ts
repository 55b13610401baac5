import { describe, expect, test } from '@jest/globals'
import { cpuInfo } from '../../lib/index.js'
import { inChild } from './child.js'

// Every instruction set that this machine has gives the reference's answers; the others are skipped, and counted.

const body = `
  const cases = [
    [brauer.O(3), { 0: 3, 1: 16, 2: 35 }, { 0: 1, 1: 5, 2: 60 }],
    [brauer.S(5), { 3: 7 }, { 3: 3, 2: 17 }],
    [brauer.S(40), { 2: 12 }, { 2: 33 }],
    [brauer.Sp(4), { 2: 1 }, { 2: 1 }],
    [brauer.SO(3), { 1: 9, 2: 2 }, { 1: 4, 2: 8 }],
  ]
  let worst = { float32: 0, float64: 0, float16: 0 }
  for (const [group, input, output] of cases) {
    for (const dtype of Object.keys(worst)) {
      const options = { dtype, bias: true, steps: { fourier: true } }
      const [cpu, reference] = ['cpu', 'reference'].map((backend) => brauer.linear(group, input, output, { ...options, backend }))
      const make = (space, seed) => Object.fromEntries(Object.entries(space).map(([k, c]) => {
        const shape = [3, ...Array(Number(k)).fill(group.kinds[0].n), c]
        return [k, brauer.tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (Math.imul(i + 1, 2654435761 + seed) >>> 8) / 2 ** 24 - 0.4), shape, dtype)]
      }))
      const [x, g] = [make(input, 1), make(output, 2)]
      const compare = (a, b) => Object.keys(b).forEach((key) => {
        const [u, v] = [a[key].toNumbers(), b[key].toNumbers()]
        const norm = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0))
        const error = Math.sqrt(v.reduce((sum, value, i) => sum + (value - u[i]) ** 2, 0)) / (norm || 1)
        worst[dtype] = Math.max(worst[dtype], error || (Number.isNaN(error) ? 1 : 0))
      })
      compare(cpu.forwardSync(x), reference.forwardSync(x))
      compare(cpu.inputGradientSync(g), reference.inputGradientSync(g))
      compare(cpu.weightGradientSync(x, g), reference.weightGradientSync(x, g))
    }
  }
  console.log(JSON.stringify({ isa: brauer.cpuInfo().isa, worst }))
`

describe.each(cpuInfo().isas.map(({ name, available }) => [name, available] as const))('%s', (name, available) => {
  const where = available ? test : test.skip
  where('equals the reference, forward and both gradients', () => {
    const { isa, worst } = inChild(body, { BRAUER_CPU_ISA: name }) as { isa: string; worst: Record<string, number> }
    expect(isa).toBe(name)
    expect(worst.float64).toBeLessThan(1e-13)
    expect(worst.float32).toBeLessThan(2e-6)
    expect(worst.float16).toBeLessThan(1e-3)
  })
})

test('an instruction set that does not exist or is not here is an error', () => {
  const missing = cpuInfo().isas.find(({ available }) => !available)?.name ?? 'sse9'
  for (const name of [missing, 'sse9']) {
    for (const backend of ['cpu', 'auto']) {
      const message = inChild(
        `try { brauer.linear(brauer.O(3), { 1: 1 }, { 1: 1 }, { backend: '${backend}' }); console.log('"no error"') }
      catch (error) { console.log(JSON.stringify(error.code + ' ' + error.message)) }`,
        { BRAUER_CPU_ISA: name },
      )
      expect(message).toMatch(/invalid-argument .*BRAUER_CPU_ISA/)
    }
  }
})

test('BRAUER_NUM_THREADS sets the default number of threads', () => {
  expect(inChild('console.log(brauer.cpuInfo().threads)', { BRAUER_NUM_THREADS: '3' })).toBe(3)
})
