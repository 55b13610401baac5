/** Derivatives of the second order beside finite differences of the first, for every module on every backend, by gradients of gradients and
 *  by tangents of gradients. */
import { describe, expect, test } from '@jest/globals'
import type { Network } from '../../lib/index.js'
import { applyModule } from '../../lib/networks/network.js'
import { add, apply, multiply, sum } from '../../lib/tape/elementwise.js'
import { gradients, pushForward } from '../../lib/tape/gradient.js'
import { scalar } from '../../lib/tape/contract.js'
import { constant, evaluate, evaluateSync, input, type Data, type Value } from '../../lib/tape/value.js'
import { normalAt } from '../../lib/tensor/random.js'
import { affordable, backends } from '../support/backends.js'
import { groupNames, networksOf, shapesOf } from '../networks/networks.js'

const step = 1e-5
const tolerance = 1e-6

type Leaves = readonly Value[]

/** φ = Σ sin f(x; w), with its leaves. */
function record(network: Network): { phi: Value; leaves: Leaves } {
  const leaf = (shape: readonly number[]): Value => input(shape, 'float64')
  const x = Object.fromEntries(
    Object.entries(shapesOf(network, 'input', 2)).map(([order, shape]) => [order, leaf(shape)]),
  )
  const w = Object.fromEntries(Object.entries(network.parameters).map(([name, { shape }]) => [name, leaf(shape)]))
  const y = Object.values(applyModule(network, x, w)).map((value) => sum(apply('sin', value)))
  const phi = add(...y)
  return { phi, leaves: [...Object.values(x), ...Object.values(w)] }
}

const draw = (leaves: Leaves, seed: number, by: number): Float64Array[] =>
  leaves.map(({ size }, i) => Float64Array.from({ length: size }, (_, at) => by * normalAt(seed, 1e6 * i + at)))
const along = (a: readonly Data[], b: readonly Data[], by: number): Data[] =>
  a.map((data, i) => Float64Array.from(data, (value, at) => value + by * b[i]![at]!))
const bind = (leaves: Leaves, data: readonly Data[]) => new Map(leaves.map((leaf, i) => [leaf, data[i]!]))
const dot = (a: Data, b: Data): number => Array.from(a).reduce((all, each, i) => all + each * b[i]!, 0)
const norm = (all: readonly Data[]): number => Math.hypot(...all.flatMap((data) => [...data]))

const pairs = backends.flatMap((backend) => groupNames.map((name) => [backend, name] as const))
describe.each(affordable(pairs, 6, 2))('on %s, networks of %s', (backend, name) => {
  test.each(Object.entries(networksOf(name, backend, 'float64')))('%s', async (_, network) => {
    const { phi, leaves } = record(network)
    const one = scalar(1, 'float64')
    const first = gradients(phi, leaves, one)
    const at = draw(leaves, 1, 0.4)
    const direction = draw(leaves, 2, 1)
    const tangents = direction.map((data, i) => constant(data, leaves[i]!.shape))

    // Of the first order.
    const value = (by: number): number => evaluateSync([phi], bind(leaves, along(at, direction, by)))[0]![0]!
    const slope = (value(step) - value(-step)) / (2 * step)
    const gradient = evaluateSync(first, bind(leaves, at))
    const inner = gradient.reduce((total, data, i) => total + dot(data, direction[i]!), 0)

    expect(Math.abs(inner - slope)).toBeLessThanOrEqual(tolerance * norm(gradient) * norm(direction))

    // Of the second: Hv as a tangent of the gradient, and as the gradient of ⟨gradient, v⟩.
    const [above, below] = [step, -step].map((by) => evaluateSync(first, bind(leaves, along(at, direction, by)))) as [
      Data[],
      Data[],
    ]
    const wanted = above.map((data, i) => Float64Array.from(data, (each, j) => (each - below[i]![j]!) / (2 * step)))
    const forward = pushForward(first, leaves, tangents)
    const products = first.map((each, i) => sum(multiply(each, tangents[i]!)))
    const total = add(...products)
    const back = gradients(total, leaves, one)
    for (const second of [forward, back]) {
      const data = await evaluate(
        second.map((each, i) => each ?? constant(new Float64Array(leaves[i]!.size), leaves[i]!.shape)),
        bind(leaves, at),
      )
      expect(norm(along(data, wanted, -1))).toBeLessThanOrEqual(tolerance * (norm(wanted) + norm(gradient)))
    }
  })
})
