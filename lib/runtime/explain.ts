import type { DeviceEstimates } from '../backends/backend.js'
import { time, type Cost } from '../plan/cost.js'
import { transform } from '../plan/fourier.js'
import type { Plan, Product, SpaceEntry } from '../plan/plan.js'
import { print } from '../program/print.js'
import type { Program } from '../program/program.js'
import { traffic } from '../program/traffic.js'
import type { Prediction } from './predict.js'
import { bytesPerElement, type Dtype } from '../tensor/dtype.js'

export interface ExplainOptions {
  /** Items, for the totals. Default 1. */
  readonly batch?: number | undefined
  /** Adds the instruction list. */
  readonly program?: boolean | undefined
  readonly dtype: Dtype
  readonly backend: string
  readonly forward: Program
  /** Bytes of cache that stay with an item. */
  readonly budget: number
  readonly predicted: Prediction | undefined
  /** Of an NVIDIA device. */
  readonly estimates: DeviceEstimates | undefined
}

/** A plan as text: what is computed in which stages, what it costs, and what the other strategies would cost. */
export function explainPlan(plan: Plan, options: ExplainOptions): string {
  const { batch = 1, forward } = options
  const bytes = bytesPerElement(options.dtype)
  const moved = traffic(forward, bytes, options.budget)
  const operands = [...plan.bottom.tensors, ...plan.top.tensors].reduce((sum, entry) => sum + size(entry) * bytes, 0)
  return [
    `${plan.group}  ${space(plan.bottom.tensors)} -> ${space(plan.top.tensors)}  ${options.dtype}${plan.mean ? ', mean' : ''}${plan.channelsFirst ? ', channels-first' : ''}`,
    `backend   ${options.backend}`,
    `strategy  ${plan.strategy}: ${plan.reason}`,
    ...diagrams(plan),
    '',
    ...(plan.strategy === 'dense' ? ['one product with the matrix of each pair of orders'] : stages(plan)),
    '',
    ...alternatives(plan),
    '',
    `per item  ${count(chosenCost(plan).flops)}flop, ${count(moved.reads + moved.writes)}B moved (operands ${count(operands)}B${moved.fits ? ', each moved once: the item stays in cache' : ', cut into boxes'})`,
    ...(batch > 1
      ? [
          `batch ${batch}  ${count(batch * chosenCost(plan).flops)}flop, ${count(batch * (moved.reads + moved.writes))}B moved`,
        ]
      : []),
    ...(options.predicted ? [predictionText(options.predicted)] : []),
    ...(options.estimates ? ['', ...deviceText(options.estimates)] : []),
    ...(options.program ? ['', print(forward)] : []),
  ].join('\n')
}

/** What each way to run on a device would do, and which of them a call takes. */
function deviceText({ device, batch, modes }: DeviceEstimates): string[] {
  const rows = modes.map((each) => [
    each.mode,
    timeText(1e3 * each.seconds),
    `${count(each.globalBytes)}B`,
    `${count(each.l2Bytes)}B`,
    `${count(each.sharedBytes)}B`,
    `${count(2 * each.multiplies)}flop`,
    count(each.instructions).trim(),
    String(each.launches),
    String(each.barriers),
    `${count(each.sharedMemory)}B`,
  ])
  const heading = ['', 'time', 'memory', 'from L2', 'in shared memory', 'arithmetic', 'instructions', 'launches', 'barriers', 'block takes'] // prettier-ignore
  const fastest = modes.reduce((best, each) => (each.seconds < best.seconds ? each : best))
  return [
    `on ${device}, batch ${batch}, predicted by a model and not measured; a call runs ${fastest.mode}`,
    ...table([heading, ...rows]),
  ]
}

const timeText = (milliseconds: number): string =>
  milliseconds < 0.1 ? `${(1e3 * milliseconds).toPrecision(3)} µs` : `${milliseconds.toPrecision(3)} ms`

function predictionText({ batch, milliseconds, calibrated }: Prediction): string {
  const constants = calibrated
    ? 'constants measured on this machine'
    : "a usual server's constants: brauer bench --calibrate"
  return `predicted  ${timeText(milliseconds)} for a batch of ${batch} (${constants})`
}

