import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { groupFrom, linear, type Linear } from '../../dist/index.js'
import type { DeviceEstimate } from '../../dist/backends/backend.js'
import type { Precision } from '../../dist/backends/cuda.js'
import { suite, type Case } from '../cases.js'
import { minimalFlops } from '../minimal-flops.js'

/** H200: copies measured, arithmetic by datasheet: float32, and tf32 by tensor cores, of which tf32x3 takes three products for one. */
const bandwidth = 4.3e12
const rates: Readonly<Record<Precision, number>> = { highest: 67e12, tf32: 494e12, tf32x3: 494e12 / 3 }

/** bench/gpu-model.md: for each case of the suite at its gpu batch what each executor is expected to do on an H200. */
export function gpuModel(): string {
  const rows = suite.map(rowsOf)
  return [
    '# What the suite would take on an H200',
    '',
    'Predicted by a model (`cuda/model.cpp`, shown by `brauer explain … --device h200`), **not measured**: no figure here comes from a GPU.',
    'For each case at its gpu batch: the least time (roofline: x + y over a measured copy of 4.3 TB/s, or the least arithmetic over 67 TFLOP/s',
    'of float32 by datasheet, and which of them is larger), and for both executors the bytes they move in memory, the floating-point operations',
    'they do, the instructions of warps, launches, barriers of a tile or box, shared memory of a block, the time implied, and its share of the',
    'least. A call runs the mode whose time stands in bold. Rows of `tf32` and `tf32x3` are of the faster mode with that precision, against the',
    'same memory or arithmetic at 494 TFLOP/s or a third of it. Instructions are those that warps issue, with lanes that have nothing to do.',
    'Made by `npm run gpu:model`.',
    '',
    '| case | batch | least ms | bound | mode | memory GB | Gflop | M instructions | launches | barriers | shared KB | ms | share |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows.flat(),
    '',
  ].join('\n')
}

function rowsOf(given: Case): string[] {
  const { group, input, output, bias, layout, gpuBatch } = given
  const layerOf = (precision: Precision): Linear =>
    linear(groupFrom(group), input, output, { bias, layout, expectedBatch: gpuBatch, backend: 'reference', precision })
  const layer = layerOf('highest')
  const { n } = layer.group.kinds[0]!
  const elements = [input, output]
    .flatMap((space) => Object.entries(space).map(([order, channels]) => channels * n ** Number(order)))
    .reduce((a, b) => a + b, 0)
  const { costs, strategy } = layer.plan
  const { flops } = minimalFlops(layer.group, input, output, (strategy === 'dense' ? costs.dense : costs.plan).flops)
  const memory = (4 * elements * gpuBatch) / bandwidth
  const bound = (precision: Precision): { readonly least: number; readonly by: string } => {
    const arithmetic = (flops * gpuBatch) / rates[precision]
    return { least: Math.max(memory, arithmetic), by: memory >= arithmetic ? 'memory' : 'arithmetic' }
  }
  const { modes } = layer.estimate('h200', gpuBatch)
  const fastest = fasterOf(modes)
  const own = modes.map((each, at) => {
    const { least, by } = bound('highest')
    const cells = at === 0 ? [given.name, String(gpuBatch), number(1e3 * least), by] : ['', '', '', '']
    return row([...cells, each.mode], each, least, each === fastest)
  })
  const others = (['tf32', 'tf32x3'] as const).map((precision) => {
    const { least, by } = bound(precision)
    const each = fasterOf(layerOf(precision).estimate('h200', gpuBatch).modes)
    return row(['', '', number(1e3 * least), by, `${precision} ${each.mode}`], each, least, false)
  })
  return [...own, ...others]
}

function fasterOf(modes: readonly DeviceEstimate[]): DeviceEstimate {
  return modes.reduce((a, b) => (b.seconds < a.seconds ? b : a))
}

function row(first: readonly string[], each: DeviceEstimate, least: number, bold: boolean): string {
  const time = number(1e3 * each.seconds)
  const cells = [
    ...first,
    number(each.globalBytes / 1e9),
    number((2 * each.multiplies) / 1e9),
    number(each.instructions / 1e6),
    String(each.launches),
    String(each.barriers),
    number(each.sharedMemory / 1e3),
    bold ? `**${time}**` : time,
    (least / each.seconds).toFixed(2),
  ]
  return `| ${cells.join(' | ')} |`
}

const number = (value: number): string => (value === 0 ? '0' : String(Number(value.toPrecision(3))))

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../../bench/gpu-model.md', import.meta.url), gpuModel())
