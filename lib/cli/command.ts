import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/** What the flags of a command line gave: flags by name, and the rest in order. */
export interface Arguments {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly rest: readonly string[]
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** What follows `brauer NAME` in the help, one line per form. */
  readonly forms: readonly string[]
  /** Flags, each with its line of help. */
  readonly flags: Readonly<Record<string, Flag>>
  /** The exit status: 0, or 1 where what was asked for does not hold. */
  run(arguments_: Arguments): Promise<number>
}

/** A command that reads its own command line, help and errors included. */
export interface WholeCommand {
  readonly name: string
  readonly summary: string
  /** The exit status. */
  main(words: readonly string[]): Promise<number>
}

export interface Flag {
  readonly help: string
  /** The name of the flag's value in the help; a flag without one is a switch. */
  readonly value?: string
  readonly short?: string
}

/** A command line that is wrong in itself: exit status 2. */
export class UsageError extends Error {}

/** @throws UsageError for a flag that does not exist, or one without its value */
export function parse(command: Command, words: readonly string[]): Arguments {
  const options: Options = {}
  for (const [name, { value, short }] of Object.entries({ ...command.flags, ...commonFlags })) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) }
  }
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
    return { flags: values as Arguments['flags'], rest: positionals }
  } catch (error) {
    // Node's message goes on about positionals; its first sentence says it.
    const [sentence = ''] = (error as Error).message.split(/\.\s|\n/)
    throw new UsageError(
      `${command.name}: ${sentence.replace(/^./, (letter) => letter.toLowerCase()).replace(/\.$/, '')}`,
    )
  }
}

const commonFlags: Readonly<Record<string, Flag>> = {
  help: { help: 'this text', short: 'h' },
  debug: { help: 'show the stack of an error' },
}

export function helpOf(command: Command): string {
  const lines = Object.entries({ ...command.flags, ...commonFlags }).map(([name, flag]) => {
    const short = flag.short === undefined ? '    ' : `-${flag.short}, `
    return [`  ${short}--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag.help]
  })
  const width = Math.max(...lines.map(([left]) => left!.length)) + 2
  return [
    ...command.forms.map((form, i) => `${i === 0 ? 'usage: ' : '       '}brauer ${command.name} ${form}`.trimEnd()),
    '',
    `${command.summary}`,
    '',
    ...lines.map(([left, right]) => left!.padEnd(width) + right),
  ].join('\n')
}
