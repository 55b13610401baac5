import type { Measurement } from './flags.js'
import { growthText } from './growth/report.js'
import { measureSweep } from './growth/sweep.js'
import { defaultThreads, describeMachine } from './machine.js'
import { measureCase } from './measure.js'
import { predictedText } from './predicted.js'
import { caseText, machineText, rooflineText } from './report.js'
import type { CaseResult, Growth, Results } from './results.js'
import { summaryText } from './summary.js'
import { brief, thorough } from './timing.js'
import { Yardstick } from './yardstick.js'

/** Measures all that was asked for, and prints each part as it is done. */
export async function measureAll(request: Measurement, print: (text: string) => void): Promise<Results> {
  const threads = request.threads ?? defaultThreads()
  const setting = { threads, effort: request.quick ? brief : thorough, progress }
  const yardstick = new Yardstick()
  progress('the roofline of this machine')
  const first = yardstick.measure(threads)
  progress('')
  const machine = describeMachine(threads)
  print(machineText(machine, first))
  const cases: CaseResult[] = []
  for (const each of request.cases) {
    const roofline = yardstick.measure(threads)
    const result = await measureCase(each, { ...setting, contenders: request.contenders, roofline })
    progress('')
    print(`\n${caseText(result)}${predictedText(result)}`)
    cases.push(result)
  }
  const growth: Growth[] = []
  for (const sweep of request.sweeps) {
    // Once for a sweep: all its points then have the same yardstick.
    yardstick.measure(threads)
    const roofline = (count: number) => yardstick.best(count)
    const result = await measureSweep(sweep, { ...setting, contenders: request.sweepContenders, roofline })
    progress('')
    print(`\n${growthText(result)}`)
    growth.push(result)
  }
  const best = yardstick.measure(threads)
  const summary = summaryText(cases)
  if (summary !== '') print(`\n${summary}`)
  if (first && best) print(`\n${rooflineText(first, best)}`)
  return {
    format: 1,
    date: new Date().toISOString(),
    quick: request.quick,
    machine,
    roofline: first && best && { first, best },
    cases,
    ...(growth.length > 0 ? { growth } : {}),
  }
}

/** Whether some contender gave a wrong answer, or none. */
export function hasRefusals({ cases, growth = [] }: Results): boolean {
  const points = growth.flatMap((each) => each.points.flatMap(({ result }) => result ?? []))
  return [...cases, ...points].some(({ rows }) => rows.some(({ refused }) => refused !== undefined))
}

/** One line that is drawn again, on a terminal only; '' takes it away. */
export function progress(text: string): void {
  // \x1b[K clears what a longer line left behind.
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
}
