/** What planning makes, and what it never makes: anything of the size of the dense matrix. Times are scripts/measure-planning.mjs's. */
import { describe, expect, test } from '@jest/globals'
import { inProcess } from '../layers/child.js'

describe('the layers that planning is measured with have their diagrams', () => {
  test.each([
    ['O(5)', 5, 5, 945],
    ['O(3)', 5, 5, 603],
    ['S(8)', 4, 4, 4140],
    ['SO(3)', 5, 4, 232],
    ['S(6)', 5, 5, 109299],
  ])('%s %d→%d: %d', (group, k, l, count) => {
    // n^(l+k) doubles are 78 MB for O(5), 484 MB for S(6), and the weights 1 MB; the arrays of both programs stay below a tenth.
    const body = `
      const before = process.resourceUsage().maxRSS
      const layer = brauer.linear(brauer.groupFrom('${group}'), { ${k}: 1 }, { ${l}: 1 }, { backend: 'cpu' })
      const words = layer.plan.products.reduce((sum, { terms }) => sum + terms.length, 0)
      answer({
        diagrams: layer.diagrams(${k}, ${l}).length, rows: layer.parameters['weight.${k}.${l}'].shape[0], terms: words / 5,
        grown: (process.resourceUsage().maxRSS - before) * 1024,
      })`
    const { value, error } = inProcess(body, {}, 60)
    expect(error).toBeUndefined()
    const { grown, ...counts } = value as { grown: number }
    expect(counts).toEqual({ diagrams: count, rows: count, terms: count })
    // The largest, with 109,299 diagrams, as objects of some hundred bytes; the dense matrix alone would be past this.
    expect(grown).toBeLessThan(400e6)
  })
})

describe('layers whose matrices no machine can hold', () => {
  test.each([
    ['S(1000000)', '{ 1: 2 }', '{ 1: 2 }', 1e6 * 2],
    ['S(1000)', '{ 2: 1 }', '{ 2: 1 }', 1e6],
    ['O(20)', '{ 4: 1 }', '{ 4: 1 }', 160000],
    ['Sp(30)', '{ 3: 1 }', '{ 3: 1 }', 27000],
    ['SO(60)', '{ 3: 1 }', '{ 3: 1 }', 216000],
    ['S(100)×O(30)', '{ ab: 1 }', '{ aab: 1 }', 300000],
  ])('%s %s → %s', (group, input, output, elements) => {
    const body = `
      const layer = brauer.linear(brauer.groupFrom('${group}'), ${input}, ${output}, { backend: 'cpu' })
      layer.explain({ program: true })
      const space = (orders) => Object.fromEntries(Object.entries(orders).map(([order, channels]) => {
        const shape = [1, ...layer.group.indices(layer.group.parseOrder(order)).map((kind) => layer.group.kinds[kind].n), channels]
        return [order, brauer.tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), shape)]
      }))
      const [x, g] = [space(${input}), space(${output})]
      const before = process.resourceUsage().maxRSS
      const y = layer.forwardSync(x), dx = layer.inputGradientSync(g), dw = layer.weightGradientSync(x, g)
      answer({ grown: (process.resourceUsage().maxRSS - before) * 1024, finite: [y, dx, dw].every((record) => Object.values(record).every((value) => value.data.every(Number.isFinite))) })`
    const { value, error } = inProcess(body, {}, 60)
    expect(error).toBeUndefined()
    expect((value as { finite: boolean }).finite).toBe(true)
    // Some copies of the operands, the program and the scratch of the threads.
    expect((value as { grown: number }).grown).toBeLessThan(60e6 + 4 * 20 * (elements as number))
  })
})
