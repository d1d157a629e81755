/**
 * Processes with a node each, asked from here. A program of its own for each node, as on two machines.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Calls, Opening } from './talker.ts'
import { onWire } from './traffic.ts'
import { startWorker, type Worker } from './worker.ts'

export type Talker = Worker<Calls>

/** Starts the process; no node runs in it yet. */
export const startTalker = (execArgv: readonly string[] = []): Talker => startWorker('talker.ts', execArgv)

/** Bytes of all that these have sent, headers included. */
export async function sentBy(talkers: readonly Talker[]): Promise<number> {
  return onWire(await Promise.all(talkers.map((talker) => talker.ask('traffic'))))
}

export interface Pair {
  readonly alice: Talker
  readonly bob: Talker
  /** Each other's id, for the one who sends. */
  readonly toBob: string
  readonly toAlice: string
}

export interface PairOptions {
  readonly control?: boolean
  /** Messages of history on both sides before they begin. */
  readonly history?: number
  readonly execArgv?: readonly string[]
}

/** Two processes whose nodes know each other and are connected, for as long as `use` runs; their folders go afterwards. */
export async function withPair<T>(options: PairOptions, use: (pair: Pair) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const alice = startTalker(options.execArgv)
  const bob = startTalker(options.execArgv)
  const opening = (name: string): Opening => ({
    directory: join(folder, name),
    control: options.control ?? false,
    mdns: false,
  })
  try {
    const toAlice = await alice.ask('open', opening('alice'))
    const toBob = await bob.ask('open', opening('bob'))
    await alice.ask('add', await bob.ask('invite', 1))
    await reachEachOther(alice, bob)
    if (options.history !== undefined) {
      for (const [talker, name] of [
        [alice, 'alice'],
        [bob, 'bob'],
      ] as const) {
        await talker.ask('close')
        await talker.ask('fill', { opening: opening(name), count: options.history })
      }
      await bob.ask('open', opening('bob'))
      await alice.ask('open', opening('alice'))
      await reachEachOther(alice, bob)
    }
    return await use({ alice, bob, toBob, toAlice })
  } finally {
    await Promise.all([alice.stop(), bob.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Three extends Pair {
  readonly relay: Talker
  /** How a node is opened again; what `net` says comes on top. */
  opening(name: 'alice' | 'bob' | 'relay', net?: Opening['net']): Opening
}

/** Three processes whose nodes all know each other, without the local network's help, for as long as `use` runs. */
export async function withThree<T>(net: Opening['net'], use: (three: Three) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const [alice, bob, relay] = [startTalker(), startTalker(), startTalker()]
  const opening: Three['opening'] = (name, more) => ({
    directory: join(folder, name),
    control: false,
    mdns: false,
    net: { ...net, ...more },
  })
  try {
    const toAlice = await alice.ask('open', opening('alice'))
    const toBob = await bob.ask('open', opening('bob'))
    await relay.ask('open', opening('relay'))
    const toRelay = await relay.ask('invite', 2)
    for (const one of [alice, bob]) await one.ask('add', toRelay)
    await alice.ask('add', await bob.ask('invite', 1))
    await Promise.all([alice, bob, relay].map((one) => one.ask('reached', 2)))
    return await use({ alice, bob, relay, toBob, toAlice, opening })
  } finally {
    await Promise.all([alice.stop(), bob.stop(), relay.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Two who reach each other through a third alone. */
export function withRelayedPair<T>(use: (three: Three) => Promise<T>): Promise<T> {
  return withThree({}, async (three) => {
    const { alice, bob, toAlice, toBob } = three
    await Promise.all([alice.ask('relayOnly', toBob), bob.ask('relayOnly', toAlice)])
    return use(three)
  })
}

async function reachEachOther(alice: Talker, bob: Talker): Promise<void> {
  await Promise.all([alice.ask('reached', 1), bob.ask('reached', 1)])
}
