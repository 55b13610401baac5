/** Counter-based random numbers: the value at (seed, index) is a pure function, so that any backend can make any part of a
 *  stream. Mixing follows the murmur3 finaliser on two 32-bit words. */
export function uniformAt(seed: number, index: number): number {
  const key = mix32((seed >>> 0) ^ mix32(Math.floor(seed / 4294967296) + 0x51ed270b))
  const low = mix32((index >>> 0) ^ key)
  const high = mix32(Math.floor(index / 4294967296) ^ low ^ 0x9e3779b9)
  // 53 bits: 27 of one word, 26 of the other.
  return ((low >>> 5) * 67108864 + (high >>> 6)) / 9007199254740992
}

/** Standard normal at (seed, index): Box and Muller on two uniform streams. */
export function normalAt(seed: number, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(seed, 2 * index)))
  return radius * Math.cos(2 * Math.PI * uniformAt(seed, 2 * index + 1))
}

/** A stream of uniform numbers on [0, 1). */
export function uniform(seed: number): () => number {
  let index = 0
  return () => uniformAt(seed, index++)
}

function mix32(word: number): number {
  let h = word | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
