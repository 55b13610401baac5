/** `linear.async` plans in a thread of its own. */
import { describe, expect, test } from '@jest/globals'
import { inProcess } from '../layers/child.js'
import { type Group, linear, O, product, S, SO, Sp } from '../../lib/index.js'

type Space = Record<number | string, number>

describe.each<[string, Group, Space, Space]>([
  ['S(4)', S(4), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }],
  ['O(3)', O(3), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }],
  ['SO(3)', SO(3), { 1: 2, 2: 1 }, { 1: 1, 2: 2 }],
  ['Sp(4)', Sp(4), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }],
  ['S(3)×O(2)', product(S(3), O(2)), { a: 2, ab: 1 }, { a: 1, abb: 2 }],
])('%s', (_, group, input, output) => {
  test('the same weights, programs and answers as linear', async () => {
    // Another expectedBatch each, so that neither finds the other's programs; past a tile, so that costs are the same.
    const options = { bias: true, backend: 'reference', seed: 4 }
    const there = await linear.async(group, input, output, { ...options, expectedBatch: 1e6 })
    const here = linear(group, input, output, { ...options, expectedBatch: 1e6 + 1 })
    const values = (parameters: typeof here.parameters) =>
      Object.entries(parameters).map(([name, { shape, data }]) => [name, shape, data])
    expect(values(there.parameters)).toEqual(values(here.parameters))
    expect({ ...there.plan, expectedBatch: 0 }).toEqual({ ...here.plan, expectedBatch: 0 })
    expect(there.explain({ program: true })).toBe(here.explain({ program: true }))
  })
})

test('twice at once, and once more later, is the same layer', async () => {
  const make = () => linear.async(S(4), { 2: 1 }, { 2: 1 }, { backend: 'reference', expectedBatch: 63 })
  const [a, b] = await Promise.all([make(), make()])
  const c = await make()
  expect([b.plan === a.plan, c.plan === a.plan]).toEqual([true, true])
})

/** The longest time without a tick of a timer of 5 ms, and the number of ticks, while something runs. */
async function watch(run: () => Promise<unknown>): Promise<{ longest: number; ticks: number; whole: number }> {
  let [last, longest, ticks] = [performance.now(), 0, 0]
  const started = last
  const tick = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    ticks++
  }
  const timer = setInterval(tick, 5)
  await run()
  tick()
  clearInterval(timer)
  return { longest, ticks, whole: performance.now() - started }
}

describe('the event loop runs while a layer is planned', () => {
  test.each<[string, Group, Space, Space]>([
    ['O(5) 5→5', O(5), { 5: 1 }, { 5: 1 }],
    ['S(6) 4→4', S(6), { 4: 1 }, { 4: 1 }],
  ])('%s', async (_, group, input, output) => {
    // Others on the machine only ever lengthen a wait: the shortest of a few tries is ours. None is planned before.
    let [share, ticks] = [Infinity, 0]
    for (let batch = 64; batch < 72 && share >= 0.5; batch += 2) {
      const plan = async () => linear(group, input, output, { expectedBatch: batch, backend: 'cpu' })
      const blocking = await watch(plan)
      const free = await watch(() => linear.async(group, input, output, { expectedBatch: batch + 1, backend: 'cpu' }))
      expect(blocking.ticks).toBe(1)
      share = free.longest / blocking.whole
      ticks = free.ticks
    }
    // What is left for this thread is to load the programs: a part of what linear keeps it for.
    expect(ticks).toBeGreaterThan(3)
    expect(share).toBeLessThan(0.5)
  })
})

// A thread inherits the flags of its process, and refuses this one.
test('in a process started with --input-type=module', () => {
  const body = `const layer = await brauer.linear.async(brauer.O(3), { 1: 1 }, { 1: 1 }); answer(layer.diagrams(1, 1).join())`
  expect(inProcess(body)).toEqual({ value: '1,2' })
})
