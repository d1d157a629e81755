/**
 * The post-quantum half: SCKA-U, a sparse ratchet of ML-KEM-768 keys that ride whole inside message headers.
 *
 *     ek-due(e)  ──send, when ≥ 20 own messages or ≥ 1 h since the epoch──▶ ek-sent(e)   attach EK(e): key 1184 ‖ mac 32
 *     ek-sent(e) ──receive CT(e), mac holds──▶ ek-wait(e+1)                              secret e is known
 *     ek-wait(e) ──receive EK(e), mac holds, encapsulate──▶ ct-send(e)                   secret e is known
 *                                                           attach CT(e): ciphertext 1088 ‖ mac 32
 *     ct-send(e) ──receive an authentic message of epoch e+1──▶ ek-due(e+1)
 *
 * The initiator owns the odd epochs, the responder the even ones. Each secret adds an epoch: two chains, one a
 * direction. A message of epoch e uses the chains of epoch e−1, which both sides have by then. EK and CT are attached
 * to messages 0, 1, 2, 4, 8, 16 … counted from entering the state or from the peer's last turn, so that an unanswered
 * sender does not repeat 1.2 kB for ever and a lost one is repeated soon.
 *
 * Ancestor: Signal "SPQR" (ML-KEM Braid) without its chunks; the macs are its ratcheted authenticator. The composition
 * is ours and has no proof.
 * Holds: functions take a state and give a new one. Nothing that came in is used before its mac was checked. Send
 * chains of passed epochs are gone at once; receive chains of the last 8 stay, thirty days at most.
 */
import { concat, equal } from '../bytes.ts'
import { hkdf } from '../crypto/hkdf.ts'
import type { Primitives, Random } from '../crypto/primitives.ts'
import { LABELS } from '../labels.ts'
import { PQ_EPOCH_MESSAGES, PQ_EPOCH_SECONDS, PQ_EPOCHS, PQ_SKIPPED_PER_STEP, SKIPPED_SECONDS } from '../limits.ts'
import { type Chain, PQ_CHAIN, skipTo, takeMessageKey } from './chain-key.ts'
import { pqChainName, rowName, rowsOf, type SkippedKey } from './skipped-keys.ts'

export const EK_BYTES = 1184
export const CT_BYTES = 1088
const MAC_BYTES = 32
const NO_BYTES = new Uint8Array(0)

/** What rides in a header: nothing, an encapsulation key, a ciphertext. */
export const ATTACHED_NOTHING = 0
export const ATTACHED_EK = 1
export const ATTACHED_CT = 2
export type Attached = typeof ATTACHED_NOTHING | typeof ATTACHED_EK | typeof ATTACHED_CT
/** Bytes of each attachment, its mac included, by {@link Attached}. */
export const ATTACHMENT_BYTES = [0, EK_BYTES + MAC_BYTES, CT_BYTES + MAC_BYTES] as const

export type PqPhase =
  | { readonly name: 'ek-due' }
  | { readonly name: 'ek-sent'; readonly seed: Uint8Array }
  | { readonly name: 'ek-wait' }
  | { readonly name: 'ct-send'; readonly ciphertext: Uint8Array }

/** The chains of one epoch. */
export interface PqEpoch {
  readonly epoch: number
  /** `null` when newer epochs send. */
  readonly send: Chain | null
  readonly receive: Chain
  /** How many of its skipped keys are in the store. */
  readonly skipped: number
  /** Seconds since 1970 when the peer can no longer have begun to send in it; 0 before. */
  readonly retiredAt: number
}

export interface PqState {
  readonly initiator: boolean
  /** The epoch that messages are stamped with. */
  readonly epoch: number
  readonly phase: PqPhase
  /** Messages sent since the phase was entered or the peer turned: decides what is attached. */
  readonly unanswered: number
  /** Own messages, and seconds since 1970, of the last epoch: decide when the next begins. */
  readonly messages: number
  readonly since: number
  readonly root: Uint8Array
  readonly authRoot: Uint8Array
  readonly authKey: Uint8Array
  /** Ascending, at most 8; `epoch − 1` is always there. */
  readonly epochs: readonly PqEpoch[]
}

