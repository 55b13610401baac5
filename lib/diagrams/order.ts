import { BlockDiagram, ProductDiagram, type Diagram } from './diagram.js'

/** The canonical order, in which weights are stored: diagrams without a free block first, then by restricted growth string,
 *  then by free vertices; products factor by factor. Both diagrams have the same orders. */
export function compareDiagrams(a: Diagram, b: Diagram): number {
  if (a instanceof BlockDiagram && b instanceof BlockDiagram) {
    const marked = Number(a.freeBlock >= 0) - Number(b.freeBlock >= 0)
    if (marked !== 0) return marked
    // Strings compare by code unit, and the code units are the block numbers.
    if (a.word !== b.word) return a.word < b.word ? -1 : 1
    // With equal words blocks are numbered by their least vertices, so the number orders the lists of free vertices.
    return a.freeBlock - b.freeBlock
  }
  if (a instanceof ProductDiagram && b instanceof ProductDiagram) {
    for (let f = 0; f < Math.min(a.factors.length, b.factors.length); f++) {
      const order = compareDiagrams(a.factors[f] as BlockDiagram, b.factors[f] as BlockDiagram)
      if (order !== 0) return order
    }
  }
  return 0
}

/** A copy in canonical order. */
export function sortDiagrams<D extends Diagram>(diagrams: Iterable<D>): D[] {
  return [...diagrams].sort(compareDiagrams)
}
