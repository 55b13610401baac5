import type { Plan, Product } from '../plan/plan.js'
import { Builder } from './builder.js'
import { Ends } from './ends.js'
import { boxable, transformedSize, transformRows, type Segment } from './products.js'
import type { Mix, Program } from './program.js'
import { dimensions, hasBias, weightLayout, type WeightLayout } from './weights.js'

/** y = f(x). Operands: the inputs by order, `weights`, the outputs by order. */
export function lowerForward(plan: Plan): Program {
  return new Lowering(plan).map('forward')
}

/** dx = fᵀ(dy), without the bias. Operands: output gradients, `weights`, input gradients. */
export function lowerInputGradient(plan: Plan): Program {
  return new Lowering(plan).map('input')
}

/** The gradient of the packed weights, summed over the batch. Operands: inputs, output gradients, `weights` (written). */
export function lowerWeightGradient(plan: Plan): Program {
  return new Lowering(plan).weightGradient()
}

/** Both gradients from one reading of dy. Operands: inputs, output gradients, `weights`, input gradients (written), `dweights` (written). */
export function lowerGradients(plan: Plan): Program {
  return new Lowering(plan).gradients()
}

/** What a product adds to the gradient of the packed weights: its rows on the input side, and where the sum goes. */
interface WeightSum {
  readonly inputs: Ends
  readonly gradient: number
}

/** One program: reads one side of the plan's products, multiplies by the packed weights, writes the other side. */
class Lowering {
  readonly #plan: Plan
  readonly #b = new Builder()
  readonly #layout: WeightLayout

  constructor(plan: Plan) {
    this.#plan = plan
    this.#layout = weightLayout(plan)
  }

