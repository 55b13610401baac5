import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script of the project in a Node process of its own. */
export function node(script: string, words: readonly string[], { cwd = root, env = {} } = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), ...words], {
    cwd,
    encoding: 'utf8',
    // NODE_OPTIONS is jest's own.
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  })
  return { status, stdout, stderr }
}

/** Runs the command line. */
export function brauer(words: readonly string[], options?: { cwd?: string; env?: Record<string, string> }): Outcome {
  return node('dist/cli/main.js', words, options)
}

/** A folder that is removed again. */
export function scratch(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'brauer-test-'))
  return { path, remove: () => rmSync(path, { recursive: true }) }
}
