/** Fast group-equivariant linear layers. Everything public is named here; nothing else can be imported.
 *  @packageDocumentation */

// Groups and their diagrams
export { S, O, SO, Sp, product, groupFrom } from './groups/index.js'
export type { Group, Order } from './groups/group.js'
export { Diagram } from './diagrams/diagram.js'

// Layers
export { linear, Linear } from './layers/linear.js'
export type { CallOptions, DerivativeOptions, Parameters, Space, TensorsOf } from './layers/linear.js'
export type { Gradients, JvpResult, PullbackOptions, Tangents, VjpResult } from './layers/derivatives.js'
export type { LinearOptions, ResolvedOptions } from './layers/options.js'
export { loadModel, saveModel } from './layers/model.js'

// Networks
export { directSum, residual, sequential, sum } from './networks/combine.js'
export { gated, invariants, layerNorm, norms, pointwise } from './networks/activations.js'
export type {
  ActivationName,
  ActivationOptions,
  GatedOptions,
  LayerNormOptions,
  NormOptions,
} from './networks/activations.js'
export { bilinear } from './networks/bilinear.js'
export { loadNetwork, saveNetwork } from './networks/model.js'
export type { NetworkOptions } from './networks/model.js'
export type { Module, ModuleCallOptions } from './networks/module.js'
export { Network } from './networks/network.js'
export { check } from './networks/check.js'
export type { CheckOptions, CheckRow } from './networks/check.js'

// Training
export { Trainer } from './training/trainer.js'
export type { RunOptions, TrainerOptions, TrainingData } from './training/trainer.js'
export { adamW, sgd } from './training/optimizers.js'
export type { AdamWOptions, Optimizer, SgdOptions } from './training/optimizers.js'
export { binaryCrossEntropy, meanSquaredError } from './training/losses.js'
export type { Loss } from './training/losses.js'

// For servers
export { batched } from './server/batched.js'
export type { Batchable, Batched, BatchedOptions, BatchedStats } from './server/batched.js'

// Tensors and model files
export { tensor, Tensor } from './tensor/tensor.js'
export type { TensorData, TensorLike } from './tensor/tensor.js'
export type { Dtype } from './tensor/dtype.js'
export { readSafetensors, writeSafetensors } from './interop/safetensors.js'
export { readNpy, writeNpy } from './interop/npy.js'

// What runs, and how
export { listBackends } from './backends/index.js'
export type { BackendChoice } from './backends/index.js'
export type { DeviceEstimate, DeviceEstimates } from './backends/backend.js'
export { cpuInfo, cudaInfo } from './backends/native.js'
export { memory } from './backends/device-memory.js'
export type { MemoryUse } from './backends/binding.js'
export type { Plan, Steps, Strategy } from './plan/plan.js'
export type { Program } from './program/program.js'

export { BrauerError } from './errors.js'
export type { ErrorCode } from './errors.js'
