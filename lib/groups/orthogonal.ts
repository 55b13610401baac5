import { countMatchings, matchings } from '../diagrams/enumerate.js'
import { BlockDiagram } from '../diagrams/diagram.js'
import { independentOrthogonal } from '../diagrams/independent.js'
import { RowCutter } from './rows.js'
import { orthogonalMatrix } from './sample.js'
import { frozen, SimpleGroup } from './simple.js'
import { sum } from './symmetric.js'

/** The orthogonal matrices. Its diagrams are the perfect matchings (arXiv 2212.08630). */
export class OrthogonalGroup extends SimpleGroup {
  protected readonly cutter = new RowCutter({ own: sum })

  constructor(n: number) {
    super('O', n)
  }

  at(n: readonly number[]): OrthogonalGroup {
    return frozen(new OrthogonalGroup(this.one(n)))
  }

  sample(random: () => number): Float64Array[] {
    this.checkRandom(random)
    return [orthogonalMatrix(this.n, random)]
  }

  protected count(size: number): number {
    return countMatchings(size)
  }

  protected *enumerate(k: number, l: number): Generator<BlockDiagram, void> {
    for (const word of matchings(k + l)) yield new BlockDiagram(l, k, word, -1)
  }

  protected select(k: number, l: number): BlockDiagram[] {
    return this.spanning(k, l).filter((diagram) => independentOrthogonal(diagram, this.n))
  }

  protected misfit(diagram: BlockDiagram): string | null {
    return isMatching(diagram) ? null : 'pairs only'
  }
}

export function isMatching(diagram: BlockDiagram): boolean {
  return diagram.freeBlock < 0 && diagram.blocks.every((block) => block.length === 2)
}
