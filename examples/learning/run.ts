// Runs one task: a table, and with --full files of results.
// Usage: node dist-examples/learning/run.js inertia|o5|triangles [--full]
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compare, report } from './compare.js'
import { inertia } from './inertia.js'
import { o5 } from './o5.js'
import { plot } from './plot.js'
import { triangles } from './triangles.js'

const tasks = [inertia, o5, triangles]
const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const task = tasks.find(({ name }) => name === positionals[0])
if (!task || positionals.length > 1) {
  console.error(
    `Expected one of ${tasks.map(({ name }) => name).join(', ')}, received ${positionals.join(' ') || 'nothing'}`,
  )
  process.exit(2)
}
const table = await compare(task, {
  items: values.full ? [100, 300, 1000, 3000, 10_000] : [1000],
  unseen: 5000,
  progress: true,
})
const text = report(task, table)
console.log(text)
if (values.full) {
  const folder = new URL('../../examples/learning/results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${task.name}.json`, folder), `${JSON.stringify(table, null, 2)}\n`)
  writeFileSync(new URL(`${task.name}.txt`, folder), `${text}\n`)
  writeFileSync(new URL(`${task.name}.svg`, folder), plot(task.about, table))
}
