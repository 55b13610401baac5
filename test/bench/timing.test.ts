import { expect, test } from '@jest/globals'
import { timeOf } from '../../bench/contenders/contender.js'
import { interleave } from '../../bench/timing.js'

const effort = { budget: 1, rounds: 3 }

test('what a contender says of its own clock is what counts, for as many runs as fill a millisecond', async () => {
  const asked: number[] = []
  // A clock on which a run takes 0.3 ms, in a process that answers later.
  const time = async (repeats: number): Promise<number> => {
    asked.push(repeats)
    await new Promise((resolve) => setTimeout(resolve, 2))
    return 0.3 * repeats
  }
  const [times] = await interleave([{ time }], effort)
  expect(times).toEqual({
    median: expect.closeTo(0.3),
    least: expect.closeTo(0.3),
    spread: [expect.closeTo(0.3), expect.closeTo(0.3)],
    rounds: 3,
  })
  // The warm-up ends at a tenth of the budget but after two runs; then one untimed run before each sample.
  expect(asked).toEqual([1, 1, 1, 4, 1, 4, 1, 4])
})

test('no contender runs while another one does, or before its threads have settled', async () => {
  const events: [name: string, what: string, at: number][] = []
  const runner = (name: string, settle?: number) => ({
    ...(settle === undefined ? {} : { settle }),
    async time(repeats: number): Promise<number> {
      events.push([name, 'begins', performance.now()])
      await new Promise((resolve) => setTimeout(resolve, 1))
      events.push([name, 'ends', performance.now()])
      return 2 * repeats
    },
  })
  await interleave([runner('a', 30), runner('b')], effort)
  events.forEach(([name, what], i) => {
    if (what === 'begins') expect(events[i + 1]!.slice(0, 2)).toEqual([name, 'ends'])
  })
  // Three rounds, b first in the second: two turns of b right after a timed one of a, the third one of a being the last.
  const waits = events.flatMap(([name, , at], i) => (i > 8 && name === 'b' && events[i - 1]![0] === 'a' ? [at - events[i - 1]![2]] : [])) // prettier-ignore
  expect(waits).toHaveLength(2)
  for (const wait of waits) expect(wait).toBeGreaterThan(25)
})

test('a run that fails takes for ever, and has its rounds all the same', async () => {
  const [times] = await interleave([{ time: () => Infinity }], effort)
  expect(times!.rounds).toBe(3)
})

test('the time of a run on this thread', () => {
  let runs = 0
  const ms = timeOf(() => {
    runs++
    for (const end = performance.now() + 1; performance.now() < end;);
  })(5)
  expect(runs).toBe(5)
  expect(ms).toBeGreaterThanOrEqual(5)
})
