import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { blasText } from '../../backends/blas.js'
import { chooseBackend, listBackends } from '../../backends/index.js'
import { cpuInfo, cudaInfo } from '../../backends/native.js'
import { show } from '../../errors.js'
import { type Command, UsageError } from '../command.js'
import { bytesText, table } from '../table.js'

export const info: Command = {
  name: 'info',
  summary:
    'Prints the version, the processor and its instruction set, the threads, NVIDIA devices, and every backend with its reason.',
  forms: [''],
  flags: {},
  async run({ rest }) {
    if (rest.length > 0) throw new UsageError(`info: ${show(rest[0])} is one argument too many`)
    const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }
    console.log(
      table([
        ['brauer', `${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`],
        ...processor(),
        ...devices(),
        ...listBackends().map(({ name, available, detail }, i) => [
          i === 0 ? 'backends' : '',
          available ? `${name}: available (${detail})` : `${name}: not available: ${withoutPrefix(detail, name)}`,
        ]),
        ['auto', chosen()],
      ]),
    )
    return 0
  },
}

function processor(): string[][] {
  try {
    const { cpu, isa, isas, threads, l2, llc, tileBytes, blas } = cpuInfo()
    const lacking = isas.filter(({ available }) => !available).map(({ name }) => name)
    const others = isas.filter(({ name, available }) => available && name !== isa).map(({ name }) => name)
    return [
      ['cpu', cpu],
      [
        'isa',
        isa +
          (others.length > 0 ? `; can also run ${others.join(', ')}` : '') +
          (lacking.length > 0 ? `; not on this machine: ${lacking.join(', ')}` : ''),
      ],
      ['threads', String(threads)],
      ['caches', `L2 ${bytesText(l2)} per core, last level ${bytesText(llc)}, tiles of ${bytesText(tileBytes)}`],
      ['blas', `${blasText(blas) || 'none'}: ${blas.reason}`],
    ]
  } catch {
    // Without the addon its backend says why; the machine still has a processor.
    return [['cpu', cpus()[0]?.model ?? 'unknown']]
  }
}

/** Why there are no devices stands with the backend. */
function devices(): string[][] {
  try {
    const { driver = 'none', runtime, devices: found } = cudaInfo()
    const versions = runtime === undefined ? [] : [['cuda', `driver ${driver}, built with ${runtime}`]]
    const rows = found.map((device, i) => {
      const { name, capability, multiprocessors, memory } = device
      const facts = `compute capability ${capability}, ${String(multiprocessors)} multiprocessors, ${bytesText(memory)}`
      return [`cuda:${String(i)}`, `${name}: ${facts}${device.problem ? `; not usable: ${device.problem}` : ''}`]
    })
    return [...versions, ...rows]
  } catch {
    return []
  }
}

function chosen(): string {
  try {
    const { name, reason } = chooseBackend('auto').choice
    return `${name}: ${reason}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const withoutPrefix = (text: string, name: string): string => text.replace(`backend ${name}: `, '')
