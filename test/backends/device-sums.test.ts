/** What is summed over the items of a batch on a device has the same bits however memory cuts the batch, and so whatever else is in use. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { groupFrom, linear, memory, tensor, type Tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { compiled, isCuda, on } from '../support/backends.js'

const layers: [string, Record<number, number>, Record<number, number>, number][] = [
  ['O(3)', { 0: 2, 2: 3 }, { 1: 1, 2: 2 }, 150],
  ['S(9)', { 1: 1, 2: 3 }, { 2: 2 }, 40],
  ['SO(3)', { 1: 4, 2: 1 }, { 1: 2 }, 70],
]

function inputs(group: string, space: Record<number, number>, batch: number): Record<number, Tensor> {
  const n = groupFrom(group).kinds[0]!.n
  return Object.fromEntries(
    Object.entries(space).map(([order, channels]) => {
      const shape = [batch, ...new Array<number>(Number(order)).fill(n), channels]
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => normalAt(Number(order), i))
      return [order, tensor(data, shape)]
    }),
  )
}

const bits = (tensors: Readonly<Record<string, Tensor>>): unknown[] =>
  Object.entries(tensors).map(([key, each]) => [key, each.data])

const subjects = compiled.filter(isCuda).flatMap((backend) => layers.map((layer) => [backend, ...layer] as const))
// On a machine without a device there is nothing to run: `npm test` runs this file once more on emulated ones.
const each = subjects.length > 0 ? describe.each(subjects) : () => undefined
if (subjects.length === 0) test.skip('on devices (none is chosen; emulated ones come later)', () => undefined)
each('%s: %s %j -> %j, %i items', (name, group, input, output, items) => {
  const { backend, cuda } = on(name)
  const layer = linear(groupFrom(group), input, output, { backend, cuda: cuda!, bias: true })
  const [x, g] = [inputs(group, input, items), inputs(group, output, items)]
  const wanted = layer.weightGradientSync(x, g)

  afterEach(() => memory.limit(undefined, backend))

  test('a limit of each call', () => {
    for (const bytes of [1, 5000, 40000]) {
      const tight = linear(groupFrom(group), input, output, { backend, cuda: { ...cuda!, memory: bytes }, bias: true })
      expect(bits(tight.weightGradientSync(x, g))).toEqual(bits(wanted))
    }
  })

  test('a limit of the process', () => {
    let passed = 0
    for (let room = 2 ** 12; passed < 3; room *= 1.5) {
      memory.limit(memory(backend).used + Math.floor(room), backend)
      try {
        expect(bits(layer.weightGradientSync(x, g))).toEqual(bits(wanted))
        passed++
      } catch (error) {
        if ((error as { code?: string }).code !== 'out-of-memory') throw error
      }
    }
  })
})
