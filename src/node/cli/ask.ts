/**
 * What a command asks: lines from stdin, and passphrases.
 *
 * Holds: a passphrase is never an argument (`ps` shows those), never echoed, and never asked for without a terminal.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text as textOf } from 'node:stream/consumers'
import { Writable } from 'node:stream'
import type { Context } from './command.ts'
import { EXIT, Failure, usage } from './failure.ts'

/** The options by which a passphrase is given. */
export const PASSPHRASE_OPTIONS = {
  'passphrase-file': { type: 'string', value: 'FILE', help: 'read the passphrase from this file (its first line)' },
  'no-passphrase': { type: 'boolean', help: 'keep the key in a file that only you can read, without a passphrase' },
} as const

/** Nobody types more; a file that is longer is not a passphrase. */
const PASSPHRASE_LIMIT = 1024

/** A passphrase from the file or the environment; `null`: wanted without one; `undefined`: not said. */
export function givenPassphrase({ args }: Context): string | null | undefined {
  const file = args.text('passphrase-file')
  const inherited = process.env.TULNIC_PASSPHRASE || undefined
  // What this process starts later need not inherit it.
  delete process.env.TULNIC_PASSPHRASE
  if (args.flag('no-passphrase')) {
    if (file !== undefined) throw usage('--no-passphrase and --passphrase-file exclude each other.')
    return null
  }
  const given = file === undefined ? inherited : readPassphraseFile(file)
  return given === undefined ? undefined : checked(given)
}

function readPassphraseFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? ''
  } catch {
    throw new Failure(
      EXIT.passphrase,
      `The passphrase file ${file} cannot be read: check its name and its permissions.`,
    )
  }
}

function checked(passphrase: string): string {
  if (passphrase === '')
    throw new Failure(EXIT.passphrase, 'The passphrase is empty: give one, or say --no-passphrase.')
  if (passphrase.length > PASSPHRASE_LIMIT)
    throw new Failure(EXIT.passphrase, `The passphrase is longer than ${PASSPHRASE_LIMIT} characters.`)
  return passphrase
}

/** Whether a person can be asked. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

const MISSING = 'A passphrase is needed: give it by --passphrase-file FILE or TULNIC_PASSPHRASE.'
const MISSING_FOR_NEW =
  'A passphrase is needed: give it by --passphrase-file FILE or TULNIC_PASSPHRASE, or say --no-passphrase.'

/** The passphrase of an existing profile, from a prompt. */
export async function askPassphrase(): Promise<string> {
  if (!hasTerminal()) throw new Failure(EXIT.passphrase, MISSING)
  return checked(await askHidden('Passphrase: '))
}

/** The passphrase for a new profile, as given or from a prompt, twice. */
export async function newPassphrase(context: Context): Promise<string | null> {
  const given = givenPassphrase(context)
  if (given === null)
    context.out.warn('Without a passphrase, whoever can read this disk can read everything in this profile.')
  if (given !== undefined) return given
  if (!hasTerminal()) throw new Failure(EXIT.passphrase, MISSING_FOR_NEW)
  const first = checked(await askHidden('Choose a passphrase: '))
  if ((await askHidden('Once more: ')) !== first)
    throw new Failure(EXIT.passphrase, 'The two passphrases differ: try again.')
  return first
}

async function askHidden(question: string): Promise<string> {
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
  try {
    return await new Promise((resolve, reject) => {
      reader.once('line', resolve)
      reader.once('SIGINT', () => reject(new Failure(EXIT.passphrase, 'No passphrase was given.')))
      reader.once('close', () => reject(new Failure(EXIT.passphrase, 'No passphrase was given.')))
    })
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}

/** The next line of stdin, or `undefined` at its end or when `signal` ends the waiting. */
export async function nextLine(signal: AbortSignal): Promise<string | undefined> {
  const reader = createInterface({ input: process.stdin })
  try {
    return await new Promise((resolve) => {
      reader.once('line', resolve)
      reader.once('close', () => resolve(undefined))
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
  } finally {
    reader.close()
    process.stdin.destroy()
  }
}

/** All of stdin as text, without one last line break. */
export async function allOfStdin(): Promise<string> {
  return (await textOf(process.stdin)).replace(/\r?\n$/, '')
}
