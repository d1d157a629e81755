/**
 * A process with two nets that know nothing of each other but an address: what it costs on the wire to get to know a server of the
 * hash table, and to ask it one question more.
 */
import { randomBytes } from 'node:crypto'
import { NET_DEFAULTS } from '../../src/node/config.ts'
import { makeNet } from '../../src/node/net/libp2p.ts'
import type { Acquaintances, Net } from '../../src/node/net/net.ts'
import { nodejsMachine } from '../../src/node/platform/nodejs-net.ts'
import type { Input } from '../../src/node/engine/input.ts'
import { onWire, trafficSoFar } from './traffic.ts'
import { serve } from './worker.ts'

export interface Errand {
  /** Bytes of a dial with TCP, Noise, yamux, hello, reach and a ping, of both sides. */
  readonly dial: number
  /** Bytes of a question without an answer's content, on an open connection, of both sides. */
  readonly question: number
}

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** Somebody who knows nobody. */
const alone: Acquaintances = {
  day: () => Math.floor(Date.now() / 86_400_000),
  tag: () => undefined,
  tags: () => [],
  recognise: () => undefined,
  prove: () => new Uint8Array(),
  check: () => undefined,
  inviteProof: () => new Uint8Array(),
  random,
  boxes: {
    carrierProof: () => undefined,
    isCarrier: () => false,
    ownerProof: () => undefined,
    isOwner: () => false,
  },
}

const calls = {
  run: async (): Promise<Errand> => {
    const server = await start([])
    const port = server.net.addresses()[0]?.split('/')[4]
    const before = onWire([trafficSoFar()])
    const client = await start([`/ip4/127.0.0.1/tcp/${port}`])
    await until(() => client.net.dht().servers === 1 && server.net.dht().servers === 1)
    await settled()
    // Each got to know the other over one connection: two pings, and two looks at who is near.
    const met = onWire([trafficSoFar()])
    for (let i = 0; i < QUESTIONS; i++) await client.lookUp()
    await settled()
    const question = (onWire([trafficSoFar()]) - met) / QUESTIONS
    return { dial: met - before - 3 * question, question }
  },
}

export type ErrandCalls = typeof calls

const QUESTIONS = 20

async function start(bootstrap: readonly string[]): Promise<{ net: Net; lookUp(): Promise<void> }> {
  let told = (): void => {}
  const hear = (input: Input): void => {
    if (input.type === 'looked-up') told()
  }
  const config = { ...NET_DEFAULTS, listenPort: 0, listen: [], mdns: false, lanOnly: true, bootstrap }
  const net = await makeNet(nodejsMachine())(config, alone, hear)
  await net.start()
  const lookUp = (): Promise<void> =>
    new Promise((resolve) => {
      told = resolve
      net.perform({ type: 'look-up', sought: 'somebody' as never, kind: 'rv1', names: [random(32)] })
    })
  return { net, lookUp }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Nothing was written for a while. */
async function settled(): Promise<void> {
  for (let last = -1; last !== trafficSoFar().bytes; ) {
    last = trafficSoFar().bytes
    await new Promise((resolve) => setTimeout(resolve, 1500))
  }
}

serve(calls)
