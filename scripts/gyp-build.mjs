// Builds the addon with cmake-js in build-cmake/ and copies it to build/Release, where node-gyp-build looks first. binding.gyp runs it, which
// is how `npm install` without a prebuilt binary, node-gyp and prebuildify arrive here; scripts/setup.mjs runs it directly.
// Usage: node scripts/gyp-build.mjs [--out folder] [--no-copy] [--all] [-DNAME=value ...]    (--all: every target, not the addon alone)
// The environment: WITH_CUDA and BRAUER_CUDA_ARCHITECTURES are the options of CMakeLists.txt of these names.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..'))
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'build-cmake' },
    'no-copy': { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    define: { type: 'string', short: 'D', multiple: true, default: [] },
  },
})
const out = join(root, values.out)
const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')

// CMake refuses a build folder that was made for another path: a moved or copied checkout starts afresh.
const cache = join(out, 'CMakeCache.txt')
if (
  existsSync(cache) &&
  !readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root.replaceAll('\\', '/')}\n`)
) {
  rmSync(out, { recursive: true })
}

// Set in every run: CMake remembers what an earlier one was told.
const cuda = [
  `WITH_CUDA=${process.env.WITH_CUDA || 'AUTO'}`,
  `BRAUER_CUDA_ARCHITECTURES=${process.env.BRAUER_CUDA_ARCHITECTURES || 'local'}`,
]
const defines = [...cuda, ...values.define].map((define) => `--CD${define}`)
const common = ['--directory', root, '--out', out, '--config', 'Release']
run('configure', ...defines)
run('build', '--parallel', String(availableParallelism()), ...(values.all ? [] : ['--target', 'brauer']))

if (!values['no-copy']) {
  const release = join(root, 'build', 'Release')
  mkdirSync(release, { recursive: true })
  // Through a rename: a process that has the old file mapped keeps it, instead of crashing on overwritten code.
  const fresh = join(release, 'brauer.node.new')
  copyFileSync(join(out, 'Release', 'brauer.node'), fresh)
  renameSync(fresh, join(release, 'brauer.node'))
}

function run(command, ...rest) {
  const { status, error } = spawnSync(process.execPath, [cmakeJs, command, ...common, ...rest], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
