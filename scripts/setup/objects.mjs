// What the linker sees of the compiled C++: symbols of object files, by nm.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { onPath } from './needs.mjs'
import { listFiles, root } from './stamps.mjs'

/** The object files of the addon and its libraries (not of tests), or the reason why there is nothing to read. */
export function addonObjects() {
  if (!onPath('nm')) return { skip: 'nm is not on the PATH' }
  const objects = listFiles('build-cmake').filter((file) => /\/brauer(_core|_cuda)?\.dir\/.*\.o$/.test(file))
  // A source that has gone leaves its object behind.
  const present = new Set(['native', 'cuda'].flatMap(listFiles))
  return { objects: objects.filter((file) => present.has(file.replace(/^.*?\.dir\//, '').replace(/\.o$/, ''))) }
}

/** The symbols of one object file: [type letter of nm, name]. */
export function symbolsOf(object) {
  const { status, stdout, stderr } = spawnSync('nm', ['--format=posix', object], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`nm ${object}: ${stderr}`)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '))
    .map(([symbol, type]) => [type, symbol])
}

export const sourceOf = (object) => join(object.replace(/^.*?\.dir\//, '').replace(/\.o$/, ''))
