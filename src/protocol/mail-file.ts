/**
 * A file of envelopes: mail that somebody carries by hand.
 *
 *     "tulnic mail 1\n" ‖ (length 4 ‖ id 16 ‖ envelope) … ‖ SHA-256 of all before 32
 *
 * Each envelope stands behind its id (`envelopeId`), so that damage to one is told from damage to others: what is left whole in a
 * damaged file is mail like any other. Nothing here proves who made a file: that is for the envelopes to show, to whom they are for.
 *
 * Holds: any bytes are taken or refused, never thrown at; a file that is whole has one encoding; what is given has an envelope's form
 * and is not copied.
 */
import { equal, utf8 } from './bytes.ts'
import type { Primitives } from './crypto/primitives.ts'
import { ENVELOPE_MOST_BYTES, envelopeId, readEnvelope } from './envelope.ts'
import { MAIL_FILE_BYTES, MAIL_FILE_ENVELOPES } from './limits.ts'
import { uint32 } from './wire/codec.ts'

/** What was read of a file. */
export interface MailFile {
  /** Views of the file's bytes, in their order. */
  readonly envelopes: readonly Uint8Array[]
  /** Whether nothing was changed, cut off or added. */
  readonly whole: boolean
}

const MAGIC = utf8('tulnic mail 1\n')
const LENGTH_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + 16
const HASH_BYTES = 32

/** The file. Throws for what is no envelope, for more than 5000, and beyond 64 MiB. */
export function encodeMailFile(p: Primitives, envelopes: readonly Uint8Array[]): Uint8Array {
  const length = envelopes.reduce((sum, each) => sum + HEAD_BYTES + each.length, MAGIC.length + HASH_BYTES)
  if (envelopes.length > MAIL_FILE_ENVELOPES || length > MAIL_FILE_BYTES)
    throw new RangeError(`${envelopes.length} envelopes in ${length} bytes are too much for one file`)
  if (envelopes.some((each) => readEnvelope(each) === undefined)) throw new RangeError('not an envelope')
  const file = new Uint8Array(length)
  file.set(MAGIC)
  let at = MAGIC.length
  for (const each of envelopes) {
    file.set(uint32(each.length), at)
    file.set(envelopeId(p, each), at + LENGTH_BYTES)
    file.set(each, at + HEAD_BYTES)
    at += HEAD_BYTES + each.length
  }
  file.set(p.sha256(file.subarray(0, at)), at)
  return file
}

/** All envelopes that are left whole in a file; `undefined` for bytes that are no mail file, and beyond 64 MiB. */
export function decodeMailFile(p: Primitives, file: Uint8Array): MailFile | undefined {
  if (file.length > MAIL_FILE_BYTES || !equal(file.subarray(0, MAGIC.length), MAGIC)) return undefined
  const envelopes: Uint8Array[] = []
  let at = MAGIC.length
  let damaged = 0
  while (file.length - at > HASH_BYTES && envelopes.length + damaged < MAIL_FILE_ENVELOPES) {
    const end = entryEnd(file, at)
    if (end === undefined) break
    const envelope = file.subarray(at + HEAD_BYTES, end)
    if (isWhole(p, file.subarray(at + LENGTH_BYTES, at + HEAD_BYTES), envelope)) envelopes.push(envelope)
    else damaged++
    at = end
  }
  const isEnd = file.length - at === HASH_BYTES && equal(p.sha256(file.subarray(0, at)), file.subarray(at))
  return { envelopes, whole: isEnd && damaged === 0 }
}

/** Where the entry ends that begins there; `undefined` where none does. */
function entryEnd(file: Uint8Array, at: number): number | undefined {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(at)
  const end = at + HEAD_BYTES + length
  return length <= ENVELOPE_MOST_BYTES && end <= file.length ? end : undefined
}

function isWhole(p: Primitives, id: Uint8Array, envelope: Uint8Array): boolean {
  return readEnvelope(envelope) !== undefined && equal(envelopeId(p, envelope), id)
}
