import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { groupFrom, linear } from '../../dist/index.js'
import { suite, type Case } from '../cases.js'
import { minimalFlops } from '../minimal-flops.js'

/** H200: copies measured, arithmetic by datasheet. */
const bandwidth = 4.3e12
const ffma = 67e12

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
    'least. A call runs the mode whose time stands in bold. Made by `npm run gpu:model`.',
    '',
    '| case | batch | least ms | bound | mode | memory GB | Gflop | M instructions | launches | barriers | shared KB | ms | share |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows.flat(),
    '',
  ].join('\n')
}

function rowsOf(given: Case): string[] {
  const { group, input, output, bias, layout, gpuBatch } = given
  const layer = linear(groupFrom(group), input, output, { bias, layout, expectedBatch: gpuBatch, backend: 'reference' })
  const { n } = layer.group.kinds[0]!
  const elements = [input, output]
    .flatMap((space) => Object.entries(space).map(([order, channels]) => channels * n ** Number(order)))
    .reduce((a, b) => a + b, 0)
  const { costs, strategy } = layer.plan
  const { flops } = minimalFlops(layer.group, input, output, (strategy === 'dense' ? costs.dense : costs.plan).flops)
  const memory = (4 * elements * gpuBatch) / bandwidth
  const arithmetic = (flops * gpuBatch) / ffma
  const least = Math.max(memory, arithmetic)
  const { modes } = layer.estimate('h200', gpuBatch)
  const fastest = Math.min(...modes.map(({ seconds }) => seconds))
  return modes.map((each, at) => {
    const time = number(1e3 * each.seconds)
    const cells = [
      ...(at === 0
        ? [given.name, String(gpuBatch), number(1e3 * least), memory >= arithmetic ? 'memory' : 'arithmetic']
        : ['', '', '', '']),
      each.mode,
      number(each.globalBytes / 1e9),
      number((2 * each.multiplies) / 1e9),
      number(each.instructions / 1e6),
      String(each.launches),
      String(each.barriers),
      number(each.sharedMemory / 1e3),
      each.seconds === fastest ? `**${time}**` : time,
      (least / each.seconds).toFixed(2),
    ]
    return `| ${cells.join(' | ')} |`
  })
}

const number = (value: number): string => (value === 0 ? '0' : String(Number(value.toPrecision(3))))

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../../bench/gpu-model.md', import.meta.url), gpuModel())