export interface PqPosition {
  readonly epoch: number
  readonly index: number
  readonly attached: Attached
  /** The attachment and its mac. */
  readonly attachment: Uint8Array
}

/** Both sides begin from AK, 32 bytes of the handshake. The first key is due with the second message: INIT is long enough. */
export function startPq(p: Primitives, ak: Uint8Array, initiator: boolean, nowSeconds: number): PqState {
  const auth = hkdf(p, NO_BYTES, ak, authenticatorInfo(0), 64)
  const keys = hkdf(p, NO_BYTES, ak, LABELS.pqStart, 96)
  return {
    initiator,
    epoch: 1,
    phase: { name: initiator ? 'ek-due' : 'ek-wait' },
    unanswered: 0,
    messages: PQ_EPOCH_MESSAGES - 1,
    since: nowSeconds,
    root: keys.subarray(0, 32),
    authRoot: auth.subarray(0, 32),
    authKey: auth.subarray(32, 64),
    epochs: [epochOf(keys, 0, initiator)],
  }
}

/** Takes the key for the next message, and what its header is to carry. */
export function sendPq(
  p: Primitives,
  random: Random,
  state: PqState,
  nowSeconds: number,
): { state: PqState; position: PqPosition; messageKey: Uint8Array } {
  const ready = epochIsDue(state, nowSeconds) ? beginEpoch(random, state) : state
  const current = ready.epochs.find((e) => e.epoch === ready.epoch - 1)
  if (current === undefined || current.send === null) throw new Error('the sending epoch is always kept')
  const { chain, messageKey } = takeMessageKey(p, PQ_CHAIN, current.send)
  return {
    state: {
      ...ready,
      unanswered: ready.unanswered + 1,
      messages: ready.messages + 1,
      epochs: ready.epochs.map((e) => (e === current ? { ...e, send: chain } : e)),
    },
    position: { epoch: ready.epoch, index: current.send.next, ...attach(p, ready) },
    messageKey,
  }
}

function epochIsDue(state: PqState, nowSeconds: number): boolean {
  if (state.phase.name !== 'ek-due') return false
  return state.messages >= PQ_EPOCH_MESSAGES || nowSeconds - state.since >= PQ_EPOCH_SECONDS
}

function beginEpoch(random: Random, state: PqState): PqState {
  return { ...state, phase: { name: 'ek-sent', seed: random(64) }, unanswered: 0 }
}

function attach(p: Primitives, state: PqState): Pick<PqPosition, 'attached' | 'attachment'> {
  const { phase, unanswered, epoch, authKey } = state
  const isDue = (unanswered & (unanswered - 1)) === 0
  if (isDue && phase.name === 'ek-sent') {
    const key = p.kemPublicKey(phase.seed)
    return {
      attached: ATTACHED_EK,
      attachment: concat(key, macOf(p, authKey, LABELS.pqEncapsulationKeyMac, epoch, key)),
    }
  }
  if (isDue && phase.name === 'ct-send') {
    const { ciphertext } = phase
    const mac = macOf(p, authKey, LABELS.pqCiphertextMac, epoch, ciphertext)
    return { attached: ATTACHED_CT, attachment: concat(ciphertext, mac) }
  }
  return { attached: ATTACHED_NOTHING, attachment: NO_BYTES }
}

/** The row of skipped keys that a message needs, or `null`; `undefined` where its chain is gone or not there yet. */
export function neededPqRow(state: PqState, position: PqPosition): string | null | undefined {
  const chains = state.epochs.find((e) => e.epoch === position.epoch - 1)
  if (chains === undefined) return undefined
  return position.index < chains.receive.next ? rowName(pqChainName(chains.epoch), position.index) : null
}

