/**
 * The package as a part of another program, and the demo.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ApiError, startNode } from '../../src/node/index.ts'
import { tulnic } from './people.ts'

const BIN = fileURLToPath(new URL('../../scripts/tulnic.cjs', import.meta.url))

describe('a node inside another program', () => {
  it('owns its profile, tells its events, and can be spoken to from the command line', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tulnic-sdk-'))
    const { node, stop, url } = await startNode({ dataDirectory, mdns: false })
    expect(url).toBeNull()
    const phases: string[] = []
    node.subscribe((event) => {
      if (event.type === 'profile') phases.push(event.phase)
    })
    const { self } = await node.createProfile({ name: 'Robot', passphrase: null })
    expect(phases).toContain('open')
    expect((await tulnic(['id', '--json', '--data', dataDirectory])).json).toEqual([{ ...self }])
    await expect(startNode({ dataDirectory, mdns: false })).rejects.toBeInstanceOf(ApiError)
    await stop()
    expect((await tulnic(['id', '--data', dataDirectory])).code).toBe(3)
    rmSync(dataDirectory, { recursive: true })
  })
})

describe('the demo', () => {
  it('is three people who know each other, each with an app, and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [BIN, 'demo', '--no-open', '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { type, people } = JSON.parse(String((await lines.next()).value))
    expect(type).toBe('ready')
    expect(people.map(({ name }: { name: string }) => name)).toEqual(['Ana', 'Mihai', 'Ioana'])
    for (const { name, data, url } of people) {
      const others = people.filter((person: { name: string }) => person.name !== name)
      for (const other of others) {
        const sent = await tulnic(['send', other.name, `from ${name}`, '--wait', 'delivered', '--json', '--data', data])
        expect(sent.code, sent.err).toBe(0)
      }
      const page = await fetch(url)
      expect(page.status).toBe(200)
    }
    child.kill('SIGINT')
    expect((await once(child, 'close'))[0]).toBe(0)
    for (const { data } of people) expect(existsSync(data)).toBe(false)
  })
})
