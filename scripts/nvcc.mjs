// Runs nvcc and keeps what it says of registers, stack and spills in a file beside the object, <object>.resources.txt; the rest goes on. The build calls
// it: node scripts/nvcc.mjs nvcc …
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const [program, ...args] = process.argv.slice(2)
const { status, stderr, error } = spawnSync(program, args, { stdio: ['inherit', 'inherit', 'pipe'], encoding: 'utf8' })
if (error) throw error
// "ptxas info : …" and the indented line below each "Function properties".
const isReport = (line) => line.startsWith('ptxas info') || /^\s+\d+ bytes stack frame/.test(line)
const lines = (stderr ?? '').split(/\r?\n/)
const output = args.indexOf('-o')
if (output >= 0) writeFileSync(`${args[output + 1]}.resources.txt`, lines.filter(isReport).join('\n') + '\n')
const others = lines.filter((line) => line !== '' && !isReport(line))
if (others.length > 0) console.error(others.join('\n'))
process.exitCode = status ?? 1
