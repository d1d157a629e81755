/**
 * Mail for who is away, with the real program: carried by a friend's node, carried by hand, and the first words after an invite.
 *
 * Whoever is to get a message and whoever wrote it never run at the same time here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Person } from './people.ts'

const ALONE = ['--no-mdns']

let folder: string
const people: Person[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tulnic-mail-'))
})
afterEach(async () => {
  await Promise.all(people.splice(0).map((person) => person.remove()))
  rmSync(folder, { recursive: true, force: true })
})

async function person(name: string, ...options: string[]): Promise<Person> {
  const made = new Person(name, [...ALONE, ...options])
  people.push(made)
  await made.get('init', '--name', name, '--no-passphrase')
  await made.start()
  return made
}

async function meet(a: Person, b: Person): Promise<void> {
  const { link } = await a.get('invite')
  await b.get('add', link, '--wait')
}

/** B's mail is carried by C's node, and A knows it. */
async function carriedBy(b: Person, c: Person, a: Person): Promise<void> {
  await b.get('contact', 'carrier', 'on', c.name)
  await b.event(({ type, contact }) => type === 'contact' && contact.id === c.id && contact.carrier === 'on')
  // What is said after it comes after it.
  await b.get('send', a.name, 'my mail may be left with a friend', '--wait', 'delivered')
}

const texts = async (at: Person, of: Person): Promise<string[]> =>
  (await at.get('history', of.name, '--limit', '500')).messages.map(({ text }: { text: string }) => text)

const message = (text: string) => (event: { type: string; message?: { text?: string } }) =>
  event.type === 'message' && event.message?.text === text

const told = (id: string, state: string) => (event: { type: string; message?: unknown; state?: string }) =>
  event.type === 'state' && event.message === id && event.state === state

describe('carried by a friend', () => {
  it.each([
    ['whom both know', true],
    ['whom the sender does not know', false],
  ])('%s: written while the one is away, read while the other is, and told', async (_, known) => {
    const [a, b, c] = [await person('Ana'), await person('Bogdan'), await person('Carmen')]
    await meet(a, b)
    await meet(c, b)
    if (known) await meet(c, a)
    await carriedBy(b, c, a)
    await b.stop()
    const sent = await a.get('send', 'Bogdan', 'Ne vedem mâine', '--wait', 'carried', '--timeout', '55')
    expect(sent.state).toBe('carried')
    const { messages } = await a.get('history', 'Bogdan', '--limit', '1')
    expect(messages[0]).toMatchObject({ state: 'carried', carriedBy: known ? [c.id] : [] })
    await a.stop()

    await b.start()
    await b.event(message('Ne vedem mâine'))
    await b.get('send', 'Ana', 'Da', '--reply', sent.id)

    await a.start()
    await a.event(told(sent.id, 'delivered'))
    await a.event(message('Da'))
    expect((await texts(a, b)).slice(-2)).toEqual(['Ne vedem mâine', 'Da'])
    expect((await texts(b, a)).slice(-2)).toEqual(['Ne vedem mâine', 'Da'])
  })

  it('comes once, though it comes by two ways and the carrier was killed meanwhile', async () => {
    const [a, b, c] = [await person('Ana'), await person('Bogdan'), await person('Carmen')]
    await meet(a, b)
    await meet(c, b)
    await meet(c, a)
    await carriedBy(b, c, a)
    await b.stop()
    const sent = await a.get('send', 'Bogdan', 'o dată', '--wait', 'carried', '--timeout', '55')
    await c.stop('SIGKILL')
    await c.start()
    await b.start()
    await a.event(told(sent.id, 'delivered'))
    expect((await texts(b, a)).filter((text) => text === 'o dată')).toHaveLength(1)
  })

  it('who carries for nobody says so', async () => {
    const b = await person('Bogdan')
    const c = await person('Carmen', '--carry', 'off')
    await meet(c, b)
    await b.get('contact', 'carrier', 'on', 'Carmen')
    await b.event(({ type, contact }) => type === 'contact' && contact.carrier === 'off')
  })
})

