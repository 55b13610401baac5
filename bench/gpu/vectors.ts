import type { LinearOptions } from '../../dist/index.js'
import type { Case } from '../cases.js'

/** A small layer whose right answers are part of a bundle. */
export interface VectorLayer extends Pick<Case, 'group' | 'input' | 'output'> {
  readonly name: string
  readonly batch: number
  readonly options?: LinearOptions
}

type Space = Case['input']

/** Every group; orders 0 to 5; channels that do and do not fill vectors; tiles that end in the middle. */
export const vectorLayers: readonly VectorLayer[] = [
  row('S(1)', { 1: 3 }, { 2: 2 }, 3),
  row('S(2)', { 3: 2 }, { 3: 2 }, 5),
  row('S(4)', { 0: 3, 1: 2, 2: 1 }, { 0: 2, 1: 1, 2: 3 }, 7, { bias: true }),
  row('S(5)', { 2: 4 }, { 2: 4 }, 9),
  row('S(7)', { 2: 5 }, { 1: 3, 2: 7 }, 3, { bias: true, normalize: 'mean' }),
  row('S(4)', { 3: 3 }, { 2: 4 }, 4),
  row('S(3)', { 4: 1 }, { 4: 1 }, 2),
  row('S(6)', { 2: 3 }, { 2: 5 }, 3, { layout: 'channels-first', bias: true }),
  row('S(40)', { 2: 4 }, { 2: 4 }, 1),
  row('S(70)', { 1: 16 }, { 1: 8 }, 3),
  row('S(5)', { 2: 3 }, { 2: 3 }, 3, { strategy: 'dense' }),
  row('S(5)', { 2: 3 }, { 2: 3 }, 3, { basis: 'spanning', strategy: 'diagrams' }),
  row('O(1)', { 2: 3 }, { 2: 3 }, 4),
  row('O(2)', { 3: 2 }, { 3: 5 }, 6),
  row('O(3)', { 2: 16 }, { 2: 16 }, 33),
  row('O(3)', { 0: 5, 1: 4, 2: 3 }, { 0: 4, 1: 3, 2: 2 }, 17, { bias: true }),
  row('O(3)', { 4: 2 }, { 4: 2 }, 3),
  row('O(4)', { 3: 8 }, { 1: 8 }, 5),
  row('O(3)', { 5: 1 }, { 5: 1 }, 3),
  row('O(3)', { 2: 4 }, { 2: 12 }, 5, { layout: 'channels-first' }),
  row('SO(2)', { 2: 3 }, { 2: 3 }, 5),
  row('SO(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 2, 2: 4 }, 9, { bias: true }),
  row('SO(3)', { 3: 2 }, { 2: 3 }, 4),
  row('SO(4)', { 2: 2 }, { 2: 2 }, 3),
  row('Sp(2)', { 2: 4 }, { 2: 4 }, 5),
  row('Sp(4)', { 1: 3, 3: 2 }, { 1: 2, 3: 3 }, 3),
  row('Sp(6)', { 3: 1 }, { 3: 4 }, 2),
  row('Sp(4)', { 2: 5 }, { 0: 2, 2: 3 }, 6, { bias: true, normalize: 'mean' }),
]

/** Named by its place, which a file's name may hold. */
function row(group: string, input: Space, output: Space, batch: number, options?: LinearOptions): VectorLayer {
  const orders = (space: Space): string => Object.keys(space).join('')
  const kind = options?.layout === 'channels-first' ? '-first' : options?.strategy ? `-${options.strategy}` : ''
  return {
    name: `${group.replace(/[()]/g, '')}-${orders(input)}-${orders(output)}${kind}`,
    group,
    input,
    output,
    batch,
    ...(options ? { options } : {}),
  }
}
