import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Node } from '../../../src/node/api.ts'
import { type Host, hostNode } from '../../../src/node/server/host.ts'
import { connectHolder } from '../../../src/node/server/lock.ts'
import { FRAME_LIMIT } from '../../../src/node/server/rpc.ts'
import { DoubleNode } from './double-node.ts'

let directory: string
let hosts: Host[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tulnic-host-'))
})
afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()))
  hosts = []
  rmSync(directory, { recursive: true, force: true })
})

const node = (): DoubleNode => new DoubleNode('open')
const noDoor = { door: null, warn: () => {} }

async function host(startNode: () => Promise<Node>): Promise<Host> {
  const started = await hostNode({ dataDirectory: directory, startNode, ...noDoor })
  hosts.push(started)
  return started
}

const client = async () => {
  const connected = await connectHolder(directory)
  if (connected === undefined) throw new Error('nobody holds it')
  return connected
}

describe('a hosted node', () => {
  it('answers over its socket, and stops when it is asked to, giving the profile free', async () => {
    const double = node()
    const own = await host(async () => double)
    const one = await client()
    expect(await one.call('status')).toMatchObject({ phase: 'open' })
    await one.call('stop')
    await own.stopped
    await one.closed
    expect(double.stopped).toBe(true)
    expect(readdirSync(directory)).toEqual([])
    expect(await connectHolder(directory)).toBeUndefined()
    await host(async () => node())
  })

  it('lets calls wait while it starts, and says that it is starting', async () => {
    let go: (node: Node) => void = () => {}
    let asked = (): void => {}
    const starting = new Promise<void>((resolve) => (asked = resolve))
    const hosting = host(() => {
      asked()
      return new Promise<Node>((resolve) => (go = resolve))
    })
    await starting
    const one = await client()
    const answer = one.call('status')
    expect(await one.call('holder')).toEqual({ pid: process.pid, url: null, state: 'starting' })
    go(node())
    expect(await answer).toMatchObject({ phase: 'open' })
    await hosting
    expect(await one.call('holder')).toMatchObject({ state: 'running' })
    await expect(one.call('openCode')).rejects.toMatchObject({ code: 'usage' })
    one.close()
  })

  it('leaves nothing behind if its node does not start', async () => {
    await expect(host(() => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
    expect(readdirSync(directory)).toEqual([])
    await host(async () => node())
  })

  it('stops once, whoever asks how often, even if its folder is gone', async () => {
    let stops = 0
    const double = node()
    double.stop = async () => {
      stops++
    }
    const own = await host(async () => double)
    rmSync(directory, { recursive: true })
    await Promise.all([own.stop(), own.stop(), own.stopped])
    expect(stops).toBe(1)
  })
})

describe('its socket', () => {
  const raw = async (): Promise<Socket> => {
    const socket = createConnection(
      join(directory, readdirSync(directory).find((name) => name.endsWith('.sock')) ?? ''),
    )
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  it('survives garbage, and half a frame', async () => {
    await host(async () => node())
    const socket = await raw()
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    socket.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a]))
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
    expect(await next()).toMatchObject({ id: null, error: { code: 'usage' } })
    socket.write('\n\n  \n{"id":1,"met')
    socket.write('hod":"status"}\n{"id":2,"method":"status"}\n')
    expect(await next()).toMatchObject({ id: 1, result: {} })
    expect(await next()).toMatchObject({ id: 2, result: {} })
    socket.destroy()
  })

  it('ends a connection whose line is over 1 MiB, in one piece or in many, and lives on', async () => {
    await host(async () => node())
    for (const pieces of [1, 64]) {
      const socket = await raw()
      const closed = once(socket, 'close')
      for (let n = 0; n < pieces; n++) socket.write('x'.repeat(Math.ceil((FRAME_LIMIT + 64) / pieces)))
      await closed
    }
    const one = await client()
    expect(await one.call('status')).toMatchObject({ phase: 'open' })
    one.close()
  })

  it('stops listening for a client that has gone', async () => {
    const double = node()
    await host(async () => double)
    const one = await client()
    await one.subscribe(() => {})
    expect(double.listeners).toBe(1)
    one.close()
    const gone = new Promise<void>((resolve) => {
      const look = (): void => (double.listeners === 0 ? resolve() : void setImmediate(look))
      look()
    })
    await gone
  })
})
