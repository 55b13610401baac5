import { countMatchings, matchings } from '../diagrams/enumerate.js'
import { BlockDiagram } from '../diagrams/diagram.js'
import { independentSymplectic } from '../diagrams/independent.js'
import { expected } from '../errors.js'
import type { Form } from './group.js'
import { isMatching } from './orthogonal.js'
import { RowCutter } from './rows.js'
import { symplecticMatrix } from './sample.js'
import { frozen, SimpleGroup } from './simple.js'

/** The matrices that keep ε of the basis 1,1',2,2',…, n even. Its diagrams are the perfect matchings (arXiv 2212.08630). */
export class SymplecticGroup extends SimpleGroup {
  protected readonly cutter: RowCutter

  constructor(n: number) {
    super('Sp', n)
    if (n % 2 !== 0) throw expected('invalid-group', 'Sp(n)', 'n to be even', String(n))
    const form = epsilon(n)
    this.cutter = new RowCutter({ own: (at) => ({ type: 'form', at, form }) })
  }

  at(n: readonly number[]): SymplecticGroup {
    return frozen(new SymplecticGroup(this.one(n)))
  }

  /** An element of norm at most 2: the group is not compact, and products of larger ones lose their digits. */
  sample(random: () => number): Float64Array[] {
    this.checkRandom(random)
    return [symplecticMatrix(this.n, random)]
  }

  protected count(size: number): number {
    return countMatchings(size)
  }

  protected *enumerate(k: number, l: number): Generator<BlockDiagram, void> {
    for (const word of matchings(k + l)) yield new BlockDiagram(l, k, word, -1)
  }

  protected select(k: number, l: number): BlockDiagram[] {
    return this.spanning(k, l).filter((diagram) => independentSymplectic(diagram, this.n))
  }

  protected misfit(diagram: BlockDiagram): string | null {
    return isMatching(diagram) ? null : 'pairs only'
  }
}

/** ε(a, a') = 1 and ε(a', a) = −1: over t and u the pairs (2t + u, 2t + 1 − u) with sign (−1)^u. */
function epsilon(n: number): Form {
  const loop = (extent: number, step: [number, number], alternate: boolean) =>
    Object.freeze({ extent, step: Object.freeze(step), alternate })
  return Object.freeze({
    name: `epsilon${n}`,
    base: Object.freeze([0, 1] as const),
    loops: Object.freeze([loop(n / 2, [2, 2], false), loop(2, [1, -1], true)]),
  })
}