const chosenCost = ({ strategy, costs }: Plan): Cost => (strategy === 'dense' ? costs.dense : costs.plan)

const space = (entries: readonly SpaceEntry[]): string =>
  `{${entries.map(({ order, channels }) => `${order}: ${channels}`).join(', ')}}`
const size = (entry: SpaceEntry): number => entry.extents.reduce((a, b) => a * b, entry.channels)

function diagrams(plan: Plan): string[] {
  const total = plan.pairs.reduce((sum, pair) => sum + pair.diagrams.length, 0)
  const lines = [
    `diagrams  ${total}: ${plan.pairs.map((pair) => `${pair.name} ${pair.diagrams.length}`).join(', ') || 'none'}`,
  ]
  const reached = plan.top.tensors.filter((_, output) => !plan.pairs.some((pair) => pair.output === output))
  const used = plan.bottom.tensors.filter((_, input) => !plan.pairs.some((pair) => pair.input === input))
  if (reached.length > 0)
    lines.push(`zero      nothing reaches output order ${reached.map((entry) => entry.order).join(', ')}`)
  if (used.length > 0)
    lines.push(`unused    input order ${used.map((entry) => entry.order).join(', ')} reaches nothing`)
  return lines
}

function stages(plan: Plan): string[] {
  const rows = plan.products.map((product) => [
    `${product.strands.join('+')}${product.compact > 1 ? `, ${product.compact} signed` : ''}`,
    String(product.size),
    sources(plan, product.bottom, 'bottom'),
    sources(plan, product.top, 'top'),
    matrix(product),
  ])
  return table([['strands', 'rows', 'downs', 'ups', 'channel product'], ...rows], 12)
}

/** How many rows, and how many of them are computed from another one or need no computation. */
function sources(plan: Plan, rows: readonly number[], side: 'bottom' | 'top'): string {
  const direct = rows.filter((at) => plan[side].rows[at]!.direct).length
  const derived = rows.filter((at) => plan[side].rows[at]!.from >= 0).length
  const notes = [direct > 0 ? `${direct} as it lies` : '', derived > 0 ? `${derived} from another` : ''].filter(
    (note) => note !== '',
  )
  return `${rows.length}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`
}

function matrix(product: Product): string {
  const { inner, cols, fourier } = product
  if (inner === 0) return 'bias only'
  if (fourier < 0) return `${inner}×${cols}${product.split ? ', one per diagram' : ''}`
  const blocks = transform(product.strands[fourier]!).lambdas.map(
    ({ partition, dimension }) => `(${partition.join()}) ${dimension * inner}×${dimension * cols}`,
  )
  return `Fourier: ${blocks.join(', ')}`
}

function alternatives(plan: Plan): string[] {
  const { costs, bottom, top, expectedBatch } = plan
  const here = { inputs: bottom.tensors, outputs: top.tensors, expectedBatch }
  const chosen = chosenCost(plan)
  const row = (name: string, cost: Cost): string[] => [
    name,
    count(cost.flops),
    count(cost.elements),
    count(cost.weights),
    `${(time(cost, here) / time(chosen, here)).toFixed(2)}×`,
  ]
  return table([
    ['strategy', 'flop', 'index moves', 'weights', 'time'],
    row('dense', costs.dense),
    row('diagrams', costs.diagrams),
    row('shared', costs.shared),
    row('fourier', costs.fourier),
    row('this plan', chosen),
  ])
}

/** Aligned columns; long tables are cut. */
function table(rows: readonly (readonly string[])[], most = Infinity): string[] {
  const shown = rows.slice(0, most + 1)
  const widths = rows[0]!.map((_, column) => Math.max(...shown.map((row) => row[column]!.length)))
  const lines = shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  return rows.length > shown.length ? [...lines, `… and ${rows.length - shown.length} more`] : lines
}

/** 12,345,678 as '12.3 M'. */
function count(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P']
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`
}
