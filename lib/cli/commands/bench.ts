import { existsSync } from 'node:fs'
import { BrauerError } from '../../errors.js'
import type { WholeCommand } from '../command.js'

/** What dist-bench/main.js has to offer: compiled from bench/, which imports this package's own dist/. */
interface Bench {
  main(words: readonly string[]): Promise<number>
}

const program = new URL('../../../dist-bench/main.js', import.meta.url)

export const bench: WholeCommand = {
  name: 'bench',
  summary: 'Times layers against the roofline of this machine and against other ways to compute them.',
  async main(words) {
    if (!existsSync(program))
      throw new BrauerError(
        'invalid-file',
        'bench: expected the compiled benchmark in dist-bench/, received none; `npm run bench` makes it in a clone',
      )
    const { main } = (await import(program.href)) as Bench
    return main(words)
  },
}
