/**
 * A file of envelopes: mail that somebody carries by hand, made of pieces one after the other.
 *
 *     piece = "tulnic mail 1\n" ‖ length 4 of what follows ‖ (length 4 ‖ id 16 ‖ envelope) … ‖ SHA-256 of all before 32
 *
 * Whoever hands a file on needs the first two fields alone, to tell where a piece ends. Each envelope stands behind its id
 * (`envelopeId`), so that damage to one is told from damage to others: what is left whole in a damaged piece is mail like any other.
 * Nothing here proves who made a file: that is for the envelopes to show, to whom they are for.
 *
 * Holds: any bytes are taken or refused, never thrown at; a piece that is whole has one encoding; what is given has an envelope's form
 * and is not copied.
 */
import { equal, utf8 } from './bytes.ts'
import type { Primitives } from './crypto/primitives.ts'
import { ENVELOPE_MOST_BYTES, envelopeId, readEnvelope } from './envelope.ts'
import { MAIL_PIECE_BYTES } from './limits.ts'
import { uint32 } from './wire/codec.ts'

/** What was read of a piece. */
export interface MailPieceContent {
  /** Views of the piece's bytes, in their order. */
  readonly envelopes: readonly Uint8Array[]
  /** Whether nothing was changed, cut off or added. */
  readonly whole: boolean
}

const MAGIC = utf8('tulnic mail 1\n')
const START = MAGIC.length + 4
const LENGTH_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + 16
const HASH_BYTES = 32

/** A piece. Throws for what is no envelope, and beyond MAIL_PIECE_BYTES. */
export function encodeMailPiece(p: Primitives, envelopes: readonly Uint8Array[]): Uint8Array {
  const length = envelopes.reduce((sum, each) => sum + HEAD_BYTES + each.length, START + HASH_BYTES)
  if (length > MAIL_PIECE_BYTES)
    throw new RangeError(`${envelopes.length} envelopes in ${length} bytes are too much for one piece`)
  if (envelopes.some((each) => readEnvelope(each) === undefined)) throw new RangeError('not an envelope')
  const piece = new Uint8Array(length)
  piece.set(MAGIC)
  piece.set(uint32(length - START), MAGIC.length)
  let at = START
  for (const each of envelopes) {
    piece.set(uint32(each.length), at)
    piece.set(envelopeId(p, each), at + LENGTH_BYTES)
    piece.set(each, at + HEAD_BYTES)
    at += HEAD_BYTES + each.length
  }
  piece.set(p.sha256(piece.subarray(0, at)), at)
  return piece
}

/** All envelopes that are left whole in a piece; `undefined` for bytes that are none, and beyond MAIL_PIECE_BYTES. */
export function decodeMailPiece(p: Primitives, piece: Uint8Array): MailPieceContent | undefined {
  if (piece.length > MAIL_PIECE_BYTES || piece.length < START || !equal(piece.subarray(0, MAGIC.length), MAGIC))
    return undefined
  const said = new DataView(piece.buffer, piece.byteOffset).getUint32(MAGIC.length)
  const envelopes: Uint8Array[] = []
  let at = START
  let damaged = 0
  while (piece.length - at > HASH_BYTES) {
    const end = entryEnd(piece, at)
    if (end === undefined) break
    const envelope = piece.subarray(at + HEAD_BYTES, end)
    if (isWhole(p, piece.subarray(at + LENGTH_BYTES, at + HEAD_BYTES), envelope)) envelopes.push(envelope)
    else damaged++
    at = end
  }
  const isEnd = piece.length - at === HASH_BYTES && equal(p.sha256(piece.subarray(0, at)), piece.subarray(at))
  return { envelopes, whole: isEnd && damaged === 0 && said === piece.length - START }
}

/** Where the entry ends that begins there; `undefined` where none does. */
function entryEnd(piece: Uint8Array, at: number): number | undefined {
  const length = new DataView(piece.buffer, piece.byteOffset).getUint32(at)
  const end = at + HEAD_BYTES + length
  return length <= ENVELOPE_MOST_BYTES && end <= piece.length ? end : undefined
}

function isWhole(p: Primitives, id: Uint8Array, envelope: Uint8Array): boolean {
  return readEnvelope(envelope) !== undefined && equal(envelopeId(p, envelope), id)
}