  map(form: 'forward' | 'input'): Program {
    const plan = this.#plan
    const b = this.#b
    const forward = form === 'forward'
    const source = new Ends(b, plan, forward ? 'bottom' : 'top', 'source')
    const weights = b.buffer('weights', 'input', 'shared', this.#layout.size)
    const target = new Ends(b, plan, forward ? 'top' : 'bottom', 'target')
    this.#products(target, (product, tensor) => this.#product(product, form, source, target, weights, tensor))
    return b.finish()
  }

  gradients(): Program {
    const plan = this.#plan
    const b = this.#b
    const inputs = new Ends(b, plan, 'bottom', 'source')
    const source = new Ends(b, plan, 'top', 'source')
    const weights = b.buffer('weights', 'input', 'shared', this.#layout.size)
    const target = new Ends(b, plan, 'bottom', 'target', 'd')
    const sum = { inputs, gradient: b.buffer('dweights', 'output', 'shared', this.#layout.size) }
    this.#products(target, (product, tensor) => {
      this.#product(product, 'input', source, target, weights, tensor, sum)
    })
    return b.finish()
  }

  /** All products, in an order in which the target need not be zeroed or read back. */
  #products(target: Ends, lower: (product: number, section: number | undefined) => void): void {
    const sections = target.sections()
    const order = target.productOrder().filter((product) => !sections.has(product))
    for (const product of order) {
      lower(product, undefined)
      target.writeEarly(product)
    }
    target.pushAll()
    for (const [product, tensor] of sections) {
      lower(product, tensor)
      target.writeAfterSection(tensor)
    }
    target.writeRest()
  }

  weightGradient(): Program {
    const plan = this.#plan
    const b = this.#b
    const inputs = new Ends(b, plan, 'bottom', 'source')
    const gradients = new Ends(b, plan, 'top', 'source')
    const weights = b.buffer('weights', 'output', 'shared', this.#layout.size)
    plan.products.forEach((product, p) => {
      if (product.inner > 0) inputs.read(p)
      gradients.read(p)
      if (product.inner > 0 && product.fourier >= 0) {
        this.#sectioned(product, true, () => {
          const rows = inputs.toOrbits(p, this.#local(product))
          const grads = gradients.toOrbits(p, this.#local(product))
          this.#blocks(product, p, 'weight', rows, weights, grads)
        })
      } else if (product.inner > 0) {
        this.#plainSum(p, gradients, { inputs, gradient: weights })
      }
      if (hasBias(product)) gradients.biasGradient(p, weights, this.#layout.products[p]!.bias)
    })
    return b.finish()
  }

  /** The weight gradient of a product that is not transformed. */
  #plainSum(p: number, gradients: Ends, { inputs, gradient }: WeightSum): void {
    const product = this.#plan.products[p]!
    for (const a of inputs.segments(p)) {
      for (const c of gradients.segments(p)) {
        if (product.split && !paired(product, a.rows, c.rows)) continue
        this.#b.push(plainMix(product, 'weight', a, gradient, this.#layout.products[p]!.blocks[0]!, c, false))
      }
    }
  }

  /** One channel product with its transforms; `section` names the tensor whose every element the product's boxes write. With `sum`,
   *  the source being gradients, the product's part of the weight gradient too. */
  #product(
    p: number,
    form: 'forward' | 'input',
    source: Ends,
    target: Ends,
    weights: number,
    section: number | undefined,
    sum?: WeightSum,
  ): void {
    const product = this.#plan.products[p]!
    const layout = this.#layout.products[p]!
    if (product.inner > 0) sum?.inputs.read(p)
    if (product.inner > 0 || (sum && layout.bias >= 0)) source.read(p)
    if (product.inner === 0) {
      target.clear(p)
    } else if (product.fourier >= 0) {
      this.#sectioned(product, section !== undefined, () => {
        const local = section === undefined ? undefined : this.#local(product)
        const rows = sum?.inputs.toOrbits(p, local)
        const from = source.toOrbits(p, local)
        if (sum && rows) this.#blocks(product, p, 'weight', rows, sum.gradient, from)
        const to = target.orbitBuffers(p, local)
        if (form === 'forward') this.#blocks(product, p, form, from, weights, to)
        else this.#blocks(product, p, form, to, weights, from)
        target.fromOrbits(p, to)
        if (section !== undefined) target.writeInSection(section)
      })
    } else {
      if (sum) this.#plainSum(p, source, sum)
      if (product.split) target.clear(p)
      for (const to of target.segments(p)) {
        let set = !product.split && target.beginDirect(to)
        for (const from of source.segments(p)) {
          const [a, c] = form === 'forward' ? [from, to] : [to, from]
          if (product.split && !paired(product, a.rows, c.rows)) continue
          this.#b.push(plainMix(product, form, a, weights, layout.blocks[0]!, c, set))
          set = false
        }
      }
    }
    if (form === 'forward' && layout.bias >= 0) target.addBias(p, weights, layout.bias)
    if (sum && layout.bias >= 0) source.biasGradient(p, sum.gradient, layout.bias)
  }

  #local(product: Product): number | undefined {
    return boxable(product) ? this.#b.nextSection : undefined
  }

  #sectioned(product: Product, wanted: boolean, emit: () => void): void {
    const first = this.#b.instructions.length
    emit()
    if (!wanted || !boxable(product)) return
    const d = product.strands[product.fourier]!
    this.#b.section(first, product.extents[0]!, d)
  }

  /** One matrix product per irreducible representation. */
  #blocks(product: Product, p: number, form: Mix['form'], a: readonly number[], b: number, c: readonly number[]): void {
    const d = product.strands[product.fourier]!
    const others = product.size / transformedSize(product)
    dimensions(product).forEach((dimension, λ) => {
      const rows = others * transformRows(product, d, λ)
      if (rows === 0) return
      const inner = dimension * product.inner
      const cols = dimension * product.cols
      this.#b.push({
        op: 'mix', form, a: a[λ]!, b, c: c[λ]!, aBase: 0, bBase: this.#layout.products[p]!.blocks[λ]!, cBase: 0,
        aStride: inner, bStride: cols, cStride: cols, rows, inner, cols, set: form !== 'weight',
      }) // prettier-ignore
    })
  }
}

function plainMix(
  product: Product,
  form: Mix['form'],
  a: Segment,
  b: number,
  bBase: number,
  c: Segment,
  set: boolean,
): Mix {
  return {
    op: 'mix', form, a: a.buffer, b, c: c.buffer, aBase: a.base, bBase: bBase + a.column * product.cols + c.column, cBase: c.base,
    aStride: a.stride, bStride: product.cols, cStride: c.stride, rows: product.size, inner: a.count, cols: c.count, set,
  } // prettier-ignore
}

/** True where some diagram joins a row of one segment to a row of the other. */
function paired(product: Product, bottom: readonly number[], top: readonly number[]): boolean {
  for (let t = 0; t < product.terms.length; t += 5) {
    if (bottom.includes(product.terms[t + 2]!) && top.includes(product.terms[t + 3]!)) return true
  }
  return false
}
