/**
 * The elliptic half: the Double Ratchet with header encryption.
 *
 *     send:     own key drawn ─▶ root step ─▶ sending chain ─▶ message keys …
 *     receive:  header opens under …
 *                 the current chain's key   ─▶ step the chain, or a skipped key
 *                 the next header key       ─▶ the peer turned: root step, new receiving chain; own key is dropped
 *                 an old chain's key        ─▶ a skipped key
 *
 * Spec: Signal "Double Ratchet", section 4 (RatchetInitHE, RatchetEncryptHE, RatchetDecryptHE). One change: the second
 * half of DHRatchetHE, which draws a new own key, waits until something is sent. So a thief of the state finds no
 * private key for a chain that does not yet exist, and a one-sided sender costs the recipient one DH a turn.
 * Holds: functions take a state and give a new one; what they were given is unchanged. A DH output that is all zero
 * turns nothing.
 */
import { equal } from '../bytes.ts'
import type { KeyPair, Primitives, Random } from '../crypto/primitives.ts'
import { OLD_CHAINS, SKIPPED_PER_STEP, SKIPPED_SECONDS } from '../limits.ts'
import { type Chain, EC_CHAIN, passOver, skipTo, takeMessageKey } from './chain-key.ts'
import { startRatchet, stepRootKey } from './root-key.ts'
import { ecChainName, rowName, rowsOf, type SkippedKey } from './skipped-keys.ts'

export interface SendingChain extends Chain {
  readonly headerKey: Uint8Array
}

export interface ReceivingChain extends Chain {
  readonly headerKey: Uint8Array
  /** Counts receiving chains of the session from 0: names the rows of skipped keys. */
  readonly number: number
  /** How many of its skipped keys are in the store. */
  readonly skipped: number
}

/** A receiving chain that the peer left: its key is gone, some of its skipped keys are in the store. */
export interface OldChain {
  readonly headerKey: Uint8Array
  readonly number: number
  readonly skipped: number
  /** Seconds since 1970. */
  readonly retiredAt: number
}

export interface EcState {
  readonly root: Uint8Array
  /** The key pair that the peer answers to; `null` from the peer's turn until something is sent. */
  readonly own: KeyPair | null
  /** The peer's newest ratchet key; `null` for a responder that has opened nothing. */
  readonly peerKey: Uint8Array | null
  /** `null` exactly while nothing was sent since the peer's turn. */
  readonly sending: SendingChain | null
  readonly receiving: ReceivingChain | null
  readonly nextSendHeaderKey: Uint8Array
  /** Means something only while `own` is not `null`: only then can the peer have turned. */
  readonly nextReceiveHeaderKey: Uint8Array
  /** Length of the previous sending chain (PN). */
  readonly previousLength: number
  /** Oldest first. */
  readonly old: readonly OldChain[]
}

/** What the header of a message says to this half. */
export interface EcPosition {
  readonly publicKey: Uint8Array
  readonly previousLength: number
  readonly n: number
}

/** Which chain's header key opened a header. */
export type Found = 'next' | 'current' | OldChain

/** RatchetInitAliceHE; `peerKey` is the responder's signed prekey. */
export function startEcInitiator(p: Primitives, sk: Uint8Array, peerKey: Uint8Array): EcState {
  const start = startRatchet(p, sk)
  return {
    root: start.root,
    own: null,
    peerKey,
    sending: null,
    receiving: null,
    nextSendHeaderKey: start.initiatorHeaderKey,
    nextReceiveHeaderKey: start.responderHeaderKey,
    previousLength: 0,
    old: [],
  }
}

/** RatchetInitBobHE; `own` is the signed prekey that the initiator used. */
export function startEcResponder(p: Primitives, sk: Uint8Array, own: KeyPair): EcState {
  const start = startRatchet(p, sk)
  return {
    root: start.root,
    own,
    peerKey: null,
    sending: null,
    receiving: null,
    nextSendHeaderKey: start.responderHeaderKey,
    nextReceiveHeaderKey: start.initiatorHeaderKey,
    previousLength: 0,
    old: [],
  }
}

