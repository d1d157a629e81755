/**
 * A net that can go by another PeerID: the run at hand stops, and another begins at the same port with all that it was told.
 *
 *     perform ──▶ what stands (wants, records, relaying, the shown name) ──▶ the run at hand
 *     renew ──▶ stop ──▶ make ──▶ told what stands ──▶ start          look-ups and questions wait meanwhile; frames are owed again
 *
 * It stays as it is, and is asked again later, while somebody depends on its PeerID: whom it relays, strangers if it relays for them,
 * everybody where everybody reaches it (there a PeerID hides nothing: the address says who it is), and whoever pairs. A contact's
 * place alone is no reason: whoever has one is connected, and asks the next run for another within seconds.
 *
 * Holds: what a run says after its end is not heard; a run that cannot begin is tried again until the net stops.
 */
import type { AccountId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import type { Input } from '../engine/input.ts'
import type { Channel, DhtStatus, Net, NetConfig, PairingPort, ReachStatus, RelayStatus } from './net.ts'
import { drawn, elapsed } from './waiting.ts'

type Effect<T extends NetEffect['type']> = Extract<NetEffect, { type: T }>

/** What a run is told: all but that it is to end. */
export type RunEffect = Exclude<NetEffect, Effect<'renew'>>

/** A net of one PeerID. */
export interface Run extends Omit<Net, 'perform'> {
  perform(effect: RunEffect): void
  /** The TCP port of every interface. */
  readonly port: number
  /** Whether somebody pairs over one of its connections. */
  readonly isPairing: boolean
}

/** Makes a run; what it has to say goes to `emit`. Connections of all runs have different numbers. */
export type MakeRun = (config: NetConfig, emit: (input: Input) => void) => Promise<Run>

export interface Patience {
  /** First and longest pause before a run that could not begin is tried again. */
  readonly againMs: number
  readonly againMaxMs: number
  random(n: number): Uint8Array
}

interface Life {
  readonly run: Run
  /** Stops it, once; from then on it is not heard. */
  end(): Promise<void>
}

/** A net whose first run is made, and not started. Rejects where that cannot be made. */
export async function renewable(
  makeRun: MakeRun,
  config: NetConfig,
  emit: (input: Input) => void,
  patience: Patience,
): Promise<Net> {
  let { bootstrap } = config
  const begin = async (listenPort: number): Promise<Life> => {
    let isOver = false
    const run = await makeRun({ ...config, listenPort, bootstrap }, (input) => {
      if (isOver) return
      if (input.type === 'dht-servers') bootstrap = [...new Set([...config.bootstrap, ...input.addresses])]
      emit(input)
    })
    let ended: Promise<void> | undefined
    const end = (): Promise<void> => {
      ended ??= run.stop().finally(() => {
        isOver = true
      })
      return ended
    }
    return { run, end }
  }
  return new Renewing(begin, await begin(config.listenPort), config, patience)
}

class Renewing implements Net {
  readonly pairing: PairingPort
  readonly #begin: (listenPort: number) => Promise<Life>
  readonly #config: NetConfig
  readonly #patience: Patience
  readonly #stopped = new AbortController()
  #life: Life
  #changing: Promise<void> | undefined
  readonly #wants = new Map<AccountId, Effect<'want'>>()
  #records: Effect<'publish'> | undefined
  #relaying: Effect<'relay'> | undefined
  #name: string | null = null
  #listener: ((peer: string, channel: Channel) => void) | undefined
  /** What was asked while no run was there. */
  readonly #waiting: (Effect<'look-up'> | Effect<'ask-bundle'>)[] = []

  constructor(begin: (listenPort: number) => Promise<Life>, first: Life, config: NetConfig, patience: Patience) {
    this.#begin = begin
    this.#life = first
    this.#config = config
    this.#patience = patience
    this.pairing = {
      setVisible: (name) => {
        this.#name = name
        this.#run.pairing.setVisible(name)
      },
      look: () => this.#run.pairing.look(),
      open: (peer, signal) => this.#run.pairing.open(peer, signal),
      onChannel: (listener) => {
        this.#listener = listener
        this.#run.pairing.onChannel(listener)
      },
    }
  }

  get #run(): Run {
    return this.#life.run
  }

  start(): Promise<void> {
    return this.#run.start()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#changing
    await this.#life.end()
  }

  perform(effect: NetEffect): void {
    if (effect.type === 'renew') return this.#renew()
    this.#remember(effect)
    if (this.#changing === undefined) this.#run.perform(effect)
    // What else concerns a connection concerns one that has ended.
    else if (effect.type === 'look-up' || effect.type === 'ask-bundle') this.#waiting.push(effect)
  }

  addresses(): readonly string[] {
    return this.#run.addresses()
  }

  lanPeers(): number {
    return this.#run.lanPeers()
  }

  dht(): DhtStatus {
    return this.#run.dht()
  }

  reach(): ReachStatus {
    return this.#run.reach()
  }

  relays(): RelayStatus {
    return this.#run.relays()
  }

  #remember(effect: NetEffect): void {
    if (effect.type === 'want') this.#wants.set(effect.contact, effect)
    else if (effect.type === 'unwant') this.#wants.delete(effect.contact)
    else if (effect.type === 'publish') this.#records = effect
    else if (effect.type === 'relay') this.#relaying = effect
  }

  #renew(): void {
    if (this.#changing !== undefined || this.#stopped.signal.aborted || this.#isNeeded()) return
    this.#changing = this.#change().finally(() => {
      this.#changing = undefined
      for (const effect of this.#waiting.splice(0)) this.perform(effect)
    })
  }

  #isNeeded(): boolean {
    const isPublic = this.#run.reach().publiclyReachable === 'yes'
    const relays = this.#config.relay || this.#run.relays().relayed > 0
    return isPublic || relays || this.#name !== null || this.#run.isPairing
  }

  async #change(): Promise<void> {
    const { port } = this.#run
    await this.#life.end()
    const { againMs, againMaxMs, random } = this.#patience
    for (let pause = againMs; !this.#stopped.signal.aborted; pause = Math.min(2 * pause, againMaxMs)) {
      if (await this.#began(port)) return
      await elapsed(drawn(pause, random), this.#stopped.signal)
    }
  }

  async #began(port: number): Promise<boolean> {
    const life = await this.#begin(port).catch(() => undefined)
    if (life === undefined) return false
    const standing = [this.#relaying, ...this.#wants.values(), this.#records]
    for (const effect of standing) if (effect !== undefined) life.run.perform(effect)
    life.run.pairing.setVisible(this.#name)
    if (this.#listener !== undefined) life.run.pairing.onChannel(this.#listener)
    this.#life = life
    try {
      await life.run.start()
      return true
    } catch {
      await life.end().catch(() => undefined)
      return false
    }
  }
}
