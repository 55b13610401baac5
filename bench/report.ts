import { oneLine } from '../dist/cli/table.js'
import { describeCase } from './cases.js'
import type { Machine } from './machine.js'
import type { CaseResult, Roofline, Row } from './results.js'

export function machineText(machine: Machine, roofline: Roofline | undefined): string {
  const { cpu, cores, isa, blas, threads, platform, node, version, commit, outside = {}, python = {} } = machine
  const limits = roofline
    ? `copy ${rate(roofline.copy, 'B')}, peak ${rate(roofline.peak, 'flop')} (float32)`
    : 'no addon, so no roofline'
  return [
    `brauer ${version}${commit && ` at ${commit}`}, node ${node}, ${platform}`,
    `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}${isa && `, ${isa}`}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${blas ? `, ${blas}` : ''}`,
    limits,
    ...outsideText(outside, python),
  ].join('\n')
}

/** The libraries of the outside contenders; those in Python get an allocator that keeps its pages. */
function outsideText(outside: Readonly<Record<string, string>>, python: Readonly<Record<string, string>>): string[] {
  const names = Object.entries(outside).map(([name, version]) => `${name} ${version}`)
  if (names.length === 0) return []
  const hasPython = 'torch' in outside || 'jax' in outside
  const settings = Object.entries(python).map(([name, value]) => `${name}=${value}`)
  return [`beside ${names.join(', ')}${hasPython ? `; Python with ${settings.join(' ')}` : ''}`]
}

export function caseText({ case: given, bytes, minimalFlops, bound, truth, rows }: CaseResult): string {
  const { flops, kind } = minimalFlops
  const least = bound ? `, at least ${number(bound.ms)} ms by ${bound.by}` : ''
  return [
    `${given.name}  ${describeCase(given)}, batch ${given.batch}`,
    `  x ${amount(bytes.x)}B, y ${amount(bytes.y)}B, ${amount(flops)}flop (${kind === 'exact' ? 'minimal' : 'of the program'})${least}; compared with ${truth}`,
    ...rowsText(rows).map((line) => `  ${line}`),
  ].join('\n')
}

function rowsText(rows: readonly Row[]): string[] {
  const header = ['contender', 'ms', 'least', 'GB/s', 'GFLOP/s', 'of roofline', 'of plan', '× first', 'error']
  const first = rows.find(({ times }) => times)?.times?.median
  const cells = rows.map(
    ({ contender, times, bytesPerSecond, flopsPerSecond, share, planShare, error, skip, refused }) => {
      if (!times) return [contender, oneLine(refused === undefined ? `– ${skip}` : `REFUSED: ${refused}`)]
      return [
        contender,
        number(times.median),
        number(times.least),
        number(bytesPerSecond! / 1e9),
        number(flopsPerSecond! / 1e9),
        share === undefined ? '' : share.toFixed(2),
        planShare === undefined ? '' : planShare.toFixed(2),
        first === undefined ? '' : (times.median / first).toFixed(2),
        error!.toExponential(0),
      ]
    },
  )
  const measured = [header, ...cells.filter((row) => row.length === header.length)]
  const widths = header.map((_, column) => Math.max(...measured.map((row) => row[column]!.length)))
  widths[0] = Math.max(...[header, ...cells].map((row) => row[0]!.length))
  // Names to the left, numbers to the right; a row without numbers runs on.
  return [header, ...cells].map((row) =>
    row
      .map((cell, column) =>
        column === 0 || row.length !== header.length ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** The best of all measurements, and what that says of the shares. */
export function rooflineText(first: Roofline, best: Roofline): string {
  const busy = best.copy > 1.15 * first.copy || best.peak > 1.15 * first.peak
  const text = `best of all measurements: copy ${rate(best.copy, 'B')}, peak ${rate(best.peak, 'flop')}`
  return busy ? `${text}; more than at the start: the machine was busy, and the first shares are too high` : text
}

/** 35234567890 -> '35.2 GB/s'. */
function rate(value: number, unit: string): string {
  return `${number(value / 1e9)} G${unit === 'flop' ? 'FLOP' : unit}/s`
}

/** 12345678 -> '12.3 M'. */
function amount(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T']
  const unit = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log10(value) / 3)))
  return `${number(value / 1000 ** unit)} ${units[unit]}`
}

/** Three significant digits, without an exponent. */
export function number(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(3)
}
