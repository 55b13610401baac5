import { fileURLToPath } from 'node:url'
import type { CpuInfo } from '../../dist/backends/binding.js'
import { cpuInfo } from '../../dist/index.js'
import type { Problem } from '../problem.js'
import type { Contender } from './contender.js'
import { workerContender, type Task } from './worker.js'

/** The C++ executor with each instruction set of this machine that is not the one `cpu` runs: a process reads BRAUER_CPU_ISA once. */
export function isaContenders(): Contender[] {
  const info = infoOrNone()
  const others = info?.isas.filter(({ name, available }) => available && name !== info.isa) ?? []
  return others.map(({ name }) =>
    workerContender({
      name: `cpu-${name}`,
      summary: `the C++ executor with its kernels for ${name}`,
      install: 'nothing is missing',
      command: () => ({
        program: process.execPath,
        args: [fileURLToPath(new URL('../../bench/contenders/layer-worker.mjs', import.meta.url))],
        env: { BRAUER_CPU_ISA: name },
      }),
      task,
    }),
  )
}

function task({ case: given, batch: items, threads, outputs, parameters }: Problem): Task {
  const shapes = outputs.map(({ order, shape }) => [order, shape])
  return { header: { case: given, items, threads, outputs: shapes }, constants: parameters }
}

function infoOrNone(): CpuInfo | undefined {
  try {
    return cpuInfo()
  } catch {
    return undefined
  }
}