/** Takes the key for the next message out of the sending chain, beginning one if the peer has turned. */
export function sendEc(
  p: Primitives,
  random: Random,
  state: EcState,
): { state: EcState; position: EcPosition; headerKey: Uint8Array; messageKey: Uint8Array } {
  const ready = state.sending === null ? beginSending(p, random, state) : state
  const { own, sending } = ready
  if (own === null || sending === null) throw new Error('a session that sends has a key pair and a chain')
  const { chain, messageKey } = takeMessageKey(p, EC_CHAIN, sending)
  return {
    state: { ...ready, sending: { ...chain, headerKey: sending.headerKey } },
    position: { publicKey: own.publicKey, previousLength: ready.previousLength, n: sending.next },
    headerKey: sending.headerKey,
    messageKey,
  }
}

/** Spec: "state.DHs = GENERATE_DH(); state.RK, state.CKs, state.NHKs = KDF_RK_HE(state.RK, DH(state.DHs, state.DHr))" */
function beginSending(p: Primitives, random: Random, state: EcState): EcState {
  if (state.peerKey === null) throw new Error('a responder sends nothing before it has opened something')
  const own = p.x25519KeyPair(random(32))
  const output = p.x25519(own.privateKey, state.peerKey)
  if (output === undefined) throw new Error('a low-order peer key is never taken into a session')
  const step = stepRootKey(p, state.root, output)
  return {
    ...state,
    root: step.root,
    own,
    sending: { key: step.chain, next: 0, headerKey: state.nextSendHeaderKey },
    nextSendHeaderKey: step.nextHeaderKey,
  }
}

/** The row of skipped keys that a message needs, or `null`; `undefined` for a position that no honest peer sends. */
export function neededEcRow(state: EcState, found: Found, position: EcPosition): string | null | undefined {
  if (found === 'next') return null
  if (found !== 'current') return rowName(ecChainName(found.number), position.n)
  const { receiving, peerKey } = state
  if (receiving === null || peerKey === null || !equal(position.publicKey, peerKey)) return undefined
  return position.n < receiving.next ? rowName(ecChainName(receiving.number), position.n) : null
}

export interface EcOpening {
  readonly state: EcState
  readonly messageKey: Uint8Array
  readonly put: readonly SkippedKey[]
  readonly dropped: readonly string[]
}

/**
 * Takes the key of a received message; `row` is what {@link neededEcRow} asked for.
 *
 * `undefined`: already used, too far ahead, or not where the header says it is. `nowSeconds` since 1970.
 */
export function receiveEc(
  p: Primitives,
  state: EcState,
  found: Found,
  position: EcPosition,
  row: Uint8Array | undefined,
  nowSeconds: number,
): EcOpening | undefined {
  if (found === 'next') return receiveTurn(p, state, position, nowSeconds)
  if (found !== 'current') return row === undefined ? undefined : takeOldRow(state, found, row)
  const { receiving } = state
  if (receiving === null) return undefined
  if (position.n < receiving.next) {
    if (row === undefined) return undefined
    const skipped = Math.max(0, receiving.skipped - 1)
    return { state: { ...state, receiving: { ...receiving, skipped } }, messageKey: row, put: [], dropped: [] }
  }
  return receiveAhead(p, state, receiving, position.n)
}

/** Steps the current receiving chain up to message `n`. */
function receiveAhead(p: Primitives, state: EcState, receiving: ReceivingChain, n: number): EcOpening | undefined {
  if (n - receiving.next > SKIPPED_PER_STEP) return undefined
  const { chain, passed, messageKey } = skipTo(p, EC_CHAIN, receiving, n)
  const skipped = receiving.skipped + passed.length
  return {
    state: { ...state, receiving: { ...receiving, ...chain, skipped } },
    messageKey,
    put: rowsOf(ecChainName(receiving.number), receiving.next, passed),
    dropped: [],
  }
}

