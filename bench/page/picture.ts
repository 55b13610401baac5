import type { Results } from '../results.js'
import { axes } from './axes.js'
import type { Plotting } from './plotting.js'
import { baselineOf, bestOutside } from './series.js'

const width = 520
const rowHeight = 19
const right = 8
const characterWidth = 7.6

/** Both themes bring their own paper, so that the picture reads wherever it is shown. */
const style = `
.plot { --paper: #ffffff; --ink: #1c2024; --grid: #dfe3e8; --chosen: #0b62a4; --outside: #c2410c; color: var(--ink); background: var(--paper); }
@media (prefers-color-scheme: dark) {
  .plot { --paper: #14181d; --ink: #e6e9ed; --grid: #2f3741; --chosen: #6cb2f5; --outside: #f59358; } }
.plot text { white-space: pre; }`

interface Bar {
  readonly key: string
  /** To the left of the bar. */
  readonly label: string
  readonly share: number
  /** To the right of it. */
  readonly text: string
}

/** A standalone SVG picture: for each case the share of the roofline that this engine reaches, and that of the best other software. */
export function pictureText(plotting: Plotting, results: Results): string {
  const [own, others]: [Bar[], Bar[]] = [[], []]
  // A case takes a line for each bar, and an empty one.
  const keys: string[] = []
  for (const result of results.cases) {
    const [base, other] = [baselineOf(result), bestOutside(result)]
    const { name } = result.case
    if (base?.share === undefined) continue
    own.push({ key: `${name} own`, label: name, share: base.share, text: percent(base.share) })
    keys.push(`${name} own`)
    if (other?.share !== undefined) {
      const factor = (other.times.median / base.times.median).toFixed(1)
      const text = `${percent(other.share)}, ${factor}× the time`
      others.push({ key: `${name} other`, label: other.contender, share: other.share, text })
      keys.push(`${name} other`)
    }
    keys.push(`${name} gap`)
  }
  return draw(plotting, own, others, keys)
}

function draw(plotting: Plotting, own: readonly Bar[], others: readonly Bar[], keys: readonly string[]): string {
  const all = [...own, ...others]
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  const left = 16 + characterWidth * Math.max(0, ...all.map(({ label: { length } }) => length))
  const room = width - left - right
  // Pixels for a share of 1, such that the text behind every bar has room too.
  const unit = Math.min(room - 20, ...all.map(({ share, text }) => (room - 10 - characterWidth * text.length) / share))
  const label = { y: 'key', text: 'label', frameAnchor: 'left', textAnchor: 'end', dx: -8, fill: 'currentColor' }
  const bar = { x1: 0, x2: 'share', y: 'key' }
  const legend = [
    { text: '■ brauer', fill: 'var(--chosen)', dx: 0 },
    ...(others.length > 0 ? [{ text: '■ the fastest other software', fill: 'var(--outside)', dx: 90 }] : []),
  ]
  const svg = plotting.svg({
    ariaLabel: 'Share of the roofline by case: this engine and the fastest other software',
    width,
    height: rowHeight * keys.length + 80,
    marginLeft: left,
    marginRight: right,
    marginTop: 36,
    marginBottom: 44,
    style: { fontSize: '14px' },
    x: { domain: [0, room / unit], axis: null },
    y: { domain: keys, axis: null, padding: 0.08 },
    marks: [
      ...axes(plotting, { ticks, text: percent, title: 'share of the roofline' }),
      plotting.barX(own, { ...bar, fill: 'var(--chosen)' }),
      plotting.barX(others, { ...bar, fill: 'var(--outside)' }),
      plotting.text(all, { x: 'share', y: 'key', text: 'text', textAnchor: 'start', dx: 5, fill: 'currentColor', stroke: 'var(--paper)', strokeWidth: 4 }),
      plotting.text(own, { ...label, fontWeight: 'bold' }),
      plotting.text(others, label),
      ...legend.map(({ text, fill, dx }) =>
        plotting.text([text], { frameAnchor: 'top-left', dx, dy: -24, fill, fontWeight: 'bold', text: (line: string) => line }),
      ),
    ],
  }) // prettier-ignore
  return svg.replace(/^<svg/, '<svg xmlns="http://www.w3.org/2000/svg"').replace('>', `><style>${style}</style>`) + '\n'
}

function percent(share: number): string {
  return `${share < 0.1 ? Number((100 * share).toPrecision(1)) : (100 * share).toFixed(0)}%`
}
