/**
 * A session of two devices: sealing and opening messages on opaque state bytes.
 *
 *     frame = kind 1 ‖ header length 2 ‖ nonce 24 ‖ header ciphertext ‖ commitment 32 ‖ body ciphertext
 *     body  = own log head 16 ‖ held log head of the recipient 16 ‖ plaintext
 *
 * The header is sealed under the chain's header key, the body under the message key; the two keys differ, so one random
 * nonce serves both. Associated data of each is its label, the handshake's transcript and all clear bytes before it;
 * the header's ciphertext is among the body's. The commitment is the second half of the message key's expansion.
 *
 * A state that is rolled back (a restored copy, a disk that lied) repeats message keys, never nonces, so that no
 * plaintext is laid bare; but its messages no longer open at the peer, who has used those keys: only a new handshake
 * mends it. So the caller stores the new state before a frame leaves and before a plaintext is acknowledged.
 *
 * Holds: bytes in, bytes out. Nothing given is changed; where opening gives `undefined` there is nothing to store, and
 * the old state stands as it was. A remote's bytes never throw; a caller's mistake does.
 */
import { concat, equal } from './bytes.ts'
import type { KeyPair, Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { CONTENTS_BYTES, COUNTER_MAX, FRAME_BYTES } from './limits.ts'
import { type Found, startEcInitiator, startEcResponder } from './ratchet/double-ratchet.ts'
import { startPq } from './ratchet/pq-ratchet.ts'
import type { SkippedKey } from './ratchet/skipped-keys.ts'
import {
  decodePosition,
  HEADER_BYTES,
  neededRows,
  type Position,
  receiveTriple,
  sendTriple,
  skippedOf,
} from './ratchet/triple-ratchet.ts'
import { decodeSessionState, encodeSessionState, type SessionState } from './session-state.ts'

/** First byte of a frame that begins a session (handshake.ts). */
export const FRAME_INIT = 1
/** First byte of a session message. */
export const FRAME_MESSAGE = 2
/** Bytes of a log head's prefix in a message. */
export const HEAD_BYTES = 16

const NONCE_BYTES = 24
const TAG_BYTES = 16
const COMMITMENT_BYTES = 32
const PREFIX_BYTES = 3 + NONCE_BYTES
const SMALLEST_BODY = COMMITMENT_BYTES + 2 * HEAD_BYTES + TAG_BYTES

/** Prefixes (16 bytes) of the sender's own device-log head, and of the head it holds for the recipient. */
export interface Heads {
  readonly own: Uint8Array
  readonly peer: Uint8Array
}

/** A frame's header, opened. Good for the state that it was read with; only `needs` is for callers. */
export interface Header {
  /** Keys of the rows of skipped keys that opening needs, relative to the session: none, one or two. */
  readonly needs: readonly string[]
  readonly state: Uint8Array
  readonly session: SessionState
  readonly found: Found
  readonly position: Position
  /** The rows of both halves, `null` where none is needed. */
  readonly rows: readonly [ec: string | null, pq: string | null]
}

/** What opening changes in the store, beside the state. */
export interface SkippedChange {
  readonly put: readonly SkippedKey[]
  /** Rows that were used. */
  readonly take: readonly string[]
  /** Chains, all rows of which are to go. */
  readonly dropChains: readonly string[]
}

export interface Opened {
  readonly state: Uint8Array
  readonly plaintext: Uint8Array
  /** As the sender wrote them: `own` is the sender's. */
  readonly heads: Heads
  readonly skipped: SkippedChange
  /** Whether the session's oldest rows beyond SKIPPED_PER_SESSION are to go. */
  readonly trim: boolean
}

export interface SessionFacts {
  readonly initiator: boolean
  readonly sent: number
  readonly received: number
  /** The post-quantum epoch that messages are stamped with, from 1. */
  readonly epoch: number
  /** Rows of skipped keys, roughly. */
  readonly skipped: number
}

/** What a handshake leaves behind for its session. */
export interface Agreement {
  readonly sk: Uint8Array
  readonly ak: Uint8Array
  readonly transcript: Uint8Array
}

/** The initiator's state before its first message. */
export function startInitiator(p: Primitives, agreed: Agreement, signedPrekey: Uint8Array, now: number): Uint8Array {
  const ec = startEcInitiator(p, agreed.sk, signedPrekey)
  return encodeSessionState({ ...start(p, agreed), ec, pq: startPq(p, agreed.ak, true, toSeconds(now)) })
}

/** The responder's state before it opens the first message. */
export function startResponder(p: Primitives, agreed: Agreement, signedPrekey: KeyPair, now: number): Uint8Array {
  const ec = startEcResponder(p, agreed.sk, signedPrekey)
  return encodeSessionState({ ...start(p, agreed), ec, pq: startPq(p, agreed.ak, false, toSeconds(now)) })
}

function start(p: Primitives, { transcript }: Agreement) {
  return { id: sessionIdOf(p, transcript), transcript, sent: 0, received: 0 }
}

/** The 16 bytes that name a session on both sides. */
export function sessionIdOf(p: Primitives, transcript: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.sessionId, transcript)).slice(0, 16)
}

