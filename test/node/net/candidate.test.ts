/**
 * What the router says of our address counts when others got through to it: reach alone, with two peers at two places that answer
 * over streams of libp2p without a network.
 */
import { streamPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import type { Address } from '../../../src/node/net/addresses.ts'
import { Exchange } from '../../../src/node/net/exchange.ts'
import type { Link } from '../../../src/node/net/link.ts'
import type { Links } from '../../../src/node/net/links.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { decodeDialBack, encodeMeeting, Reach } from '../../../src/node/net/reach/reach.ts'
import type { Reaching } from '../../../src/node/net/reaching.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { parsed } from './dht-hostile.ts'
import { DEADLINE_MS } from './world.ts'

const SEEN = '203.0.113.9'
const LISTENING = 4001

/** Two peers far away who see us at SEEN, and get through to those ports; what they were asked to dial is written down. */
function world(mapped: string | undefined, through: readonly number[]) {
  const asked: string[] = []
  const links: Link[] = []
  const state = { mapped: mapped === undefined ? undefined : parsed(mapped) }
  const answer = async (link: Link, stream: Parameters<Reach['answer']>[0]): Promise<void> => {
    const exchange = new Exchange(stream, 4096, AbortSignal.timeout(DEADLINE_MS))
    const question = (await exchange.readSized(1024)) ?? new Uint8Array()
    const address = decodeDialBack(question)
    if (address !== undefined) asked.push(`${link.peer} ${address.text}`)
    const seen = parsed(`/ip4/${SEEN}/tcp/61234`)
    exchange.writeSized(
      address === undefined
        ? encodeMeeting({ isServer: false, isRelay: false, seen, told: [] })
        : Uint8Array.of(through.includes(address.port) ? 1 : 2),
    )
    await exchange.finish()
  }
  for (const [i, address] of ['/ip4/198.51.100.7/tcp/1', '/ip4/192.0.2.7/tcp/1'].entries()) {
    const link = {
      peer: `peer${i}`,
      via: 'direct',
      address,
      isOpen: true,
      standing: { phase: 'stranger', reachedFor: null },
      openStream: async () => {
        const [here, there] = await streamPair()
        void answer(link, there)
        return here
      },
    } as unknown as Link
    links.push(link)
  }
  const reach = new Reach(nodejsMachine(), LIMITS, { all: () => links } as unknown as Links, {} as Reaching, {
    servesTo: () => false,
    relaysTo: () => false,
    listening: (): readonly Address[] => [parsed(`/ip4/0.0.0.0/tcp/${LISTENING}`)],
    mapped: () => state.mapped,
    told: () => {},
    changed: () => {},
  })
  const settles = async (count: number): Promise<void> => {
    await expect.poll(() => asked.length, { timeout: DEADLINE_MS }).toBe(count)
    for (const link of links) await reach.ask(link)
  }
  return { reach, asked, state, links, settles }
}

const addresses = (reach: Reach): readonly string[] => reach.publicAddresses().map(({ text }) => text)

test('a port that the router opened is tried, and is an address once two places got through', async () => {
  const { reach, asked, links, settles } = world(`/ip4/${SEEN}/tcp/50123`, [50_123])
  expect(addresses(reach)).toEqual([])
  await reach.ask(links[0]!)
  await settles(1)
  await expect.poll(() => addresses(reach), { timeout: DEADLINE_MS }).toEqual([`/ip4/${SEEN}/tcp/50123`])
  expect(asked.toSorted()).toEqual([`peer0 /ip4/${SEEN}/tcp/50123`, `peer1 /ip4/${SEEN}/tcp/50123`])
  expect(reach.status().publiclyReachable).toBe('yes')
})

test('one that nobody gets through to is none', async () => {
  const { reach, links, settles } = world(`/ip4/${SEEN}/tcp/50123`, [])
  for (const link of links) await reach.ask(link)
  await settles(2)
  expect(addresses(reach)).toEqual([])
  expect(reach.status().publiclyReachable).not.toBe('yes')
})

test('an address at which nobody sees us is asked of nobody: the router lies, or there is another before it', async () => {
  const { reach, asked, links, settles } = world('/ip4/198.51.100.99/tcp/50123', [])
  for (const link of links) await reach.ask(link)
  await settles(2)
  expect(asked.toSorted()).toEqual([`peer0 /ip4/${SEEN}/tcp/${LISTENING}`, `peer1 /ip4/${SEEN}/tcp/${LISTENING}`])
})

test('when the router opens it later, those who had not got through are asked again', async () => {
  const { reach, asked, state, links, settles } = world(undefined, [])
  for (const link of links) await reach.ask(link)
  await settles(2)
  // What is known is not asked for.
  for (const link of links) await reach.ask(link)
  expect(asked).toHaveLength(2)
  state.mapped = parsed(`/ip4/${SEEN}/tcp/${LISTENING}`)
  reach.forget()
  await expect.poll(() => new Set(asked.slice(2)).size, { timeout: DEADLINE_MS }).toBe(2)
})
