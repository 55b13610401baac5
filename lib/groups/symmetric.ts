import { countPartitions, setPartitions } from '../diagrams/enumerate.js'
import { BlockDiagram } from '../diagrams/diagram.js'
import type { Piece } from './group.js'
import { RowCutter } from './rows.js'
import { permutationMatrix } from './sample.js'
import { frozen, SimpleGroup } from './simple.js'

/** The permutations of n points. Its diagrams are the set partitions (arXiv 2212.08648). */
export class SymmetricGroup extends SimpleGroup {
  protected readonly cutter = new RowCutter({ own: sum })

  constructor(n: number) {
    super('S', n)
  }

  at(n: readonly number[]): SymmetricGroup {
    return frozen(new SymmetricGroup(this.one(n)))
  }

  sample(random: () => number): Float64Array[] {
    this.checkRandom(random)
    return [permutationMatrix(this.n, random)]
  }

  protected count(size: number): number {
    return countPartitions(size)
  }

  protected *enumerate(k: number, l: number): Generator<BlockDiagram, void> {
    for (const word of setPartitions(k + l)) yield new BlockDiagram(l, k, word, -1)
  }

  protected select(k: number, l: number): BlockDiagram[] {
    // A matrix vanishes in the orbit basis exactly where a diagram has more than n blocks.
    this.limit(countPartitions(k + l, this.n), k, l)
    return Array.from(setPartitions(k + l, this.n), (word) => new BlockDiagram(l, k, word, -1))
  }

  protected misfit(diagram: BlockDiagram): string | null {
    return diagram.freeBlock < 0 ? null : 'blocks without "!"'
  }
}

export function sum(at: readonly number[]): Piece {
  return { type: 'sum', at }
}
