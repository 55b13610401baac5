import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a module's text in a fresh process, `brauer` being the built library; returns what it printed as JSON. */
export function inChild(body: string, env: Readonly<Record<string, string>> = {}): unknown {
  const code = `import * as brauer from ${JSON.stringify(`${root}dist/index.js`)}\n${body}`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, ...env },
  })
  if (child.status !== 0) throw new Error(`exit ${child.status ?? child.signal}\n${child.stderr}`)
  return JSON.parse(child.stdout)
}

/** A BLAS made for tests, where it is built. */
export const fakeBlas = ['so', 'dll']
  .map((ending) => `${root}build-cmake/Release/fake_blas.${ending}`)
  .find((path) => existsSync(path))
