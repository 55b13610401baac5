import { readdirSync } from 'node:fs'
import { listFiles, root } from './stamps.mjs'

const folders = ['lib', 'native', 'cuda', 'test', 'bench', 'examples', 'scripts', '.ci']

/** Every file that belongs to the project, in a clone and in an unpacked archive alike: nothing that is built or installed. */
export function sourceFiles() {
  const top = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith('.tgz'),
  )
  return [...top.map((entry) => entry.name), ...folders.flatMap(listFiles)]
}
