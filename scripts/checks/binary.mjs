// The addon runs where there is nothing but a C library: with or without a GPU, its driver and CUDA. And it is small.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '../setup/needs.mjs'
import { root } from '../setup/stamps.mjs'

export const name = 'the binary needs the C library alone, exports what Node asks for and has at most 6 MB'

const libraries = /^(lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s)\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$/
const exported = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
const budget = 6_000_000
const binary = join('build', 'Release', 'brauer.node')

export function run() {
  if (process.platform !== 'linux') return { skip: 'only on Linux' }
  const missing = ['readelf', 'nm', 'strip'].find((program) => !onPath(program))
  if (missing) return { skip: `${missing} is not on the PATH` }
  if (!existsSync(join(root, binary))) return [`${binary} is not there`]
  const problems = []
  const needed = [...output('readelf', '-dW', binary).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library)
  if (needed.length === 0) problems.push('readelf finds no library that it needs')
  problems.push(...needed.filter((library) => !libraries.test(library)).map((library) => `${library} is needed`))
  const symbols = output('nm', '-D', '--defined-only', '--format=posix', binary).split('\n').filter(Boolean)
  const names = symbols.map((line) => line.split(' ')[0]).sort()
  if (names.join() !== exported.join()) problems.push(`exported: ${names.join(', ')}`)
  const size = strippedSize()
  if (size > budget) problems.push(`${size} bytes without symbols, ${budget} are allowed`)
  return problems
}

function strippedSize() {
  const folder = mkdtempSync(join(tmpdir(), 'brauer-strip-'))
  try {
    output('strip', '-o', join(folder, 'brauer.node'), binary)
    return statSync(join(folder, 'brauer.node')).size
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function output(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program}: ${stderr}`)
  return stdout
}
