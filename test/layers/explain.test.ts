import { describe, expect, test } from '@jest/globals'
import { linear, O, S, SO, tensor } from '../../lib/index.js'

const backend = 'reference'

describe('explain names', () => {
  const layer = linear(O(3), { 1: 2, 2: 3 }, { 0: 1, 3: 4, 5: 1 }, { backend })

  test('the layer and what runs it', () => {
    expect(layer.explain()).toContain('O(3)  {1: 2, 2: 3} -> {0: 1, 3: 4, 5: 1}  float32')
    expect(layer.explain()).toMatch(/^backend +reference on javascript \(asked for\)$/m)
  })

  test('an output that nothing reaches and an input that reaches nothing', () => {
    const alone = linear(O(3), { 1: 2, 2: 3 }, { 0: 4 }, { backend })
    expect(alone.explain()).toMatch(/^unused .*input order 1\b/m)
    expect(alone.explain()).not.toMatch(/^zero /m)
    const unreached = linear(O(3), { 2: 3 }, { 0: 4, 1: 2, 3: 1 }, { backend })
    expect(unreached.explain()).toMatch(/^zero .*output order 1, 3$/m)
    expect(unreached.explain()).not.toMatch(/^unused /m)
    expect(Object.keys(unreached.parameters)).toEqual(['weight.2.0'])
    expect(layer.explain()).not.toMatch(/^(zero|unused) /m)
  })

  test('nothing at all', () => {
    const none = linear(O(3), { 1: 2 }, { 0: 4 }, { backend })
    expect(none.explain()).toMatch(/^diagrams +0: none$/m)
    expect(none.explain()).toMatch(/^zero .*output order 0$/m)
    expect(none.explain()).toMatch(/^unused .*input order 1 /m)
    expect(none.parameters).toEqual({})
    expect(none.explain({ program: true })).toContain('zero')
  })

  test('an output that only the bias reaches is not called unreached', () => {
    const biased = linear(O(3), { 1: 2 }, { 0: 4 }, { backend, bias: true })
    expect(biased.explain()).not.toMatch(/^zero /m)
    expect(biased.explain()).toMatch(/^unused .*input order 1 /m)
  })

  test('the cost of every strategy, also for a batch', () => {
    const text = linear(S(5), { 2: 4 }, { 2: 4 }, { backend }).explain({ batch: 32 })
    for (const name of ['dense', 'diagrams', 'shared', 'fourier', 'this plan'])
      expect(text).toMatch(new RegExp(`^${name} `, 'm'))
    expect(text).toMatch(/^batch 32 /m)
  })
})

describe('on an NVIDIA device that need not be here', () => {
  const layer = linear(O(3), { 2: 64 }, { 2: 64 }, { backend })

  test('explain shows both ways to run there, and which one a call takes', () => {
    const text = layer.explain({ batch: 131072, device: 'h200' })
    expect(text).toMatch(/^on NVIDIA H200, batch 131072, predicted by a model and not measured; a call runs fused$/m)
    expect(text).toMatch(/^fused +[\d.]+ ms /m)
    expect(text).toMatch(/^staged +[\d.]+ ms /m)
    expect(layer.explain()).not.toContain('NVIDIA')
  })

  test('no run is faster than its bytes are copied, and a slower device takes longer', () => {
    const [h200, l4] = ['h200', 'l4'].map((device) => layer.estimate(device, 131072))
    const operands = 131072 * 2 * 9 * 64 * 4
    for (const [at, each] of h200!.modes.entries()) {
      expect(each.globalBytes).toBeGreaterThanOrEqual(operands)
      expect(each.seconds).toBeGreaterThan(operands / 4.3e12)
      // It has less than half the multiprocessors, and a sixteenth of the bandwidth.
      expect(l4!.modes[at]!.seconds).toBeGreaterThan(2 * each.seconds)
    }
  })

  test('a device that nobody knows is an error', () => {
    expect(() => layer.explain({ device: 'voodoo' })).toThrow(
      /expected a part of one of NVIDIA H200, .*, received 'voodoo'/,
    )
    expect(() => layer.explain({ device: 5 as never })).toThrow(
      'explain: device: expected the name of a device, received 5',
    )
    expect(() => layer.estimate('h200', 0)).toThrow('estimate: batch')
  })
})

describe.each(['reference', 'cpu'])('%s', (name) => {
  test('an output that nothing reaches is zeros, also over what lay there', () => {
    const layer = linear(SO(3), { 2: 1 }, { 0: 1, 1: 2 }, { backend: name, basis: 'independent' })
    const odd = linear(O(3), { 2: 1 }, { 0: 1, 1: 2 }, { backend: name })
    const x = { 2: tensor(new Float32Array(18).fill(1), [2, 3, 3, 1]) }
    expect(layer.diagrams(2, 1)).toHaveLength(1)
    expect(odd.forwardSync(x)[1].toNumbers()).toEqual(new Array(12).fill(0))
    const out = {
      0: tensor(new Float32Array(2).fill(NaN), [2, 1]),
      1: tensor(new Float32Array(12).fill(NaN), [2, 3, 2]),
    }
    expect(odd.forwardSync(x, { out })[1].toNumbers()).toEqual(new Array(12).fill(0))
  })

  test('the gradient of an input that reaches nothing is zeros', () => {
    const layer = linear(O(3), { 1: 1, 2: 1 }, { 0: 1 }, { backend: name })
    const out = {
      1: tensor(new Float32Array(3).fill(NaN), [1, 3, 1]),
      2: tensor(new Float32Array(9).fill(NaN), [1, 3, 3, 1]),
    }
    expect(layer.inputGradientSync({ 0: tensor([1], [1, 1]) }, { out })[1].toNumbers()).toEqual([0, 0, 0])
  })

  test('a layer without a single diagram', () => {
    const layer = linear(O(3), { 1: 1 }, { 0: 2 }, { backend: name })
    const x = { 1: tensor([1, 2, 3], [1, 3, 1]) }
    const g = { 0: tensor([1, 2], [1, 2]) }
    expect(layer.forwardSync(x)[0].toNumbers()).toEqual([0, 0])
    expect(layer.inputGradientSync(g)[1].toNumbers()).toEqual([0, 0, 0])
    expect(layer.weightGradientSync(x, g)).toEqual({})
    layer.load({})
  })
})
