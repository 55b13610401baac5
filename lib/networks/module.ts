import type { BackendChoice } from '../backends/index.js'
import type { Gradients, JvpResult, PullbackOptions, Tangents, VjpResult } from '../layers/derivatives.js'
import type { Parameters, Space, TensorsOf } from '../layers/linear.js'
import type { Group } from '../groups/group.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Tensor, TensorLike } from '../tensor/tensor.js'

/** Options of a call of a module. */
export interface ModuleCallOptions {
  /** Stops the call, which then throws `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Other parameters than the module's; a name left out counts as zero. */
  readonly parameters?: Readonly<Record<string, TensorLike>> | undefined
  /** The n of each item, for items that are smaller than the module's n (S and its relatives): they lie in the corners of its tensors.
   *  What lies around them is never read, and written as zero. An item has the bits that it has alone. */
  readonly sizes?: readonly number[] | undefined
}

/** An equivariant map between spaces with parameters by name: a linear layer, or a network of such and of activations. */
export interface Module {
  readonly group: Group
  readonly input: Space
  readonly output: Space
  readonly options: { readonly dtype: Dtype; readonly layout: 'channels-last' | 'channels-first' }
  /** What runs its linear layers. */
  readonly backend: BackendChoice
  /** A copy. */
  readonly parameters: Parameters
  /** Replaces all parameters at once. @throws BrauerError `invalid-parameters`, `invalid-dtype`; then nothing has changed */
  load(parameters: Readonly<Record<string, TensorLike>>): void
  /** x: one tensor per input order, [batch, n, …, n, C]; the result likewise. */
  forward(x: TensorsOf<Space>, options?: ModuleCallOptions): Promise<TensorsOf<Space, Tensor>>
  forwardSync(x: TensorsOf<Space>, options?: ModuleCallOptions): TensorsOf<Space, Tensor>
  /** y = f(x), and a function from g to the gradients of ⟨g, f(x)⟩ by x and by every parameter. */
  vjp(x: TensorsOf<Space>, options?: ModuleCallOptions): Promise<VjpResult<Space, Space, Dtype, 'async'>>
  vjpSync(x: TensorsOf<Space>, options?: ModuleCallOptions): VjpResult<Space, Space, Dtype, 'sync'>
  /** y = f(x), and its derivative along tangents of x and of the parameters. */
  jvp(x: TensorsOf<Space>, tangents: Tangents<Space>, options?: ModuleCallOptions): Promise<JvpResult<Space, Dtype>>
  jvpSync(x: TensorsOf<Space>, tangents: Tangents<Space>, options?: ModuleCallOptions): JvpResult<Space, Dtype>
  /** Gives back what its layers have on their devices. Every later call throws `disposed`; a second `dispose` does nothing. */
  dispose(): void
  [Symbol.dispose](): void
}

export type { Gradients, JvpResult, PullbackOptions, Tangents, VjpResult }