export interface PqOpening {
  readonly state: PqState
  readonly messageKey: Uint8Array
  readonly put: readonly SkippedKey[]
  readonly dropped: readonly string[]
}

/**
 * Takes the key of a received message and moves the agreement on; `row` is what {@link neededPqRow} asked for,
 * `turned` whether the elliptic half turned with this message.
 *
 * `undefined`: a mac that does not hold, an epoch that cannot be, a key already used, or too far ahead.
 */
export function receivePq(
  p: Primitives,
  random: Random,
  state: PqState,
  position: PqPosition,
  turned: boolean,
  row: Uint8Array | undefined,
  nowSeconds: number,
): PqOpening | undefined {
  const moved = agree(p, random, turned ? { ...state, unanswered: 0 } : state, position, nowSeconds)
  if (moved === undefined) return undefined
  const chains = moved.epochs.find((e) => e.epoch === position.epoch - 1)
  if (chains === undefined) return undefined
  const taken = takeReceiveKey(p, chains, position.index, row)
  if (taken === undefined) return undefined
  const epochs = moved.epochs.map((e) => (e === chains ? taken.chains : e))
  const kept = epochs.slice(-PQ_EPOCHS)
  const dropped = epochs.slice(0, epochs.length - kept.length).filter((e) => e.skipped > 0)
  return {
    state: { ...moved, epochs: kept },
    messageKey: taken.messageKey,
    put: taken.put,
    dropped: dropped.map((e) => pqChainName(e.epoch)),
  }
}

function takeReceiveKey(
  p: Primitives,
  chains: PqEpoch,
  index: number,
  row: Uint8Array | undefined,
): { chains: PqEpoch; messageKey: Uint8Array; put: readonly SkippedKey[] } | undefined {
  const { receive } = chains
  if (index < receive.next) {
    if (row === undefined) return undefined
    return { chains: { ...chains, skipped: Math.max(0, chains.skipped - 1) }, messageKey: row, put: [] }
  }
  if (index - receive.next > PQ_SKIPPED_PER_STEP) return undefined
  const { chain, passed, messageKey } = skipTo(p, PQ_CHAIN, receive, index)
  return {
    chains: { ...chains, receive: chain, skipped: chains.skipped + passed.length },
    messageKey,
    put: rowsOf(pqChainName(chains.epoch), receive.next, passed),
  }
}

/** The state diagram's receiving half. */
function agree(
  p: Primitives,
  random: Random,
  state: PqState,
  position: PqPosition,
  nowSeconds: number,
): PqState | undefined {
  if (position.epoch > state.epoch + 1) return undefined
  if (position.epoch === state.epoch + 1) {
    return state.phase.name === 'ct-send' ? enter(state, { name: 'ek-due' }, nowSeconds) : undefined
  }
  if (position.epoch < state.epoch) return state
  if (position.attached === ATTACHED_EK && state.phase.name === 'ek-wait') {
    return answerKey(p, random, state, position.attachment)
  }
  if (position.attached === ATTACHED_CT && state.phase.name === 'ek-sent') {
    return acceptCiphertext(p, state, state.phase.seed, position.attachment, nowSeconds)
  }
  return state
}

function answerKey(p: Primitives, random: Random, state: PqState, attachment: Uint8Array): PqState | undefined {
  const key = attachment.subarray(0, EK_BYTES)
  const mac = macOf(p, state.authKey, LABELS.pqEncapsulationKeyMac, state.epoch, key)
  if (!equal(mac, attachment.subarray(EK_BYTES))) return undefined
  const encapsulation = p.kemEncapsulate(key, random(32))
  if (encapsulation === undefined) return undefined
  const agreed = addEpoch(p, state, encapsulation.sharedSecret)
  return { ...agreed, phase: { name: 'ct-send', ciphertext: encapsulation.ciphertext }, unanswered: 0 }
}

