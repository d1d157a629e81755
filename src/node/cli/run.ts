/**
 * One run of the command line: parse, do, and end with an exit code.
 */
import { packageVersion } from '../server/package.ts'
import type { StartNode } from './command.ts'
import { dataDirectory } from './data-directory.ts'
import { EXIT, type ExitCode, failureOf, usage } from './failure.ts'
import { helpOf, overview } from './help.ts'
import { Output } from './output.ts'
import { parse } from './parse.ts'
import { plainLine } from './plain-text.ts'

const DEFAULT_TIMEOUT_S = 30
const LONGEST_TIMEOUT_S = 86_400

/** Runs a command line; what goes wrong is one line on stderr. */
export async function run(argv: readonly string[], startNode: StartNode): Promise<ExitCode> {
  try {
    await runParsed(argv, startNode)
    return EXIT.done
  } catch (error) {
    const failure = failureOf(error)
    process.stderr.write(`tulnic: ${plainLine(failure.message)}\n`)
    return failure.exit
  }
}

async function runParsed(argv: readonly string[], startNode: StartNode): Promise<void> {
  const parsed = parse(argv)
  if (parsed.ask === 'version') return print(packageVersion())
  if (parsed.ask === 'overview') return print(overview(parsed.word))
  if (parsed.ask === 'help') return print(helpOf(parsed.command))
  const { args, command } = parsed
  const out = new Output(args.flag('json'), args.flag('quiet'))
  await command.run({
    args,
    out,
    dataDirectory: dataDirectory(args.text('data'), process.env),
    timeoutMs: timeoutMs(args.text('timeout')),
    startNode,
  })
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function timeoutMs(given: string | undefined): number {
  if (given === undefined) return DEFAULT_TIMEOUT_S * 1000
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN
  if (!(seconds > 0 && seconds <= LONGEST_TIMEOUT_S))
    throw usage(`--timeout must be a number of seconds up to ${LONGEST_TIMEOUT_S}, not ${JSON.stringify(given)}.`)
  return seconds * 1000
}

/** Runs the command line of this process and ends it, once all that was printed has left. */
export async function runProcess(startNode: StartNode): Promise<never> {
  // Whoever read from us has gone (`| head`): there is nobody left to tell anything.
  process.stdout.on('error', () => process.exit(EXIT.done))
  process.stderr.on('error', () => {})
  const code = await run(process.argv.slice(2), startNode)
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))),
  )
  process.exit(code)
}
