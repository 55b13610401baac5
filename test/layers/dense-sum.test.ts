import { describe, expect, test } from '@jest/globals'
import { affordable, backends, inTurn } from '../support/backends.js'
import type { GroupName } from '../support/dense.js'
import type { Space } from '../support/layer.js'
import { pairwise } from '../support/pairwise.js'
import { checkAll, checkCase, layerOf, productsOf, type Case, type Way } from './cases.js'

const options = {
  dtype: ['float64', 'float32'],
  batch: [0, 1, 2, 7],
  backend: backends,
  threads: [1, 2],
  basis: ['independent', 'spanning'],
  normalize: ['sum', 'mean'],
  layout: ['channels-last', 'channels-first'],
  bias: [false, true],
  call: ['sync', 'async'],
  route: ['auto', 'dense', 'single', 'classes', 'fourier'],
  share: [true, false],
} as const
const channels = [1, 3, 16] as const

type OptionRow = ReturnType<typeof pairwise<typeof options>>[number]

/** The transform over the strands works on classes, so these are all the combinations of the planner's steps. */
function wayOf(route: OptionRow['route'], share: boolean): Way {
  if (route === 'auto' || route === 'dense') return { strategy: route }
  return { steps: { share, classes: route !== 'single', fourier: route === 'fourier' } }
}

function caseOf({ route, share, ...row }: OptionRow, group: GroupName, n: number, input: Space, output: Space): Case {
  const { dtype, batch, backend, threads, basis, normalize, layout, bias, call } = row
  const way = wayOf(route, share)
  return { group, n, input, output, dtype, batch, backend, threads, basis, normalize, layout, bias, call, way }
}

const sizes = { S: [1, 2, 3, 4, 5], O: [1, 2, 3, 4, 5], SO: [1, 2, 3, 4, 5], Sp: [2, 4] } as const
const highest = 3

describe.each(Object.entries(sizes) as [GroupName, readonly number[]][])('%s', (group, dimensions) => {
  for (const n of dimensions) {
    for (let k = 0; k <= highest; k++) {
      for (let l = 0; l <= highest; l++) {
        // Another seed for each pair of orders, so that triples of options meet too.
        const seed = 1000 * n + 10 * k + l
        const rows = pairwise({ ...options, inner: channels, outer: channels }, seed)
        const cases = rows.map((row) => caseOf(row, group, n, { [k]: row.inner }, { [l]: row.outer }))
        test(`${group}(${n}) ${k} -> ${l} is the dense sum`, () =>
          checkAll(affordable(cases, 9, 7 * n + 4 * k + l, productsOf), seed))
      }
    }
  }
})

describe('direct sums', () => {
  const sums: readonly (readonly [GroupName, number, Space, Space])[] = [
    ['S', 1, { 0: 1, 2: 2 }, { 1: 3, 3: 1 }],
    ['S', 2, { 1: 2, 3: 1 }, { 0: 1, 2: 3 }],
    ['S', 3, { 0: 3, 1: 1, 2: 2 }, { 0: 2, 1: 3, 2: 1 }],
    ['S', 5, { 0: 16, 1: 3, 2: 5 }, { 0: 4, 1: 1, 2: 17 }],
    ['S', 6, { 0: 1, 3: 2 }, { 1: 2, 2: 1 }],
    ['O', 1, { 0: 2, 1: 1, 2: 1 }, { 0: 1, 1: 2 }],
    ['O', 2, { 1: 2, 2: 1, 3: 1 }, { 0: 3, 1: 1, 2: 2, 3: 1 }],
    ['O', 3, { 0: 16, 1: 16, 2: 8 }, { 0: 16, 1: 16, 2: 8 }],
    ['SO', 1, { 0: 1, 1: 2 }, { 0: 2, 1: 1, 3: 1 }],
    ['SO', 2, { 0: 1, 1: 2, 3: 1 }, { 1: 1, 2: 2 }],
    ['SO', 3, { 0: 2, 1: 3, 2: 1 }, { 0: 1, 1: 1, 2: 3, 3: 1 }],
    ['SO', 4, { 1: 1, 3: 2 }, { 0: 1, 1: 3, 2: 2 }],
    ['Sp', 2, { 0: 1, 1: 2, 2: 3 }, { 0: 2, 2: 1, 3: 1 }],
    ['Sp', 4, { 1: 3, 2: 1, 3: 1 }, { 1: 2, 2: 5 }],
  ]
  test.each(sums)('%s(%i) %j -> %j', (group, n, input, output) => {
    const rows = pairwise(options, n + Object.keys(input).length)
    const cases = rows.map((row) => caseOf(row, group, n, input, output))
    return checkAll(affordable(cases, 9, n, productsOf), 77 * n)
  })
})

describe('orders above three, for transforms over four strands', () => {
  const high: readonly (readonly [GroupName, number, number, number])[] = [
    ['S', 2, 4, 3],
    ['S', 4, 4, 2],
    ['O', 2, 4, 4],
    ['O', 3, 4, 4],
    ['O', 4, 4, 4],
    ['SO', 3, 4, 3],
    ['SO', 4, 4, 2],
    ['Sp', 2, 4, 4],
    ['Sp', 2, 5, 3],
  ]
  const few = {
    ...options,
    batch: [1, 3],
    layout: ['channels-last'],
    call: ['sync'],
    bias: [false],
  } as const
  test.each(high)('%s(%i) %i -> %i', (group, n, k, l) => {
    const rows = pairwise(few, n)
    const cases = rows.map((row) => caseOf(row as unknown as OptionRow, group, n, { [k]: 2 }, { [l]: 1 }))
    return checkAll(affordable(cases, 9, k + l, productsOf), 99 * n)
  })
})

/** O(3) from vectors to scalars: no diagram joins them. */
const apart: Case = {
  group: 'O',
  n: 3,
  input: { 1: 2 },
  output: { 0: 3 },
  batch: 2,
  dtype: 'float64',
  backend: 'reference',
  threads: 1,
  basis: 'independent',
  normalize: 'sum',
  layout: 'channels-last',
  bias: false,
  way: { strategy: 'auto' },
  call: 'sync',
}

describe.each(inTurn(backends, 2))('spaces that do not meet (%s)', (backend) => {
  const names = (spec: Case): string[] => Object.keys(layerOf(spec).parameters).sort()

  test('an output that nothing reaches is zeros', async () => {
    const spec = { ...apart, backend }
    expect(names(spec)).toEqual([])
    await checkCase(spec, 1)
    await checkCase({ ...spec, input: { 1: 2, 2: 1 }, output: { 0: 3, 1: 2, 3: 1 } }, 2)
  })

  test('a bias reaches what no input does', async () => {
    const spec = { ...apart, backend, bias: true, output: { 0: 3, 1: 1 } }
    expect(names(spec)).toEqual(['bias.0', 'weight.1.1'])
    await checkCase(spec, 3)
  })

  test('an input that reaches nothing has a zero gradient', async () => {
    const spec: Case = { ...apart, backend, layout: 'channels-first', input: { 0: 1, 1: 4 }, output: { 2: 2 } }
    expect(names(spec)).toEqual(['weight.0.2'])
    await checkCase(spec, 4)
  })

  test.each(['diagrams', 'shared', 'fourier'] as const)('strategy %s by its name', async (strategy) => {
    const spec: Case = { ...apart, backend, input: { 1: 2, 2: 3 }, output: { 1: 1, 2: 2, 3: 1 }, way: { strategy } }
    expect(layerOf(spec).plan.strategy).toBe(strategy)
    await checkCase(spec, 5)
    await checkCase({ ...spec, group: 'S', n: 4 }, 6)
  })
})
