/**
 * The router's offer to let others in, by a router on loopback that speaks real UDP and HTTP: a good one, and bad ones.
 */
import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import { Router } from '../../../src/node/net/reach/router.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { DEADLINE_MS, online, person, random } from './world.ts'

/** A network of this run alone. */
const NETWORK = `127.${10 + (process.pid % 200)}.${(process.pid >> 8) % 250}`
const HERE = `${NETWORK}.1`
const ROUTER = `${NETWORK}.2`
const GROUP = '239.255.255.250'
const WAN = 'urn:schemas-upnp-org:service:WANIPConnection:1'
const QUICK: Limits = { ...LIMITS, routerSearchMs: 700, routerMs: 500, routerAgainMs: 100 }

interface Asked {
  readonly action: string
  readonly body: string
}

interface Ways {
  /** What it says in answer to a search, given where its description is. */
  readonly found?: (location: string) => readonly string[]
  readonly described?: (response: ServerResponse) => void
  /** The answer to an action: what stands in its body, or a code. */
  readonly answer?: (asked: Asked) => string | number | undefined
  readonly control?: string
}

const reply = (location: string): string =>
  `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: upnp:rootdevice\r\nLocation: ${location}\r\n\r\n`

/** A router; what it was asked is written down. */
async function router({ found = (at) => [reply(at)], described, answer, control = '/control' }: Ways = {}) {
  const asked: Asked[] = []
  const seen: string[] = []
  const server = createServer(async (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.method === 'GET') {
      if (described !== undefined) return described(response)
      const service = `<service><serviceType>${WAN}</serviceType><controlURL>${control}</controlURL></service>`
      return void response.end(`<root><device><serviceList>${service}</serviceList></device></root>`)
    }
    const body = await read(request)
    const action = /#(\w+)"/.exec(String(request.headers.soapaction))?.[1] ?? ''
    asked.push({ action, body })
    const said = answer?.({ action, body }) ?? (action === 'GetExternalIPAddress' ? '203.0.113.9' : '')
    if (typeof said === 'number') response.statusCode = 500
    const inner =
      typeof said === 'number'
        ? `<errorCode>${said}</errorCode>`
        : `<NewExternalIPAddress>${said}</NewExternalIPAddress>`
    response.end(`<s:Envelope><s:Body>${inner}</s:Body></s:Envelope>`)
  })
  await new Promise<void>((resolve) => server.listen(0, ROUTER, resolve))
  const location = `http://${ROUTER}:${(server.address() as AddressInfo).port}/description.xml`
  const ear = createSocket({ type: 'udp4', reuseAddr: true })
  const mouth = createSocket('udp4')
  await new Promise<void>((resolve) => mouth.bind(0, ROUTER, resolve))
  await new Promise<void>((resolve) => ear.bind(1900, () => resolve()))
  ear.addMembership(GROUP, '127.0.0.1')
  let searches = 0
  ear.on('message', (bytes, from) => {
    if (from.address !== HERE || !bytes.toString().startsWith('M-SEARCH')) return
    searches++
    for (const text of found(location)) mouth.send(text, from.port, from.address)
  })
  onTestFinished(async () => {
    ear.close()
    mouth.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { asked, seen, location, searches: () => searches, actions: () => asked.map(({ action }) => action) }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += part
  return text
}

/** A node's part in it, listening on port 50000. */
function client(limits: Partial<Limits> = {}, gateways: readonly string[] | undefined = [ROUTER]) {
  const state = { changed: 0 }
  const machine = {
    ...nodejsMachine(),
    gateways: () => gateways,
    interfaces: () => [{ name: 'lan', address: HERE, family: 4 as const, prefix: 24, internal: false }],
  }
  const one = new Router(
    machine,
    { ...QUICK, ...limits },
    {
      port: () => 50_000,
      changed: () => {
        state.changed++
      },
      random,
    },
  )
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= one.stop())
  onTestFinished(stop)
  one.start()
  const becomes = (status: string): Promise<void> =>
    expect.poll(() => one.status(), { timeout: DEADLINE_MS, interval: 20 }).toBe(status)
  return { one, state, stop, becomes }
}

test('is asked for a mapping of an hour, renewed, and taken back at the end', async () => {
  const home = await router()
  const { one, state, stop, becomes } = client({ routerLeaseMs: 2000 })
  await becomes('open')
  expect(one.mapped()?.text).toBe('/ip4/203.0.113.9/tcp/50000')
  expect(home.actions().slice(0, 2)).toEqual(['GetExternalIPAddress', 'AddPortMapping'])
  for (const part of [
    '<NewExternalPort>50000<',
    '<NewInternalPort>50000<',
    `<NewInternalClient>${HERE}<`,
    '<NewProtocol>TCP<',
    '<NewLeaseDuration>2<',
  ])
    expect(home.asked[1]?.body).toContain(part)
  const added = (): number => home.actions().filter((action) => action === 'AddPortMapping').length
  await expect.poll(added, { timeout: DEADLINE_MS }).toBeGreaterThan(2)
  expect(state.changed).toBe(1)
  await stop()
  expect(home.actions().at(-1)).toBe('DeletePortMapping')
  expect(home.asked.at(-1)?.body).toContain('<NewExternalPort>50000<')
})

