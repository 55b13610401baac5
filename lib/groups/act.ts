import { expected } from '../errors.js'
import type { Group, Order } from './group.js'

/** A group element applied to every index of a tensor, each index by the matrix of its kind.
 *  @param element one row-major n×n matrix per kind
 *  @param data [n, …, n, channels], row-major, one n per index of the order
 *  @throws BrauerError `invalid-shape` */
export function act(
  group: Group,
  element: readonly Float64Array[],
  order: Order,
  data: Float64Array,
  channels: number,
): Float64Array {
  const kinds = group.indices(order)
  const sizes = kinds.map((kind) => group.kinds[kind]!.n)
  const size = sizes.reduce((total, n) => total * n, channels)
  if (data.length !== size) {
    throw expected('invalid-shape', `act of ${group} on order ${order}`, `${size} elements`, `${data.length}`)
  }
  group.kinds.forEach(({ n }, kind) => {
    if (element[kind]?.length === n * n) return
    const received = element[kind] ? `${element[kind].length} elements` : 'none'
    throw expected('invalid-shape', `act of ${group}`, `an ${n}×${n} matrix for kind ${kind}`, received)
  })
  let current = data.slice()
  let inner = size
  let outer = 1
  kinds.forEach((kind, axis) => {
    const n = sizes[axis] as number
    inner /= n
    const matrix = element[kind] as Float64Array
    const next = new Float64Array(size)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const factor = matrix[i * n + j] as number
          if (factor === 0) continue
          const [to, from] = [(o * n + i) * inner, (o * n + j) * inner]
          for (let c = 0; c < inner; c++) next[to + c]! += factor * current[from + c]!
        }
      }
    }
    current = next
    outer *= n
  })
  return current
}
