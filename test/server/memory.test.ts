/** Whose memory inputs and answers are in. */
import { describe, expect, test } from '@jest/globals'
import { batched, linear, S, tensor } from '../../lib/index.js'
import { bits, code, draw, gate, layer, layers, turn, x, type Tensors } from './support.js'

const takeAway = ({ buffer }: { buffer: ArrayBufferLike }): void =>
  void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })

describe('memory', () => {
  test.each(layers('cpu'))('an input changed or transferred away after the call, %s', async (_, each) => {
    const queue = batched(each)
    const inputs = [1, 2, 3].map((batch) => draw(each, batch, batch))
    const wanted = inputs.map((input) => bits(each.forwardSync(input)))
    const answers = inputs.map((input) => queue.forward(input))
    for (const { data } of Object.values(inputs[0]!)) data.fill(0)
    for (const { data } of Object.values(inputs[1]!)) takeAway(data)
    expect(((await Promise.all(answers)) as Tensors[]).map(bits)).toEqual(wanted)
  })

  test('one transferred away by a getter within the call rejects that caller only', async () => {
    const both = linear(S(2), { 0: 1, 1: 1 }, { 0: 1 }, { backend: 'reference' })
    const queue = batched(both)
    const good = { 0: tensor([1], [1, 1]), 1: tensor([1, 2], [1, 2, 1]) }
    const bad = {
      0: tensor([1], [1, 1]),
      get 1() {
        takeAway(bad[0].data)
        return good[1]
      },
    }
    const answer = queue.forward(good)
    expect(await code(queue.forward(bad))).toBe('invalid-buffer')
    expect((await answer)[0].data).toEqual(both.forwardSync(good)[0].data)
  })

  test('an input that waits while others run and come', async () => {
    const { layer: gated, release, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 2 })
    const batches = [2, 1, 1, 1, 5, 1]
    const call = (id: number) => queue.forward(x(batches[id]!, id))
    const answers = [0, 1, 2, 3].map(call)
    release()
    await answers[0]
    await turn()
    // Two run, one waits.
    expect(queue.stats).toMatchObject({ running: 2, waiting: 1 })
    answers.push(call(4), call(5))
    open()
    const wanted = batches.map((batch, id) => bits(layer.forwardSync(x(batch, id))))
    expect(((await Promise.all(answers)) as Tensors[]).map(bits)).toEqual(wanted)
  })

  test('answers share none, neither with each other nor with later runs', async () => {
    const queue = batched(layer, { maxBatch: 4 })
    const round = (id: number) => Promise.all([1, 2, 1].map((batch, i) => queue.forward(x(batch, id + i))))
    const answers = [...(await round(0)), ...(await round(3))] as Tensors[]
    const buffers = answers.flatMap((y) => Object.values(y).map(({ data }) => data.buffer))
    expect(new Set(buffers).size).toBe(2 * answers.length)
    answers[0]![1]!.data.fill(7)
    answers[2]![1]!.dispose()
    expect(bits(answers[1]!)).toEqual(bits(layer.forwardSync(x(2, 1))))
    expect(bits(answers[5]!)).toEqual(bits(layer.forwardSync(x(1, 5))))
  })
})
