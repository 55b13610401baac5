// Error against the number of samples, as SVG.
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Row } from './compare.js'

const series = [
  { key: 'equivariant', name: 'equivariant', color: '#0b6e4f' },
  { key: 'plain', name: 'plain', color: '#b23a48' },
  { key: 'augmented', name: 'plain, augmented', color: '#b8780a' },
] as const

export function plot(title: string, table: readonly Row[]): string {
  const { document } = parseHTML('<html><body></body></html>')
  const points = series.flatMap(({ key, name }) => table.map((row) => ({ items: row.items, error: row[key], name })))
  const place = { x: 'items', y: 'error' }
  const svg = Plot.plot({
    document,
    width: 640,
    height: 400,
    marginLeft: 64,
    marginRight: 120,
    marginTop: 36,
    style: { background: 'white', color: '#222', fontSize: '12px' },
    x: { type: 'log', label: 'training items', ticks: table.map(({ items }) => items), tickFormat: 'd' },
    y: {
      type: 'log',
      label: `${title}: mean square error`,
      grid: true,
      ticks: 5,
      tickFormat: (error: number) => String(error),
    },
    color: { domain: series.map(({ name }) => name), range: series.map(({ color }) => color) },
    marks: [
      Plot.lineY(points, { ...place, stroke: 'name', strokeWidth: 2 }),
      Plot.dot(points, { ...place, fill: 'name', r: 4 }),
      Plot.text(labels(points), { ...place, text: 'name', fill: 'name', textAnchor: 'start', dx: 10 }),
    ],
  })
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  return `${svg.outerHTML}\n`
}

/** Where the names stand, beside the last points and as far apart as they need. */
function labels(points: readonly { items: number; error: number; name: string }[]): object[] {
  const errors = points.map(({ error }) => error)
  const apart = Math.max(1.2, (Math.max(...errors) / Math.min(...errors)) ** 0.05)
  const last = Math.max(...points.map(({ items }) => items))
  const ends = points.filter(({ items }) => items === last).toSorted((a, b) => a.error - b.error)
  let below = 0
  return ends.map((end) => ({ ...end, error: (below = Math.max(end.error, below * apart)) }))
}
