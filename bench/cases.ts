/** A layer with the batch it is measured at. */
export interface Case {
  readonly name: string
  /** As `groupFrom` reads it. */
  readonly group: string
  /** Order to channels. */
  readonly input: Readonly<Record<string, number>>
  readonly output: Readonly<Record<string, number>>
  readonly batch: number
  /** The batch on a GPU. */
  readonly gpuBatch: number
  readonly bias: boolean
  readonly layout: 'channels-last' | 'channels-first'
}

type Space = Case['input']
type Options = Partial<Pick<Case, 'bias' | 'layout'>>

/** The suite. The last four are layers of models that people use, at their default sizes: PELICAN (particle physics), Invariant
 *  Graph Networks, S_n networks of order 3 (molecules), TensorNet (molecules). */
export const suite: readonly Case[] = [
  row('s1-set', 'S(1024)', { 1: 64 }, { 1: 64 }, 32, 1024),
  row('s2-graph', 'S(64)', { 2: 32 }, { 2: 32 }, 32, 512),
  row('s2-big', 'S(512)', { 2: 16 }, { 2: 16 }, 1, 16),
  row('s3', 'S(16)', { 3: 16 }, { 3: 16 }, 8, 1024),
  row('s4', 'S(6)', { 4: 8 }, { 4: 8 }, 8, 8192),
  row('o3-2', 'O(3)', { 2: 64 }, { 2: 64 }, 16384, 131072),
  row('o3-mixed', 'O(3)', { 0: 64, 1: 64, 2: 32 }, { 0: 64, 1: 64, 2: 32 }, 8192, 131072),
  row('o3-4', 'O(3)', { 4: 32 }, { 4: 32 }, 256, 16384),
  row('so3-mixed', 'SO(3)', { 0: 32, 1: 32, 2: 32 }, { 0: 32, 1: 32, 2: 32 }, 8192, 131072),
  row('sp6', 'Sp(6)', { 3: 16 }, { 3: 16 }, 256, 16384),
  row('o5', 'O(5)', { 5: 1 }, { 5: 1 }, 64, 16384),
  row('matvec', 'O(5)', { 3: 1 }, { 3: 1 }, 1, 1),
  row('pelican', 'S(52)', { 2: 35 }, { 2: 60 }, 16, 1024, { bias: true }),
  row('ign', 'S(39)', { 2: 32 }, { 2: 256 }, 5, 512, { layout: 'channels-first' }),
  row('snnnet3', 'S(9)', { 3: 32 }, { 3: 32 }, 32, 2048, { bias: true }),
  row('tensornet', 'O(3)', { 2: 128 }, { 2: 128 }, 2304, 65536),
]

function row(
  name: string,
  group: string,
  input: Space,
  output: Space,
  batch: number,
  gpuBatch: number,
  options: Options = {},
): Case {
  return { name, group, input, output, batch, gpuBatch, bias: false, layout: 'channels-last', ...options }
}

/** The same case at a sixteenth of its batch, to try things out. */
export function quick(given: Case): Case {
  return { ...given, batch: Math.ceil(given.batch / 16) }
}

/** 'S(64) {2: 32} -> {2: 32}, bias'. */
export function describeCase({ group, input, output, bias, layout }: Case): string {
  const space = (of: Space): string =>
    `{${Object.entries(of)
      .map(([order, channels]) => `${order}: ${channels}`)
      .join(', ')}}`
  return [`${group} ${space(input)} -> ${space(output)}`, bias ? 'bias' : '', layout === 'channels-first' ? layout : '']
    .filter(Boolean)
    .join(', ')
}
