// Formats the C++ with the pinned clang-format. Usage: node scripts/clang-format.mjs [--check]; exit code 77: no binary for this machine.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, root } from './setup/stamps.mjs'

const folder = { linux: 'linux_x64', darwin: 'darwin_x64', win32: 'win32' }[process.platform]
const program = join(
  root,
  'node_modules/clang-format/bin',
  folder ?? '',
  `clang-format${folder === 'win32' ? '.exe' : ''}`,
)
if (!existsSync(program) || spawnSync(program, ['--version']).status !== 0) {
  console.log(`clang-format has no binary for ${process.platform}-${process.arch}`)
  process.exit(77)
}
const files = ['native', 'cuda', 'bench/gpu', 'test/native']
  .flatMap(listFiles)
  .filter((file) => /\.(h|cpp|cu|cuh)$/.test(file))
const mode = process.argv.includes('--check') ? ['--dry-run', '-Werror'] : ['-i']
process.exit(files.length ? (spawnSync(program, [...mode, ...files], { cwd: root, stdio: 'inherit' }).status ?? 1) : 0)
