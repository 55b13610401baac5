import { tolerance } from '../proof.js'
import { number } from '../report.js'
import type { Results } from '../results.js'
import { barFigures } from './bars.js'
import { growthFigures } from './growth.js'
import { escape } from './html.js'
import type { Plotting } from './plotting.js'
import { rooflineFigure } from './roofline.js'
import { style } from './style.js'
import { caseTable, growthTable } from './tables.js'

/** One self-contained HTML page of a run. */
export function pageText(plotting: Plotting, results: Results): string {
  const { machine, growth = [] } = results
  const parts = [
    `<h1>brauer ${escape(machine.version)} on ${escape(machine.cpu)}</h1>`,
    facts(results),
    section('How near the limit', rooflineFigure(plotting, results)),
    section('Against other ways to compute it', barFigures(plotting, results), barText),
    section('Growth', growthFigures(plotting, results), growthNote),
    section('All figures', caseTable(results) + growth.map(growthTable).join('\n')),
    section('How it was measured', method),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>brauer ${escape(machine.version)}: benchmark</title>
<style>${style}</style>
</head>
<body>
<main>
${parts.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`
}

function section(title: string, content: string, text = ''): string {
  return content === '' ? '' : `<section>\n<h2>${title}</h2>\n${text}${content}\n</section>`
}

function facts({ machine, roofline, date, quick }: Results): string {
  const { cores, isa, blas, threads, platform, node, version, commit } = machine
  const rows = [
    ['threads', `${threads} of ${cores} ${cores === 1 ? 'core' : 'cores'}${isa && `, ${isa}`}`],
    ['BLAS', blas],
    ['copy', roofline && `${number(roofline.best.copy / 1e9)} GB/s`],
    ['peak', roofline && `${number(roofline.best.peak / 1e9)} GFLOP/s, float32`],
    ['system', `${platform}, Node ${node}`],
    ['version', `${version}${commit && ` at ${commit}`}`],
    ['date', date.slice(0, 10)],
    ['note', quick && 'a quick run: small batches, few rounds'],
  ]
  const list = rows.flatMap(([name, text]) => (text ? [`<dt>${name}</dt><dd>${escape(text)}</dd>`] : []))
  return `<dl>${list.join('')}</dl>`
}

const barText = `<p>Time over that of <code>cpu</code>, on a logarithmic scale: bars to the right are slower. The thin line at
the end of a bar spans the quartiles. A bar that meets the right edge is longer than it shows; its figure is right. The dashed line is the least time
that the roofline allows. To the right of each bar: the factor, and milliseconds.</p>`

const growthNote = `<p>Points are measured, the dotted line is the least time by the plan: the flops of its program at the measured
peak or the bytes of x and y at the measured copy rate, whichever takes longer. The straight line is fitted by least squares to the
upper half of the points.</p>`

const method = `<p>Every contender first computes the same layer on the same random numbers and is compared with a float64
evaluation, on a few items and within the whole batch; one that differs by more than ${tolerance} is refused and prints no time. Then all
contenders of a case are timed in turns, round after round, each with the same number of threads, after a run that warms the caches;
the median counts. The roofline is measured in the same run: a copy between arrays far past the last cache, and products and sums in
registers on all threads; the least time of a case is the longer of reading x and writing y once at that copy rate, and of the least
arithmetic of the layer (of its block-diagonal form by irreducible representations) at that peak. The share of the roofline is that least time
over the median; it passes 1 where x and y fit in the caches.</p>`
