/**
 * Two people with the real program, as in the issue "two people talk": by a link, nearby, with nodes stopped in turn,
 * and every mistake with its sentence and exit code.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { MESSAGE_FIELDS } from '../node/cli/program.ts'
import { type Ended, Person, tulnic } from './people.ts'

/** Two nodes on one machine need no multicast, and see nobody else's. */
const ALONE = ['--no-mdns']

/** What scripts may rely on; more may follow. */
const CONTACT_FIELDS = ['id', 'name', 'state', 'verified', 'online', 'lastSeen', 'via']

/** That a command failed with this code and one line of this kind on stderr. */
function expectFailure(ended: Ended, code: number, sentence: RegExp): void {
  expect(ended.err.trimEnd().split('\n'), ended.err).toHaveLength(1)
  expect(ended.err).toMatch(sentence)
  expect(ended.code, ended.err).toBe(code)
}

const texts = async (person: Person, to: string): Promise<string[]> =>
  (await person.get('history', to, '--limit', '500')).messages.map(({ text }: { text: string }) => text)

describe('two people, by a link', () => {
  const ana = new Person('Ana', ALONE)
  const bogdan = new Person('Bogdan', ALONE)
  let anaId: string
  let bogdanId: string

  beforeAll(async () => {
    const made = await ana.get('init', '--name', 'Ana', '--no-passphrase')
    anaId = made.id
    expect(made.phrase.split(' ')).toHaveLength(24)
    bogdanId = (await bogdan.get('init', '--name', 'Bogdan', '--no-passphrase')).id
    expect(anaId).toMatch(/^[a-z2-7]{52}$/)
    const ready = await ana.start()
    expect(Object.keys(ready)).toEqual(['type', 'id', 'name', 'url', 'addresses', 'pid'])
    expect(ready).toMatchObject({ type: 'ready', id: anaId, name: 'Ana' })
    expect(ready.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    await bogdan.start()
  })
  afterAll(() => Promise.all([ana.remove(), bogdan.remove()]))

  it('know each other once the first message is stored', async () => {
    const invite = await ana.get('invite')
    expect(invite.link).toMatch(/^tulnic:[\w-]+$/)
    expect(Date.parse(invite.expiresAt)).toBeGreaterThan(Date.now())
    const { contact } = await bogdan.get('add', invite.link, '--wait')
    expect(contact).toEqual({ id: anaId, name: 'Ana', state: 'active' })
    const { contacts } = await ana.get('contacts')
    expect(contacts).toHaveLength(1)
    expect(Object.keys(contacts[0]).slice(0, 7)).toEqual(CONTACT_FIELDS)
    expect(contacts[0]).toMatchObject({ id: bogdanId, name: 'Bogdan', state: 'active', verified: false })
    // Whose link it is is known already: accepting it again changes nothing.
    expect((await bogdan.get('add', invite.link)).contact).toEqual(contact)
  })

  it('send both ways until it is delivered, and read it', async () => {
    const there = await ana.get('send', 'bogdan', 'Bună!', '--wait', 'delivered')
    expect(there).toMatchObject({ to: bogdanId, state: 'delivered' })
    expect(Object.keys(there)).toEqual(['id', 'to', 'state'])
    const back = await bogdan.run(['send', anaId, '-', '--wait', 'sent'], { stdin: 'Salut,\nce faci?\n' })
    expect(back.code, back.err).toBe(0)
    for (const [person, other] of [
      [ana, 'Bogdan'],
      [bogdan, 'Ana'],
    ] as const) {
      const { messages } = await person.get('history', other)
      expect(messages.map(({ text }: { text: string }) => text)).toEqual(['Bună!', 'Salut,\nce faci?'])
      expect(messages.map(({ from }: { from: string }) => from)).toEqual([anaId, bogdanId])
      expect(Object.keys(messages[0])).toEqual(MESSAGE_FIELDS)
    }
    expect((await bogdan.get('history', 'ana', '--search', 'faci')).messages).toHaveLength(1)
    expect((await bogdan.get('history', 'ana', '--limit', '1')).messages[0].text).toContain('Salut')
  })

  it('see the same safety number, and verify by it', async () => {
    const mine = await ana.get('contact', 'verify', 'Bogdan')
    const theirs = await bogdan.get('contact', 'verify', 'Ana')
    expect(mine.number.replaceAll(/\D/g, '')).toMatch(/^\d{60}$/)
    expect(theirs.number).toBe(mine.number)
    expectFailure(await ana.run(['contact', 'verify', 'Bogdan', '--number', '1'.repeat(60)]), 1, /differ|not/i)
    expect((await ana.get('contact', 'show', 'Bogdan')).contact.verified).toBe(false)
    expect((await ana.get('contact', 'verify', 'Bogdan', '--number', theirs.number)).contact.verified).toBe(true)
  })

  it('lose nothing while each node in turn is stopped, or killed', async () => {
    const before = await texts(ana, 'Bogdan')
    const sent: string[] = []
    const ways: readonly (readonly [Person, Person, string, NodeJS.Signals])[] = [
      [ana, bogdan, 'Bogdan', 'SIGTERM'],
      [bogdan, ana, 'Ana', 'SIGINT'],
      [ana, bogdan, 'Bogdan', 'SIGKILL'],
      [bogdan, ana, 'Ana', 'SIGKILL'],
    ]
    for (const [writer, away, to, signal] of ways) {
      expect(await away.stop(signal)).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0)
      for (const n of [1, 2]) {
        const text = `${signal} ${writer.name} ${n}`
        sent.push(text)
        expect(await writer.get('send', to, text)).toMatchObject({ state: 'queued' })
      }
      const late = await writer.run([
        'send',
        to,
        `${signal} ${writer.name} waits`,
        '--wait',
        'delivered',
        '--timeout',
        '0.5',
      ])
      sent.push(`${signal} ${writer.name} waits`)
      expectFailure(late, 4, /not delivered yet/)
      expect(late.json[0]).toMatchObject({ state: 'queued' })
      await away.start()
      const text = `${signal} ${writer.name} after`
      sent.push(text)
      expect(await writer.get('send', to, text, '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    }
    expect(await texts(ana, 'Bogdan')).toEqual([...before, ...sent])
    expect(await texts(bogdan, 'Ana')).toEqual([...before, ...sent])
    expect((await ana.get('status')).queued).toBe(0)
  })

  it('block and let in again', async () => {
    expect((await ana.get('contact', 'block', 'Bogdan')).contact.state).toBe('blocked')
    expectFailure(await ana.run(['send', 'Bogdan', 'x']), 1, /block/)
    expect((await ana.get('contact', 'unblock', 'Bogdan')).contact.state).toBe('active')
    expect((await ana.get('contact', 'rename', 'Bogdan', 'Bobo')).contact.name).toBe('Bobo')
    expect((await ana.get('contact', 'rename', 'Bobo', 'Bogdan')).contact.name).toBe('Bogdan')
  })

  it('get one sentence and its code for each mistake', async () => {
    expectFailure(await ana.run(['add', 'tulnic:AAAA']), 1, /link/)
    expectFailure(await ana.run(['add', 'not a link at all']), 1, /link/)
    expectFailure(await ana.run(['add', (await ana.get('invite')).link]), 1, /own/)
    expectFailure(await ana.run(['send', 'Nobody', 'hello']), 6, /Nobody|contact/)
    expectFailure(await ana.run(['contact', 'show', 'b'.repeat(52)]), 6, /contact/)
    expectFailure(await ana.run(['send', 'Bogdan', 'x', '--reply', 'z'.repeat(26)]), 6, /message/)
    expectFailure(await ana.run(['send', 'Bogdan', '-'], { stdin: 'x'.repeat(20_000) }), 1, /16|long/)
    expectFailure(await ana.run(['invite', '--expires', 'soon']), 2, /--expires/)
    expectFailure(await ana.run(['init', '--name', 'Another', '--no-passphrase']), 1, /profile/)
    const second = await ana.run(['start', '--headless', '--port', '0'])
    expectFailure(second, 1, /process \d+/)
  })

  it('nobody of that name is nearby', async () => {
    expectFailure(await ana.run(['pair', 'nobody', '--timeout', '1']), 6, /visible|nearby/)
  })

  it('an expired link is refused', async () => {
    const { link, expiresAt } = await ana.get('invite', '--expires', '1s')
    // The link itself says when it ends: nothing is waited for but the clock.
    while (Date.now() <= Date.parse(expiresAt)) await new Promise((resolve) => setImmediate(resolve))
    expectFailure(await bogdan.run(['add', link]), 1, /expired/)
  })

  it('a used link is refused, and says so', async () => {
    const carol = new Person('Carol', ALONE)
    const dan = new Person('Dan', ALONE)
    onTestFinished(() => Promise.all([carol.remove(), dan.remove()]).then(() => {}))
    await Promise.all([
      carol.get('init', '--name', 'Carol', '--no-passphrase'),
      dan.get('init', '--name', 'Dan', '--no-passphrase'),
    ])
    await Promise.all([carol.start(), dan.start()])
    const { link } = await ana.get('invite')
    expect((await carol.get('add', link, '--wait')).contact.state).toBe('active')
    expectFailure(await dan.run(['add', link, '--wait']), 1, /used/)
  })

  it('is refused where no node runs', async () => {
    await ana.stop()
    expectFailure(await ana.run(['contacts']), 3, /tulnic start/)
    expectFailure(await tulnic(['id', '--data', join(tmpdir(), 'tulnic-not-there')]), 3, /tulnic start/)
  })
})

describe('a passphrase', () => {
  const ana = new Person('Locked')
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-passphrase-'))
  const right = join(folder, 'right')
  const wrong = join(folder, 'wrong')
  beforeAll(() => {
    writeFileSync(right, 'correct horse battery staple\n')
    writeFileSync(wrong, 'incorrect horse\n')
  })
  afterAll(async () => {
    await ana.remove()
    rmSync(folder, { recursive: true })
  })

  it('is needed, and asked for only at a terminal', async () => {
    expectFailure(await ana.run(['init', '--name', 'Ana']), 5, /--passphrase-file/)
    expectFailure(await ana.run(['start', '--headless', '--port', '0']), 1, /--name/)
    expectFailure(await ana.run(['start', '--headless', '--port', '0', '--name', 'Ana']), 5, /--passphrase-file/)
  })

  it('opens the profile if it is the right one', async () => {
    const made = await ana.run(['init', '--name', 'Ana'], {
      env: { TULNIC_PASSPHRASE: 'correct horse battery staple' },
    })
    expect(made.code, made.err).toBe(0)
    expectFailure(await ana.run(['start', '--headless', '--port', '0', '--passphrase-file', wrong]), 5, /passphrase/)
    expectFailure(await ana.run(['start', '--headless', '--port', '0']), 5, /--passphrase-file/)
    expectFailure(
      await ana.run(['start', '--headless', '--port', '0', '--passphrase-file', join(folder, 'none')]),
      5,
      /cannot be read/,
    )
    expect(await ana.start('--passphrase-file', right)).toMatchObject({ id: made.json[0].id })
    expect(await ana.stop()).toBe(0)
  })
})

/** Looks, and is visible, until somebody of this name is seen; a minute at most. */
async function find(person: Person, name: string): Promise<string> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const { peers } = await person.get('nearby', '--seconds', '3')
    const found = peers.find((peer: { name: string }) => peer.name === name)
    if (found !== undefined) return found.peer
  }
  throw new Error(`${person.name} sees nobody called ${name}`)
}

describe('two people nearby', () => {
  const eva = new Person('Eva')
  const filip = new Person('Filip')
  beforeAll(async () => {
    const phrase = await eva.start('--name', 'Eva', '--no-passphrase')
    expect(phrase.phrase.split(' ')).toHaveLength(24)
    await filip.start('--name', 'Filip', '--no-passphrase')
  })
  afterAll(() => Promise.all([eva.remove(), filip.remove()]))

  it('find each other, see the same six digits, and know each other', async () => {
    const [filipPeer, evaPeer] = await Promise.all([find(eva, 'Filip'), find(filip, 'Eva')])
    const [one, two] = await Promise.all([
      eva.run(['pair', filipPeer], { stdin: 'yes\n' }),
      filip.run(['pair', evaPeer, '--yes']),
    ])
    expect(one.code, one.err).toBe(0)
    expect(two.code, two.err).toBe(0)
    expect(one.json[0]).toMatchObject({ type: 'code', peer: filipPeer })
    expect(one.json[0].code).toMatch(/^\d{6}$/)
    expect(two.json[0].code).toBe(one.json[0].code)
    expect(one.json[1].contact).toMatchObject({ name: 'Filip', verified: true })
    expect(two.json[1].contact).toMatchObject({ name: 'Eva', verified: false })
    expect(await eva.get('send', 'Filip', 'near', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    expect(await filip.get('send', 'Eva', 'too', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    expect(await texts(eva, 'Filip')).toEqual(['near', 'too'])
    expect(await texts(filip, 'Eva')).toEqual(['near', 'too'])
  })
})
