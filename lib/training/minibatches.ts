import { uniformAt } from '../tensor/random.js'

/** The order of some items in an epoch: a permutation that depends on seed and epoch alone (Fisher and Yates). */
export function shuffle(count: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(seed, epoch * count + i) * (i + 1))
    const held = order[i]!
    order[i] = order[j]!
    order[j] = held
  }
  return order
}
