import { writeFileSync } from 'node:fs'
import { BrauerError, listBackends } from '../dist/index.js'
import { measureRoofline } from '../dist/backends/native.js'
import { oneLine } from '../dist/cli/table.js'
import { describeCase, suite } from './cases.js'
import { contenders } from './contenders/index.js'
import { help, readFlags, UsageError, type Request } from './flags.js'
import { defaultThreads, describeMachine } from './machine.js'
import { measureCase } from './measure.js'
import { beyondKernel, measureOverhead, mostOverhead, overheadText } from './overhead.js'
import { caseText, machineText, rooflineText } from './report.js'
import type { CaseResult, Results, Roofline } from './results.js'
import { summaryText } from './summary.js'
import { brief, thorough } from './timing.js'

type Print = (text: string) => void

/** The exit status: 1 where a contender was refused or something failed, 2 for a wrong command line. */
export function main(words: readonly string[], print: Print = console.log): number {
  try {
    const request = readFlags(words)
    switch (request.action) {
      case 'help':
        print(help)
        return 0
      case 'list':
        print(listText())
        return 0
      case 'overhead':
        return overhead(request, print)
      case 'measure':
        return measure(request, print)
    }
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof BrauerError)) throw error
    console.error(`bench: ${oneLine(error.message)}`)
    return error instanceof UsageError ? 2 : 1
  }
}

function measure(request: Request, print: Print): number {
  const threads = request.threads ?? defaultThreads()
  progress('the roofline of this machine')
  const first = roofline(threads)
  progress('')
  const machine = describeMachine(threads)
  print(machineText(machine, first))
  const setting = { contenders: request.contenders, threads, effort: request.quick ? brief : thorough, progress }
  const cases: CaseResult[] = []
  let best = first
  for (const each of request.cases) {
    // A busy moment hides part of what the machine can do: the best of all measurements so far is the yardstick.
    best = better(best, roofline(threads))
    const result = measureCase(each, { ...setting, roofline: best })
    progress('')
    print(`\n${caseText(result)}`)
    cases.push(result)
  }
  best = better(best, roofline(threads))
  const summary = summaryText(cases)
  if (summary !== '') print(`\n${summary}`)
  if (first && best) print(`\n${rooflineText(first, best)}`)
  const results: Results = {
    format: 1,
    date: new Date().toISOString(),
    quick: request.quick,
    machine,
    roofline: first && best && { first, best },
    cases,
  }
  save(request, results)
  return cases.some(({ rows }) => rows.some(({ refused }) => refused !== undefined)) ? 1 : 0
}

function overhead(request: Request, print: Print): number {
  const threads = request.threads ?? defaultThreads()
  const measured = measureOverhead(threads)
  print(overheadText(measured))
  save(request, { format: 1, date: new Date().toISOString(), machine: describeMachine(threads), overhead: measured })
  return beyondKernel(measured) <= mostOverhead ? 0 : 1
}

function save({ json }: Request, results: object): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
}

function roofline(threads: number): Roofline | undefined {
  const { available } = listBackends().find(({ name }) => name === 'cpu')!
  return available ? measureRoofline(threads, 'float32') : undefined
}

function better(a: Roofline | undefined, b: Roofline | undefined): Roofline | undefined {
  return a && b ? { copy: Math.max(a.copy, b.copy), peak: Math.max(a.peak, b.peak) } : (a ?? b)
}

function listText(): string {
  const width = Math.max(...[...suite, ...contenders].map(({ name }) => name.length)) + 2
  return [
    'cases',
    ...suite.map((each) => `  ${each.name.padEnd(width)}${describeCase(each)}, batch ${each.batch}`),
    'contenders',
    ...contenders.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
  ].join('\n')
}

/** One line that is drawn again, on a terminal only; '' takes it away. */
function progress(text: string): void {
  // \x1b[K clears what a longer line left behind.
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
}
