// Measures planning: the time from the call of `linear` to a loaded program, one channel, default options, in a warm process.
// Usage: node scripts/measure-planning.mjs [runs]     5 runs unless said. Prints one row per layer, with the limit it is held to.
import { linear, groupFrom } from '../dist/index.js'

const runs = Number(process.argv[2] ?? 5)
const cases = [
  { group: 'O(5)', k: 5, l: 5, diagrams: 945, limit: 0.3 },
  { group: 'O(3)', k: 5, l: 5, diagrams: 603, limit: 0.3 },
  { group: 'S(8)', k: 4, l: 4, diagrams: 4140, limit: 1 },
  { group: 'SO(3)', k: 5, l: 4, diagrams: 232, limit: 3 },
  { group: 'S(6)', k: 5, l: 5, diagrams: 109_299, limit: 8 },
]

// The in-process cache is by specification: each run expects another batch. The disk cache would be measured instead.
delete process.env.BRAUER_CACHE
let batch = 1000
function make({ group, k, l }) {
  const started = performance.now()
  const layer = linear(groupFrom(group), { [k]: 1 }, { [l]: 1 }, { expectedBatch: batch++ })
  return { seconds: (performance.now() - started) / 1000, layer }
}

const rows = [['layer', 'backend', 'diagrams', 'median s', 'all', 'limit s', '']]
let failed = false
for (const each of cases) {
  make({ ...each, k: 2, l: 2 }) // warms the process, not the case
  const times = []
  let layer
  for (let run = 0; run < runs; run++) {
    const made = make(each)
    layer = made.layer
    times.push(made.seconds)
  }
  const median = [...times].sort((a, b) => a - b)[Math.floor(runs / 2)]
  const count = layer.parameters[`weight.${each.k}.${each.l}`].shape[0]
  const bad = [count !== each.diagrams && `expected ${each.diagrams} diagrams`, median >= each.limit && 'too slow']
  failed ||= bad.some(Boolean)
  rows.push([
    `${each.group} ${each.k}→${each.l}`, layer.backend.name, String(count), median.toFixed(3), times.map((t) => t.toFixed(2)).join(' '),
    String(each.limit), bad.filter(Boolean).join(', '),
  ]) // prettier-ignore
}
const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
process.exitCode = failed ? 1 : 0
