import { describe, expect, test } from '@jest/globals'
import { Tensor as OnnxTensor } from 'onnxruntime-common'
import { gated, linear, O, product, S, sequential, tensor, type Linear, type Tensor } from '../../lib/index.js'
import { onnxSession } from '../../lib/onnx/index.js'

const make = (type: 'float32' | 'float64' | 'float16', dims: readonly number[]): OnnxTensor => {
  const numbers = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 11) - 5)
  return new OnnxTensor(type, tensor(numbers, dims, type).data as Float32Array, dims)
}
const small = linear(O(3), { 1: 2, 2: 1 }, { 0: 3, 2: 1 }, { bias: true })
const refusal = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) }) as unknown as Error

describe('a session', () => {
  test.each(['float32', 'float64', 'float16'] as const)(
    'takes and returns tensors of onnxruntime, %s',
    async (dtype) => {
      const layer = linear(O(3), { 1: 2, 2: 1 }, { 0: 3, 2: 1 }, { bias: true, dtype })
      const session = onnxSession(layer)
      expect([session.inputNames, session.outputNames]).toEqual([['x1', 'x2'], ['y0', 'y2']]) // prettier-ignore
      const feeds = { x1: make(dtype, [4, 3, 2]), x2: make(dtype, [4, 3, 3, 1]) }
      const wanted = layer.forwardSync({ 1: feeds.x1, 2: feeds.x2 })
      for (const y of [await session.run(feeds), session.runSync(feeds)]) {
        expect(Object.keys(y)).toEqual(['y0', 'y2'])
        for (const order of [0, 2] as const) {
          const result = y[`y${order}`]!
          expect(result).toBeInstanceOf(OnnxTensor)
          expect([result.type, result.dims]).toEqual([dtype, wanted[order].shape])
          expect(Array.from(new Uint8Array((result.data as Float32Array).buffer))).toEqual(
            Array.from(new Uint8Array(wanted[order].data.buffer)),
          )
        }
      }
    },
  )

  test('of a network, too', async () => {
    const network = sequential(small, gated(O(3), { 0: 2, 2: 1 }))
    const session = onnxSession(network)
    expect([session.inputNames, session.outputNames]).toEqual([['x1', 'x2'], ['y0', 'y2']]) // prettier-ignore
    const feeds = { x1: make('float32', [4, 3, 2]), x2: make('float32', [4, 3, 3, 1]) }
    const wanted = network.forwardSync({ 1: feeds.x1, 2: feeds.x2 }) as Record<string, Tensor>
    for (const y of [await session.run(feeds), session.runSync(feeds)]) {
      for (const [order, value] of Object.entries(wanted)) {
        expect(y[`y${order}`]).toBeInstanceOf(OnnxTensor)
        expect(y[`y${order}`]).toMatchObject({ type: 'float32', dims: value.shape })
        expect(Array.from(y[`y${order}`]!.data as Float32Array)).toEqual(value.toNumbers())
      }
    }
    await expect(session.run(feeds, { signal: AbortSignal.abort() })).rejects.toThrow(refusal('aborted', 'forward'))
    expect(() => session.runSync(feeds, { sizes: [3, 3, 3, 3] })).toThrow(
      refusal('invalid-group', 'diagrams serve every n'),
    )
  })

  test('names the orders of a product of groups', () => {
    const { inputNames, outputNames } = onnxSession(linear(product(S(2), O(2)), { 0: 1, ab: 1 }, { b: 1 }))
    expect([inputNames, outputNames]).toEqual([['x0', 'xab'], ['yb']])
  })

  test('hands on the options of a call', async () => {
    const session = onnxSession(linear(S(3), { 1: 1 }, { 0: 1 }))
    const feeds = { x1: make('float32', [2, 3, 1]) }
    await expect(session.run(feeds, { signal: AbortSignal.abort() })).rejects.toThrow(refusal('aborted', 'forward'))
    expect(session.runSync(feeds, { sizes: [1, 3] })['y0']!.dims).toEqual([2, 1])
  })
})

describe('what is wrong is named', () => {
  const x1 = make('float32', [4, 3, 2])
  const x2 = make('float32', [4, 3, 3, 1])
  const gone = make('float32', [4, 3, 2])
  gone.dispose()
  const away = OnnxTensor.fromGpuBuffer({} as never, { dataType: 'float32', dims: [4, 3, 2] })

  test.each([
    [undefined, 'invalid-argument', 'run: feeds: expected a record of tensors (x1, x2), received undefined'],
    [{ x1 }, 'invalid-argument', 'run: x2: expected a tensor of onnxruntime, received undefined'],
    [{ x1, x2, x3: x1 }, 'invalid-order', 'run: feeds: expected the inputs x1, x2, received "x3"'],
    [{ x1: tensor([1], [1]), x2 }, 'invalid-argument', 'run: x1: expected a tensor of onnxruntime, received Tensor'],
    [{ x1: x2, x2 }, 'invalid-shape', 'forward, order 1: expected shape [batch, 3, 2], received [4, 3, 3, 1]'],
    [{ x1: make('float64', [4, 3, 2]), x2 }, 'invalid-dtype', 'forward, order 1: expected float32, received "float64"'],
    [{ x1: gone, x2 }, 'disposed', 'run: x1: expected a live tensor, received a disposed one'],
    [
      { x1: away, x2 },
      'tensor-on-device',
      'run: x1: expected a tensor in memory of the host, received one in gpu-buffer',
    ],
  ])('%#', async (feeds, code, text) => {
    const session = onnxSession(small)
    expect(() => session.runSync(feeds as never)).toThrow(refusal(code, text))
    await expect(session.run(feeds as never)).rejects.toThrow(refusal(code, text))
  })

  test('of a session, too', () => {
    expect(() => onnxSession({} as Linear)).toThrow(refusal('invalid-argument', 'onnxSession: expected a layer'))
    const layer: Linear = linear(S(3), { 1: 1 }, { 1: 1 }, { dtype: 'bfloat16' })
    expect(() => onnxSession(layer)).toThrow(refusal('invalid-dtype', 'of which onnxruntime has tensors'))
  })
})
