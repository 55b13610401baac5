import { describeCase } from '../cases.js'
import { number } from '../report.js'
import type { CaseResult, Results } from '../results.js'
import { axes } from './axes.js'
import { escape, figure } from './html.js'
import type { Plotting } from './plotting.js'
import { logTicks, tickText } from './scale.js'
import { baselineOf, kindLabels, kindOf, timedRows, type Kind } from './series.js'

/** Times relative to the baseline that all pictures show; a longer bar runs to the edge, and its figure says how long it is. */
const domain = [0.1, 100] as const
const width = 358
const rowHeight = 19

/** One picture for each case that has at least two contenders with times. */
export function barFigures(plotting: Plotting, { cases }: Results): string {
  const shown = cases.filter((result) => timedRows(result).length > 1)
  if (shown.length === 0) return ''
  const kinds = [...new Set(shown.flatMap((result) => timedRows(result).map(({ contender }) => kindOf(contender))))]
  return [
    `<p class="key">${kinds.map((kind) => `<span class="swatch ${kind}"></span> ${kindLabels[kind]}`).join(' &ensp; ')}</p>`,
    `<div class="many">${shown.map((result) => figure('bars', draw(plotting, result), captionOf(result))).join('\n')}</div>`,
  ].join('\n')
}

function captionOf({ case: given, bound, rows }: CaseResult): string {
  const least = bound ? `; least time ${number(bound.ms)} ms by ${bound.by}` : ''
  const refused = rows.flatMap(({ contender, refused: why }) => (why === undefined ? [] : [contender]))
  const wrong = refused.length > 0 ? `; <b>refused</b>: ${escape(refused.join(', '))}` : ''
  return `<b>${escape(given.name)}</b> ${escape(describeCase(given))}, batch ${given.batch}${least}${wrong}`
}

function draw(plotting: Plotting, result: CaseResult): string {
  const base = baselineOf(result)!
  const unit = base.times.median
  const bars = timedRows(result)
    .toSorted((a, b) => a.times.median - b.times.median)
    .map(({ contender, times }) => ({
      contender,
      kind: kindOf(contender),
      end: clamp(times.median / unit),
      low: clamp(times.spread[0] / unit),
      high: clamp(times.spread[1] / unit),
      ms: number(times.median),
      factor: `${factorText(times.median / unit)}×`,
      title: `${contender}: ${number(times.median)} ms, quartiles ${times.spread.map(number).join(' and ')}, ${times.rounds} rounds`,
    }))
  const names = bars.map(({ contender }) => contender)
  const of = (kind: Kind) => bars.filter((bar) => bar.kind === kind)
  const left = 10 + 7 * Math.max(...names.map((name) => name.length))
  const right = 104
  const text = { y: 'contender', fill: 'currentColor', fontVariant: 'tabular-nums' }
  const name = { ...text, text: 'contender', textAnchor: 'end', frameAnchor: 'left', dx: -6 }
  const bar = { x1: 1, x2: 'end', y: 'contender', insetTop: 3, insetBottom: 3, title: 'title' }
  const least = result.bound ? [result.bound.ms / unit].filter((at) => at >= domain[0]) : []
  return plotting.svg({
    ariaLabel: `${result.case.name}: time of each contender over that of ${base.contender}`,
    width,
    height: rowHeight * bars.length + 30,
    marginTop: 4,
    marginBottom: 26,
    marginLeft: left,
    marginRight: right,
    x: { type: 'log', domain, axis: null, clamp: true },
    y: { domain: names, axis: null, label: null },
    marks: [
      ...axes(plotting, { ticks: logTicks(domain), text: (value) => `${tickText(value)}×` }),
      ...(['chosen', 'forced', 'outside'] as const).map((kind) => plotting.barX(of(kind), { ...bar, fill: `var(--${kind})` })),
      plotting.ruleX([1], { stroke: 'currentColor' }),
      plotting.ruleX(least, { stroke: 'currentColor', strokeDasharray: '3,3' }),
      plotting.ruleY(bars, { y: 'contender', x1: 'low', x2: 'high', stroke: 'currentColor', strokeWidth: 1.5 }),
      plotting.text(bars.filter(({ kind }) => kind !== 'chosen'), name),
      plotting.text(of('chosen'), { ...name, fontWeight: 'bold' }),
      plotting.text(bars, { ...text, text: 'factor', textAnchor: 'end', frameAnchor: 'right', dx: 42 }),
      plotting.text(bars, { ...text, text: 'ms', textAnchor: 'end', frameAnchor: 'right', dx: right - 4 }),
    ],
  }) // prettier-ignore
}

function clamp(ratio: number): number {
  return Math.min(domain[1], Math.max(domain[0], ratio))
}

function factorText(ratio: number): string {
  return ratio >= 100 ? ratio.toFixed(0) : ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)
}
