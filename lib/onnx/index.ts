/** `brauer/onnx`: layers and networks on tensors of ONNX Runtime, and as ONNX models.
 *  @packageDocumentation */

export { exportOnnx } from './export.js'
export { onnxSession } from './session.js'
export type { OnnxSession, OnnxTensor, RunOptions } from './session.js'
