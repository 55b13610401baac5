/** Where the operands of asynchronous runs are while they run. */
import { describe, expect, test } from '@jest/globals'
import { own } from '../../lib/tensor/owned.js'
import { backendOf, compiled, inTurn, isCuda } from '../support/backends.js'
import { adding, scaling, slow, slowAnswer, slowOperands } from './stress/programs.mjs'

const ramp = (length: number, from: number) => Float32Array.from({ length }, (_, i) => from + i)

describe.each(inTurn(compiled, 2))('%s', (name) => {
  const subject = backendOf(name)

  describe('operands that could be transferred away', () => {
    // Small ones share memory that is used again, large ones have their own.
    test.each([3, 100, 5_000, 200_000])('of %d elements stay apart, at once and one after the other', async (size) => {
      const executable = subject.load(adding(size), 'float32')
      for (let round = 0; round < 3; round++) {
        const calls = Array.from({ length: 7 }, (_, i) => {
          const [x, w, y] = [ramp(size, 100 * i + round), ramp(size, i), new Float32Array(size)]
          const wanted = x.map((value, at) => value + w[at]!)
          const run = executable.run(1, [x, w, y])
          x.fill(-1)
          w.fill(-1)
          return { run, y, wanted }
        })
        for (const { run, y, wanted } of calls) {
          await run
          expect(Buffer.compare(Buffer.from(y.buffer), Buffer.from(wanted.buffer))).toBe(0)
        }
      }
    })

    test('of every kind', async () => {
      for (const [dtype, make] of [
        ['float64', (length: number) => new Float64Array(length).fill(0.5)],
        ['float16', (length: number) => new Uint16Array(length).fill(0x3800)],
      ] as const) {
        const y = make(30)
        await subject.load(scaling(10), dtype).run(3, [make(30), y])
        expect([...y]).toEqual(Array.from(y, () => (dtype === 'float64' ? 1 : 0x3c00)))
      }
    })

    test('beside some that could not', async () => {
      const executable = subject.load(adding(8), 'float32')
      for (const kept of [0, 1, 2]) {
        const operands = [ramp(8, 1), ramp(8, 2), new Float32Array(8)]
        own(operands[kept]!.buffer as ArrayBuffer)
        await executable.run(1, operands)
        expect(operands[2]).toEqual(ramp(8, 1).map((value) => 2 * value + 1))
      }
    })

    // A device hears of an abort between parts of a batch, and these are all of one.
    const aborting = isCuda(name) ? () => undefined : test
    aborting('after runs that were refused or aborted', async () => {
      const executable = subject.load(slow(), 'float32')
      const controller = new AbortController()
      const runs = Array.from({ length: 8 }, (_, i) =>
        i % 2 === 0
          ? executable.run(2, slowOperands(1))
          : executable.run(40, slowOperands(40), { signal: controller.signal }),
      )
      const outcome = Promise.allSettled(runs)
      controller.abort()
      expect((await outcome).map(({ status }) => status)).toEqual(runs.map(() => 'rejected'))
      const good = Array.from({ length: 4 }, () => slowOperands(2))
      await Promise.all(good.map((operands) => executable.run(2, operands)))
      for (const [, y] of good) expect(new Set(y)).toEqual(new Set([slowAnswer]))
    })

    test('and lie about their length', async () => {
      const executable = subject.load(scaling(2 ** 20), 'float32')
      const huge = Object.defineProperty(new Float32Array(1), 'length', { value: 2 ** 50 })
      await expect(executable.run(1, [huge, new Float32Array(2 ** 20)])).rejects.toMatchObject({
        code: 'invalid-buffer',
      })
    })
  })

  test('many operands go another way than few', async () => {
    const buffers = Array.from({ length: 30 }, (_, i) => ({
    name: `b${i}`, role: i < 29 ? 'input' : 'output', scope: 'item', size: 4, offset: 0,
  })) // prettier-ignore
    const sums = adding(4).instructions[0]!
    const instructions = Array.from({ length: 29 }, (_, i) => ({ ...sums, in: i, out: 29, set: i === 0 }))
    const executable = subject.load({ ...adding(4), buffers, instructions } as never, 'float32')
    for (const way of ['runSync', 'run'] as const) {
      const operands = buffers.map((_, i) => ramp(4, i))
      await executable[way](1, operands)
      expect(operands[29]).toEqual(ramp(4, 14).map((value) => 29 * value))
      expect(() => executable.runSync(1, operands.slice(1))).toThrow(/expected an array of 30, received one of 29/)
    }
  })
})
