import { setTimeout as sleep } from 'node:timers/promises'

/** What repeated runs took, in milliseconds. */
export interface Times {
  readonly median: number
  readonly least: number
  /** The quartiles. */
  readonly spread: readonly [number, number]
  readonly rounds: number
}

export interface Effort {
  /** Time for each contender, in milliseconds. */
  readonly budget: number
  /** Rounds at most. */
  readonly rounds: number
}

export const thorough: Effort = { budget: 2000, rounds: 41 }
export const brief: Effort = { budget: 200, rounds: 11 }

/** A sample lasts at least this long, in milliseconds: shorter runs are repeated within it. */
const leastSample = 1

/** What takes turns. */
export interface Runner {
  /** Milliseconds for this many runs in a row, all together. */
  time(repeats: number): Promise<number> | number
  /** Milliseconds to wait after its turn, where its threads spin for a while before they sleep. */
  readonly settle?: number
}

interface Track {
  readonly runner: Runner
  readonly repeats: number
  readonly rounds: number
  readonly samples: number[]
}

/** Times several contenders in one go, one round after the other with each of them in turn, so that whatever else the machine
 *  does meets all of them. Slow ones take part in fewer rounds, evenly spread, but in three at least. */
export async function interleave(
  runners: readonly Runner[],
  effort: Effort,
  onRound: (round: number, of: number) => void = () => undefined,
): Promise<Times[]> {
  const tracks: Track[] = []
  for (const runner of runners) {
    const each = await warmUp(runner, effort.budget / 10)
    const repeats = Math.max(1, Math.ceil(leastSample / each))
    const rounds = Math.min(effort.rounds, Math.max(3, Math.floor(effort.budget / (each * repeats))))
    tracks.push({ runner, repeats, rounds, samples: [] })
  }
  const most = Math.max(0, ...tracks.map(({ rounds }) => rounds))
  for (let round = 0; round < most; round++) {
    onRound(round, most)
    for (const at of tracks.keys()) {
      // Another one begins each round: what ran before leaves its data in the caches, and its heat.
      const { runner, repeats, rounds, samples } = tracks[(at + round) % tracks.length]!
      const due = Math.floor(((round + 1) * rounds) / most) > Math.floor((round * rounds) / most)
      if (!due) continue
      // Not timed: whoever ran before has left the caches full of its own data, a dense matrix for instance.
      await runner.time(1)
      samples.push((await runner.time(repeats)) / repeats)
      if (runner.settle) await sleep(runner.settle)
    }
  }
  return tracks.map(({ samples }) => summarise(samples))
}

/** Runs until code, caches and clocks have settled; the least time of a run. */
async function warmUp(runner: Runner, budget: number): Promise<number> {
  let least = Infinity
  for (let spent = 0, count = 0; count < 2 || (spent < budget && count < 1000); count++) {
    const each = await runner.time(1)
    spent += each
    least = Math.min(least, each)
  }
  return Math.max(least, 1e-4)
}

export function summarise(samples: readonly number[]): Times {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const position = share * (sorted.length - 1)
    const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!]
    return low + (high - low) * (position - Math.floor(position))
  }
  return { median: at(0.5), least: sorted[0]!, spread: [at(0.25), at(0.75)], rounds: samples.length }
}
