import { describe, expect, test } from '@jest/globals'
import { binaryCrossEntropy, meanSquaredError, type Loss } from '../../lib/index.js'
import { scalar } from '../../lib/tape/contract.js'
import { gradients } from '../../lib/tape/gradient.js'
import { evaluateSync, input } from '../../lib/tape/value.js'

const outputs = { 0: [-800, -2, 0, 0.5, 30, 800], 1: [1, -1] }
const targets = { 0: [0, 1, 0.5, 0, 1, 1], 1: [1, 0.25] }
const sigmoid = (y: number): number => 1 / (1 + Math.exp(-y))

/** −log of what the probability of 1, sigmoid(y), gives to the target; far out by its limits. */
function entropy(y: number, target: number): number {
  if (Math.abs(y) > 700) return (y > 0 ? 1 - target : target) * Math.abs(y)
  return -target * Math.log(sigmoid(y)) - (1 - target) * Math.log(sigmoid(-y))
}

const cases: [string, Loss, (y: number, target: number) => number, (y: number, target: number) => number][] = [
  ['meanSquaredError', meanSquaredError, (y, target) => (y - target) ** 2, (y, target) => 2 * (y - target)],
  ['binaryCrossEntropy', binaryCrossEntropy, entropy, (y, target) => sigmoid(y) - target],
]

describe.each(cases)('%s', (name, loss, of, derivative) => {
  const shapes = { 0: [6, 1], 1: [1, 2, 1] }
  const y = { 0: input(shapes[0], 'float64'), 1: input(shapes[1], 'float64') }
  const target = { 0: input(shapes[0], 'float64'), 1: input(shapes[1], 'float64') }
  const given = new Map([
    [y[0], Float64Array.from(outputs[0])],
    [y[1], Float64Array.from(outputs[1])],
    [target[0], Float64Array.from(targets[0])],
    [target[1], Float64Array.from(targets[1])],
  ])
  const value = loss(y, target)
  const pairs = [...outputs[0], ...outputs[1]].map((each, i) => [each, [...targets[0], ...targets[1]][i]!] as const)

  test('is its mean over all components', () => {
    const wanted = pairs.reduce((sum, [each, t]) => sum + of(each, t), 0) / 8
    expect(evaluateSync([value], given)[0]![0]! / wanted).toBeCloseTo(1, 12)
  })

  test('has its derivative, far out too', () => {
    const found = evaluateSync(gradients(value, [y[0], y[1]], scalar(1, 'float64')), given)
    found
      .flatMap((data) => [...data])
      .forEach((each, i) => expect(Math.abs(8 * each - derivative(...pairs[i]!))).toBeLessThan(1e-12 * 1600))
  })

  test('is of something', () => {
    const none = { 0: input([0, 1], 'float64') }
    expect(() => loss(none, none)).toThrow(`${name}: expected at least one element, received none`)
  })
})
