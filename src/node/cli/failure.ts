/**
 * How a command ends when it does not succeed: an exit code and one line on stderr. PRODUCT, "Exit codes".
 */
import type { ErrorCode } from '../api.ts'
import { isApiError } from '../server/wire-errors.ts'
import { PortTaken } from '../server/listening.ts'
import { Disconnected } from '../server/socket.ts'

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  noNode: 3,
  notInTime: 4,
  passphrase: 5,
  unknown: 6,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command: `message` says what happened and what to do. */
export class Failure extends Error {
  override name = 'Failure'
  readonly exit: ExitCode
  constructor(exit: ExitCode, message: string) {
    super(message)
    this.exit = exit
  }
}

export function usage(message: string): Failure {
  return new Failure(EXIT.usage, message)
}

/** For what a later version will do: doing nothing instead would be a lie. */
export function notInThisVersion(what: string): Failure {
  return usage(`${what} is not in this version.`)
}

const EXIT_OF: Readonly<Record<ErrorCode, ExitCode>> = {
  usage: EXIT.usage,
  'contact-ambiguous': EXIT.usage,
  'not-in-this-version': EXIT.usage,
  timeout: EXIT.notInTime,
  locked: EXIT.passphrase,
  'passphrase-wrong': EXIT.passphrase,
  'contact-unknown': EXIT.unknown,
  'message-unknown': EXIT.unknown,
  'peer-unknown': EXIT.unknown,
  'mail-foreign': EXIT.failed,
  'no-profile': EXIT.failed,
  'profile-exists': EXIT.failed,
  'invite-malformed': EXIT.failed,
  'invite-used': EXIT.failed,
  'invite-expired': EXIT.failed,
  'invite-own': EXIT.failed,
  'contact-blocked': EXIT.failed,
  'pairing-failed': EXIT.failed,
  'number-differs': EXIT.failed,
  'too-large': EXIT.failed,
  storage: EXIT.failed,
  held: EXIT.failed,
  internal: EXIT.failed,
}

/** What to tell of anything thrown. Never a stack: a mistake of ours is said in one sentence, with its words. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (isApiError(error)) return new Failure(EXIT_OF[error.code], error.message)
  if (error instanceof Disconnected) return new Failure(EXIT.noNode, error.message)
  if (error instanceof PortTaken) return new Failure(EXIT.failed, error.message)
  const words = error instanceof Error ? error.message : String(error)
  return new Failure(EXIT.failed, `This went wrong inside tulnic: ${words}`)
}
