/**
 * People on this network who want to be found, for as long as they want it: the pairing port on links and LAN peers.
 *
 * Holds: only peers of the local network are asked, answered or paired with; a name is told while it is set, to whoever asks.
 */
import type { Stream } from '@libp2p/interface'
import { Gone } from '../failures.ts'
import type { Lan, LanPeer } from './lan.ts'
import type { Link } from '../link.ts'
import type { Channel, PairingPort } from '../net.ts'
import { answerPairing, askName, openChannel } from '../pairing-channel.ts'
import { type Limits, PAIR } from '../protocols.ts'
import type { Reaching } from '../reaching.ts'
import { elapsed, Slots, within } from '../waiting.ts'

/** How long answers to a question on the local network are collected. */
const GATHER_MS = 500
/** Peers asked for their names at once. */
const ASKED_AT_ONCE = 16
const STREAM_TRIES = 2

export class Nearby implements PairingPort {
  readonly #lan: Lan
  readonly #reaching: Reaching
  readonly #limits: Limits
  readonly #slots = new Slots(ASKED_AT_ONCE)
  #name: string | null = null
  #listener: ((peer: string, channel: Channel) => void) | undefined

  constructor(lan: Lan, reaching: Reaching, limits: Limits) {
    this.#lan = lan
    this.#reaching = reaching
    this.#limits = limits
  }

  setVisible(name: string | null): void {
    this.#name = name
  }

  async look(): Promise<readonly { readonly peer: string; readonly name: string }[]> {
    this.#lan.ask()
    await elapsed(GATHER_MS, AbortSignal.timeout(this.#limits.whoMs))
    const signal = AbortSignal.timeout(this.#limits.whoMs)
    const found = await Promise.all(this.#lan.peers().map((peer) => this.#ask(peer, signal)))
    return found.filter((one) => one !== undefined)
  }

  async open(peer: string, signal: AbortSignal): Promise<Channel> {
    const known = this.#lan.byShortName(peer)
    const opened = known && (await this.#stream(known, signal))
    if (opened === undefined) throw new Gone(peer)
    return openChannel(opened.stream, opened.link.ends, this.#limits, within(this.#limits.pairMs, signal))
  }

  /** A stream on a link that is held until it closes. A link that the other end lets go of at this moment is no reason: then a fresh one. */
  async #stream(peer: LanPeer, signal: AbortSignal): Promise<{ link: Link; stream: Stream } | undefined> {
    for (let tries = 0; tries < STREAM_TRIES; tries++) {
      const link = await this.#reaching.reachPeer(peer, signal)
      const stream = await link?.openHeld(PAIR, signal)
      if (link !== undefined && stream !== undefined) return { link, stream }
    }
    return undefined
  }

  onChannel(listener: (peer: string, channel: Channel) => void): void {
    this.#listener = listener
  }

  /** A stream that a peer of this network opened. */
  async answer(stream: Stream, link: Link): Promise<void> {
    const opened = (channel: Channel): void => {
      const name = this.#lan.nameOf(link.peer)
      if (this.#listener === undefined || name === undefined) channel.close()
      else this.#listener(name, channel)
    }
    await answerPairing(
      stream,
      link.ends,
      this.#limits,
      AbortSignal.timeout(this.#limits.pairMs),
      () => this.#name,
      opened,
    )
  }

  async #ask(peer: LanPeer, signal: AbortSignal): Promise<{ peer: string; name: string } | undefined> {
    const release = await this.#slots.take(peer.id, signal)
    if (release === undefined) return undefined
    try {
      const opened = await this.#stream(peer, signal)
      const name = opened && (await askName(opened.stream, this.#limits, signal))
      return name === undefined ? undefined : { peer: this.#lan.shortName(peer), name }
    } finally {
      release()
    }
  }
}
