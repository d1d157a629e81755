import { expect, onTestFinished, test } from 'vitest'
import type { Link } from '../../../src/node/net/link.ts'
import type { Endpoint } from '../../../src/node/net/machine.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { NatMapping } from '../../../src/node/net/reach/nat-mapping.ts'
import { Stun, stunAnswer, stunMapped, stunQuestion } from '../../../src/node/net/relay/stun.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { random } from './world.ts'

const linkTo = (host: string, more: Partial<Link> = {}): Link =>
  ({
    address: `/ip4/${host}/tcp/4001`,
    via: 'direct',
    dialed: true,
    standing: { phase: 'stranger', reachedFor: null },
    ...more,
  }) as Link

/** A mapping in a time of its own; `answers` by the host that is asked, and whom it was asked so far. */
function world(links: Link[], answers: Readonly<Record<string, string>>) {
  const asked: Endpoint[] = []
  const clock = { now: 0 }
  const mapping = new NatMapping({
    links: () => links,
    ask: async (server) => {
      asked.push(server)
      return answers[server.address]
    },
    own: () => ['192.168.1.2', 'fd00::2'],
    now: () => clock.now,
    lifeMs: LIMITS.reachableMs,
  })
  const look = async (): Promise<ReturnType<NatMapping['kind']>> => {
    mapping.look()
    await new Promise(setImmediate)
    return mapping.kind()
  }
  return { mapping, asked, clock, look }
}

const HOSTS = ['198.51.100.1', '198.51.101.1', '198.51.102.1', '198.51.103.1']

test.each<[string, readonly string[], string]>([
  ['no answer', [], 'unknown'],
  ['one alone', ['203.0.113.9:7'], 'unknown'],
  ['two that agree', ['203.0.113.9:7', '203.0.113.9:7'], 'endpoint-independent'],
  ['two that do not', ['203.0.113.9:7', '203.0.113.9:8'], 'endpoint-dependent'],
  ['three that do not', ['203.0.113.9:7', '203.0.113.9:8', '203.0.113.9:9'], 'endpoint-dependent'],
  ['one that lies, among three', ['203.0.113.9:7', '203.0.113.9:8', '203.0.113.9:7'], 'endpoint-independent'],
  ['an address of this machine', ['192.168.1.2:7', '192.168.1.2:7'], 'none'],
  [
    'an address of this machine, says one that lies',
    ['203.0.113.9:7', '192.168.1.2:7', '203.0.113.9:7'],
    'endpoint-independent',
  ],
])('%s', async (_what, said, expected) => {
  const answers = Object.fromEntries(said.map((mapped, i) => [HOSTS[i], mapped]))
  const { look } = world(
    HOSTS.map((host) => linkTo(host)),
    answers,
  )
  expect(await look()).toBe(expected)
})

test('only dialed peers beyond the local network are asked, each host once, and no more than are needed', async () => {
  const links = [
    linkTo('192.168.1.9', { via: 'lan' }),
    linkTo('198.51.100.9', { dialed: false }),
    linkTo('198.51.100.8', { via: 'relayed' }),
    linkTo('198.51.100.7', { standing: { phase: 'greeting' } }),
    linkTo('198.51.100.6', { address: '/webrtc' }),
    linkTo('::', { address: '/ip6/2001:db8::7/tcp/4001' }),
    ...[...HOSTS, ...HOSTS].map((host) => linkTo(host)),
  ]
  const { asked, look, clock, mapping } = world(links, Object.fromEntries(HOSTS.map((host) => [host, '203.0.113.9:7'])))
  for (let i = 0; i < 3; i++) await look()
  expect(asked).toEqual(HOSTS.slice(0, 3).map((address) => ({ address, family: 4, port: 4001 })))
  clock.now += LIMITS.reachableMs / 2 + 1
  expect(await look()).toBe('endpoint-independent')
  expect(asked).toHaveLength(6)
  mapping.clear()
  expect(mapping.kind()).toBe('unknown')
})

test('who does not answer is not asked again soon, and others are', async () => {
  const many = Array.from({ length: 40 }, (_, i) => linkTo(`198.51.${i}.1`))
  const { asked, look } = world(many, {})
  for (let i = 0; i < 60; i++) await look()
  expect(asked).toHaveLength(12)
  expect(new Set(asked.map(({ address }) => address)).size).toBe(12)
})

test('STUN: what was answered is read, for that question alone, and nothing else is', () => {
  const transaction = random(12)
  const answer = stunAnswer(stunQuestion(transaction), { address: '203.0.113.9', family: 4, port: 54321 })
  if (answer === undefined) throw new Error('the question is none')
  expect(stunMapped(answer, transaction)).toBe('203.0.113.9:54321')
  expect(stunMapped(answer, random(12))).toBeUndefined()
  for (let i = 0; i < answer.length; i++) expect(stunMapped(answer.subarray(0, i), transaction)).toBeUndefined()
  for (let i = 0; i < 2000; i++) stunMapped(random(i % 64), transaction)
})

test('STUN: one asks and the other answers, from the ports on which both listen; one that is silent is waited for no longer', async () => {
  const machine = nodejsMachine()
  const stun = async (isConnected: boolean): Promise<{ port: number; stun: Stun }> => {
    const port = await machine.freePort(0)
    const one = new Stun(machine, port, () => isConnected, random)
    onTestFinished(() => one.stop())
    return { port, stun: one }
  }
  const [asker, answerer, silent] = [await stun(false), await stun(true), await stun(false)]
  const ask = (port: number): Promise<string | undefined> =>
    asker.stun.ask({ address: '127.0.0.1', family: 4, port }, AbortSignal.timeout(1000))
  expect(await ask(answerer.port)).toBe(`127.0.0.1:${asker.port}`)
  expect(await ask(silent.port)).toBeUndefined()
})
