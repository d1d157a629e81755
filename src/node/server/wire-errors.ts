/**
 * Errors of the node's calls, as they cross a wire.
 *
 * Holds: whatever is thrown, only a code of {@link ErrorCode} and one sentence leave the process, never a stack.
 */
import type { ApiErrorData, ErrorCode } from '../api.ts'

/** Every code, so that a value from elsewhere can be recognised; one that is missing does not compile. */
const CODES: Readonly<Record<ErrorCode, true>> = {
  usage: true,
  'no-profile': true,
  'profile-exists': true,
  locked: true,
  'passphrase-wrong': true,
  'invite-malformed': true,
  'invite-used': true,
  'invite-expired': true,
  'invite-own': true,
  'contact-unknown': true,
  'contact-ambiguous': true,
  'contact-blocked': true,
  'message-unknown': true,
  'peer-unknown': true,
  'pairing-failed': true,
  'number-differs': true,
  'mail-foreign': true,
  timeout: true,
  'too-large': true,
  storage: true,
  held: true,
  'not-in-this-version': true,
  internal: true,
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(CODES, value)
}

/** Whether this is an error that a caller is meant to see, whichever class it has. */
export function isApiError(error: unknown): error is ApiErrorData {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    isCode(error.code) &&
    'message' in error &&
    typeof error.message === 'string'
  )
}

/** What of an error may cross a wire: a refusal as it is, anything else as `internal` without its words. */
export function errorForWire(error: unknown): ApiErrorData {
  if (isApiError(error)) return { code: error.code, message: error.message }
  return {
    code: 'internal',
    message: 'The node made a mistake and nothing was changed. Try again; if it happens again, restart the node.',
  }
}
