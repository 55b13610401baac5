/** The orbit basis of S(n): X_π[x] = 1 iff x_a = x_b exactly where a and b share a block. Möbius inversion over the coarsenings
 *  of π: X_π = Σ_{ρ ≥ π} μ(π, ρ) D_ρ, μ = Π over blocks of ρ of (−1)^{m−1} (m−1)!, m the number of blocks of π in it. */
import { diagramOf, spanning, type DenseDiagram } from './dense.js'

export function orbitCombination(k: number, l: number, blocks: readonly (readonly number[])[]) {
  const combination: { coefficient: number; diagram: DenseDiagram }[] = []
  // Coarsenings of π are the set partitions of its blocks; the diagrams on (blocks.length, 0) enumerate those.
  for (const merging of spanning('S', 1, blocks.length, 0)) {
    let coefficient = 1
    for (const merged of merging.blocks) for (let m = 1; m < merged.length; m++) coefficient *= -m
    const coarse = merging.blocks.map((merged) => merged.flatMap((i) => blocks[i - 1] as readonly number[]))
    combination.push({ coefficient, diagram: diagramOf(k, l, coarse, null) })
  }
  return combination
}