describe('by hand', () => {
  it('there and back, with no network between them; twice is as once', async () => {
    const [a, b] = [await person('Ana'), await person('Bogdan')]
    await meet(a, b)
    await a.get('send', 'Bogdan', 'salut', '--wait', 'delivered')
    await b.stop()
    const { id } = await a.get('send', 'Bogdan', 'pe stick')
    const there = join(folder, 'there')
    expect(await a.get('mail', 'export', there, '--for', 'Bogdan')).toMatchObject({ envelopes: 1 })
    expect(readFileSync(there).includes('pe stick')).toBe(false)
    await a.stop()

    await b.start()
    expect(await b.get('mail', 'import', there)).toEqual({ envelopes: 1, delivered: 1, kept: 0 })
    expect(await b.get('mail', 'import', there)).toEqual({ envelopes: 1, delivered: 0, kept: 0 })
    expect((await texts(b, a)).slice(-1)).toEqual(['pe stick'])
    const back = join(folder, 'back')
    await b.get('mail', 'export', back)
    await b.stop()

    await a.start()
    expect(await a.get('mail', 'import', back)).toMatchObject({ delivered: 1 })
    expect((await a.get('history', 'Bogdan', '--limit', '1')).messages[0]).toMatchObject({ id, state: 'delivered' })
  })

  it('a carrier takes such a file, and its owner gets it there', async () => {
    const [a, b, c] = [await person('Ana'), await person('Bogdan'), await person('Carmen')]
    await meet(a, b)
    await meet(c, b)
    await carriedBy(b, c, a)
    await b.stop()
    await c.stop()
    await a.get('send', 'Bogdan', 'prin Carmen')
    const file = join(folder, 'mail')
    await a.get('mail', 'export', file)
    await a.stop()
    await c.start()
    expect(await c.get('mail', 'import', file)).toMatchObject({ delivered: 0, kept: 1 })
    expect((await c.run(['mail', 'import', file])).json[0]).toMatchObject({ delivered: 0, kept: 0 })
    await b.start()
    await b.event(message('prin Carmen'))
  })

  it('the first words after an invite', async () => {
    const [a, b] = [await person('Ana'), await person('Bogdan')]
    const invite = join(folder, 'invite')
    await a.get('invite', '--file', invite)
    expect((await a.run(['invite', '--file', invite])).code).toBe(1)
    await a.stop()
    expect((await b.get('add', invite)).contact).toMatchObject({ id: a.id, state: 'invited' })
    await b.get('send', a.id, 'bună, sunt Bogdan')
    const [there, back] = [join(folder, 'there'), join(folder, 'back')]
    expect((await b.get('mail', 'export', there)).envelopes).toBeGreaterThan(0)
    await b.stop()

    await a.start()
    expect(await a.get('mail', 'import', there)).toMatchObject({ delivered: 1 })
    expect((await a.get('contacts')).contacts).toMatchObject([{ name: 'Bogdan', state: 'active' }])
    expect(await texts(a, b)).toEqual(['bună, sunt Bogdan'])
    await a.get('mail', 'export', back)
    await a.stop()

    await b.start()
    await b.get('mail', 'import', back)
    expect((await b.get('contacts')).contacts).toMatchObject([{ name: 'Ana', state: 'active' }])
    expect((await b.get('history', 'Ana')).messages).toMatchObject([{ state: 'delivered' }])
  })

  it('a file that is damaged, foreign, empty, missing or a folder does no harm and says so', async () => {
    const [a, b] = [await person('Ana'), await person('Bogdan')]
    await meet(a, b)
    await b.stop()
    await a.get('send', 'Bogdan', 'unu')
    const file = join(folder, 'mail')
    await a.get('mail', 'export', file)
    await a.stop()
    await b.start()
    const whole = readFileSync(file)
    const wrong = async (bytes: Uint8Array | null, sentence: RegExp, ...path: string[]): Promise<void> => {
      const name = join(folder, 'wrong', ...path)
      if (bytes !== null) writeFileSync(join(folder, 'wrong'), bytes)
      const { code, err } = await b.run(['mail', 'import', name])
      expect(err.trimEnd().split('\n')).toHaveLength(1)
      expect(err).toMatch(sentence)
      expect(code).toBe(1)
    }
    await wrong(null, /is not there/)
    await wrong(new Uint8Array(), /holds no tulnic mail/)
    await wrong(Buffer.from('a letter of somebody'), /holds no tulnic mail/)
    await wrong(whole.subarray(0, 10), /holds no tulnic mail/)
    await wrong(whole.subarray(0, -5), /damaged or cut short/)
    const flipped = Uint8Array.from(whole)
    flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 1
    await wrong(flipped, /damaged or cut short/)
    expect((await b.run(['mail', 'import', folder])).err).toMatch(/is a folder/)
    expect((await b.run(['mail', 'export', join(folder, 'no', 'where')])).err).toMatch(/is not there/)
    expect(await b.get('mail', 'import', file)).toMatchObject({ envelopes: 1 })
    expect(await texts(b, a)).toEqual(['unu'])
  })
})
