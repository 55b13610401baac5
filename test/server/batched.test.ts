/** What a queue in front of a layer promises beside the answers: when runs start, what is refused, dropped, counted, let go. */
import { describe, expect, test } from '@jest/globals'
import { batched, linear, S, Tensor, tensor, type Batched } from '../../lib/index.js'
import { refuses, refusesAsync } from '../layers/refuses.js'
import { addsUp, bits, code, gate, layer, sizes, turn, x, type Layer, type Tensors } from './support.js'

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false
  const note = (): boolean => (done = true)
  promise.then(note, note)
  await turn()
  return done
}
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('a run', () => {
  test('starts in the same turn of the event loop when the engine is idle', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated)
    const answer = queue.forward(x(1))
    await turn()
    expect([sizes(runs), queue.stats.running]).toEqual([[1], 1])
    open()
    await answer
  })

  test('takes what is called in one go, and then what came meanwhile, in order and up to maxBatch', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 5 })
    const first = [2, 1].map((batch) => queue.forward(x(batch)))
    await turn()
    const rest = [1, 0, 3, 2, 7, 0, 4, 2].map((batch) => queue.forward(x(batch)))
    await turn()
    expect([sizes(runs), queue.stats.waiting]).toEqual([[3], 8])
    open()
    await Promise.all([...first, ...rest])
    expect(sizes(runs)).toEqual([3, 4, 2, 7, 4, 2])
    expect(queue.stats).toEqual({
      requests: 10, answered: 10, aborted: 0, refused: 0, failed: 0, waiting: 0, running: 0, runs: 6, items: 22, largestBatch: 7,
    }) // prettier-ignore
  })

  test('of expectedBatch items unless maxBatch says otherwise', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated)
    open()
    await Promise.all(Array.from({ length: 20 }, () => queue.forward(x(1))))
    expect(sizes(runs)).toEqual([8, 8, 4])
  })

  test('takes the next calls of all callers whom the last one answered', async () => {
    const queue = batched(layer, { maxBatch: 100 })
    const caller = async (_: unknown, id: number): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await queue.forward(x(1))
        // What a caller awaits meanwhile is no reason to go without it, as long as the event loop does not go on.
        for (let i = 0; i < id; i++) await null
      }
    }
    await Promise.all(Array.from({ length: 16 }, caller))
    expect(queue.stats).toMatchObject({ requests: 80, answered: 80, runs: 5, items: 80, largestBatch: 16 })
  })

  test('starts before the answers to the last one are taken when half a batch waits', async () => {
    const { layer: gated, runs, release, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 8 })
    const first = queue.forward(x(1))
    await turn()
    const others = [3, 1].map((batch) => queue.forward(x(batch)))
    const seen = first.then(() => sizes(runs))
    release()
    expect(await seen).toEqual([1, 4])
    open()
    await Promise.all(others)
  })

  test('waits for those whom the last one answered when less than half a batch waits', async () => {
    const { layer: gated, runs, release, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 8 })
    const first = queue.forward(x(1))
    await turn()
    const other = queue.forward(x(3))
    const again = first.then(() => queue.forward(x(2)))
    release()
    await first
    await turn()
    expect(sizes(runs)).toEqual([1, 5])
    open()
    await Promise.all([other, again])
  })

  test('starts as soon as half of those who are answered have come back, for the engine and callers to work at once', async () => {
    const queue = batched(layer, { maxBatch: 8 })
    const caller = async (): Promise<void> => {
      for (let round = 0; round < 6; round++) await queue.forward(x(1))
    }
    await Promise.all(Array.from({ length: 8 }, caller))
    expect(queue.stats).toMatchObject({ requests: 48, answered: 48, items: 48, largestBatch: 8 })
    expect(queue.stats.runs).toBeGreaterThan(9)
    expect(queue.stats.runs).toBeLessThan(13)
  })

  test('of nothing but batches of 0', async () => {
    const queue = batched(layer)
    const answers = (await Promise.all([queue.forward(x(0)), queue.forward(x(0))])) as Tensors[]
    for (const y of answers) expect(bits(y)).toEqual(bits(layer.forwardSync(x(0))))
  })

  test('has the parameters of its start', async () => {
    const own = linear(S(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
    const { layer: gated, open } = gate(own as unknown as Layer)
    const queue = batched(gated) as unknown as Batched<{ 1: 1 }, { 1: 1 }, 'float32'>
    const input = { 1: tensor([1, 2, 4], [1, 3, 1]) }
    const first = queue.forward(input)
    await turn()
    const second = queue.forward(input)
    own.load({ 'weight.1.1': tensor([1, 0], [2, 1, 1]) })
    open()
    await first
    expect((await second)[1].data).toEqual(own.forwardSync(input)[1].data)
  })
})

