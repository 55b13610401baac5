import { expected, show } from '../errors.js'
import type { Group } from './group.js'
import { OrthogonalGroup } from './orthogonal.js'
import { product } from './product.js'
import { SpecialOrthogonalGroup } from './special-orthogonal.js'
import { SymmetricGroup } from './symmetric.js'
import { SymplecticGroup } from './symplectic.js'

export { act } from './act.js'
export { product } from './product.js'
export type { Form, Group, Kind, Order, Piece, Pieces, SignedList, Term } from './group.js'

/** The permutations of n points. @throws BrauerError `invalid-group` unless n is an integer of at least 1 */
export function S(n: number): Group {
  return Object.freeze(new SymmetricGroup(n))
}

/** The orthogonal n×n matrices. @throws BrauerError `invalid-group` unless n is an integer of at least 1 */
export function O(n: number): Group {
  return Object.freeze(new OrthogonalGroup(n))
}

/** The rotations of R^n. @throws BrauerError `invalid-group` unless n is an integer of at least 1 */
export function SO(n: number): Group {
  return Object.freeze(new SpecialOrthogonalGroup(n))
}

/** The symplectic n×n matrices in the basis 1,1',2,2',…. @throws BrauerError `invalid-group` unless n is even and at least 2 */
export function Sp(n: number): Group {
  return Object.freeze(new SymplecticGroup(n))
}

const FAMILIES = { S, O, SO, Sp }

/** Reads a group: 'O(3)', or a product as 'S(5)×O(3)' or 'S(5)xO(3)'.
 *  @throws BrauerError `invalid-group` */
export function groupFrom(text: string): Group {
  const where = 'group'
  if (typeof text !== 'string') throw expected('invalid-group', where, "a text such as 'O(3)'", show(text))
  const factors = text.split(/[×x]/).map((part) => {
    const match = /^\s*(S|O|SO|Sp)\(\s*([0-9]{1,16})\s*\)\s*$/.exec(part)
    if (!match) {
      throw expected('invalid-group', where, 'S(n), O(n), SO(n) or Sp(n), or some of them joined by "×"', show(text))
    }
    return FAMILIES[match[1] as keyof typeof FAMILIES](Number(match[2]))
  })
  return factors.length === 1 ? (factors[0] as Group) : product(...(factors as [Group, Group, ...Group[]]))
}
