import { BrauerError } from '../dist/index.js'
import { oneLine } from '../dist/cli/table.js'
import { describeCase, suite } from './cases.js'
import { ContenderError } from './contenders/contender.js'
import { UsageError } from './chosen.js'
import { compareResults, isSlower } from './compare.js'
import { compareText } from './compare-text.js'
import { contenders } from './contenders/index.js'
import { calibrate, calibrationText, calm } from './calibrate.js'
import { readFlags, type Comparison, type Measurement, type Request } from './flags.js'
import { sweeps } from './growth/sweeps.js'
import { help } from './help.js'
import { defaultThreads, describeMachine } from './machine.js'
import { machineText } from './report.js'
import { checkOutputs, writeJson, writeOutputs } from './outputs.js'
import { beyondKernel, measureOverhead, mostOverhead, overheadText } from './overhead.js'
import { merge, readResults } from './results.js'
import { hasRefusals, measureAll, progress } from './session.js'
import { brief, thorough } from './timing.js'
import { holds, measureTraining, trainingText, type Training } from './training.js'
import { Yardstick } from './yardstick.js'

type Print = (text: string) => void

/** The exit status: 1 where a contender was refused or something failed, 2 for a wrong command line. */
export async function main(words: readonly string[], print: Print = console.log): Promise<number> {
  try {
    return await answer(readFlags(words), print)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof BrauerError || error instanceof ContenderError)) throw error
    const hint = error instanceof UsageError ? '; see brauer bench --help' : ''
    console.error(`brauer: bench: ${oneLine(error.message)}${hint}`)
    return error instanceof UsageError ? 2 : 1
  }
}

async function answer(request: Request, print: Print): Promise<number> {
  switch (request.action) {
    case 'help':
      print(help)
      return 0
    case 'list':
      print(listText())
      return 0
    case 'compare':
      return compare(request, print)
    case 'show':
      await writeOutputs(request, merge(request.from.map(readResults)))
      return 0
    case 'overhead':
      return overhead(request, print)
    case 'training':
      return training(request, print)
    case 'calibrate': {
      const effort = request.quick ? brief : calm
      const done = await calibrate(request.threads ?? defaultThreads(), effort, progress)
      progress('')
      print(calibrationText(done))
      return 0
    }
    case 'measure': {
      await checkOutputs(request)
      const results = await measureAll(request, print)
      await writeOutputs(request, results)
      return hasRefusals(results) ? 1 : 0
    }
  }
}

function compare({ files, failSlower }: Comparison, print: Print): number {
  const comparison = compareResults(readResults(files[0]), readResults(files[1]))
  print(compareText(comparison))
  return failSlower !== undefined && comparison.rows.some((row) => isSlower(row, failSlower)) ? 1 : 0
}

async function overhead(request: Measurement, print: Print): Promise<number> {
  const threads = request.threads ?? defaultThreads()
  const measured = await measureOverhead(threads)
  print(overheadText(measured))
  const machine = describeMachine(threads)
  const { save } = request
  if (save !== undefined) writeJson(save, { format: 1, date: new Date().toISOString(), machine, overhead: measured })
  return beyondKernel(measured) <= mostOverhead ? 0 : 1
}

async function training(request: Measurement, print: Print): Promise<number> {
  const threads = request.threads ?? defaultThreads()
  const yardstick = new Yardstick()
  const machine = describeMachine(threads)
  print(machineText(machine, yardstick.measure(threads)))
  const measured: Training[] = []
  for (const each of request.cases) {
    progress(`${each.name}: training`)
    const effort = request.quick ? brief : thorough
    measured.push(await measureTraining(each, threads, effort, yardstick.measure(threads)))
  }
  progress('')
  print(`\n${trainingText(measured)}`)
  const { save } = request
  if (save !== undefined) writeJson(save, { format: 1, date: new Date().toISOString(), machine, training: measured })
  return measured.every(holds) ? 0 : 1
}

function listText(): string {
  const width = Math.max(...[...suite, ...contenders, ...sweeps].map(({ name }) => name.length)) + 2
  return [
    'cases',
    ...suite.map((each) => `  ${each.name.padEnd(width)}${describeCase(each)}, batch ${each.batch}`),
    'contenders',
    ...contenders.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    'sweeps of --growth',
    ...sweeps.map(({ name, title, parameter }) => `  ${name.padEnd(width)}${title}, by ${parameter}`),
  ].join('\n')
}