describe('maxDelay', () => {
  test('holds a run back until it is over', async () => {
    const { layer: gated, runs, open } = gate(layer)
    open()
    const queue = batched(gated, { maxDelay: 40 })
    const started = performance.now()
    const answers = [queue.forward(x(1))]
    await turn()
    answers.push(queue.forward(x(2)))
    await turn()
    expect(runs.length).toBe(0)
    await Promise.all(answers)
    expect(performance.now() - started).toBeGreaterThan(35)
    expect(sizes(runs)).toEqual([3])
  })

  test('ends when a batch is full, when the queue is, and at close', async () => {
    for (const [options, wanted] of [
      [{ maxBatch: 3 }, [3]],
      [{ maxQueue: 2 }, [3]],
      [{}, []],
    ] as const) {
      const { layer: gated, runs, open } = gate(layer)
      open()
      const queue = batched(gated, { maxDelay: 1e6, ...options })
      const before = timers()
      const answers = [queue.forward(x(1)), queue.forward(x(2))]
      await turn()
      expect(sizes(runs)).toEqual(wanted)
      await queue.close()
      expect(await Promise.all(answers)).toHaveLength(2)
      expect([sizes(runs), timers()]).toEqual([[3], before])
    }
  })

  test('is not cut short by items that have gone', async () => {
    const { layer: gated, runs, open } = gate(layer)
    open()
    const queue = batched(gated, { maxDelay: 1e6, maxBatch: 3 })
    await queue.forward(x(3))
    const controller = new AbortController()
    const gone = code(queue.forward(x(2), { signal: controller.signal }))
    controller.abort()
    const answer = queue.forward(x(2))
    await turn()
    expect([await gone, sizes(runs)]).toEqual(['aborted', [3]])
    await queue.close()
    expect(bits((await answer) as Tensors)).toEqual(bits(layer.forwardSync(x(2))))
  })

  test('counts from the call, also while a run is in flight', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxDelay: 30, maxBatch: 2 })
    const first = queue.forward(x(2))
    const second = queue.forward(x(1))
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(sizes(runs)).toEqual([2])
    open()
    await first
    await turn()
    expect(sizes(runs)).toEqual([2, 1])
    await second
  })

  test('leaves no timer when the only one that waits gives up', async () => {
    const queue = batched(layer, { maxDelay: 1e6 })
    const before = timers()
    const controller = new AbortController()
    const answer = code(queue.forward(x(1), { signal: controller.signal }))
    await turn()
    expect(timers()).toBe(before + 1)
    controller.abort()
    expect([await answer, timers()]).toEqual(['aborted', before])
  })
})

describe('a full queue', () => {
  test('refuses, and takes again when there is room', async () => {
    const { layer: gated, release, open } = gate(layer)
    const queue = batched(gated, { maxQueue: 2, maxBatch: 1 })
    const answers = [queue.forward(x(1))]
    await turn()
    answers.push(queue.forward(x(1)), queue.forward(x(9)))
    await refusesAsync(() => queue.forward(x(1)), {
      code: 'queue-full', where: 'forward', expected: 'at most 2 requests', received: 'one more',
    }) // prettier-ignore
    expect(queue.stats).toMatchObject({ requests: 4, running: 1, waiting: 2, refused: 1 })
    release()
    await answers[0]
    answers.push(queue.forward(x(1)))
    open()
    await Promise.all(answers)
    expect(queue.stats).toMatchObject({ requests: 5, answered: 4, refused: 1 })
  })

  test('starts an idle engine rather than refuse', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxQueue: 1 })
    const answers = [1, 2, 3].map((batch) => code(queue.forward(x(batch))))
    open()
    expect(await Promise.all(answers)).toEqual(['answered', 'answered', 'queue-full'])
    expect(sizes(runs)).toEqual([1, 2])
  })
})

