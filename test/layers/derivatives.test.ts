/** Derivatives of a layer beside finite differences, in float64: of φ(x, W) = Σ sin f(x; W), whose derivatives of every order are not
 *  zero. The first ones come from `vjp` and `jvp`, the second ones are put together from the maps. */
import { describe, expect, test } from '@jest/globals'
import { groupFrom, linear, tensor, type Tensor } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { affordable, backends, inTurn, on } from '../support/backends.js'
import { refuses, refusesAsync } from './refuses.js'

type Values = Readonly<Record<string, Tensor>>

const tolerance = 1e-6
const step = 1e-5

const map = (values: Values, change: (value: number, at: number, name: string) => number): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, { data, shape }]) => [
      name,
      tensor(
        Float64Array.from(data as Float64Array, (value, at) => change(value, at, name)),
        shape,
      ),
    ]),
  )
const along = (values: Values, direction: Values, by: number): Values =>
  map(values, (value, at, name) => value + by * (direction[name]?.data[at] ?? 0))
const add = (a: Values, b: Values): Values => along(a, b, 1)
const inner = (a: Values, b: Values): number =>
  Object.entries(a).reduce(
    (sum, [name, value]) => sum + value.toNumbers().reduce((all, each, at) => all + each * (b[name]?.data[at] ?? 0), 0),
    0,
  )
const norm = (a: Values): number => Math.sqrt(inner(a, a))

/** Directions: every order of x, and every diagram of every parameter alone. */
function directions(x: Values, parameters: Values): { what: string; x: Values; parameters: Values }[] {
  const none = { x: map(x, () => 0), parameters: map(parameters, () => 0) }
  const draw = (at: number): number => normalAt(11, at)
  return [
    ...Object.keys(x).map((order) => ({
      ...none,
      what: `x of order ${order}`,
      x: map(x, (_, at, name) => (name === order ? draw(at) : 0)),
    })),
    ...Object.entries(parameters).flatMap(([which, { shape, size }]) =>
      Array.from({ length: shape[0]! }, (_, row) => ({
        ...none,
        what: `${which}, diagram ${row}`,
        parameters: map(parameters, (_, at, name) =>
          name === which && Math.floor(at / (size / shape[0]!)) === row ? draw(at) : 0,
        ),
      })),
    ),
  ]
}

const subjects: readonly (readonly [string, Record<string, number>, Record<string, number>, object?])[] = [
  ['S(4)', { 0: 1, 1: 2, 2: 1 }, { 0: 2, 1: 1, 2: 2 }],
  ['S(3)', { 3: 2 }, { 2: 1 }, { normalize: 'mean', steps: { fourier: true } }],
  ['O(3)', { 0: 2, 1: 1, 2: 2 }, { 0: 1, 1: 2, 2: 2 }],
  ['O(2)', { 3: 1 }, { 3: 2 }, { strategy: 'dense' }],
  ['SO(3)', { 1: 2, 2: 1 }, { 0: 1, 1: 1, 2: 2 }],
  ['SO(2)', { 1: 1, 2: 2 }, { 1: 2, 2: 1 }, { strategy: 'diagrams' }],
  ['Sp(4)', { 1: 1, 2: 2 }, { 0: 1, 1: 2, 2: 1 }],
  ['S(3)×O(2)', { '': 1, ab: 2 }, { a: 1, ab: 1, bb: 1 }],
]

