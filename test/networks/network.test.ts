import { describe, expect, test } from '@jest/globals'
import { check, loadNetwork, saveNetwork, tensor, type Network, type Tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { affordable, backends } from '../support/backends.js'
import { groupNames, networksOf, shapesOf } from './networks.js'

type Values = Readonly<Record<string, Tensor>>

function draw(shapes: Record<string, readonly number[]>, seed: number): Values {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const size = shape.reduce((a, b) => a * b, 1)
      const data = Float64Array.from({ length: size }, (_, at) => normalAt(seed, 1e6 * i + at))
      return [name, tensor(data, shape)]
    }),
  )
}
const parametersOf = (network: Network, seed: number): Values =>
  draw(Object.fromEntries(Object.entries(network.parameters).map(([name, { shape }]) => [name, shape])), seed)
const plain = (values: Values) =>
  Object.entries(values).map(([name, { shape, data }]) => [name, shape, Array.from(data)])

const pairs = backends.flatMap((backend) => groupNames.map((name) => [backend, name] as const))
describe.each(affordable(pairs, 6, 1))('on %s, networks of %s', (backend, name) => {
  const networks = Object.entries(networksOf(name, backend, 'float64'))

  test.each(networks)('%s: equivariant, with the derivatives of what it computes', (_, network) => {
    network.load(parametersOf(network, 5))
    const rows = check(network, { trials: 3 })
    expect(rows.map((row) => row.name).slice(-2)).toEqual([
      '⟨df, y⟩ = ⟨tangents, pullback(y)⟩',
      'df = lim (f(x + hu) − f(x)) / h',
    ])
    expect(rows.filter((row) => !row.holds)).toEqual([])
  })

  test.each(networks)('%s: the same from its file, and off the event loop', async (_, network) => {
    network.load(parametersOf(network, 6))
    const x = draw(shapesOf(network, 'input', 3), 7)
    const g = draw(shapesOf(network, 'output', 3), 8)
    const bytes = saveNetwork(network)
    const again = loadNetwork(bytes, { backend: network.backend.name === 'reference' ? 'reference' : 'auto' })
    expect(saveNetwork(again)).toEqual(bytes)
    const y = network.forwardSync(x)
    expect(plain(await network.forward(x))).toEqual(plain(y))
    const [now, later] = [network.vjpSync(x), await network.vjp(x)]
    expect([plain(now.y), plain(later.y)]).toEqual([plain(y), plain(y)])
    const [first, second] = [now.pullback(g), await later.pullback(g)]
    expect([plain(second.x), plain(second.parameters)]).toEqual([plain(first.x), plain(first.parameters)])
    const tangents = { x, parameters: network.parameters }
    expect(plain((await network.jvp(x, tangents)).tangent)).toEqual(plain(network.jvpSync(x, tangents).tangent))
  })
})
