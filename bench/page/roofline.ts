import { number } from '../report.js'
import type { CaseResult, Results, Roofline } from '../results.js'
import { axes } from './axes.js'
import { figure } from './html.js'
import { placeLabels, type Box } from './labels.js'
import type { Plotting } from './plotting.js'
import { around, logTicks, toPixel, toValue, type LogScale } from './scale.js'
import { baselineOf } from './series.js'

interface Spot {
  readonly name: string
  /** Minimal flops for each byte of x and y. */
  readonly intensity: number
  readonly gflops: number
  readonly title: string
}

/** The roofline plot, once for wide screens and once for narrow ones; '' without a roofline or anything to show. */
export function rooflineFigure(plotting: Plotting, { cases, roofline }: Results): string {
  const spots = cases.flatMap(spotOf)
  if (!roofline || spots.length === 0) return ''
  const { best } = roofline
  const wide = draw(plotting, spots, best, 1000, 560)
  const narrow = draw(plotting, spots, best, 358, 480)
  return figure(
    'roofline',
    `<div class="wide">${wide}</div><div class="narrow">${narrow}</div>`,
    `<b>Roofline.</b> Each point is a case of this engine: across, the least arithmetic that it needs for each byte of x and y;
     up, how much of that it does in a second. The line is what copying (${number(best.copy / 1e9)} GB/s) and multiplying
     (${number(best.peak / 1e9)} GFLOP/s) allow at most, both measured here.`,
  )
}

function spotOf(result: CaseResult): Spot[] {
  const row = baselineOf(result)
  const { case: given, bytes, minimalFlops } = result
  if (!row || !(minimalFlops.flops > 0)) return []
  const gflops = row.flopsPerSecond! / 1e9
  const share = row.share === undefined ? '' : `, ${row.share.toFixed(2)} of the roofline`
  const title = `${given.name}: ${number(gflops)} GFLOP/s, ${number(row.times.median)} ms${share}`
  return [{ name: given.name, intensity: minimalFlops.flops / (bytes.x + bytes.y), gflops, title }]
}

function draw(
  plotting: Plotting,
  spots: readonly Spot[],
  { copy, peak }: Roofline,
  width: number,
  height: number,
): string {
  const ridge = peak / copy
  const frame: Box = { left: 46, top: 24, right: width - 10, bottom: height - 38 }
  const x: LogScale = {
    domain: around([ridge, ...spots.map((spot) => spot.intensity)], 1.8),
    range: [frame.left, frame.right],
  }
  const roof = (intensity: number): number => Math.min(peak, copy * intensity) / 1e9
  const floor = Math.min(roof(x.domain[0]), ...spots.map(({ gflops }) => gflops))
  const y: LogScale = { domain: [floor / 1.6, (peak / 1e9) * 1.8], range: [frame.bottom, frame.top] }
  const line = [x.domain[0], ridge, x.domain[1]].map((at) => ({ x: at, y: roof(at) }))
  const points = spots.map((spot) => ({ x: toPixel(x, spot.intensity), y: toPixel(y, spot.gflops), text: spot.name }))
  // Small boxes along the line keep labels off it.
  const steps = Array.from({ length: Math.ceil((frame.right - frame.left) / 5) }, (_, i) => frame.left + 5 * i)
  const obstacles = steps.map((at): Box => {
    const level = toPixel(y, roof(toValue(x, at)))
    return { left: at - 4, right: at + 4, top: level - 6, bottom: level + 6 }
  })
  const labels = placeLabels(points, frame, obstacles).map((label, at) => ({
    ...spots[at]!,
    away: label.away,
    left: toValue(x, label.x),
    middle: toValue(y, label.y),
    endX: toValue(x, label.endX),
    endY: toValue(y, label.endY),
  }))
  const roofText = { x: 'x', y: 'y', lineAnchor: 'bottom', dy: -5, fill: 'currentColor' }
  const [start, end] = line.map((at) => [toPixel(x, at.x), toPixel(y, at.y)] as const)
  const steep = (180 / Math.PI) * Math.atan2(start![1] - end![1], end![0] - start![0])
  return plotting.svg({
    ariaLabel: 'Roofline plot',
    width,
    height,
    marginLeft: frame.left,
    marginTop: frame.top,
    marginRight: width - frame.right,
    marginBottom: height - frame.bottom,
    x: { type: 'log', domain: x.domain, axis: null },
    y: { type: 'log', domain: y.domain, axis: null },
    marks: [
      ...axes(plotting, { ticks: logTicks(x.domain), title: 'flop per byte' }, { ticks: logTicks(y.domain), title: 'GFLOP/s' }),
      plotting.line(line, { x: 'x', y: 'y', stroke: 'currentColor', strokeWidth: 2 }),
      plotting.text([line[0]], { ...roofText, text: () => `copy ${number(copy / 1e9)} GB/s`, textAnchor: 'start', rotate: -steep }),
      plotting.text([line[2]], { ...roofText, text: () => `peak ${number(peak / 1e9)} GFLOP/s`, textAnchor: 'end' }),
      plotting.link(labels.filter(({ away }) => away), { x1: 'intensity', y1: 'gflops', x2: 'endX', y2: 'endY', stroke: 'var(--soft)' }),
      plotting.dot(spots, { x: 'intensity', y: 'gflops', r: 4, fill: 'var(--chosen)', title: 'title' }),
      plotting.text(labels, { x: 'left', y: 'middle', text: 'name', textAnchor: 'start' }),
    ],
  }) // prettier-ignore
}
