// Ends of every kind, in processes of their own: a crash there is the failure of one test here.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))
const minute = 60_000

interface Ending {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

function start(script: string, rest: readonly string[], environment: Record<string, string>): Promise<Ending> {
  const path = fileURLToPath(new URL(`stress/${script}`, import.meta.url))
  const child = spawn(process.execPath, ['--expose-gc', path, ...rest], { env: { ...process.env, ...environment } })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

const scripts = ['terminate', 'terminate calls', 'in-turn', 'at-once', 'transfer', 'lifetime']
const exits = [
  ['exit', 3],
  ['throw', 1],
  ['reject', 1],
  ['abort', 3],
  ['workers', 3],
  ['inside', 3],
  ['end', 3],
] as const
const delays = [0, 1, 7, 20, 45]

function suite(environment: Record<string, string>): void {
  test.each(scripts)(
    '%s',
    async (script) => {
      const [name, ...rest] = script.split(' ')
      const ending = await start(`${name}.mjs`, rest, environment)
      expect(ending).toEqual({ code: 0, signal: null, output: expect.stringMatching(/^ok .*\n$/) })
    },
    6 * minute,
  )

  test.each(exits)(
    'the process ends during a run: %s',
    async (way, code) => {
      for (const delay of delays) {
        const ending = await start('exit.mjs', [way, String(delay)], environment)
        const output = code === 1 ? expect.stringMatching(/Error: on purpose[^]*Node\.js v[^\n]*\n$/) : ''
        expect({ delay, ...ending }).toEqual({ delay, code, signal: null, output })
      }
    },
    2 * minute,
  )
}

describe('as it is', () => suite({}))

/** The addon that `scripts/setup.mjs --sanitized` builds, and the libraries that its sanitizers need in a program without them. */
function sanitized(): Record<string, string> | undefined {
  const addon = join(root, 'build-asan', 'Release', 'brauer.node')
  const libraries = ['libasan.so', 'libubsan.so'].map((name) => {
    const { status, stdout } = spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' })
    return status === 0 ? stdout.trim() : ''
  })
  // The bare name comes back when there is no such file.
  if (!existsSync(addon) || !libraries.every(isAbsolute)) return undefined
  // node-gyp-build looks for build/Release below the folder that BRAUER_PREBUILD names.
  const folder = mkdtempSync(join(tmpdir(), 'brauer-asan-'))
  mkdirSync(join(folder, 'build', 'Release'), { recursive: true })
  symlinkSync(addon, join(folder, 'build', 'Release', 'brauer.node'))
  // Leaks are not looked for: Node itself frees little at its end, and the threads that stay are meant to.
  return { BRAUER_PREBUILD: folder, LD_PRELOAD: libraries.join(' '), ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1' }
}

const environment = sanitized()
if (environment === undefined) {
  describe.skip('under AddressSanitizer (no sanitized addon in build-asan/, or no libasan)', () => suite({}))
} else {
  describe('under AddressSanitizer', () => {
    afterAll(() => rmSync(environment['BRAUER_PREBUILD'] as string, { recursive: true }))
    suite(environment)
  })
}