const pairs = backends.flatMap((backend) => subjects.map((subject) => [backend, ...subject] as const))
const cases = affordable(pairs, 6, 1)
describe.each(cases)('%s: %s %j -> %j', (backend, group, input, output, options) => {
  const layer = linear(groupFrom(group), input, output, { ...options, ...on(backend), dtype: 'float64', bias: true })
  const batch = 2
  const x = Object.fromEntries(
    Object.entries(input).map(([order, channels]) => {
      const sizes = layer.group.indices(layer.group.parseOrder(order)).map((kind) => layer.group.kinds[kind]!.n)
      const shape = [batch, ...sizes, channels]
      const count = shape.reduce((a, b) => a * b, 1)
      return [
        order,
        tensor(
          Float64Array.from({ length: count }, (_, at) => normalAt(3, at)),
          shape,
        ),
      ]
    }),
  )
  const parameters: Values = map(layer.parameters, (_, at, name) => 0.3 * normalAt(name.length, at))
  const f = (at: Values, given: Values): Values => layer.forwardSync(at, { parameters: given })
  const phi = (at: Values, given: Values): number =>
    inner(
      map(f(at, given), Math.sin),
      map(f(at, given), () => 1),
    )
  const gradients = (at: Values, given: Values) => {
    const { y, pullback } = layer.vjpSync(at, { parameters: given })
    return pullback(map(y, Math.cos)) as { x: Values; parameters: Values }
  }
  const all = directions(x, parameters)

  test('first derivatives', () => {
    const gradient = gradients(x, parameters)
    for (const { what, x: dx, parameters: dW } of all) {
      const move = (by: number): number => phi(along(x, dx, by), along(parameters, dW, by))
      const wanted = (move(step) - move(-step)) / (2 * step)
      const received = inner(gradient.x, dx) + inner(gradient.parameters, dW)
      const scale = norm(gradient.x) * norm(dx) + norm(gradient.parameters) * norm(dW)
      expect([what, Math.abs(received - wanted) <= tolerance * scale]).toEqual([what, true])
    }
  })

  test('along tangents', () => {
    for (const { what, x: dx, parameters: dW } of all) {
      const { y, tangent } = layer.jvpSync(x, { x: dx, parameters: dW }, { parameters })
      const [above, below] = [step, -step].map((by) => f(along(x, dx, by), along(parameters, dW, by))) as [
        Values,
        Values,
      ]
      const wanted = map(
        add(
          above,
          map(below, (value) => -value),
        ),
        (value) => value / (2 * step),
      )
      expect(y).toEqual(f(x, parameters))
      const distance = norm(
        add(
          tangent,
          map(wanted, (value) => -value),
        ),
      )
      expect([what, distance <= tolerance * (norm(wanted) + norm(y))]).toEqual([what, true])
    }
  })

  test('second derivatives', () => {
    for (const { what, x: dx, parameters: dW } of all) {
      const { y, tangent: dy } = layer.jvpSync(x, { x: dx, parameters: dW }, { parameters })
      const cos = map(y, Math.cos)
      const bent = map(y, (value, at, name) => -Math.sin(value) * dy[name]!.data[at]!)
      const through = layer.vjpSync(x, { parameters }).pullback(bent) as { x: Values; parameters: Values }
      const received = {
        x: add(through.x, layer.inputGradientSync(cos, { parameters: dW })),
        parameters: add(through.parameters, withoutBias(layer.weightGradientSync(dx, cos))),
      }
      const [above, below] = [step, -step].map((by) => gradients(along(x, dx, by), along(parameters, dW, by))) as [
        ReturnType<typeof gradients>,
        ReturnType<typeof gradients>,
      ]
      for (const part of ['x', 'parameters'] as const) {
        const wanted = map(along(above[part], below[part], -1), (value) => value / (2 * step))
        const distance = norm(along(received[part], wanted, -1))
        expect([what, part, distance <= tolerance * (norm(wanted) + norm(above[part]))]).toEqual([what, part, true])
      }
    }
  })
})

/** The bias of f stays where it is when x moves. */
const withoutBias = (values: Values): Values => map(values, (value, _, name) => (name.startsWith('bias.') ? 0 : value))

