import type { Contender } from './contender.js'
import { cpu } from './cpu.js'
import { cpuDense } from './cpu-dense.js'
import { cpuDiagrams } from './cpu-diagrams.js'
import { cpuFourier } from './cpu-fourier.js'
import { cpuShared } from './cpu-shared.js'
import { isaContenders } from './isa.js'
import { onnxShared } from './onnx.js'
import { jaxDense, jaxShared, torchCompiled, torchDense, torchEinsum, torchShared } from './python.js'
import { reference } from './reference.js'
import { tfjsShared } from './tfjs.js'

/** Layers of this package, in every way that this machine can run them. */
export const ownContenders: readonly Contender[] = [
  cpu,
  cpuFourier,
  cpuShared,
  cpuDiagrams,
  cpuDense,
  ...isaContenders(),
  reference,
]

/** The same layers by hand in other libraries, where those are installed. */
export const outsideContenders: readonly Contender[] = [
  torchShared,
  torchCompiled,
  torchEinsum,
  torchDense,
  jaxShared,
  jaxDense,
  onnxShared,
  tfjsShared,
]

/** In the order in which rows are printed. */
export const contenders: readonly Contender[] = [...ownContenders, ...outsideContenders]
