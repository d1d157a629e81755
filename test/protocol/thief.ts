/**
 * Who copied a device's session and its skipped keys, and sees every frame of both directions from the first one.
 *
 * It follows both ratchets as far as what it knows reaches: chains forward, turns of which it has one private key,
 * post-quantum epochs of which it has the seed. With a discrete-log oracle it has every X25519 private key.
 */
import { concat, type Primitives } from '../../src/protocol/index.ts'
import { hkdf } from '../../src/protocol/crypto/hkdf.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import {
  type Chain,
  type ChainLabels,
  EC_CHAIN,
  PQ_CHAIN,
  takeMessageKey,
} from '../../src/protocol/ratchet/chain-key.ts'
import { joinMessageKey } from '../../src/protocol/ratchet/message-key.ts'
import { ATTACHED_CT, CT_BYTES } from '../../src/protocol/ratchet/pq-ratchet.ts'
import { stepRootKey } from '../../src/protocol/ratchet/root-key.ts'
import { decodePosition, type Position } from '../../src/protocol/ratchet/triple-ratchet.ts'
import type { SessionState } from '../../src/protocol/session-state.ts'

/** From the device that was robbed, or from its peer. */
export type Side = 'victim' | 'peer'
export type DiscreteLog = (publicKey: Uint8Array) => Uint8Array | undefined

const ANSWER = { victim: 'peer', peer: 'victim' } as const
const MOST_STEPS = 3000

/** A chain from some point on, and single keys of it. */
class Known {
  readonly keys = new Map<number, Uint8Array>()
  readonly #labels: ChainLabels
  #chain: Chain | null

  constructor(labels: ChainLabels, chain: Chain | null) {
    this.#labels = labels
    this.#chain = chain
  }

  key(p: Primitives, n: number): Uint8Array | undefined {
    while (this.#chain !== null && this.#chain.next <= n && this.keys.size < MOST_STEPS) {
      const { next } = this.#chain
      const taken = takeMessageKey(p, this.#labels, this.#chain)
      this.keys.set(next, taken.messageKey)
      this.#chain = taken.chain
    }
    return this.keys.get(n)
  }
}

interface Turn {
  readonly root: Uint8Array
  readonly next: Side
}

export class Thief {
  readonly #p: Primitives
  readonly #log: DiscreteLog
  readonly #transcript: Uint8Array
  readonly #chains: { readonly side: Side; readonly headerKey: Uint8Array; readonly chain: Known }[] = []
  readonly #headerKeys: Record<Side, Uint8Array>
  readonly #publicKeys: Record<Side, Uint8Array | null>
  #ownPrivate: Uint8Array | null
  #turn: Turn | null
  readonly #epochs = new Map<number, Record<Side, Known>>()
  #pqRoot: { readonly epoch: number; readonly root: Uint8Array }
  readonly #seed: { readonly epoch: number; readonly seed: Uint8Array } | null
  readonly #victimBegan: boolean

