import type { Tensor, TensorLike } from '../tensor/tensor.js'

/** A direct sum of tensor powers: order to channels. */
export type Space = Readonly<Record<number | string, number>>
/** One tensor per order of a space. */
export type TensorsOf<S extends Space, T = TensorLike> = { readonly [K in keyof S]: T }
/** Parameters by name: weight.k.l [diagrams, C_in, C_out] and bias.l [diagrams, C_out]. */
export type Parameters = Readonly<Record<string, Tensor<'float32' | 'float64'>>>

/** Options of one call. */
export interface CallOptions<Out extends Space = Space> {
  /** Stops the call, which then throws `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Tensors to write the results to. */
  readonly out?: TensorsOf<Out> | undefined
  /** Other parameters than the layer's; a name left out counts as zero. */
  readonly parameters?: Readonly<Record<string, TensorLike>> | undefined
  /** One n per item, at most the layer's; the rest of each item is padding, never read, and zero in the results. Tensors on a device are
   *  cut there, which takes as much memory once more as the items have without padding. */
  readonly sizes?: readonly number[] | undefined
}

/** Options of `weightGradient`. */
export type WeightGradientOptions = Pick<CallOptions, 'signal' | 'sizes'>
/** Options of `jvp`. */
export type DerivativeOptions = Omit<CallOptions, 'out'>
