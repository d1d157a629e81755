/**
 * The file of an invite: all that somebody needs to accept it with no network, as a text to be mailed or carried.
 *
 *     tulnic invite 1
 *     link tulnic:…            the link (`invite.ts`)
 *     bundle …                 base64url of the bundle; may be left out
 *     mail …                   base64url of [box …], where mail may be left (`invite-box.ts`); may be left out
 *     check xxxxxxxx           base32 of the first 5 bytes of SHA-256("tulnic/invite-file-check/1" ‖ the lines before, joined by "\n")
 *
 * Spaces around a line, empty lines and either kind of line end are none of its content: mail programs change them.
 *
 * Holds: any text is taken or refused, never thrown at; whoever has the file has the link, so it is as secret as that. The bundle was
 * not checked yet: by the link's hash, and by `decodeBundle`.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { InviteBox } from './box.ts'
import { concat, fromBase64Url, toBase32, toBase64Url, utf8 } from './bytes.ts'
import { decodeInvite } from './invite.ts'
import { INVITE_BOX_LIST, plainInviteBoxes } from './invite-box.ts'
import { LABELS } from './labels.ts'
import { BUNDLE_BYTES, INVITE_FILE_CHARACTERS } from './limits.ts'
import { decode, encode } from './wire/codec.ts'

export interface InviteFile {
  /** `tulnic:…`: an invite in it was read. */
  readonly link: string
  /** The encoded bundle, at most 6 KiB. */
  readonly bundle: Uint8Array | null
  /** At most two. */
  readonly mail: readonly InviteBox[]
}

const FORM =
  /^(tulnic invite 1\nlink (tulnic:[A-Za-z0-9_-]{130,310})(?:\nbundle ([A-Za-z0-9_-]+))?(?:\nmail ([A-Za-z0-9_-]+))?)\ncheck ([a-z2-7]{8})$/

/** The text. Throws for a link that is none, a bundle that is none by its size, and boxes that are none. */
export function encodeInviteFile({ link, bundle, mail }: InviteFile): string {
  const body = [
    'tulnic invite 1',
    `link ${link}`,
    ...(bundle === null ? [] : [`bundle ${toBase64Url(bundle)}`]),
    ...(mail.length === 0 ? [] : [`mail ${toBase64Url(encode(plainInviteBoxes(mail)))}`]),
  ].join('\n')
  const file = `${body}\ncheck ${check(body)}\n`
  if (decodeInviteFile(file) === undefined) throw new RangeError('no such file of an invite')
  return file
}

/** What a file says; `undefined` for any other text, and for one that was changed or cut. */
export function decodeInviteFile(text: string): InviteFile | undefined {
  if (text.length > INVITE_FILE_CHARACTERS) return undefined
  const lines = text.split('\n').map((line) => line.trim())
  const found = FORM.exec(lines.filter((line) => line !== '').join('\n'))
  if (found === null) return undefined
  const [, body = '', link = '', bundleText, mailText, checked] = found
  const bundle = bundleText === undefined ? null : decodeBundleText(bundleText)
  const mail = mailText === undefined ? [] : decodeMailText(mailText)
  if (bundle === undefined || mail === undefined || checked !== check(body)) return undefined
  return decodeInvite(link) === undefined ? undefined : { link, bundle, mail }
}

function decodeBundleText(text: string): Uint8Array | undefined {
  const bundle = fromBase64Url(text)
  return bundle !== undefined && bundle.length <= BUNDLE_BYTES ? bundle : undefined
}

function decodeMailText(text: string): readonly InviteBox[] | undefined {
  const encoded = fromBase64Url(text)
  return encoded && decode(encoded, INVITE_FILE_CHARACTERS, INVITE_BOX_LIST)
}

function check(body: string): string {
  return toBase32(sha256(concat(LABELS.inviteFileCheck, utf8(body))).subarray(0, 5))
}
