import { transform } from '../plan/fourier.js'
import type { Plan, Product } from '../plan/plan.js'

/** Where the packed weights of each product lie. Plain: [inner, cols]. Transformed: per λ [dimension·inner, dimension·cols], rows
 *  ordered (unit, column). The bias is one row of cols. */
export interface WeightLayout {
  readonly size: number
  readonly products: readonly { readonly blocks: readonly number[]; readonly bias: number }[]
}

const cache = new WeakMap<Plan, WeightLayout>()

export function weightLayout(plan: Plan): WeightLayout {
  const cached = cache.get(plan)
  if (cached) return cached
  let size = 0
  const take = (count: number): number => {
    const at = size
    size += Math.ceil(count / 16) * 16
    return at
  }
  const products = plan.products.map((product) => ({
    blocks: dimensions(product).map((dimension) => take(dimension * dimension * product.inner * product.cols)),
    bias: hasBias(product) ? take(product.cols) : -1,
  }))
  const layout = { size, products }
  cache.set(plan, layout)
  return layout
}

/** Dimensions of the irreducible representations of a product's blocks; one of dimension 1 where nothing is transformed. */
export function dimensions(product: Product): number[] {
  if (product.fourier < 0) return [1]
  return transform(product.strands[product.fourier]!).lambdas.map(({ dimension }) => dimension)
}

export function hasBias(product: Product): boolean {
  for (let t = 2; t < product.terms.length; t += 5) if (product.terms[t]! < 0) return true
  return false
}
