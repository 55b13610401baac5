import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { linear, O, S, SO, Sp, tensor } from '../../lib/index.js'
import { backends, inTurn, on } from '../support/backends.js'
import { diagramOf, type GroupName } from '../support/dense.js'
import { orbitCombination } from '../support/mobius.js'

// The exact vectors through whole layers: the weight of one diagram (or of one combination of diagrams) is set, all others are zero.

interface Vector {
  readonly group: GroupName
  readonly kind: 'D' | 'X' | 'E' | 'H' | 'F'
  readonly diagram: number[][] | { free: number[]; pairs: number[][] }
  readonly k: number
  readonly l: number
  readonly n: number
  readonly v: number[]
  readonly y: number[]
}

const { vectors } = JSON.parse(readFileSync(new URL('../fixtures/test_vectors.json', import.meta.url), 'utf8')) as {
  vectors: Vector[]
}
const groups = { S, O, SO, Sp }

function weights({ kind, diagram, k, l }: Vector): Map<string, number> {
  if (kind === 'X') {
    return new Map(
      orbitCombination(k, l, diagram as number[][]).map(({ coefficient, diagram }) => [diagram.key, coefficient]),
    )
  }
  const [blocks, free] = Array.isArray(diagram) ? [diagram, null] : [diagram.pairs, diagram.free]
  return new Map([[diagramOf(k, l, blocks, free).key, 1]])
}

const label = ({ group, n, kind, diagram }: Vector): string => `${group}(${n}) ${kind} ${JSON.stringify(diagram)}`
const subjects = vectors.flatMap((vector, i) =>
  inTurn(backends, i).map((backend) => [backend, label(vector), vector] as const),
)
describe('vectors', () => {
  test.each(subjects)('on %s, %s', (backend, _, vector) => {
    const { group, n, k, l, v, y } = vector
    for (const dtype of ['float64', 'float32'] as const) {
      const layer = linear(groups[group](n), { [k]: 1 }, { [l]: 1 }, { ...on(backend), dtype, basis: 'spanning' })
      const wanted = weights(vector)
      const keys = layer.diagrams(k, l).map((diagram) => diagram.key)
      for (const key of wanted.keys()) expect(keys).toContain(key)
      const data = keys.map((key) => wanted.get(key) ?? 0)
      layer.load({ [`weight.${k}.${l}`]: tensor(data, [keys.length, 1, 1], dtype) })
      const x = tensor(v, [1, ...new Array<number>(k).fill(n), 1], dtype)
      // Small integers: exact in either precision, but for the transform over the strands.
      const result = layer.forwardSync({ [k]: x })[l]!.toNumbers()
      const scale = Math.max(1, ...y.map(Math.abs))
      result.forEach((value, i) =>
        expect(Math.abs(value - y[i]!) / scale).toBeLessThan(dtype === 'float64' ? 1e-13 : 1e-6),
      )
      expect(result).toHaveLength(y.length)
    }
  })
})
