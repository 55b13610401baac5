#!/usr/bin/env node
import { createRequire } from 'node:module'
import { BrauerError } from '../errors.js'
import { type Command, helpOf, parse, UsageError, type WholeCommand } from './command.js'
import { bench } from './commands/bench.js'
import { check } from './commands/check.js'
import { explain } from './commands/explain.js'
import { info } from './commands/info.js'
import { run } from './commands/run.js'
import { oneLine } from './table.js'

const commands: readonly (Command | WholeCommand)[] = [info, explain, run, check, bench]

void main(process.argv.slice(2)).then((code) => (process.exitCode = code))

async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words
  const command = commands.find((candidate) => candidate.name === name)
  try {
    if (command && 'main' in command) return await command.main(rest)
    if (command) {
      const parsed = parse(command, rest)
      if (parsed.flags['help'] === true) return print(helpOf(command))
      return await command.run(parsed)
    }
    if (name === '--help' || name === '-h' || name === 'help') return print(overview())
    if (name === '--version')
      return print((createRequire(import.meta.url)('../../package.json') as { version: string }).version)
    throw new UsageError(name === undefined ? 'a command is missing' : `there is no command ${JSON.stringify(name)}`)
  } catch (error) {
    return report(error, command, words.includes('--debug'))
  }
}

/** One sentence on stderr, no stack. The status is 2 for a wrong command line, 1 for everything else. */
function report(error: unknown, command: { readonly name: string } | undefined, debug: boolean): number {
  const usage = error instanceof UsageError
  const message = error instanceof Error ? error.message : String(error)
  const hint = usage ? `; see brauer ${command ? `${command.name} ` : ''}--help` : ''
  console.error(`brauer: ${oneLine(message)}${hint}`)
  if (debug) console.error(error)
  else if (!usage && !(error instanceof BrauerError)) console.error('brauer: --debug shows where')
  return usage ? 2 : 1
}

function overview(): string {
  return [
    'usage: brauer COMMAND …',
    '',
    'Linear layers between tensor powers of R^n that are equivariant to S(n), O(n), SO(n) or Sp(n).',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(10)}${command.summary}`),
    '',
    'brauer COMMAND --help shows the flags of one; brauer --version, the version.',
  ].join('\n')
}

function print(text: string): number {
  console.log(text)
  return 0
}
