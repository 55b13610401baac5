// The binary asks for no newer glibc than the README promises.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../setup/needs.mjs'
import { root } from '../setup/stamps.mjs'

export const name = 'the binary needs no newer glibc than the README names'

export function run() {
  if (process.platform !== 'linux' || !process.report.getReport().header.glibcVersionRuntime)
    return { skip: 'glibc is not used here' }
  if (!onPath('readelf')) return { skip: 'readelf is not on the PATH' }
  const readme = existsSync(join(root, 'README.md')) ? readFileSync(join(root, 'README.md'), 'utf8') : ''
  const promised = /glibc (\d+)\.(\d+)/.exec(readme)
  if (!promised) return ['README.md names no floor ("glibc 2.x")']
  const { stdout } = spawnSync('readelf', ['--version-info', '--wide', 'build/Release/brauer.node'], {
    cwd: root,
    encoding: 'utf8',
  })
  const needed = [...stdout.matchAll(/\bGLIBC_(\d+)\.(\d+)/g)]
  if (needed.length === 0) return ['readelf finds no glibc version in build/Release/brauer.node']
  const newer = needed.filter(([, major, minor]) => major * 1000 + +minor > promised[1] * 1000 + +promised[2])
  return [...new Set(newer.map(([version]) => `${version} is needed, ${promised[0]} is promised`))]
}