describe('an abort', () => {
  const why = new Error('why')

  test('drops a request that waits, at once', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxQueue: 1 })
    const first = queue.forward(x(1))
    await turn()
    const controller = new AbortController()
    const second = queue.forward(x(2), { signal: controller.signal })
    controller.abort(why)
    await expect(second).rejects.toMatchObject({
      code: 'aborted',
      cause: why,
      message: /^forward: expected .*received/,
    })
    expect(queue.stats).toMatchObject({ waiting: 0, running: 1, aborted: 1 })
    const third = queue.forward(x(3))
    open()
    await Promise.all([first, third])
    expect(sizes(runs)).toEqual([1, 3])
  })

  test('rejects one in flight at once, and the run goes on for the others', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated)
    const controllers = [new AbortController(), new AbortController()]
    const [first, second] = controllers.map(({ signal }, i) => queue.forward(x(1 + i, i), { signal }))
    await turn()
    controllers[0]!.abort()
    expect(await code(first!)).toBe('aborted')
    expect([queue.stats.running, runs[0]!.signal!.aborted]).toEqual([1, false])
    open()
    expect(bits((await second) as Tensors)).toEqual(bits(layer.forwardSync(x(2, 1))))
    addsUp(queue.stats)
  })

  test('of all who wait for a run stops it', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated)
    const controller = new AbortController()
    const answers = [1, 2].map((batch) => code(queue.forward(x(batch), { signal: controller.signal })))
    await turn()
    const other = queue.forward(x(3))
    controller.abort()
    expect([await Promise.all(answers), runs[0]!.signal!.aborted]).toEqual([['aborted', 'aborted'], true])
    open()
    await other
    expect(queue.stats).toMatchObject({ answered: 1, aborted: 2, failed: 0 })
  })

  test('before the call is an abort', async () => {
    const queue = batched(layer)
    const call = () => queue.forward(x(1), { signal: AbortSignal.abort(why) })
    await expect(call()).rejects.toMatchObject({ code: 'aborted', cause: why })
    expect(queue.stats).toMatchObject({ requests: 1, aborted: 1, runs: 0 })
  })

  test('is not listened for once a request is settled', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--,
      remove(...args)
    )) as typeof remove
    const queue = batched(layer)
    const answers = [queue.forward(x(1), { signal }), queue.forward(x(2), { signal })]
    expect(listeners).toBe(2)
    await Promise.all(answers)
    expect(listeners).toBe(0)
  })
})

describe('close', () => {
  test('answers what waits, refuses what comes, and is done after all', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 2, maxDelay: 1e6 })
    const answers = [queue.forward(x(2)), queue.forward(x(1))]
    await turn()
    const closing = queue.close()
    await refusesAsync(() => queue.forward(x(1)), {
      code: 'closed', where: 'forward', expected: 'before close', received: 'after',
    }) // prettier-ignore
    expect(await settled(closing)).toBe(false)
    expect(queue.close()).toBe(closing)
    open()
    await closing
    expect(queue.stats).toMatchObject({ requests: 3, answered: 2, refused: 1, waiting: 0, running: 0 })
    expect(await Promise.all(answers)).toHaveLength(2)
    expect(sizes(runs)).toEqual([2, 1])
    await queue.close()
  })

  test('is done at once when there is nothing, and waits for a run that nobody waits for', async () => {
    expect(await settled(batched(layer).close())).toBe(true)
    const { layer: gated, runs } = gate(layer)
    const queue = batched({ ...gated, forward: (given) => gated.forward(given) })
    const controller = new AbortController()
    const answer = code(queue.forward(x(1), { signal: controller.signal }))
    await turn()
    controller.abort()
    expect(await answer).toBe('aborted')
    const closing = queue.close()
    expect(await settled(closing)).toBe(false)
    runs[0]!.go()
    await closing
  })

  test('is what `await using` does', async () => {
    const queue = batched(layer)
    const answer = queue.forward(x(1))
    await queue[Symbol.asyncDispose]()
    expect(queue.stats).toMatchObject({ answered: 1 })
    expect(await code(queue.forward(x(1)))).toBe('closed')
    await answer
  })
})

