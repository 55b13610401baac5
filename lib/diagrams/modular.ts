/** Arithmetic modulo a prime below 2^31 − 2^11, on residues held as numbers. */
export interface Field {
  times(a: number, b: number): number
  /** Of a residue other than 0. */
  inverse(a: number): number
}

// In a vm context, as test runners use them, every look at a global costs more than the arithmetic.
const { floor, imul } = Math

/** Exact without big integers: a·b is past 2^53, but its low 32 bits come from `Math.imul`, and the quotient from a product in
 *  doubles is at most one off, and only where the remainder is within 2^11 of 0 or of the prime. */
export function modular(prime: number): Field {
  const reciprocal = 1 / prime
  const times = (a: number, b: number): number => {
    const quotient = floor(a * b * reciprocal)
    const rest = (imul(a, b) - imul(quotient, prime)) | 0
    return rest < 0 ? rest + prime : rest >= prime ? rest - prime : rest
  }
  const inverse = (a: number): number => {
    // Fermat: a^(p−2).
    let result = 1
    for (let power = a, left = prime - 2; left > 0; left = floor(left / 2), power = times(power, power)) {
      if (left % 2 === 1) result = times(result, power)
    }
    return result
  }
  return { times, inverse }
}
