import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Where the CUDA backend is built on an emulated GPU, beside build-asan/. The first has the addon too, where node-gyp-build finds it below
 *  BRAUER_PREBUILD. */
export const emulations = [
  { folder: 'build-emulated/build', title: 'build both on an emulated GPU' },
  { folder: 'build-emulated-tsan', title: 'build its tests under TSan', sanitizers: 'thread' },
]

const stampFile = join(root, '.cache', 'setup.json')

/** The files under a folder of the project, relative to its root, with `/`, sorted; none where there is no such folder. What is
 *  installed (bench/node_modules) is none of them. */
export function listFiles(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/').replace(/^\/+/, ''))
    .filter((file) => !file.includes('/node_modules/'))
    .sort()
}

/** A hash of the names and contents of files, and of further values. */
export function hashOf(files, ...values) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  for (const value of values) hash.update(value).update('\0')
  return hash.digest('hex')
}

/** What the addon is made from, the version it names included. The compiler is not part of it: another one is no reason to
 *  build again. */
export function nativeHash() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const scripts = ['scripts/gyp-build.mjs', 'scripts/nvcc.mjs']
  const files = [...listFiles('native'), ...listFiles('cuda'), 'CMakeLists.txt', ...scripts]
  return hashOf(files, process.platform, process.arch, version)
}

/** What the environment asks of a build, see scripts/gyp-build.mjs; '' for nothing. */
export function nativeOptions() {
  return [process.env.WITH_CUDA, process.env.BRAUER_CUDA_ARCHITECTURES].filter(Boolean).join(' ')
}

export function readStamps() {
  return existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {}
}

export function writeStamps(changes) {
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, JSON.stringify({ ...readStamps(), ...changes }, null, 2))
}