/** DHRatchetHE: keeps what the old chain still owes, turns the root, begins the new chain, forgets the own key. */
function receiveTurn(p: Primitives, state: EcState, position: EcPosition, nowSeconds: number): EcOpening | undefined {
  const { own } = state
  if (own === null) return undefined
  const retired = retireReceiving(p, state, position.previousLength, nowSeconds)
  if (retired === undefined) return undefined
  const output = p.x25519(own.privateKey, position.publicKey)
  if (output === undefined) return undefined
  const step = stepRootKey(p, state.root, output)
  const receiving: ReceivingChain = {
    key: step.chain,
    next: 0,
    headerKey: state.nextReceiveHeaderKey,
    number: state.receiving === null ? 0 : state.receiving.number + 1,
    skipped: 0,
  }
  const turned: EcState = {
    ...state,
    root: step.root,
    own: null,
    peerKey: position.publicKey,
    sending: null,
    nextReceiveHeaderKey: step.nextHeaderKey,
    previousLength: state.sending === null ? state.previousLength : state.sending.next,
    old: retired.old,
  }
  const opening = receiveAhead(p, turned, receiving, position.n)
  if (opening === undefined) return undefined
  return { ...opening, put: [...retired.put, ...opening.put], dropped: retired.dropped }
}

interface Retired {
  readonly old: readonly OldChain[]
  readonly put: readonly SkippedKey[]
  readonly dropped: readonly string[]
}

/** Spec: "SkipMessageKeysHE(state, header.pn)"; the chain joins the old ones if any of its messages may still come. */
function retireReceiving(p: Primitives, state: EcState, length: number, nowSeconds: number): Retired | undefined {
  const { receiving } = state
  if (receiving === null) return { old: state.old, put: [], dropped: [] }
  if (length < receiving.next || length - receiving.next > SKIPPED_PER_STEP) return undefined
  const { passed } = passOver(p, EC_CHAIN, receiving, length)
  const skipped = receiving.skipped + passed.length
  const { headerKey, number } = receiving
  const all = skipped === 0 ? state.old : [...state.old, { headerKey, number, skipped, retiredAt: nowSeconds }]
  const old = all.slice(-OLD_CHAINS)
  const dropped = all.slice(0, all.length - old.length).map((chain) => ecChainName(chain.number))
  return { old, put: rowsOf(ecChainName(number), receiving.next, passed), dropped }
}

function takeOldRow(state: EcState, found: OldChain, row: Uint8Array): EcOpening {
  const left = state.old.map((chain) => (chain === found ? { ...chain, skipped: chain.skipped - 1 } : chain))
  const { old, dropped } = dropEmpty(left)
  return { state: { ...state, old }, messageKey: row, put: [], dropped }
}

/** Forgets old chains that nobody can miss a message of. */
export function dropEmpty(chains: readonly OldChain[]): { old: readonly OldChain[]; dropped: readonly string[] } {
  const old = chains.filter((chain) => chain.skipped > 0)
  return { old, dropped: chains.filter((chain) => chain.skipped <= 0).map((chain) => ecChainName(chain.number)) }
}

/** Forgets old chains that were left thirty days ago. A clock that went back forgets nothing. */
export function dropExpiredEc(state: EcState, nowSeconds: number): { state: EcState; dropped: readonly string[] } {
  const expired = (chain: OldChain) => nowSeconds - chain.retiredAt > SKIPPED_SECONDS
  if (!state.old.some(expired)) return { state, dropped: [] }
  return {
    state: { ...state, old: state.old.filter((chain) => !expired(chain)) },
    dropped: state.old.filter(expired).map((chain) => ecChainName(chain.number)),
  }
}
