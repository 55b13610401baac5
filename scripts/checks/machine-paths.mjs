// No file names a path of the machine it was written on, and the lock file names no registry.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sourceFiles } from '../setup/source-files.mjs'
import { root } from '../setup/stamps.mjs'

export const name = 'no file names a path of one machine'

export function run() {
  // A path of one level, as `/app`, is also an ordinary word.
  const here = [root, homedir()]
    .map((path) => path.replaceAll('\\', '/').replace(/\/$/, ''))
    .filter((path) => path.lastIndexOf('/') > 0)
  const homes = /(?<![\w.~-])\/(?:home|Users|root)\/[\w.-]+/
  const problems = []
  for (const file of sourceFiles()) {
    const text = readFileSync(join(root, file), 'utf8')
    if (text.includes('\0')) continue
    for (const [index, line] of text.split('\n').entries()) {
      const found = here.find((path) => line.includes(path)) ?? homes.exec(line)?.[0]
      if (found) problems.push(`${file}:${index + 1}: ${found}`)
      if (file === 'package-lock.json' && line.includes('"resolved"'))
        problems.push(`${file}:${index + 1}: a registry address`)
    }
  }
  return problems
}
