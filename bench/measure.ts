import { BrauerError, groupFrom } from '../dist/index.js'
import type { Case } from './cases.js'
import type { Contender, Prepared } from './contenders/contender.js'
import { minimalFlops } from './minimal-flops.js'
import { bytesOf, makeProblem, type Problem } from './problem.js'
import { prove, truthOf, type Truth, type Verdict } from './proof.js'
import { boundOf, type CaseResult, type Roofline, type Row } from './results.js'
import { interleave, type Effort, type Times } from './timing.js'

export interface Setting {
  readonly contenders: readonly Contender[]
  readonly threads: number
  readonly effort: Effort
  readonly roofline: Roofline | undefined
  /** Says what is being done. */
  readonly progress: (text: string) => void
}

/** Proves and times all contenders on one case. A contender whose answer is wrong is not timed. */
export function measureCase(given: Case, setting: Setting): CaseResult {
  const { contenders, threads, effort, roofline, progress } = setting
  progress(`${given.name}: the right answer`)
  const problem = makeProblem(given, threads)
  const truth = truthOf(problem)
  const verdicts = contenders.map((contender) => {
    progress(`${given.name}: ${contender.name} proves its answer`)
    return verdictOn(contender, problem, truth)
  })
  const proved = verdicts.flatMap((verdict) => ('prepared' in verdict ? [verdict.prepared] : []))
  const times = timesOf(proved, effort, (round, of) => progress(`${given.name}: round ${round + 1} of ${of}`))
  const bytes = bytesOf(problem)
  const { costs, strategy } = problem.plan
  const programFlops = (strategy === 'dense' ? costs.dense : costs.plan).flops
  const least = minimalFlops(groupFrom(given.group), given.input, given.output, programFlops)
  const flops = problem.batch * least.flops
  const bound = roofline && boundOf(bytes.x + bytes.y, flops, roofline)
  const rows = verdicts.map((verdict, at): Row => {
    const { name: contender } = contenders[at]!
    if ('skip' in verdict) return { contender, skip: verdict.skip }
    if ('wrong' in verdict) return { contender, refused: verdict.wrong }
    const taken = times.get(verdict.prepared)!
    return {
      contender,
      times: taken,
      error: verdict.error,
      bytesPerSecond: (1e3 * (bytes.x + bytes.y)) / taken.median,
      flopsPerSecond: (1e3 * flops) / taken.median,
      ...(bound ? { share: bound.ms / taken.median } : {}),
    }
  })
  return {
    case: given,
    bytes,
    minimalFlops: { ...least, flops },
    programFlops: problem.batch * programFlops,
    bound,
    truth: `${truth.items.length} of the items by ${truth.by}`,
    rows,
  }
}

/** A contender that fails is refused like one that is wrong: the others still run. */
function verdictOn(contender: Contender, problem: Problem, truth: Truth): Verdict {
  try {
    return prove(contender, problem, truth)
  } catch (error) {
    if (error instanceof BrauerError) return { wrong: error.message }
    throw error
  }
}

function timesOf(
  proved: readonly Prepared[],
  effort: Effort,
  onRound: (round: number, of: number) => void,
): Map<Prepared, Times> {
  const times = interleave(
    proved.map(({ run }) => run),
    effort,
    onRound,
  )
  return new Map(proved.map((prepared, at) => [prepared, times[at]!]))
}
