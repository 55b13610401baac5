// The steps of scripts/setup.mjs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { capture, step, taken, withLock } from './progress.mjs'
import { emulationWorks, fail, requireCmake, requireCompiler, sanitizersWork } from './needs.mjs'
import { emulations, hashOf, listFiles, nativeHash, nativeOptions, readStamps, root, writeStamps } from './stamps.mjs'

const { values: flags } = parseArgs({
  options: {
    tests: { type: 'boolean', default: false },
    sanitized: { type: 'boolean', default: false },
    bench: { type: 'boolean', default: false },
    examples: { type: 'boolean', default: false },
  },
})

await withLock(join(root, '.cache'), async () => {
  await dependencies()
  await typescript('tsconfig.json', 'lib', 'dist')
  await native()
  if (flags.tests) await emulated()
  if (flags.bench) await typescript('tsconfig.bench.json', 'bench', 'dist-bench')
  if (flags.examples) await typescript('tsconfig.examples.json', 'examples', 'dist-examples')
  // For scripts/test.mjs, which says what everything took.
  writeFileSync(join(root, '.cache', 'setup-seconds.json'), JSON.stringify(taken))
})

async function dependencies() {
  // The stamp lies in node_modules, so that deleting the folder deletes it.
  const stamp = join(root, 'node_modules', '.brauer-setup')
  const wanted = hashOf(['package-lock.json'], process.platform, process.arch)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const npm = process.env.npm_execpath
    ? [process.execPath, process.env.npm_execpath]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm']
  await step('install dependencies', () => capture([...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund']))
  writeFileSync(stamp, wanted)
}

/** Compiles one folder of TypeScript and removes what an earlier source left behind: it would still be importable, and packed. */
async function typescript(config, from, to) {
  const files = listFiles(from).filter((file) => file.endsWith('.ts'))
  const declarations = files.filter((file) => file.endsWith('.d.ts'))
  const sources = files.filter((file) => !file.endsWith('.d.ts'))
  if (sources.length === 0) fail(`There is no TypeScript under ${from}/ to compile.`)
  const wanted = hashOf([config, 'tsconfig.json', ...files], readFileSync(join(root, 'package-lock.json')))
  const output = (file) => join(to, file.slice(from.length + 1).replace(/(\.d)?\.ts$/, ''))
  const outputs = sources.map(output)
  const complete = outputs.every((path) => existsSync(join(root, `${path}.js`)))
  const stamps = readStamps()
  if (complete && stamps[to] === wanted) return
  // tsc trusts its own record of what it has written, and would not write a deleted output again.
  if (!complete) rmSync(join(root, to, '.tsbuildinfo'), { force: true })
  const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
  await step(`compile ${from}/`, () => capture([process.execPath, tsc, '-p', config]))
  // tsc reads hand-written declarations and leaves them behind; those it writes refer to them.
  for (const file of declarations) {
    const copy = join(root, `${output(file)}.d.ts`)
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(join(root, file), copy)
  }
  const made = new Set(files.map(output))
  for (const file of listFiles(to)) {
    if (/\.(d\.ts|js|js\.map)$/.test(file) && !made.has(file.replace(/\.(d\.ts|js|js\.map)$/, '')))
      rmSync(join(root, file))
  }
  writeStamps({ [to]: wanted })
}

async function native() {
  const wanted = hashOf([], nativeHash(), nativeOptions())
  const tests = hashOf([...listFiles('test/native'), ...listFiles('bench/gpu')], wanted)
  const stamps = readStamps()
  const built = join(root, 'build', 'Release', 'brauer.node')
  const upToDate = stamps.native === wanted && existsSync(built)

  if (flags.tests) {
    if (upToDate && stamps.tests === tests && existsSync(join(root, 'build-cmake', 'CTestTestfile.cmake')))
      return sanitized(tests)
    await requireTools()
    await step('build the native addon and its tests', () => gypBuild('--all', '-DBRAUER_TESTS=ON'))
    writeStamps({ native: wanted, tests })
    return sanitized(tests)
  }
  if (upToDate || usePrebuilt()) return
  if (process.env.BRAUER_BACKEND === 'reference') return
  await requireTools()
  await step('build the native addon', () => gypBuild())
  writeStamps({ native: wanted })
}

async function sanitized(wanted) {
  if (!flags.sanitized) return
  const complete = existsSync(join(root, 'build-asan', 'CTestTestfile.cmake'))
  const stamps = readStamps()
  if (stamps.sanitized === wanted && complete) return
  if (stamps.sanitized === `unsupported ${wanted}`) return
  if (!sanitizersWork('address,undefined')) return writeStamps({ sanitized: `unsupported ${wanted}` })
  // The sanitizers see nothing of CUDA itself, and nvcc takes its time.
  const defines = ['-DBRAUER_TESTS=ON', '-DBRAUER_SANITIZE=address,undefined', '-DWITH_CUDA=OFF']
  if (emulationWorks()) defines.push('-DBRAUER_EMULATE=ON')
  await step('build both under ASan and UBSan', () => gypBuild('--all', '--no-copy', '--out', 'build-asan', ...defines))
  writeStamps({ sanitized: wanted })
}

/** The CUDA backend on an emulated GPU: in an addon, and in C++ tests, which the sanitizers look at too. Each folder has its own stamp, and
 *  whatever needs compiling again in it is for the build tool to know. */
async function emulated() {
  const headers = listFiles('test/native').filter((file) => /^test\/native\/\w+\.h$/.test(file))
  const folders = ['test/native/cuda', 'test/native/emulation', 'bench/gpu']
  const sources = [...folders.flatMap(listFiles), ...headers]
  const wanted = hashOf(sources, nativeHash())
  for (const { folder, title, sanitizers } of emulations) {
    if (sanitizers && !flags.sanitized) continue
    const stamp = readStamps()[folder]
    if (stamp === `unsupported ${wanted}`) continue
    if (stamp === wanted && existsSync(join(root, folder, 'CTestTestfile.cmake'))) continue
    if (!emulationWorks() || (sanitizers && !sanitizersWork(sanitizers))) {
      writeStamps({ [folder]: `unsupported ${wanted}` })
      continue
    }
    await requireTools()
    const defines = ['-DBRAUER_EMULATE=ON', '-DBRAUER_TESTS=ON', '-DWITH_CUDA=OFF']
    if (sanitizers) defines.push('-DBRAUER_ADDON=OFF', `-DBRAUER_SANITIZE=${sanitizers}`)
    // The core is what `native` has just built.
    else defines.push(`-DBRAUER_CORE_LIBRARY=${join(root, 'build-cmake', 'libbrauer_core.a')}`)
    await step(title, () => gypBuild('--all', '--no-copy', '--out', folder, ...defines))
    writeStamps({ [folder]: wanted })
  }
}

async function requireTools() {
  requireCompiler()
  requireCmake()
}

function gypBuild(...args) {
  return capture([process.execPath, join(root, 'scripts', 'gyp-build.mjs'), ...args])
}

/** A prebuilt binary is as good as a build when it was made from these very sources; scripts/prebuild.mjs notes their hash beside it. */
function usePrebuilt() {
  if (nativeOptions() !== '') return false
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`)
  const note = join(folder, 'sources.sha256')
  if (!existsSync(note) || readFileSync(note, 'utf8').trim() !== nativeHash()) return false
  process.env.PREBUILDS_ONLY = '1'
  try {
    createRequire(import.meta.url)('node-gyp-build').path(root)
  } catch {
    return false // none for this libc
  }
  // A build of other sources would win over the prebuilt binary.
  rmSync(join(root, 'build', 'Release'), { recursive: true, force: true })
  return true
}
