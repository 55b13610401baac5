import type { Mark, Plotting } from './plotting.js'
import { tickText } from './scale.js'

/** Ticks with their texts, and a title: by the last tick of a horizontal axis, above a vertical one. */
export interface Axis {
  readonly ticks: readonly number[]
  readonly text?: (value: number) => string
  readonly title?: string
}

const own = (value: number): number => value

/** Grid lines and labels of both axes. The library's own axes leave labels out of a logarithmic one as they see fit. */
export function axes(plotting: Plotting, x: Axis, y?: Axis): Mark[] {
  const text = { fill: 'currentColor', fontVariant: 'tabular-nums' }
  const title = { ...text, text: (each: string) => each }
  const across = [
    plotting.ruleX(x.ticks, { stroke: 'var(--grid)' }),
    plotting.text(x.ticks, { ...text, x: own, text: x.text ?? tickText, frameAnchor: 'bottom', dy: 15 }),
    plotting.text(x.title === undefined ? [] : [`${x.title} →`], { ...title, frameAnchor: 'bottom-right', dy: 32 }),
  ]
  if (!y) return across
  return [
    ...across,
    plotting.ruleY(y.ticks, { stroke: 'var(--grid)' }),
    plotting.text(y.ticks, { ...text, y: own, text: y.text ?? tickText, frameAnchor: 'left', textAnchor: 'end', dx: -6 }), // prettier-ignore
    // Above the left end of the tick texts, whose width is the left margin.
    plotting.text(y.title === undefined ? [] : [`↑ ${y.title}`], {
      ...title,
      frameAnchor: 'top-left',
      dx: -40,
      dy: -18,
    }),
  ]
}
