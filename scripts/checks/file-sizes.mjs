import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFiles } from '../setup/source-files.mjs'
import { root } from '../setup/stamps.mjs'

const most = 450
export const name = `no source file is longer than ${most} lines`

export function run() {
  return sourceFiles()
    .filter((file) => /\.(ts|mjs|js|cpp|h|cu|cuh)$/.test(file))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > most)
    .map(({ file, lines }) => `${file}: ${lines} lines`)
}
