import type { Linear } from '../layers/linear.js'

/** What an operation computes, as data, for whoever writes it down elsewhere. Of some, as derivatives of layers, the name is all. */
export type Form =
  | { readonly kind: 'take'; readonly from: number; readonly count: number }
  /** Inputs and, as numbers, channels of zeros. */
  | { readonly kind: 'join'; readonly parts: readonly ('input' | number)[] }
  | { readonly kind: 'contract'; readonly nest: ProductNest }
  | { readonly kind: 'combine'; readonly scales: readonly number[] }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'function'; readonly name: FunctionName }
  /** Inputs are those of the orders `x`, then those of the parameters. */
  | { readonly kind: 'layer'; readonly layer: Linear; readonly x: readonly string[]; readonly parameters: readonly string[] } // prettier-ignore
  | { readonly kind: 'named'; readonly name: string }

/** Functions of one number with derivatives of every order. */
export type FunctionName =
  'exp' | 'log' | 'sin' | 'cos' | 'tanh' | 'sigmoid' | 'softplus' | 'relu' | 'step' | 'sqrt' | 'reciprocal' | 'normal'

/** One loop over three arrays: steps of the output and of both factors. `alternate` multiplies by (−1)^step. */
export interface ProductLoop {
  readonly extent: number
  readonly out: number
  readonly a: number
  readonly b: number
  readonly alternate?: boolean
}

/** A loop nest over three arrays; where each begins is 0 when left out. */
export interface ProductNest {
  readonly loops: readonly ProductLoop[]
  readonly outBase?: number
  readonly aBase?: number
  readonly bBase?: number
}
