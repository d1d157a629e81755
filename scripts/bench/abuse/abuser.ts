/**
 * A process that abuses a node, as its parent says: see attacks.ts.
 *
 * It runs below every other process (nice 19): the machine has few processors, and what an attacker takes of them beside us is
 * not for us to answer for. What it makes our own process do is.
 */
import { setPriority } from 'node:os'
import { setTimeout as elapsed } from 'node:timers/promises'
import type { Libp2p } from 'libp2p'
import type { Node } from '../../../src/node/api.ts'
import { makeNet } from '../../../src/node/net/libp2p.ts'
import type { Acquaintances, MakeNet, Net } from '../../../src/node/net/net.ts'
import { nodejsPlatform } from '../../../src/node/platform/nodejs.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { startNode } from '../../../src/node/start.ts'
import { createVault } from '../../../src/node/vault.ts'
import { serve } from '../worker.ts'
import { ATTACKS, NAUGHTY, type Means, type Tally } from './attacks.ts'
import { dial, rawNode, strangersHello } from './raw.ts'

setPriority(19)

/** A name that is not what it seems. */
const NAMES = 'Alice\u202e\u200b\u2066<b>\u001b[2J'

interface Mallory {
  readonly node: Node
  readonly victim: string
  readonly acquaintances: Acquaintances
  readonly net: Net
}

let mallory: Mallory | undefined
let running: { readonly stop: AbortController; readonly over: Promise<void>; readonly tally: Tally } | undefined

const calls = {
  /** Becomes a contact of whoever made the link, with a profile in that folder. */
  befriend: async ({ directory, link }: { directory: string; link: string }): Promise<void> => {
    let made: { net: Net; acquaintances: Acquaintances } | undefined
    const inner = makeNet(nodejsMachine())
    const make: MakeNet = async (config, acquaintances, emit) => {
      const net = await inner(config, acquaintances, emit)
      made = { net, acquaintances }
      return net
    }
    const net = { listen: [], mdns: false, lanOnly: true }
    const platform = await nodejsPlatform(directory)
    // Our own door refuses such a name; a hostile build does not.
    await createVault(platform, NAMES, null)
    const node = await startNode(platform, make, { net, version: 'abuse' })
    const { id: victim, state } = await node.addContact({ link })
    if (state !== 'active' || made === undefined) throw new Error('the link led to nobody')
    mallory = { node, victim, ...made }
  },
  /** Texts of a contact that is online, as fast as they are taken. */
  write: async (count: number): Promise<void> => {
    if (mallory === undefined) throw new Error('no contact')
    const { node, victim } = mallory
    for (let i = 0; i < count; i++) await node.send({ to: victim, text: textOf(i) })
  },
  /** The contact's node leaves, so that an attack speaks in its place. */
  leave: async (): Promise<void> => mallory?.net.stop(),
  begin: async ({ name, address, from }: { name: string; address: string; from: string }): Promise<void> => {
    const attack = ATTACKS.find((one) => one.name === name)
    if (attack === undefined) throw new Error(`no attack is called ${name}`)
    const stop = new AbortController()
    const tally: Tally = { done: 0, refused: 0 }
    const raw: Libp2p = await rawNode(from)
    // What the attack before owes is over: else this one would be nothing but refused.
    if (attack.as === 'stranger') await letIn(raw, address)
    const contact = attack.as === 'contact' ? mallory : undefined
    if (attack.as === 'contact' && contact === undefined) throw new Error('no contact')
    const means: Means = { address, from, raw, contact, stop: stop.signal, tally }
    const over = attack.run(means).finally(() => raw.stop())
    running = { stop, over, tally }
  },
  tally: async (): Promise<Tally> => running?.tally ?? { done: 0, refused: 0 },
  end: async (): Promise<Tally> => {
    if (running === undefined) throw new Error('no attack runs')
    const { stop, over, tally } = running
    running = undefined
    stop.abort()
    await Promise.race([over.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 15_000))])
    return tally
  },
}

export type Abuser = typeof calls

async function letIn(raw: Libp2p, address: string): Promise<void> {
  for (;;) {
    try {
      const connection = await dial(raw, address)
      await strangersHello(connection)
      return await connection.close()
    } catch {
      await elapsed(200)
    }
  }
}

/** As long as a text may be, and none of them plain. */
function textOf(i: number): string {
  const bytes = new TextEncoder()
  let text = String(i)
  for (let at = i; bytes.encode(text).length < 8000; at++) text += NAUGHTY[at % NAUGHTY.length]
  return text
}

serve(calls)
