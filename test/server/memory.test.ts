/** Whose memory inputs and answers are in. */
import { describe, expect, test } from '@jest/globals'
import { batched, linear, S, tensor, type Dtype, type Space } from '../../lib/index.js'
import { bits, code, draw, gate, layer, layers, sizes, turn, x, type Layer, type Tensors } from './support.js'

const takeAway = ({ buffer }: { buffer: ArrayBufferLike }): void =>
  void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })

const nameOf = (call: () => void): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as Error).name
  }
}

const both = linear(S(3), { 0: 1, 1: 1 }, { 0: 1, 1: 3 }, { backend: 'cpu' }) as unknown as Layer

describe('memory', () => {
  test.each(layers({ backend: 'cpu' }))('an input changed or transferred away after the call, %s', async (_, each) => {
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

  test('answers of one run are views of one buffer that nobody shares or writes to again', async () => {
    const queue = batched(both, { maxBatch: 4 })
    const round = (id: number) => Promise.all([1, 2, 1].map((batch, i) => queue.forward(draw(both, batch, id + i))))
    const answers = (await round(0)) as Tensors[]
    const wanted = answers.map(bits)
    const views = answers.flatMap((y) => Object.values(y).map(({ data }) => data))
    const [{ buffer }] = views as [Float32Array]
    const owners = new Int8Array(buffer.byteLength)
    for (const { buffer: same, byteOffset, byteLength } of views) {
      expect(same).toBe(buffer)
      for (let byte = byteOffset; byte < byteOffset + byteLength; byte++) owners[byte]!++
    }
    expect(new Set(owners)).toEqual(new Set([1]))

    const later = [...(await round(3)), ...(await round(6))] as Tensors[]
    for (const y of later) for (const { data } of Object.values(y)) expect(data.buffer).not.toBe(buffer)
    expect(answers.map(bits)).toEqual(wanted)
    for (const { data } of Object.values(answers[0]!)) data.fill(7)
    answers[2]![1]!.dispose()
    expect(bits(answers[1]!)).toEqual(wanted[1])
    expect(later.map(bits)).toEqual(
      [1, 2, 1, 1, 2, 1].map((batch, i) => bits(both.forwardSync(draw(both, batch, 3 + i)))),
    )
  })

  test('the buffer of an answer cannot be transferred away, a slice can', async () => {
    const queue = batched(layer)
    const [y, other] = (await Promise.all([queue.forward(x(1, 1)), queue.forward(x(2, 2))])) as [Tensors, Tensors]
    // Engines refuse, or pass on a copy.
    expect([undefined, 'DataCloneError']).toContain(nameOf(() => takeAway(y[1]!.data)))
    takeAway(y[1]!.data.slice())
    expect([bits(y), bits(other)]).toEqual([bits(layer.forwardSync(x(1, 1))), bits(layer.forwardSync(x(2, 2)))])
  })

  test('answers of a layer that writes to memory of its own are copies', async () => {
    const memory = layer.forwardSync(x(3))
    const queue = batched<Space, Space, Dtype>({
      ...layer,
      forward: (given) => {
        const y = layer.forwardSync(given as Tensors)
        for (const [order, { data }] of Object.entries(y)) memory[order]!.data.set(data)
        return Promise.resolve(memory)
      },
    })
    const round = (id: number) => Promise.all([1, 2].map((batch, i) => queue.forward(x(batch, id + i))))
    const answers = [...(await round(0)), ...(await round(2))] as Tensors[]
    expect(answers.map(bits)).toEqual([1, 2, 1, 2].map((batch, id) => bits(layer.forwardSync(x(batch, id)))))
  })

  test('what stays behind an input that was given up goes out in its place', async () => {
    const { layer: gated, runs, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 20 })
    const first = queue.forward(x(1))
    await turn()
    const controllers = [1, 2, 3, 4, 5].map(() => new AbortController())
    const answers = controllers.map(({ signal }, id) => queue.forward(x(id + 1, id), { signal }))
    const gone = [0, 2, 4].map((id) => code(answers[id]!))
    for (const id of [0, 2, 4]) controllers[id]!.abort()
    const last = queue.forward(x(3, 9))
    expect(queue.stats).toMatchObject({ waiting: 3, aborted: 3 })
    open()
    await first
    expect(await Promise.all(gone)).toEqual(['aborted', 'aborted', 'aborted'])
    const wanted = [x(2, 1), x(4, 3), x(3, 9)].map((input) => bits(layer.forwardSync(input)))
    expect(((await Promise.all([answers[1], answers[3], last])) as Tensors[]).map(bits)).toEqual(wanted)
    expect(sizes(runs)).toEqual([1, 9])
  })

  test('inputs keep their values while their memory grows', async () => {
    const { layer: gated, open } = gate(layer)
    const queue = batched(gated, { maxBatch: 100 })
    const first = queue.forward(x(1))
    await turn()
    const answers = Array.from({ length: 40 }, (_, id) => queue.forward(x(1 + (id % 3), id)))
    open()
    await first
    const wanted = answers.map((_, id) => bits(layer.forwardSync(x(1 + (id % 3), id))))
    expect(((await Promise.all(answers)) as Tensors[]).map(bits)).toEqual(wanted)
  })
})
