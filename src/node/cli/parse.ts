/**
 * From the words of a command line to a command with its options.
 */
import { parseArgs } from 'node:util'
import { Args, type Command } from './command.ts'
import { COMMANDS, LATER } from './commands.ts'
import { type Failure, notInThisVersion, usage } from './failure.ts'
import { GLOBAL_OPTIONS } from './help.ts'

export type Parsed =
  | { readonly ask: 'run'; readonly command: Command; readonly args: Args }
  | { readonly ask: 'help'; readonly command: Command }
  | { readonly ask: 'overview'; readonly word: string | undefined }
  | { readonly ask: 'version' }

/** Where the first words are that are neither options nor their values, before a `--`. */
function wordPositions(argv: readonly string[]): readonly number[] {
  const positions: number[] = []
  for (let at = 0; at < argv.length && positions.length < 2; at++) {
    const word = argv[at] ?? ''
    if (word === '--') break
    const option = word.startsWith('--') ? GLOBAL_OPTIONS[word.slice(2)] : undefined
    if (option?.value !== undefined) at++
    else if (!word.startsWith('-')) positions.push(at)
  }
  return positions
}

function findCommand(
  argv: readonly string[],
  positions: readonly number[],
): { command: Command; words: number } | undefined {
  const words = positions.map((at) => argv[at])
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ')
    const command = COMMANDS.find((known) => known.name === name)
    if (command !== undefined) return { command, words: count }
  }
  return undefined
}

function withoutCommand(argv: readonly string[], positions: readonly number[]): Parsed {
  const word = positions[0] === undefined ? undefined : argv[positions[0]]
  const asksHelp = argv.some((argument) => argument === '--help' || argument === '-h')
  if (word === undefined) {
    if (argv.includes('--version')) return { ask: 'version' }
    if (asksHelp) return { ask: 'overview', word: undefined }
    throw usage('Say what to do: "tulnic start" runs the node and opens the app, "tulnic --help" lists all commands.')
  }
  if (LATER.has(word)) throw notInThisVersion(`tulnic ${word}`)
  const isGroup = COMMANDS.some((command) => command.name.startsWith(`${word} `))
  if (isGroup && asksHelp) return { ask: 'overview', word }
  if (word === 'help') return { ask: 'overview', word: undefined }
  throw usage(
    `There is no command ${JSON.stringify(word)}${isGroup ? ' with that second word' : ''}: "tulnic --help" lists all.`,
  )
}

/** Finds the command. Wrong usage is a {@link Failure} with exit 2. */
export function parse(argv: readonly string[]): Parsed {
  const positions = wordPositions(argv)
  const found = findCommand(argv, positions)
  if (found === undefined) return withoutCommand(argv, positions)
  const { command } = found
  const taken = new Set(positions.slice(0, found.words))
  const { values, positionals } = parseRest(
    argv.filter((_, at) => !taken.has(at)),
    command,
  )
  const args = new Args(values, positionals)
  if (args.flag('help')) return { ask: 'help', command }
  args.refuseLater(command.options)
  const [least, most] = command.count
  if (positionals.length < least || positionals.length > most)
    throw usage(`Use it so: tulnic ${command.name} ${command.takes}`.trimEnd())
  return { ask: 'run', command, args }
}

function parseRest(argv: string[], command: Command): ReturnType<typeof parseArgs> {
  const all = { ...GLOBAL_OPTIONS, ...command.options }
  const options = Object.fromEntries(
    Object.entries(all).map(([name, { type, multiple }]) => [
      name,
      { type, multiple: multiple === true, ...(name === 'help' ? { short: 'h' } : {}) },
    ]),
  )
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw parseFailure(error, command)
  }
}

function parseFailure(error: unknown, command: Command): Failure {
  const words = error instanceof Error ? (error.message.split(/[.\n]/, 1)[0] ?? '') : String(error)
  return usage(`${words}: see "tulnic ${command.name} --help".`)
}
