import { describe, expect, test } from '@jest/globals'
import { parts, rearrangements } from '../../lib/plan/count.js'
import { transform } from '../../lib/plan/fourier.js'
import { partitions, permutations, rank, representation, standardTableaux } from '../../lib/plan/young.js'

const sizes = [2, 3, 4, 5]

describe.each(sizes)('S_%i', (d) => {
  const all = permutations(d)

  test('permutations are ranked in lexicographic order', () => {
    expect(all.map(rank)).toEqual(all.map((_, at) => at))
  })

  test('squares of the dimensions add up to d!', () => {
    const dimensions = partitions(d).map((shape) => standardTableaux(shape).length)
    expect(dimensions.reduce((sum, f) => sum + f * f, 0)).toBe(all.length)
  })

  test.each(partitions(d).map((shape) => [shape]))('%j is an orthogonal representation', (shape) => {
    const { dimension, matrices } = representation(shape)
    const product = (a: Float64Array, b: Float64Array): number[] =>
      Array.from({ length: dimension * dimension }, (_, at) => {
        const [i, j] = [Math.floor(at / dimension), at % dimension]
        return Array.from({ length: dimension }, (_, m) => a[i * dimension + m]! * b[m * dimension + j]!).reduce(
          (x, y) => x + y,
          0,
        )
      })
    let worst = 0
    // Every generator times every element suffices for all products.
    for (let s = 0; s + 1 < d; s++) {
      const g = Array.from({ length: d }, (_, p) => (p === s ? s + 1 : p === s + 1 ? s : p))
      all.forEach((h, at) => {
        const gh = h.map((image) => g[image]!)
        product(matrices[rank(g)]!, matrices[at]!).forEach(
          (value, i) => (worst = Math.max(worst, Math.abs(value - matrices[rank(gh)]![i]!))),
        )
      })
    }
    for (const matrix of matrices) {
      const transposed = Float64Array.from(
        matrix,
        (_, at) => matrix[(at % dimension) * dimension + Math.floor(at / dimension)]!,
      )
      product(matrix, transposed).forEach(
        (value, at) => (worst = Math.max(worst, Math.abs(value - Number(at % (dimension + 1) === 0)))),
      )
    }
    expect(worst).toBeLessThan(1e-13)
  })

  test('each transform matrix is orthogonal and its rows are the Kostka numbers times the dimensions', () => {
    const { lambdas, matrices } = transform(d)
    let at = 0
    for (let code = 0; code < 2 ** (d - 1); code++) {
      const size = rearrangements(code, d)
      expect(lambdas.reduce((sum, { dimension, kostka }) => sum + dimension * kostka[code]!, 0)).toBe(size)
      // The trivial representation occurs once in every permutation module.
      expect(lambdas[0]!.kostka[code]).toBe(1)
      expect(lambdas.at(-1)!.kostka[code]).toBe(Number(parts(code) === d))
      let worst = 0
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let sum = 0
          for (let m = 0; m < size; m++) sum += matrices[at + i * size + m]! * matrices[at + j * size + m]!
          worst = Math.max(worst, Math.abs(sum - Number(i === j)))
        }
      }
      expect(worst).toBeLessThan(1e-13)
      at += size * size
    }
    expect(at).toBe(matrices.length)
  })

  test('it turns a sum over permutations into one block per representation, to 1e-13', () => {
    const { lambdas, matrices, weights } = transform(d)
    const order = all.length
    const start = Array.from({ length: 2 ** (d - 1) - 1 }, (_, code) => rearrangements(code, d) ** 2).reduce(
      (a, b) => a + b,
      0,
    )
    const w = all.map((_, σ) => Math.sin(σ + 1))
    const t = all.map((_, word) => Math.cos(3 * word + 2))
    // z[i] = Σ_σ w[σ] t[j] with j[σ(p)] = i[p], over the rearrangements of one multi-index with distinct values.
    const z = all.map((i) =>
      all.reduce((sum, sigma, σ) => {
        const j: number[] = []
        sigma.forEach((image, p) => (j[image] = i[p]!))
        return sum + w[σ]! * t[rank(j)]!
      }, 0),
    )
    const apply = (v: number[]): number[] =>
      Array.from({ length: order }, (_, r) =>
        v.reduce((sum, value, s) => sum + matrices[start + r * order + s]! * value, 0),
      )
    const [rows, wanted] = [apply(t), apply(z)]
    let row = 0
    let entry = 0
    let error = 0
    for (const { dimension, kostka } of lambdas) {
      const block = Array.from({ length: dimension * dimension }, (_, at) =>
        w.reduce((sum, value, σ) => sum + weights[(entry + at) * order + σ]! * value, 0),
      )
      for (let copy = 0; copy < kostka.at(-1)!; copy++, row += dimension) {
        for (let a = 0; a < dimension; a++) {
          let sum = 0
          for (let b = 0; b < dimension; b++) sum += block[b * dimension + a]! * rows[row + b]!
          error += (sum - wanted[row + a]!) ** 2
        }
      }
      entry += dimension * dimension
    }
    const norm = Math.hypot(...wanted)
    expect(Math.sqrt(error) / norm).toBeLessThan(1e-13)
    expect(row).toBe(order)
  })
})
