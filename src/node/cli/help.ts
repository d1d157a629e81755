/**
 * What `--help` prints.
 */
import type { Command, Option } from './command.ts'
import { COMMANDS } from './commands.ts'

/** Options of every command. */
export const GLOBAL_OPTIONS: Readonly<Record<string, Option>> = {
  data: { type: 'string', value: 'DIR', help: "the profile's folder (else TULNIC_DATA, else this system's place)" },
  json: { type: 'boolean', help: 'print JSON objects, one a line' },
  quiet: { type: 'boolean', help: 'print results only' },
  timeout: { type: 'string', value: 'S', help: 'seconds to wait where something is waited for (30)' },
  help: { type: 'boolean', help: 'print this' },
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

function optionRows(options: Readonly<Record<string, Option>>): readonly (readonly [string, string])[] {
  const present = Object.entries(options).filter(([, option]) => option.later !== true)
  return present.map(([name, { value, help }]) => [value === undefined ? `--${name}` : `--${name} ${value}`, help])
}

/** All commands, or those of one first word. */
export function overview(word: string | undefined): string {
  const shown = COMMANDS.filter(
    (command) => command.help !== 'not in this version' && (word === undefined || command.name.startsWith(`${word} `)),
  )
  const rows = shown.map((command): readonly [string, string] => [
    `${command.name} ${command.takes}`.trimEnd(),
    command.help,
  ])
  return `tulnic, a messenger without a server\n\n${columns(rows)}\n\nEach has --help. For all of them:\n\n${columns(optionRows(GLOBAL_OPTIONS))}`
}

/** One command. */
export function helpOf(command: Command): string {
  const own = optionRows(command.options)
  const usage = ['tulnic', command.name, command.takes, own.length === 0 ? '' : '[options]']
    .filter((part) => part !== '')
    .join(' ')
  return `${usage}\n\n${command.help}\n\n${columns([...own, ...optionRows(GLOBAL_OPTIONS)])}`
}