describe.each(inTurn(backends, 2))('%s', (backend) => {
  const make = () => linear(groupFrom('S(3)'), { 1: 2 }, { 0: 1, 1: 2 }, { ...on(backend), bias: true })
  const draw = (seed: number, ...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    return tensor(
      Float32Array.from({ length: size }, (_, at) => normalAt(seed, at)),
      shape,
    )
  }
  const x = { 1: draw(1, 4, 3, 2) }
  const g = { 0: draw(2, 4, 1), 1: draw(3, 4, 3, 2) }
  const bits = (values: Values) => Object.values(values).map(({ data }) => Array.from(data))

  test('a pullback is of the function that gave y, whatever is loaded since', async () => {
    const layer = make()
    const wanted = layer.inputGradientSync(g)
    const [now, later] = [layer.vjpSync(x), await layer.vjp(x)]
    layer.load(
      Object.fromEntries(Object.entries(layer.parameters).map(([name, { shape }]) => [name, draw(9, ...shape)])),
    )
    expect(bits(now.pullback(g).x)).not.toEqual(bits(layer.vjpSync(x).pullback(g).x))
    expect(bits(now.pullback(g).x)).toEqual(bits((await later.pullback(g)).x))
    expect(now.pullback(g).x[1].data[0]).toBeCloseTo(wanted[1].data[0]!, 5)
  })

  test('gradients by x go to the tensors of the caller', () => {
    const out = { 1: draw(5, 4, 3, 2) }
    const { pullback } = make().vjpSync(x)
    expect(pullback(g, { out }).x[1]).toBe(out[1])
    expect(bits(out)).toEqual(bits(pullback(g).x))
  })

  test('no tangents, no change', async () => {
    const { y, tangent } = await make().jvp(x, {})
    expect(bits(y)).toEqual(bits(make().forwardSync(x)))
    expect(
      bits(tangent)
        .flat()
        .every((value) => value === 0),
    ).toBe(true)
    expect(tangent[1].shape).toEqual(y[1].shape)
  })

  test('an empty batch', () => {
    const { y, pullback } = make().vjpSync({ 1: tensor([], [0, 3, 2]) })
    expect(y[1].shape).toEqual([0, 3, 2])
    const { x: none, parameters } = pullback(y)
    expect(none[1].shape).toEqual([0, 3, 2])
    expect(
      bits(parameters)
        .flat()
        .every((value) => value === 0),
    ).toBe(true)
  })

  test('bad calls', async () => {
    const layer = make()
    const { pullback } = layer.vjpSync(x)
    const wrong = {
      code: 'invalid-shape',
      where: 'pullback: g, order 1',
      expected: '[4, 3, 2]',
      received: '[4, 3, 1]',
    } as const
    refuses(() => pullback({ ...g, 1: draw(1, 4, 3, 1) }), wrong)
    await refusesAsync(async () => (await layer.vjp(x)).pullback({ ...g, 1: draw(1, 4, 3, 1) }), wrong)
    refuses(() => pullback({ 0: draw(1, 5, 1), 1: draw(1, 5, 3, 2) }), {
      code: 'invalid-shape', where: 'pullback: g', expected: 'batch of 4', received: '5',
    }) // prettier-ignore
    const gone = draw(1, 4, 3, 2)
    gone.dispose()
    refuses(() => pullback({ ...g, 1: gone }), {
      code: 'disposed',
      where: 'pullback: g, order 1',
      expected: 'live',
      received: 'disposed',
    })
    const option = { code: 'unknown-option', expected: 'signal', received: '"outs"' } as const
    refuses(() => pullback(g, { outs: x } as never), { ...option, where: 'pullback: options' })
    refuses(() => layer.vjpSync(x, { outs: x } as never), { ...option, where: 'vjp: options' })
    refuses(() => layer.jvpSync(x, {}, { outs: x } as never), { ...option, where: 'jvp: options' })
    refuses(() => layer.jvpSync(x, undefined as never), {
      code: 'invalid-argument', where: 'jvp: tangents', expected: 'object', received: 'undefined',
    }) // prettier-ignore
    refuses(() => layer.jvpSync(x, { x: { 1: draw(1, 2, 3, 2) } }), {
      code: 'invalid-shape', where: 'jvp: tangents.x', expected: 'batch of 4', received: '2',
    }) // prettier-ignore
    refuses(() => pullback(g, { signal: AbortSignal.abort() }), {
      code: 'aborted', where: 'pullback', expected: 'not aborted', received: 'aborted',
    }) // prettier-ignore
  })
})