describe('errors', () => {
  test('an input that the layer would refuse rejects its caller only, in the words of the layer', async () => {
    const queue = batched(layer)
    const answer = queue.forward(x(1))
    for (const wrong of [
      null,
      {},
      { 1: 3 },
      { 1: tensor([1, 2], [1, 2]) },
      { 1: tensor([1], [1, 3, 2].slice(0, 0)) },
      { ...x(1), 2: 1 },
    ]) {
      const own: unknown = await layer.forward(wrong as never).catch((error: unknown) => error)
      await expect(queue.forward(wrong as never)).rejects.toThrow((own as Error).message)
    }
    await refusesAsync(() => queue.forward(x(1), { out: x(1) } as never), {
      code: 'unknown-option', where: 'forward: options', expected: 'signal', received: '"out"',
    }) // prettier-ignore
    await refusesAsync(() => queue.forward(x(1), { signal: new AbortController() as never }), {
      code: 'invalid-argument', where: 'forward: signal', expected: 'an AbortSignal', received: 'AbortController',
    }) // prettier-ignore
    await answer
    expect(queue.stats).toMatchObject({ requests: 9, answered: 1, refused: 8, runs: 1 })
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
  ])('a run that %s rejects all its callers, and the next one goes on', async (_, fail) => {
    let broken = true
    const queue = batched({
      ...layer,
      forward: (given, options) => (broken ? fail() : layer.forward(given, options)),
    } as Layer)
    const answers = [1, 2, 3].map((batch) => queue.forward(x(batch)))
    for (const answer of await Promise.allSettled(answers))
      expect(answer).toMatchObject({ reason: { message: 'broken' } })
    broken = false
    expect(bits((await queue.forward(x(2))) as Tensors)).toEqual(bits(layer.forwardSync(x(2))))
    expect(queue.stats).toMatchObject({ requests: 4, answered: 1, failed: 3, runs: 2, items: 8 })
    await queue.close()
  })

  test.each<[string, unknown, unknown, string, string, string, string]>([
    ['no layer', null, undefined, 'invalid-argument', 'batched: layer', 'a layer', 'null'],
    ['half a layer', { forward() {} }, undefined, 'invalid-argument', 'batched: layer', 'a layer', '{forward}'],
    ['a maxBatch of 0', layer, { maxBatch: 0 }, 'invalid-argument', 'option maxBatch', 'from 1', '0'],
    ['a maxDelay of -1', layer, { maxDelay: -1 }, 'invalid-argument', 'option maxDelay', 'from 0', '-1'],
    [
      'a maxDelay of 2^31',
      layer,
      { maxDelay: 2 ** 31 },
      'invalid-argument',
      'option maxDelay',
      '2147483647',
      '2147483648',
    ],
    ['a maxQueue of 0', layer, { maxQueue: 0 }, 'invalid-argument', 'option maxQueue', 'from 1', '0'],
    [
      'a misspelt option',
      layer,
      { maxbatch: 1 },
      'unknown-option',
      'batched: options',
      'maxDelay',
      'did you mean maxBatch?',
    ],
  ])('%s', (_, given, options, code, where, expected, received) => {
    refuses(() => batched(given as Layer, options as object), { code: code as 'closed', where, expected, received })
  })
})

test('types: the answer of the layer', async () => {
  const queue = batched(linear(S(3), { 1: 1 }, { 0: 2 }, { dtype: 'float64' }))
  const y = await queue.forward({ 1: tensor(new Float64Array(3), [1, 3, 1]) })
  y satisfies { readonly 0: Tensor<'float64'> }
  // @ts-expect-error there is no order 1 in the output
  expect(y[1]).toBeUndefined()
  // @ts-expect-error order 1 is missing
  await expect(queue.forward({})).rejects.toThrow('order 1')
})
