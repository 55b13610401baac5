/** What modules compute, by hand: any equivariant function would pass the other tests. */
import { expect, test } from '@jest/globals'
import {
  bilinear, directSum, gated, groupFrom, invariants, layerNorm, linear, norms, O, pointwise, residual, S, Sp, sum, tensor,
  type ActivationName, type Network, type Space,
} from '../../lib/index.js' // prettier-ignore

const dtype = 'float64'
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const wide = (data: readonly number[], ...shape: number[]) => tensor(Float64Array.from(data), shape)
const close = (received: readonly number[], wanted: readonly number[]): void => {
  expect(received).toHaveLength(wanted.length)
  received.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 12))
}
const at = (network: Network, order: number | string, x: Parameters<Network['forwardSync']>[0]): number[] =>
  network.forwardSync(x)[order]!.toNumbers()

test.each<[ActivationName, number, number]>([
  ['relu', 2, 0],
  ['leakyRelu', 2, -0.01],
  ['silu', 2 * sigmoid(2), -sigmoid(-1)],
  ['gelu', 1.95449973610364, -0.158655253931457],
  ['tanh', Math.tanh(2), Math.tanh(-1)],
  ['sigmoid', sigmoid(2), sigmoid(-1)],
])('%s', (name, above, below) => {
  close(at(pointwise(S(2), { 1: 1 }, name, { dtype }), 1, { 1: wide([2, -1], 1, 2, 1) }), [above, below])
})

test('gates from scalars: channels of higher orders in ascending order, after those that are no gates', () => {
  const network = gated(O(2), { 2: 1, 0: 1, 1: 2 }, { dtype })
  expect(network.input).toEqual({ 0: 4, 1: 2, 2: 1 })
  const x = { 0: wide([3, 0.1, 0.2, 0.3], 1, 4), 1: wide([1, 2, 3, 4], 1, 2, 2), 2: wide([1, 0, 0, 2], 1, 2, 2, 1) }
  const y = network.forwardSync(x)
  close(y[0]!.toNumbers(), [3 * sigmoid(3)])
  close(y[1]!.toNumbers(), [sigmoid(0.1), 2 * sigmoid(0.2), 3 * sigmoid(0.1), 4 * sigmoid(0.2)])
  close(y[2]!.toNumbers(), [sigmoid(0.3), 0, 0, 2 * sigmoid(0.3)])
})

test('gates from contractions: ε of a channel with the next one, by components', () => {
  const network = gated(Sp(2), { 1: 2 }, { gates: 'contractions', gate: 'tanh', dtype })
  // Channels (1, 3) and (2, 5): ε is 1·5 − 3·2.
  const gate = Math.tanh(-1 / 2)
  close(at(network, 1, { 1: wide([1, 2, 3, 5], 1, 2, 2) }), [gate, -2 * gate, 3 * gate, -5 * gate])
})

test('norms', () => {
  const network = norms(O(2), { 1: 2 }, { dtype })
  network.load({ 'bias.1': wide([0.5, -1], 2) })
  const [a, b] = [sigmoid(5 / Math.SQRT2 + 0.5), sigmoid(-1 + 1e-6)]
  close(at(network, 1, { 1: wide([3, 0, -4, 0], 1, 2, 2) }), [3 * a, 0, -4 * a, 0 * b])
})

test('layer norm', () => {
  const network = layerNorm(O(2), { 1: 2 }, { epsilon: 0.5, dtype })
  network.load({ 'scale.1': wide([2, 10], 2) })
  const root = Math.sqrt((9 + 16 + 1) / 4 + 0.5)
  close(at(network, 1, { 1: wide([3, 1, -4, 0], 1, 2, 2) }), [6 / root, 10 / root, -8 / root, 0])
})

test('invariants', () => {
  const vectors = invariants(O(2), { 1: 1, 0: 1 }, { dtype })
  close(at(vectors, 0, { 0: wide([7], 1, 1), 1: wide([3, 4], 1, 2, 1) }), [7, 25 / 2])
  // ε² of a matrix with itself: Σ ε(i, k) ε(j, l) x_ij x_kl = 2 det.
  close(at(invariants(Sp(2), { 2: 1 }, { dtype }), 0, { 2: wide([1, 2, 3, 5], 1, 2, 2, 1) }), [(2 * (5 - 6)) / 4])
  close(at(invariants(Sp(2), { 1: 2 }, { dtype }), 0, { 1: wide([1, 2, 3, 5], 1, 2, 2) }), [-1 / 2, 1 / 2])
  const product = groupFrom('S(2)×Sp(2)')
  close(at(invariants(product, { b: 2, ab: 2 }, { dtype }), '', { b: wide([1, 2, 3, 5], 1, 2, 2), ab: wide([1, 2, 3, 5, 1, 0, 0, 1], 1, 2, 2, 2) }), [-1 / 2, 1 / 2, 0, 0]) // prettier-ignore
})

test('bilinear maps: scalar and outer products, channel by channel', () => {
  const network = bilinear(O(2), { 1: 2 }, { 1: 2 }, { 0: 2, 2: 2 }, { dtype })
  const eye = [1, 0, 0, 1]
  // Diagrams of 2 → 2: the trace, as it is, transposed.
  network.load({ '0.weight.2.0': wide(eye, 1, 2, 2), '0.weight.2.2': wide([0, 0, 0, 0, ...eye, 0, 0, 0, 0], 3, 2, 2) })
  // Left channels (1, 2) and (0, 3), right ones (5, 7) and (1, 1).
  const y = network.forwardSync({ 1: wide([1, 0, 5, 1, 2, 3, 7, 1], 1, 2, 4) })
  close(y[0]!.toNumbers(), [5 + 14, 3])
  close(y[2]!.toNumbers(), [5, 0, 7, 0, 10, 3, 14, 3])
})

test('sums of modules', () => {
  const layer = (factor: number, from: Space = { 0: 1 }) => {
    const each = linear(S(2), from, { 0: 1 }, { dtype })
    each.load({ 'weight.0.0': wide(new Array(from[0]!).fill(factor) as number[], 1, from[0]!, 1) })
    return each
  }
  const x = { 0: wide([5], 1, 1) }
  close(at(sum(layer(2), layer(3)), 0, x), [25])
  close(at(residual(layer(2)), 0, x), [15])
  close(at(directSum(layer(2), layer(10, { 0: 2 })), 0, { 0: wide([5, 1, 2], 1, 3) }), [10, 30])
})
