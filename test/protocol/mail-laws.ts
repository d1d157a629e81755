/**
 * What holds of mail. Each law is run on the protocol itself, and on copies of it with a fault, which it must find.
 */
import { KEY_LAWS, MAIL_CONTENT_LAWS, PROOF_LAWS } from './box-laws.ts'
import { ENVELOPE_LAWS, MAIL_FILE_LAWS } from './envelope-laws.ts'
import { INVITE_FILE_LAWS } from './invite-file-laws.ts'
import type { Law } from './mail.ts'

export const LAWS: readonly Law[] = [
  ...ENVELOPE_LAWS,
  ...KEY_LAWS,
  ...PROOF_LAWS,
  ...MAIL_CONTENT_LAWS,
  ...MAIL_FILE_LAWS,
  ...INVITE_FILE_LAWS,
]
