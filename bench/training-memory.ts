import { readFileSync } from 'node:fs'
import type { Case } from './cases.js'
import { makeProblem } from './problem.js'
import { prepareSteps } from './training.js'

/** Bytes of the peak resident set. The system's count for children goes back to before they were programs of their own, so that Linux is
 *  asked for that of this program's memory. */
function peak(): number {
  try {
    return 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
  } catch {
    return 1024 * process.resourceUsage().maxRSS
  }
}

// Prints the bytes by which the peak resident set of this process grows when the operands of a case are made and steps are run.
// The same steps with one item come first, so that code and threads are there.
const [given, threads] = process.argv.slice(2).map((word) => JSON.parse(word) as unknown) as [Case, number]
prepareSteps(makeProblem({ ...given, batch: 1 }, threads)).step()
const before = peak()
const { step } = prepareSteps(makeProblem(given, threads))
for (let run = 0; run < 5; run++) step()
console.log(peak() - before)