/** Whether {@link sealMessage} would seal: not before a responder has opened something, not after 2³² messages. */
export function canSend(state: Uint8Array): boolean {
  const session = decodeSessionState(state)
  return session !== undefined && session.ec.peerKey !== null && session.sent < COUNTER_MAX
}

/** Facts of a session for status and tests; no keys. Throws for bytes that are no state. */
export function describe(state: Uint8Array): SessionFacts {
  const { pq, sent, received, ec } = decodeOwn(state)
  return { initiator: pq.initiator, sent, received, epoch: pq.epoch, skipped: skippedOf({ ec, pq }) }
}

/**
 * Seals a plaintext (at most CONTENTS_BYTES). Store the state before the frame leaves.
 *
 * Throws where {@link canSend} says no, for heads of another length, and for a plaintext that is too long.
 */
export function sealMessage(
  p: Primitives,
  random: Random,
  state: Uint8Array,
  plaintext: Uint8Array,
  heads: Heads,
  now: number,
): { state: Uint8Array; frame: Uint8Array } {
  const session = decodeOwn(state)
  if (session.sent >= COUNTER_MAX) throw new RangeError('the session is at its end')
  if (plaintext.length > CONTENTS_BYTES) throw new RangeError(`a message holds ${CONTENTS_BYTES} bytes at most`)
  if (heads.own.length !== HEAD_BYTES || heads.peer.length !== HEAD_BYTES) throw new RangeError('a head has 16 bytes')
  const sending = sendTriple(p, random, session, toSeconds(now))
  return {
    state: encodeSessionState({ ...session, ...sending.state, sent: session.sent + 1 }),
    frame: sealFrame(p, random(NONCE_BYTES), session.transcript, sending, concat(heads.own, heads.peer, plaintext)),
  }
}

/** Fills the frame in from the front: what stands there is associated data of what follows. */
function sealFrame(
  p: Primitives,
  nonce: Uint8Array,
  transcript: Uint8Array,
  { header, headerKey, messageKey }: SealingKeys,
  body: Uint8Array,
): Uint8Array {
  const headerLength = header.length + TAG_BYTES
  const bodyStart = PREFIX_BYTES + headerLength + COMMITMENT_BYTES
  const frame = new Uint8Array(bodyStart + body.length + TAG_BYTES)
  frame[0] = FRAME_MESSAGE
  frame[1] = headerLength >>> 8
  frame[2] = headerLength
  frame.set(nonce, 3)
  const data = headerData(transcript, frame.subarray(0, PREFIX_BYTES))
  frame.set(p.aeadSeal(headerKey, nonce, header, data), PREFIX_BYTES)
  frame.set(messageKey.commitment, PREFIX_BYTES + headerLength)
  frame.set(p.aeadSeal(messageKey.key, nonce, body, bodyData(transcript, frame.subarray(0, bodyStart))), bodyStart)
  return frame
}

/**
 * Opens a frame's header: says whether the frame is of this session, and which skipped keys it needs.
 *
 * `undefined` for frames of other sessions, damaged ones, messages whose chain is gone, and a state that is none.
 * Costs one AEAD trial for each header key that may fit: at most 18.
 */
export function readHeader(p: Primitives, state: Uint8Array, frame: Uint8Array): Header | undefined {
  const parts = splitFrame(frame)
  if (parts === undefined) return undefined
  const session = decodeSessionState(state)
  if (session === undefined) return undefined
  const data = headerData(session.transcript, parts.prefix)
  for (const [found, key] of headerKeys(session)) {
    const bytes = p.aeadOpen(key, parts.nonce, parts.header, data)
    if (bytes === undefined) continue
    const position = decodePosition(bytes)
    const rows = position === undefined ? undefined : neededRows(session, found, position)
    if (position === undefined || rows === undefined) return undefined
    return { needs: rows.filter((row) => row !== null), state, session, found, position, rows }
  }
  return undefined
}

/**
 * The header keys that may fit, likeliest first. Without an own key the peer cannot have turned; with one, something
 * was sent since its last turn, and its answer begins a new chain.
 */
