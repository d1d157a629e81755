/** What the commands print, and how they end. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { BOB, ME } from '../server/double-node.ts'
import { type Ended, ended, expectFailure, MESSAGE_FIELDS, objects, withNode } from './program.ts'

const program = withNode()

describe('results', () => {
  it('id, status, contacts', async () => {
    expect(objects((await program.run(['id', '--json'])).out)).toEqual([
      { id: ME, name: 'Ana', device: 'd'.repeat(26) },
    ])
    expect(objects((await program.run(['status', '--json'])).out)[0]).toMatchObject({
      online: true,
      peers: 1,
      addresses: ['/ip4/192.0.2.1/tcp/5000'],
      queued: 0,
    })
    const [{ contacts }] = objects((await program.run(['--json', 'contacts'])).out)
    expect(contacts[0]).toEqual({
      id: BOB,
      name: 'Bob',
      state: 'active',
      verified: false,
      online: true,
      lastSeen: '1970-01-01T00:00:00.000Z',
      via: 'lan',
      relayedBy: null,
      punched: false,
      relayOnly: false,
      carrier: null,
    })
    const { out } = await program.run(['contacts'])
    expect(out).toMatch(/^NAME +STATE +REACHED/)
    expect(out).toContain('Bob')
  })

  it('TULNIC_DATA names the profile too, and --data is before it', async () => {
    expect((await ended(program.launch(['id', '--json'], { TULNIC_DATA: program.data }))).code).toBe(0)
    expect(
      (
        await ended(
          program.launch(['id', '--json', '--data', program.data], { TULNIC_DATA: join(program.root, 'none') }),
        )
      ).code,
    ).toBe(0)
    expect((await ended(program.launch(['id', '--json'], { TULNIC_DATA: join(program.root, 'none') }))).code).toBe(3)
    expect(
      (await ended(program.launch(['id', '--json'], { XDG_DATA_HOME: join(program.root, 'none') }))).err,
    ).toContain(join(program.root, 'none', 'tulnic'))
  })

  it('send without waiting is done once stored; from stdin without one last line break', async () => {
    const [sent] = objects((await program.run(['send', 'BOB', 'stuck here', '--json'])).out)
    expect(sent).toEqual({ id: expect.any(String), to: BOB, state: 'queued' })
    expect((await program.spawned(['send', 'bob', '-'], 'two\nlines\n\n')).code).toBe(0)
    const [{ messages }] = objects((await program.run(['history', 'bob', '--limit', '1', '--json'])).out)
    expect(messages[0].text).toBe('two\nlines\n')
    expect(Object.keys(messages[0])).toEqual(MESSAGE_FIELDS)
  })

  it.each([
    ['sent', 'as sent', 0, 'sent'],
    ['sent', 'as carried', 4, 'carried'],
    ['carried', 'as sent', 4, 'sent'],
    ['carried', 'as carried', 0, 'carried'],
    ['carried', 'as delivered', 0, 'delivered'],
    ['delivered', 'as sent', 4, 'sent'],
    ['delivered', 'as delivered', 0, 'delivered'],
    ['delivered', 'as read', 0, undefined],
    ['read', 'as delivered', 4, 'delivered'],
    ['read', 'as read', 0, 'read'],
    ['sent', 'stuck', 4, 'queued'],
    ['sent', 'refused', 1, 'failed'],
  ] as const)('send --wait %s, of a message that gets %s, ends with %i', async (wait, text, exit, state) => {
    const { code, out, err } = await program.run(['send', 'bob', text, '--wait', wait, '--timeout', '0.3', '--json'])
    expect(code, err).toBe(exit)
    const [message] = objects(out)
    if (state !== undefined) expect(message.state).toBe(state)
    expect(err.split('\n').filter(Boolean)).toHaveLength(exit === 0 ? 0 : 1)
  })

  it('add, and waiting for it', async () => {
    const added = await program.run(['add', 'look: "tulnic:abc" nice', '--wait', '--name', 'Caro', '--json'])
    expect(objects(added.out)).toEqual([{ contact: { id: 'c'.repeat(52), name: 'Caro', state: 'active' } }])
    const slow = await program.run(['add', 'tulnic:slow', '--wait', '--timeout', '0.3', '--json'])
    expect(slow.code).toBe(4)
    expect(objects(slow.out)[0].contact.state).toBe('invited')
    expect((await program.run(['add', 'tulnic:slow', '--json'])).code).toBe(0)
    expectFailure(await program.run(['add', 'tulnic:used']), 1, /used/)
    expectFailure(await program.run(['add', 'hello']), 1, /link/)
    const file = join(program.root, 'link.txt')
    writeFileSync(file, 'From Carol:\n  tulnic:abc\n')
    expect((await program.run(['add', file, '--wait'])).code).toBe(0)
    writeFileSync(file, 'nothing')
    expectFailure(await program.run(['add', file]), 1, /holds no tulnic link/)
  })

  it('invite, with a QR code that can be scanned', async () => {
    const { out, err, code } = await program.run(['invite', '--qr', '--json'])
    expect(code).toBe(0)
    const [{ link, expiresAt }] = objects(out)
    expect(expiresAt).toBe('1970-01-02T00:00:00.000Z')
    expect(await scan(err)).toBe(link)
    expect((await program.run(['invite'])).out).toBe(`${link}\n`)
  })

  it('nearby and pair', async () => {
    const [{ peers }] = objects((await program.run(['nearby', '--seconds', '1', '--json'])).out)
    expect(peers).toEqual([{ peer: 'peer1', name: 'Dana\u001b[31m' }])
    const people = (await program.run(['nearby', '--seconds', '1'])).out
    expect(people).toContain('Dana\ufffd[31m')
    expect(people).not.toContain('\u001b')
    const yes = await program.spawned(['pair', 'peer1', '--json'], 'yes\n')
    expect(objects(yes.out)).toMatchObject([
      { type: 'code', peer: 'peer1', code: '012345' },
      { contact: { name: 'Dana', verified: true } },
    ])
    const script = await program.run(['pair', 'peer1', '--yes', '--json'])
    expect(objects(script.out)[1].contact.verified).toBe(false)
    expect((await program.spawned(['pair', 'peer1', '--json'], 'no\n')).code).toBe(1)
    expect((await program.spawned(['pair', 'peer1', '--json'], '')).code).not.toBe(0)
    expectFailure(await program.run(['pair', 'peer2']), 6, /visible/)
  })

  it('relaying', async () => {
    for (const word of ['off', 'on']) {
      expect(objects((await program.run(['relaying', word, '--json'])).out)).toEqual([{ forContacts: word === 'on' }])
      const [{ relays }] = objects((await program.run(['status', '--json'])).out)
      expect(relays.forContacts).toBe(word === 'on')
      expect((await program.run(['status'])).out.includes('switched off')).toBe(word === 'off')
    }
  })

  it('contact: each verb', async () => {
    for (const [args, state] of [
      [['block', 'bob'], 'blocked'],
      [['unblock', BOB], 'active'],
    ] as const) {
      expect(objects((await program.run(['contact', ...args, '--json'])).out)[0].contact.state).toBe(state)
    }
    for (const word of ['on', 'off']) {
      const { contact } = objects((await program.run(['contact', 'relay-only', word, 'bob', '--json'])).out)[0]
      expect(contact).toMatchObject({ via: 'lan', relayOnly: word === 'on' })
    }
    const [{ number }] = objects((await program.run(['contact', 'verify', 'bob', '--json'])).out)
    expect(number.replaceAll(' ', '')).toHaveLength(60)
    expectFailure(await program.run(['contact', 'verify', 'bob', '--number', '5']), 1, /differ/)
    expect(
      objects((await program.run(['contact', 'verify', 'bob', '--number', number, '--json'])).out)[0].contact.verified,
    ).toBe(true)
    expect((await program.run(['contact', 'verify', 'bob'])).out).toBe(
      `${Array(3).fill('12345 12345 12345 12345').join('\n')}\n`,
    )
    expect(objects((await program.run(['contact', 'rename', 'bob', 'Robert', '--json'])).out)[0].contact.name).toBe(
      'Robert',
    )
    expect((await program.run(['contact', 'rename', 'robert', 'Bob'])).code).toBe(0)
    expectFailure(await program.run(['contact', 'show', 'Robert']), 6, /contact/)
  })

  it('a mistake of the node is one sentence without its words', async () => {
    const result = await program.run(['send', 'bob', 'break'])
    expectFailure(result, 1, /mistake/)
    expect(result.err).not.toMatch(/secret|TypeError/)
  })
})

describe('following', () => {
  it('listen tells the past, then the present, each once', async () => {
    await program.run(['send', 'bob', 'as delivered before'])
    const child = program.launch(['listen', '--since', '0', '--json', '--data', program.data])
    const lines = createInterface({ input: child.stdout! })
    // biome-ignore lint/suspicious/noExplicitAny: what a program printed
    const events: any[] = []
    let more: Promise<Ended> | undefined
    for await (const line of lines) {
      events.push(JSON.parse(line))
      more ??= program.run(['send', 'bob', 'as read after', '--json'])
      const { id } = objects((await more).out)[0]
      if (events.some((event) => event.message === id && event.state === 'read')) break
    }
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const ids = events.map(({ id }) => Number(id))
    expect(ids).toEqual(ids.map((_, index) => index + 1))
    expect(events.at(-1)).toEqual({
      type: 'state',
      id: expect.any(String),
      at: expect.any(String),
      message: expect.any(String),
      state: 'read',
      reason: null,
    })
  })

  it('chat sends lines and ends with its input', async () => {
    const { code, out } = await program.spawned(['chat', 'bob'], 'stuck one\nstuck two\n')
    expect(code).toBe(0)
    expect(out).toContain('stuck two')
  })
})

/** Reads a QR code out of half blocks. */
async function scan(drawn: string): Promise<string> {
  const { default: decodeQR } = await import('qr/decode.js')
  const rows = drawn
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const cells = [...line]
      return [cells.map((cell) => cell === '█' || cell === '▀'), cells.map((cell) => cell === '█' || cell === '▄')]
    })
  const scale = 4
  const width = (rows[0]?.length ?? 0) * scale
  const data = new Uint8Array(width * rows.length * scale * 4).fill(255)
  for (let y = 0; y < rows.length * scale; y++) {
    for (let x = 0; x < width; x++) {
      const light = rows[Math.floor(y / scale)]?.[Math.floor(x / scale)]
      data.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return decodeQR({ width, height: rows.length * scale, data })
}
