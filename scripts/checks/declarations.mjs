// tsconfig.json does not look into declaration files, since those of some packages need a browser's. So our own are looked at here.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { listFiles, root } from '../setup/stamps.mjs'

export const name = 'the hand-written declarations in lib/ are right'

export function run() {
  const files = listFiles('lib').filter((file) => file.endsWith('.d.ts'))
  if (files.length === 0) return { skip: 'there are none' }
  const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
  const options = ['--noEmit', '--strict', '--module', 'NodeNext', '--target', 'ES2023', '--types', 'node']
  try {
    execFileSync(process.execPath, [tsc, '--ignoreConfig', ...options, ...files], { cwd: root, encoding: 'utf8' })
    return []
  } catch (error) {
    return [String(error.stdout ?? error)]
  }
}
