import { describe, expect, test } from '@jest/globals'
import type { GroupName } from '../support/dense.js'
import type { Space } from '../support/layer.js'
import { pairwise } from '../support/pairwise.js'
import { checkAll, checkCase, layerOf, same, type Case } from './cases.js'

const options = {
  dtype: ['float64', 'float32'],
  batch: [0, 1, 2, 7],
  backend: ['reference', 'cpu'],
  threads: [1, 2],
  basis: ['independent', 'spanning'],
  normalize: ['sum', 'mean'],
  layout: ['channels-last', 'channels-first'],
  bias: [false, true],
  strategy: ['auto', 'dense'],
  call: ['sync', 'async'],
  share: [true, false],
  classes: [true, false],
  fourier: [true, false],
} as const
const channels = [1, 3, 16] as const

type OptionRow = ReturnType<typeof pairwise<typeof options>>[number]

function caseOf(
  { share, classes, fourier, ...row }: OptionRow,
  group: GroupName,
  n: number,
  input: Space,
  output: Space,
): Case {
  const { dtype, batch, backend, threads, basis, normalize, layout, bias, strategy, call } = row
  const steps = { share, classes, fourier }
  return {
    group,
    n,
    input,
    output,
    dtype,
    batch,
    backend,
    threads,
    basis,
    normalize,
    layout,
    bias,
    strategy,
    call,
    steps,
  }
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
        test(`${group}(${n}) ${k} -> ${l} is the dense sum`, () => checkAll(cases, seed))
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
    return checkAll(
      rows.map((row) => caseOf(row, group, n, input, output)),
      77 * n,
    )
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
    strategy: ['auto'],
    call: ['sync'],
    bias: [false],
  } as const
  test.each(high)('%s(%i) %i -> %i', (group, n, k, l) => {
    const rows = pairwise(few, n)
    return checkAll(
      rows.map((row) => caseOf(row as unknown as OptionRow, group, n, { [k]: 2 }, { [l]: 1 })),
      99 * n,
    )
  })
})

const plain: Case = caseOf(
  pairwise(options, 1).map(
    (row) => ({ ...row, dtype: 'float64', batch: 2, backend: 'reference', threads: 1, basis: 'independent' }) as const,
  )[0] as OptionRow,
  'O',
  3,
  { 1: 2 },
  { 0: 3 },
)

describe('spaces that do not meet', () => {
  test.each(['reference', 'cpu'] as const)('an output that nothing reaches is zeros (%s)', async (backend) => {
    const spec: Case = { ...plain, backend, bias: false, layout: 'channels-last', strategy: 'auto' }
    const layer = layerOf(spec)
    same(Object.keys(layer.parameters), [], 'parameters')
    await checkCase(spec, 1)
    const again = await checkCase({ ...spec, input: { 1: 2, 2: 1 }, output: { 0: 3, 1: 2, 3: 1 } }, 2)
    expect(again).toBeUndefined()
  })

  test.each(['reference', 'cpu'] as const)('a bias reaches what no input does (%s)', async (backend) => {
    const spec: Case = {
      ...plain,
      backend,
      bias: true,
      layout: 'channels-last',
      strategy: 'auto',
      output: { 0: 3, 1: 1 },
    }
    same(Object.keys(layerOf(spec).parameters).sort(), ['bias.0', 'weight.1.1'], 'parameters')
    await checkCase(spec, 3)
  })

  test.each(['reference', 'cpu'] as const)(
    'an input that reaches nothing has a zero gradient (%s)',
    async (backend) => {
      const spec: Case = {
        ...plain,
        backend,
        bias: false,
        layout: 'channels-first',
        strategy: 'auto',
        input: { 0: 1, 1: 4 },
        output: { 2: 2 },
      }
      same(Object.keys(layerOf(spec).parameters), ['weight.0.2'], 'parameters')
      await checkCase(spec, 4)
    },
  )
})
