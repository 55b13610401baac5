import type { ProductLoop, ProductNest } from './form.js'
import { constant, fresh, record, type Data, type Rule, type Value, type ValueDtype } from './value.js'

/** out[o] = Σ ± a[i]·b[j] over a loop nest: products, sums, broadcasts, contractions by forms. It is linear in each factor, and its
 *  adjoints are the same nest with the roles exchanged. */
export function contract(a: Value, b: Value, shape: readonly number[], nest: ProductNest): Value {
  const rule: Rule = {
    form: { kind: 'contract', nest },
    run: ([left, right]) => {
      const out = fresh(a.dtype, shape.reduce((x, y) => x * y, 1)) // prettier-ignore
      run(out.fill(0), left!, right!, nest)
      return [out]
    },
    adjoint: ([g], wanted) => [
      wanted[0] ? contract(g!, b, a.shape, turned(nest, 'a')) : undefined,
      wanted[1] ? contract(g!, a, b.shape, turned(nest, 'b')) : undefined,
    ],
  }
  return record(rule, [a, b], [shape])[0]!
}

/** The nest that writes one of the factors and reads the output in its place, as its first factor. */
function turned(nest: ProductNest, to: 'a' | 'b'): ProductNest {
  const { loops, outBase = 0, aBase = 0, bBase = 0 } = nest
  const other = to === 'a' ? 'b' : 'a'
  return {
    loops: loops.map((loop) => ({ ...loop, out: loop[to], a: loop.out, b: loop[other] })),
    outBase: to === 'a' ? aBase : bBase,
    aBase: outBase,
    bBase: to === 'a' ? bBase : aBase,
  }
}

/** A constant of one element. */
export function scalar(value: number, dtype: ValueDtype): Value {
  return constant(fresh(dtype, 1).fill(value), [1])
}

function run(out: Data, a: Data, b: Data, nest: ProductNest): void {
  if (nest.loops.some(({ extent }) => extent === 0)) return
  const loops = mergeLoops(nest.loops)
  const walk = (depth: number, o: number, i: number, j: number, sign: number): void => {
    const loop = loops[depth]!
    if (depth === loops.length - 1) return row(out, a, b, loop, o, i, j, sign)
    for (let t = 0; t < loop.extent; t++)
      walk(depth + 1, o + t * loop.out, i + t * loop.a, j + t * loop.b, loop.alternate && t % 2 ? -sign : sign)
  }
  walk(0, nest.outBase ?? 0, nest.aBase ?? 0, nest.bBase ?? 0, 1)
}

/** Neighbouring loops that step through all three arrays as one would, made one. */
export function mergeLoops(loops: readonly ProductLoop[]): ProductLoop[] {
  const result: ProductLoop[] = []
  for (const loop of loops) {
    if (loop.extent === 1 && loops.length > 1) continue
    const last = result.at(-1)
    const inLine =
      last &&
      !last.alternate &&
      !loop.alternate &&
      (['out', 'a', 'b'] as const).every((name) => last[name] === loop.extent * loop[name])
    if (inLine) result[result.length - 1] = { ...loop, extent: last.extent * loop.extent }
    else result.push(loop)
  }
  return result.length > 0 ? result : [{ extent: 1, out: 0, a: 0, b: 0 }]
}

function row(out: Data, a: Data, b: Data, loop: ProductLoop, o: number, i: number, j: number, sign: number): void {
  const { extent } = loop
  if (loop.alternate) {
    for (let t = 0; t < extent; t++)
      out[o + t * loop.out]! += (t % 2 ? -sign : sign) * a[i + t * loop.a]! * b[j + t * loop.b]!
  } else if (loop.out === 0) {
    let sum = 0
    for (let t = 0; t < extent; t++) sum += a[i + t * loop.a]! * b[j + t * loop.b]!
    out[o]! += sign * sum
  } else if (loop.out === 1 && loop.a === 1 && loop.b === 1) {
    for (let t = 0; t < extent; t++) out[o + t]! += sign * a[i + t]! * b[j + t]!
  } else {
    for (let t = 0; t < extent; t++) out[o + t * loop.out]! += sign * a[i + t * loop.a]! * b[j + t * loop.b]!
  }
}