test('whose port is another’s gives another one; one that knows no leases, one without end', async () => {
  let refusals = 1
  const home = await router({
    answer: ({ action, body }) => {
      if (action !== 'AddPortMapping') return undefined
      if (refusals-- > 0) return 718
      return body.includes('<NewLeaseDuration>0<') ? '' : 725
    },
  })
  const { one, becomes } = client()
  await becomes('open')
  const port = one.mapped()?.port ?? 0
  expect(port).not.toBe(50_000)
  expect(home.asked.at(-1)?.body).toContain(`<NewExternalPort>${port}<`)
  expect(home.asked.at(-1)?.body).toContain('<NewInternalPort>50000<')
})

test.each([
  '10.1.2.3',
  '100.64.1.1',
  '192.168.1.1',
  '127.0.0.1',
  '0.0.0.0',
  '239.1.1.1',
  '169.254.1.1',
  'example.org',
  '',
])('that says its own address is %j is behind another, and opens nothing', async (external) => {
  const home = await router({ answer: ({ action }) => (action === 'GetExternalIPAddress' ? external : undefined) })
  const { one, becomes } = client()
  await becomes('behind-another')
  expect(one.mapped()).toBeUndefined()
  expect(new Set(home.actions())).toEqual(new Set(['GetExternalIPAddress']))
})

test('is the gateway: others who answer are not asked, and where there is none nothing is sent', async () => {
  const home = await router()
  const other = client({}, [`${NETWORK}.77`])
  await other.becomes('none')
  await other.stop()
  expect([home.searches() > 0, home.seen]).toEqual([true, []])
  const before = home.searches()
  const isolated = client({}, [])
  await isolated.becomes('none')
  await isolated.stop()
  expect(home.searches()).toBe(before)
})

test('that refuses is asked again later', async () => {
  const home = await router({ answer: ({ action }) => (action === 'AddPortMapping' ? 606 : undefined) })
  const { one, becomes } = client()
  await becomes('refused')
  await expect.poll(home.searches, { timeout: DEADLINE_MS }).toBeGreaterThan(3)
  expect(one.mapped()).toBeUndefined()
})

test('sends us nowhere else: neither by its answer, nor by its description, nor by a redirect', async () => {
  const reached: string[] = []
  const victim = createServer((request, response) => {
    reached.push(String(request.url))
    response.end()
  })
  await new Promise<void>((resolve) => victim.listen(0, `${NETWORK}.9`, resolve))
  onTestFinished(() => void victim.close())
  const elsewhere = `http://${NETWORK}.9:${(victim.address() as AddressInfo).port}`
  const ways: readonly Ways[] = [
    { found: () => [reply(`${elsewhere}/answer`), reply('http://localhost/name'), reply('file:///etc/passwd'), 'x'] },
    { control: `${elsewhere}/control` },
    { described: (response) => void response.writeHead(302, { location: `${elsewhere}/redirect` }).end() },
  ]
  for (const way of ways) {
    const home = await router(way)
    const { stop, becomes } = client()
    await expect.poll(home.searches, { timeout: DEADLINE_MS }).toBeGreaterThan(2)
    await becomes('none')
    await stop()
    expect(home.asked).toEqual([])
  }
  expect(reached).toEqual([])
})

test('that answers without end, or not at all, costs no more than its bounds', async () => {
  let sent = 0
  const endless = (response: ServerResponse): void => {
    const more = (): void => {
      do sent += 65_536
      while (!response.destroyed && response.write('x'.repeat(65_536)))
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  const silent = (): void => {}
  for (const described of [endless, silent]) {
    const home = await router({ described })
    const { stop, becomes } = client({ routerMs: described === endless ? 10_000 : 500 })
    await becomes('none')
    expect(home.seen.length).toBeGreaterThan(0)
    await stop()
  }
  // What the kernel holds, and no more.
  expect(sent).toBeLessThan(32 * 1024 * 1024)
})

test('of those who answer a search in a flood, four are asked', async () => {
  const crowd = await router({
    found: (location) => Array.from({ length: 50 }, (_, i) => reply(location.replace('description', `d${i}`))),
    described: (response) => void response.writeHead(404).end(),
  })
  const { becomes, stop } = client({ routerAgainMs: 60_000, routerMs: 10_000 })
  await becomes('none')
  await stop()
  expect(crowd.seen).toHaveLength(4)
})

test('is not asked by who stays on this network, nor by who does not look for others on it', async () => {
  const home = await router()
  const machine = {
    ...nodejsMachine(),
    gateways: () => undefined,
    interfaces: () => [{ name: 'lan', address: HERE, family: 4 as const, prefix: 24, internal: false }],
    multicast: () => ({ ask: () => {}, refresh: () => {}, stop: async () => {} }),
  }
  const limits = { routerSearchMs: 300, routerMs: 500 }
  const quiet = [
    await online(person(), { machine, limits, config: { mdns: true, lanOnly: true } }),
    await online(person(), { machine, limits, config: { mdns: false } }),
  ]
  for (const { net } of quiet) expect(net.reach().router).toBeUndefined()
  expect(home.searches()).toBe(0)
  const asks = await online(person(), { machine, limits, config: { mdns: true } })
  await expect.poll(() => asks.net.reach().router, { timeout: DEADLINE_MS }).toBe('open')
  // Nobody has proved it: it is no address of ours yet.
  expect(asks.net.addresses().some((address) => address.includes('203.0.113.9'))).toBe(false)
  for (const one of quiet) await one.stop()
  await asks.stop()
  expect(home.actions().at(-1)).toBe('DeletePortMapping')
})
