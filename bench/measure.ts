import { BrauerError, groupFrom } from '../dist/index.js'
import type { Case } from './cases.js'
import { ContenderError, type Contender, type Prepared } from './contenders/contender.js'
import { minimalFlops } from './minimal-flops.js'
import { bytesOf, makeProblem, type Problem } from './problem.js'
import { prove, truthOf, type Truth, type Verdict } from './proof.js'
import { boundOf, type CaseResult, type Roofline, type Row } from './results.js'
import { interleave, type Effort, type Runner, type Times } from './timing.js'

export interface Setting {
  readonly contenders: readonly Contender[]
  readonly threads: number
  readonly effort: Effort
  readonly roofline: Roofline | undefined
  /** Says what is being done. */
  readonly progress: (text: string) => void
}

/** Proves and times all contenders on one case. A contender whose answer is wrong is not timed. */
export async function measureCase(given: Case, setting: Setting): Promise<CaseResult> {
  const { contenders, threads, effort, roofline, progress } = setting
  progress(`${given.name}: the right answer`)
  const problem = makeProblem(given, threads)
  const truth = truthOf(problem)
  const verdicts: Verdict[] = []
  const proved: Prepared[] = []
  let times: Map<Prepared, Times | string>
  try {
    for (const contender of contenders) {
      progress(`${given.name}: ${contender.name} proves its answer`)
      const verdict = await verdictOn(contender, problem, truth)
      verdicts.push(verdict)
      if ('prepared' in verdict) proved.push(verdict.prepared)
    }
    times = await timesOf(proved, effort, (round, of) => progress(`${given.name}: round ${round + 1} of ${of}`))
  } finally {
    for (const prepared of proved) await prepared.close?.()
  }
  const bytes = bytesOf(problem)
  const { costs, strategy } = problem.plan
  const programFlops = (strategy === 'dense' ? costs.dense : costs.plan).flops
  const least = minimalFlops(groupFrom(given.group), given.input, given.output, programFlops)
  const flops = problem.batch * least.flops
  const bound = roofline && boundOf(bytes.x + bytes.y, flops, roofline)
  const planBound = roofline && boundOf(bytes.x + bytes.y, problem.batch * programFlops, roofline)
  const rows = verdicts.map((verdict, at): Row => {
    const { name: contender } = contenders[at]!
    if ('skip' in verdict) return { contender, skip: verdict.skip }
    if ('wrong' in verdict) return { contender, refused: verdict.wrong }
    const taken = times.get(verdict.prepared)!
    if (typeof taken === 'string') return { contender, refused: taken }
    return {
      contender,
      times: taken,
      error: verdict.error,
      bytesPerSecond: (1e3 * (bytes.x + bytes.y)) / taken.median,
      flopsPerSecond: (1e3 * flops) / taken.median,
      ...(bound && planBound ? { share: bound.ms / taken.median, planShare: planBound.ms / taken.median } : {}),
      ...(verdict.prepared.predicted === undefined ? {} : { predicted: verdict.prepared.predicted }),
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
async function verdictOn(contender: Contender, problem: Problem, truth: Truth): Promise<Verdict> {
  try {
    return await prove(contender, problem, truth)
  } catch (error) {
    if (isRefusal(error)) return { wrong: error.message }
    throw error
  }
}

/** The times of each, or why it failed: what fails while it is timed takes for ever, so that it has few turns left. */
async function timesOf(
  proved: readonly Prepared[],
  effort: Effort,
  onRound: (round: number, of: number) => void,
): Promise<Map<Prepared, Times | string>> {
  const failures = new Map<Prepared, string>()
  const runners = proved.map((prepared): Runner => {
    const time = async (repeats: number): Promise<number> => {
      if (failures.has(prepared)) return Infinity
      try {
        return await prepared.time(repeats)
      } catch (error) {
        if (!isRefusal(error)) throw error
        failures.set(prepared, error.message)
        return Infinity
      }
    }
    return { ...(prepared.settle === undefined ? {} : { settle: prepared.settle }), time }
  })
  const times = await interleave(runners, effort, onRound)
  return new Map(proved.map((prepared, at) => [prepared, failures.get(prepared) ?? times[at]!]))
}

function isRefusal(error: unknown): error is Error {
  return error instanceof BrauerError || error instanceof ContenderError
}
