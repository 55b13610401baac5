import { fitPower, upperPart, type Sample } from '../growth/slope.js'
import { abscissa, contendersOf, costsOf, predictedOf } from '../growth/fits.js'
import { growthLine } from '../growth/report.js'
import type { Growth, Results } from '../results.js'
import { axes } from './axes.js'
import { escape, figure } from './html.js'
import type { Mark, Plotting } from './plotting.js'
import { around, logTicks, timeText } from './scale.js'

/** Colour, symbol and dashes tell the curves apart, each by itself. */
const looks = [
  { colour: 'var(--chosen)', symbol: 'circle', dashes: '' },
  { colour: 'var(--outside)', symbol: 'square', dashes: '6,3' },
  { colour: 'var(--third)', symbol: 'triangle', dashes: '2,3' },
  { colour: 'var(--forced)', symbol: 'diamond', dashes: '8,3,2,3' },
] as const
const glyphs: Readonly<Record<(typeof looks)[number]['symbol'], string>> = {
  circle: '●',
  square: '■',
  triangle: '▲',
  diamond: '◆',
}

/** One picture for each sweep. */
export function growthFigures(plotting: Plotting, { growth = [] }: Results): string {
  const shown = growth.filter((each) => contendersOf(each).length > 0)
  if (shown.length === 0) return ''
  return `<div class="many">${shown.map((each) => figure('growth', draw(plotting, each), captionOf(each))).join('\n')}</div>`
}

const lookOf = (at: number) => looks[at % looks.length]!

function captionOf(growth: Growth): string {
  const fits = contendersOf(growth).map((contender, at) => {
    const { colour, symbol } = lookOf(at)
    const fit = growth.fits.find((each) => each.contender === contender)
    const text = fit ? growthLine(fit, growth) : `${contender}: too few points for a slope`
    return `<br><span style="color: ${colour}">${glyphs[symbol]}</span> ${escape(text)}`
  })
  const skipped = growth.points.flatMap(({ at, skip }) => (skip === undefined ? [] : [at]))
  const missing =
    skipped.length > 0
      ? `<br><span class="soft">not measured: ${skipped.join(', ')}; the reasons stand with the figures below</span>`
      : ''
  return `<b>${escape(growth.title)}</b> time per ${growth.per} by ${escape(growth.parameter)}${fits.join('')}${missing}`
}

function draw(plotting: Plotting, growth: Growth): string {
  const curves = contendersOf(growth).map((contender) => costsOf(growth, contender))
  const predicted = predictedOf(growth)
  const all = [...curves.flat(), ...predicted]
  const at = [...new Set(all.map((sample) => sample.at))].sort((a, b) => a - b)
  const exponential = growth.law === 'exponential'
  const x = exponential
    ? { type: 'linear', domain: [at[0]! - 0.3, at.at(-1)! + 0.3] }
    : { type: 'log', domain: around(at, 1.2) }
  const y: [number, number] = around(all.map(({ cost }) => cost), 1.6) // prettier-ignore
  const across = exponential || at.length < 3 ? at : logTicks(x.domain as [number, number])
  return plotting.svg({
    ariaLabel: `${growth.title}: time per ${growth.per} by ${growth.parameter}`,
    width: 358,
    height: 270,
    marginLeft: 50,
    marginTop: 24,
    marginRight: 12,
    marginBottom: 38,
    x: { ...x, axis: null },
    y: { type: 'log', domain: y, axis: null },
    marks: [
      ...axes(plotting, { ticks: across, title: growth.parameter }, { ticks: logTicks(y), text: timeText, title: `time per ${growth.per}` }),
      plotting.line(predicted, { x: 'at', y: 'cost', stroke: 'currentColor', strokeWidth: 1.5, strokeDasharray: '1,4', strokeLinecap: 'round' }),
      ...curves.flatMap((samples, index) => curve(plotting, samples, growth, index)),
    ],
  }) // prettier-ignore
}

/** The measured points, and the fitted line over the points that it was fitted to. */
function curve(plotting: Plotting, samples: readonly Sample[], { law }: Growth, index: number): Mark[] {
  const { colour, symbol, dashes } = lookOf(index)
  const part = upperPart(samples)
  const fit = fitPower(part.map(({ at, cost }) => ({ at: abscissa(law, at), cost })))
  const line = fit ? part.map(({ at }) => ({ at, cost: fit.scale * abscissa(law, at) ** fit.slope })) : []
  return [
    plotting.line(line, { x: 'at', y: 'cost', stroke: colour, strokeWidth: 2, strokeDasharray: dashes || undefined }),
    plotting.dot(samples, {
      x: 'at',
      y: 'cost',
      symbol,
      r: 3.5,
      stroke: colour,
      fill: 'var(--paper)',
      title: ({ at, cost }: Sample) => `${at}: ${timeText(cost)}`,
    }),
  ]
}