/** The mac is made with the key after this epoch's secret, so it says that the peer knows that secret too. */
function acceptCiphertext(
  p: Primitives,
  state: PqState,
  seed: Uint8Array,
  attachment: Uint8Array,
  nowSeconds: number,
): PqState | undefined {
  const ciphertext = attachment.subarray(0, CT_BYTES)
  const sharedSecret = p.kemDecapsulate(seed, ciphertext)
  if (sharedSecret === undefined) return undefined
  const agreed = addEpoch(p, state, sharedSecret)
  const mac = macOf(p, agreed.authKey, LABELS.pqCiphertextMac, state.epoch, ciphertext)
  if (!equal(mac, attachment.subarray(CT_BYTES))) return undefined
  return enter(agreed, { name: 'ek-wait' }, nowSeconds)
}

/** On to the next epoch: its predecessor sends from now on, and older send chains go. */
function enter(state: PqState, phase: PqPhase, nowSeconds: number): PqState {
  const epoch = state.epoch + 1
  const epochs = state.epochs.map((e) => {
    if (e.epoch >= epoch - 1) return e
    // The peer may still send in epoch − 2: it learns of the step only from our next message.
    return { ...e, send: null, retiredAt: e.retiredAt === 0 && e.epoch < epoch - 2 ? nowSeconds : e.retiredAt }
  })
  return { ...state, epoch, phase, epochs, unanswered: 0, messages: 0, since: nowSeconds }
}

/** Mixes the epoch's secret into root and authenticator, and begins the epoch's chains. */
function addEpoch(p: Primitives, state: PqState, sharedSecret: Uint8Array): PqState {
  const { epoch } = state
  const secret = hkdf(p, NO_BYTES, sharedSecret, concat(LABELS.pqSecret, counter(epoch)), 32)
  const auth = hkdf(p, NO_BYTES, concat(state.authRoot, secret), authenticatorInfo(epoch), 64)
  const keys = hkdf(p, state.root, secret, LABELS.pqEpoch, 96)
  return {
    ...state,
    root: keys.subarray(0, 32),
    authRoot: auth.subarray(0, 32),
    authKey: auth.subarray(32, 64),
    epochs: [...state.epochs, epochOf(keys, epoch, state.initiator)],
  }
}

/** Bytes 32–63 are the initiator's sending chain, 64–95 the responder's. */
function epochOf(keys: Uint8Array, epoch: number, initiator: boolean): PqEpoch {
  const fromInitiator = { key: keys.subarray(32, 64), next: 0 }
  const fromResponder = { key: keys.subarray(64, 96), next: 0 }
  const [send, receive] = initiator ? [fromInitiator, fromResponder] : [fromResponder, fromInitiator]
  return { epoch, send, receive, skipped: 0, retiredAt: 0 }
}

/** Forgets receive chains that were retired thirty days ago. A clock that went back forgets nothing. */
export function dropExpiredPq(state: PqState, nowSeconds: number): { state: PqState; dropped: readonly string[] } {
  const expired = (e: PqEpoch) => e.retiredAt !== 0 && nowSeconds - e.retiredAt > SKIPPED_SECONDS
  if (!state.epochs.some(expired)) return { state, dropped: [] }
  const dropped = state.epochs.filter((e) => expired(e) && e.skipped > 0).map((e) => pqChainName(e.epoch))
  return { state: { ...state, epochs: state.epochs.filter((e) => !expired(e)) }, dropped }
}

function macOf(p: Primitives, key: Uint8Array, label: Uint8Array, epoch: number, data: Uint8Array): Uint8Array {
  return p.hmac(key, concat(label, counter(epoch), data))
}

function authenticatorInfo(epoch: number): Uint8Array {
  return concat(LABELS.pqAuthenticator, counter(epoch))
}

function counter(n: number): Uint8Array {
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
}
