/** Random interleavings of callers, aborts and runs: every answer is the layer's own, none is lost, none is given twice. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { batched, BrauerError } from '../../lib/index.js'
import { uniform } from '../../lib/tensor/random.js'
import { runs } from '../properties/arbitrary.js'
import { backends, compiled, inTurn, on } from '../support/backends.js'
import { addsUp, bits, draw, gate, layers, turn, type Layer, type Tensors } from './support.js'

type Step =
  | { readonly do: 'call'; readonly batch: number; readonly abortable: boolean }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'turn' | 'release' | 'close' }

const call = fc.record({
  do: fc.constant('call' as const),
  batch: fc.integer({ min: 0, max: 5 }),
  abortable: fc.boolean(),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: call },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.constant({ do: 'turn' } as const) },
  { weight: 3, arbitrary: fc.constant({ do: 'release' } as const) },
)
const setting = fc.record({
  steps: fc.array(step, { maxLength: 40 }),
  last: fc.array(call, { maxLength: 3 }),
  maxBatch: fc.integer({ min: 1, max: 7 }),
  maxQueue: fc.integer({ min: 1, max: 6 }),
  maxDelay: fc.constantFrom(0, 0, 1),
})

interface Caller {
  readonly x: Tensors
  readonly batch: number
  readonly controller: AbortController | undefined
  settled: number
  outcome: Tensors | BrauerError | undefined
}

describe.each(inTurn(backends, 0))('%s', (backend) => {
  test.each(layers(on(backend)))('%s', async (_, layer) => {
    await fc.assert(
      fc.asyncProperty(setting, async ({ steps, last, ...options }) => {
        const gated = gate(layer)
        const queue = batched(gated.layer, options)
        const callers: Caller[] = []
        const add = (batch: number, abortable: boolean): void => {
          const x = draw(layer, batch, callers.length)
          const controller = abortable ? new AbortController() : undefined
          const caller: Caller = { x, batch, controller, settled: 0, outcome: undefined }
          callers.push(caller)
          const settle = (outcome: unknown): void => {
            caller.settled++
            caller.outcome = outcome as Tensors | BrauerError
          }
          queue.forward(x, { signal: controller?.signal }).then(settle, settle)
        }
        const calls = (given: typeof last) => given.forEach(({ batch, abortable }) => add(batch, abortable))
        for (const next of steps) {
          if (next.do === 'call') calls([next])
          if (next.do === 'abort') callers[next.which]?.controller?.abort()
          if (next.do === 'turn') await turn()
          if (next.do === 'release') gated.release()
          addsUp(queue.stats)
          expect(queue.stats.waiting).toBeLessThanOrEqual(options.maxQueue)
        }
        const closing = queue.close()
        calls(last)
        gated.open()
        await closing
        await turn()
        judge(layer, callers, gated.runs, options.maxBatch)
        const stats = queue.stats
        addsUp(stats)
        const count = (code?: string) =>
          callers.filter(({ outcome }) => (outcome as { code?: string }).code === code).length
        expect(stats).toMatchObject({
          requests: callers.length,
          answered: count(),
          aborted: count('aborted'),
          refused: count('queue-full') + count('closed'),
          failed: 0,
          waiting: 0,
          running: 0,
          runs: gated.runs.length,
        })
        expect(count('closed')).toBe(last.length)
      }),
      { ...runs(40), endOnFailure: true },
    )
  })
})

/** Each caller has its own answer; each item ran once at most, in the order of the calls. */
function judge(layer: Layer, callers: readonly Caller[], runs: readonly { x: Tensors }[], maxBatch: number): void {
  for (const { x, settled, outcome, controller } of callers) {
    expect(settled).toBe(1)
    if (!(outcome instanceof Error)) {
      expect(bits(outcome!)).toEqual(bits(layer.forwardSync(x)))
      continue
    }
    expect(outcome).toBeInstanceOf(BrauerError)
    expect(['aborted', 'queue-full', 'closed']).toContain(outcome.code)
    if (outcome.code === 'aborted') expect(controller!.signal.aborted).toBe(true)
  }
  const items = (x: Tensors): string[] => {
    const [{ data, shape }] = Object.values(x) as [Tensors[string]]
    const size = data.length / shape[0]! || 0
    return Array.from({ length: shape[0]! }, (_, i) => data.slice(i * size, (i + 1) * size).join())
  }
  const asked = callers.flatMap(({ x }) => items(x))
  const places = runs.flatMap(({ x }) => items(x)).map((item) => asked.indexOf(item))
  expect(places.every((place, i) => place >= 0 && (i === 0 || place > places[i - 1]!))).toBe(true)
  for (const { x } of runs) {
    const size = items(x).length
    if (size > maxBatch) expect(callers.map(({ batch }) => batch)).toContain(size)
  }
}

test.each(inTurn(compiled, 1))('64 callers on %s, in their own time, some of whom give up', async (backend) => {
  const [, layer] = layers(on(backend))[0]!
  const queue = batched(layer, { maxBatch: 40 })
  const chance = uniform(7)
  let answered = 0
  const caller = async (id: number): Promise<void> => {
    for (let round = 0; round < 12; round++) {
      const x = draw(layer, 1 + Math.floor(3 * chance()), 64 * round + id)
      const controller = new AbortController()
      const later = [queueMicrotask, setImmediate, setTimeout][Math.floor(9 * chance())]
      later?.(() => controller.abort())
      if (chance() < 0.3) await turn()
      try {
        const y = (await queue.forward(x, { signal: controller.signal })) as Tensors
        answered++
        expect(bits(y)).toEqual(bits(layer.forwardSync(x)))
      } catch (error) {
        expect([(error as BrauerError).code, controller.signal.aborted]).toEqual(['aborted', true])
      }
    }
  }
  await Promise.all(Array.from({ length: 64 }, (_, id) => caller(id)))
  await queue.close()
  const { stats } = queue
  addsUp(stats)
  expect(stats).toMatchObject({ requests: 64 * 12, answered, refused: 0, failed: 0, waiting: 0, running: 0 })
  expect(answered).toBeGreaterThan(400)
  expect(stats.aborted).toBeGreaterThan(40)
  expect(stats.runs).toBeLessThan(stats.requests / 3)
  expect(stats.largestBatch).toBeLessThanOrEqual(40)
})
