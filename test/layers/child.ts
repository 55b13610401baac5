/** Runs a module in a process of its own, for what would take this one along: endless loops, no memory left, the environment. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Outcome {
  /** What the module passed to `answer`. */
  readonly value?: unknown
  /** The error that it ended with, or that one of `refusal`'s calls threw. */
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string }
}

/** `brauer` is the built library; `answer(value)` hands back JSON. Killed after `seconds` or past 1 GiB of heap. */
export function inProcess(body: string, env: Readonly<Record<string, string>> = {}, seconds = 20): Outcome {
  const code = `
    import * as brauer from ${JSON.stringify(`${root}dist/index.js`)}
    const answer = (value) => console.log('@' + JSON.stringify({ value }))
    try {
      ${body}
    } catch ({ name, code, message }) {
      console.log('@' + JSON.stringify({ error: { name, code, message: String(message).slice(0, 4000) } }))
    }`
  const child = spawnSync(process.execPath, ['--max-old-space-size=1024', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, ...env },
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  })
  const line = child.stdout.split('\n').find((text) => text.startsWith('@'))
  if (line === undefined) {
    const how = child.error?.message ?? child.signal ?? `exit code ${child.status}`
    throw new Error(`expected an answer within ${seconds} s, received ${how}\n${child.stderr.slice(0, 600)}`)
  }
  return JSON.parse(line.slice(1)) as Outcome
}