function headerKeys({ ec }: SessionState): [Found, Uint8Array][] {
  const keys: [Found, Uint8Array][] = []
  if (ec.own !== null) keys.push(['next', ec.nextReceiveHeaderKey])
  if (ec.receiving !== null) keys.push(['current', ec.receiving.headerKey])
  for (let i = ec.old.length - 1; i >= 0; i--) {
    const chain = ec.old[i]
    if (chain !== undefined) keys.push([chain, chain.headerKey])
  }
  return keys
}

/**
 * Opens the message whose header was read; `rows[i]` is the store's row for `header.needs[i]`, `undefined` if absent.
 *
 * `undefined`, and nothing to store, for a used key, a forged tag, and more skipped messages than are allowed.
 * Throws where `header` was read with another state.
 */
export function openMessage(
  p: Primitives,
  random: Random,
  state: Uint8Array,
  frame: Uint8Array,
  header: Header,
  rows: readonly (Uint8Array | undefined)[],
  now: number,
): Opened | undefined {
  if (header.state !== state && !equal(header.state, state)) throw new Error('a header is good for one state only')
  const parts = splitFrame(frame)
  if (parts === undefined) return undefined
  const { session, found, position } = header
  const rowOf = (name: string | null) => (name === null ? undefined : rows[header.needs.indexOf(name)])
  const given = [rowOf(header.rows[0]), rowOf(header.rows[1])] as const
  const opening = receiveTriple(p, random, session, found, position, given, toSeconds(now))
  if (opening === undefined || !equal(opening.messageKey.commitment, parts.commitment)) return undefined
  const body = p.aeadOpen(opening.messageKey.key, parts.nonce, parts.body, bodyData(session.transcript, parts.clear))
  if (body === undefined) return undefined
  return {
    state: encodeSessionState({ ...session, ...opening.state, received: session.received + 1 }),
    plaintext: body.subarray(2 * HEAD_BYTES),
    heads: { own: body.slice(0, HEAD_BYTES), peer: body.slice(HEAD_BYTES, 2 * HEAD_BYTES) },
    skipped: { put: opening.put, take: header.needs, dropChains: opening.dropped },
    trim: opening.trim,
  }
}

/** What a frame is, by its first byte. */
export function frameKind(frame: Uint8Array): 'init' | 'message' | undefined {
  if (frame[0] === FRAME_INIT) return 'init'
  return frame[0] === FRAME_MESSAGE ? 'message' : undefined
}

/** The 16 bytes that name a frame in acknowledgements and for dedupe: a hash of all its bytes. */
export function frameId(p: Primitives, frame: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.frameId, frame)).slice(0, 16)
}

type SealingKeys = Pick<ReturnType<typeof sendTriple>, 'header' | 'headerKey' | 'messageKey'>

interface Parts {
  readonly prefix: Uint8Array
  readonly nonce: Uint8Array
  readonly header: Uint8Array
  /** All that goes before the body's ciphertext. */
  readonly clear: Uint8Array
  readonly commitment: Uint8Array
  readonly body: Uint8Array
}

function splitFrame(frame: Uint8Array): Parts | undefined {
  if (frame[0] !== FRAME_MESSAGE || frame.length > FRAME_BYTES) return undefined
  const headerLength = ((frame[1] ?? 0) << 8) | (frame[2] ?? 0)
  if (!HEADER_BYTES.includes(headerLength - TAG_BYTES)) return undefined
  const headerEnd = PREFIX_BYTES + headerLength
  if (frame.length < headerEnd + SMALLEST_BODY) return undefined
  const bodyStart = headerEnd + COMMITMENT_BYTES
  return {
    prefix: frame.subarray(0, PREFIX_BYTES),
    nonce: frame.subarray(3, PREFIX_BYTES),
    header: frame.subarray(PREFIX_BYTES, headerEnd),
    clear: frame.subarray(0, bodyStart),
    commitment: frame.subarray(headerEnd, bodyStart),
    body: frame.subarray(bodyStart),
  }
}

const headerData = (transcript: Uint8Array, prefix: Uint8Array) => concat(LABELS.messageHeader, transcript, prefix)
const bodyData = (transcript: Uint8Array, clear: Uint8Array) => concat(LABELS.messageBody, transcript, clear)

function decodeOwn(state: Uint8Array): SessionState {
  const session = decodeSessionState(state)
  if (session === undefined) throw new Error('these bytes are no session state of this version')
  return session
}

const toSeconds = (now: number): number => Math.max(0, Math.floor(now / 1000))