  constructor(p: Primitives, stolen: SessionState, rows: ReadonlyMap<string, { bytes: Uint8Array }>, log: DiscreteLog) {
    this.#p = p
    this.#log = log
    this.#transcript = stolen.transcript
    const { ec, pq } = stolen
    this.#headerKeys = { victim: ec.nextSendHeaderKey, peer: ec.nextReceiveHeaderKey }
    this.#publicKeys = { victim: ec.own?.publicKey ?? null, peer: ec.peerKey }
    this.#ownPrivate = ec.own?.privateKey ?? null
    this.#turn = { root: ec.root, next: ec.own === null ? 'victim' : 'peer' }
    if (ec.sending !== null) this.#learn('victim', ec.sending.headerKey, ec.sending)
    const receiving = ec.receiving === null ? [] : [{ ...ec.receiving, chain: ec.receiving }]
    for (const { headerKey, number, chain } of [...ec.old.map((old) => ({ ...old, chain: null })), ...receiving]) {
      addRows(this.#learn('peer', headerKey, chain), rows, `e${number}/`)
    }
    for (const { epoch, send, receive } of pq.epochs) {
      const peer = new Known(PQ_CHAIN, receive)
      addRows(peer, rows, `p${epoch}/`)
      this.#epochs.set(epoch, { victim: new Known(PQ_CHAIN, send), peer })
    }
    this.#pqRoot = { epoch: pq.phase.name === 'ct-send' ? pq.epoch : pq.epoch - 1, root: pq.root }
    this.#seed = pq.phase.name === 'ek-sent' ? { epoch: pq.epoch, seed: pq.phase.seed } : null
    this.#victimBegan = pq.initiator
  }

  /** The body of a frame (its heads included), if what is known reaches. Frames of a side come in the order of sealing. */
  read(side: Side, frame: Uint8Array): Uint8Array | undefined {
    const length = ((frame[1] ?? 0) << 8) | (frame[2] ?? 0)
    const nonce = frame.slice(3, 27)
    const data = concat(LABELS.messageHeader, this.#transcript, frame.subarray(0, 27))
    const found = this.#openHeader(side, nonce, frame.subarray(27, 27 + length), data)
    if (found === undefined) return undefined
    this.#learnEpoch(side, found.position)
    const ecKey = found.chain?.key(this.#p, found.position.ec.n)
    const pqKey = this.#epochs.get(found.position.pq.epoch - 1)?.[side].key(this.#p, found.position.pq.index)
    if (ecKey === undefined || pqKey === undefined) return undefined
    const { key } = joinMessageKey(this.#p, ecKey, pqKey)
    const clear = frame.subarray(0, 27 + length + 32)
    return this.#p.aeadOpen(
      key,
      nonce,
      frame.subarray(27 + length + 32),
      concat(LABELS.messageBody, this.#transcript, clear),
    )
  }

  #openHeader(side: Side, nonce: Uint8Array, header: Uint8Array, data: Uint8Array) {
    for (const known of this.#chains) {
      if (known.side !== side) continue
      const position = this.#position(known.headerKey, nonce, header, data)
      if (position !== undefined) return { position, chain: known.chain }
    }
    const position = this.#position(this.#headerKeys[side], nonce, header, data)
    return position && { position, chain: this.#follow(side, position.ec.publicKey) }
  }

  #position(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, data: Uint8Array): Position | undefined {
    const bytes = this.#p.aeadOpen(key, nonce, header, data)
    return bytes && decodePosition(bytes)
  }

  /** A turn of `side`: its chain, if one of the two private keys is known. */
  #follow(side: Side, publicKey: Uint8Array): Known | undefined {
    const theirs = this.#publicKeys[ANSWER[side]]
    if (this.#turn?.next !== side || theirs === null) return undefined
    const fresh = this.#log(publicKey)
    const answered = side === 'peer' ? this.#ownPrivate : this.#log(theirs)
    const output =
      fresh !== undefined
        ? this.#p.x25519(fresh, theirs)
        : answered !== null && answered !== undefined
          ? this.#p.x25519(answered, publicKey)
          : undefined
    this.#publicKeys[side] = publicKey
    if (side === 'victim') this.#ownPrivate = fresh ?? null
    if (output === undefined) {
      this.#turn = null
      return undefined
    }
    const step = stepRootKey(this.#p, this.#turn.root, output)
    const chain = this.#learn(side, this.#headerKeys[side], { key: step.chain, next: 0 })
    this.#headerKeys[side] = step.nextHeaderKey
    this.#turn = { root: step.root, next: ANSWER[side] }
    return chain
  }

  #learn(side: Side, headerKey: Uint8Array, chain: Chain | null): Known {
    const known = new Known(EC_CHAIN, chain)
    this.#chains.push({ side, headerKey, chain: known })
    return known
  }

  /** A ciphertext to the stolen seed gives the epoch's secret away. */
  #learnEpoch(side: Side, { pq }: Position): void {
    const seed = this.#seed
    if (side !== 'peer' || seed === null || pq.attached !== ATTACHED_CT || pq.epoch !== seed.epoch) return
    if (this.#epochs.has(pq.epoch) || this.#pqRoot.epoch !== pq.epoch - 1) return
    const shared = this.#p.kemDecapsulate(seed.seed, pq.attachment.subarray(0, CT_BYTES))
    if (shared === undefined) return
    const counter = Uint8Array.of(pq.epoch >>> 24, pq.epoch >>> 16, pq.epoch >>> 8, pq.epoch)
    const secret = hkdf(this.#p, new Uint8Array(0), shared, concat(LABELS.pqSecret, counter), 32)
    const keys = hkdf(this.#p, this.#pqRoot.root, secret, LABELS.pqEpoch, 96)
    const forth = new Known(PQ_CHAIN, { key: keys.subarray(32, 64), next: 0 })
    const back = new Known(PQ_CHAIN, { key: keys.subarray(64, 96), next: 0 })
    this.#epochs.set(pq.epoch, this.#victimBegan ? { victim: forth, peer: back } : { victim: back, peer: forth })
    this.#pqRoot = { epoch: pq.epoch, root: keys.subarray(0, 32) }
  }
}

function addRows(known: Known, rows: ReadonlyMap<string, { bytes: Uint8Array }>, prefix: string): void {
  for (const [key, { bytes }] of rows)
    if (key.startsWith(prefix)) known.keys.set(Number(key.slice(prefix.length)), bytes)
}
