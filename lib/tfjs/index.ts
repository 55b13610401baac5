/** `brauer/tfjs`: layers on tensors of TensorFlow.js, with gradients of any order. `brauer/tfjs/layers` has them as `tf.layers.Layer`.
 *  @packageDocumentation */

export { forward, fromTfjs, toTfjs } from './forward.js'
export type { TensorOrList } from './forward.js'
