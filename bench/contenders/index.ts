import type { Contender } from './contender.js'
import { cpu } from './cpu.js'
import { cpuDense } from './cpu-dense.js'
import { cpuDiagrams } from './cpu-diagrams.js'
import { cpuFourier } from './cpu-fourier.js'
import { cpuShared } from './cpu-shared.js'
import { reference } from './reference.js'

/** In the order in which rows are printed. */
export const contenders: readonly Contender[] = [cpu, cpuFourier, cpuShared, cpuDiagrams, cpuDense, reference]
