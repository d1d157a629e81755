/**
 * What a carrier's program has in its memory of who left a letter there: the real program, all that it can write to, while the letter
 * lies there and after it was taken.
 *
 * Holds: the search finds what is known to be there, in the memory of whoever wrote it, and of the carrier herself.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fromBase32 } from '../../src/protocol/index.ts'
import { Person } from './people.ts'
import { clientOf, until } from './writer.ts'

const canRead = process.platform === 'linux' && process.getuid?.() === 0
const TEXT = 'memorie de canar: ne vedem la podul vechi'
const SENDER = 'Anastasia canarul'
const OWNER = 'Bogdan al cutiei'

const PIECE = 16 * 1024 * 1024
/** Pieces overlap by so much, so that nothing is cut in two. */
const OVERLAP = 4096

/** All of a process's memory that it can write to and has used, piece by piece. */
function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const part of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(part) ?? []
      if (from !== '' && !/^Rss: +0 kB$/m.test(part))
        yield* pieces(memory, Number.parseInt(from, 16), Number.parseInt(to, 16))
    }
  } finally {
    closeSync(memory)
  }
}

function* pieces(memory: number, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; at += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE + OVERLAP, to - at))
    try {
      yield piece.subarray(0, readSync(memory, piece, 0, piece.length, at))
    } catch {
      // The process gave it back meanwhile.
    }
  }
}

/** Which of these are found in a process's memory: as bytes, and words as JavaScript keeps them. */
function foundIn(pid: number, { words, keys }: Traces): readonly string[] {
  const sought = [
    ...words.flatMap((word) =>
      [Buffer.from(word), Buffer.from(word, 'utf16le')].map((bytes) => ({ name: word, bytes })),
    ),
    ...keys.map((key) => ({ name: hex(key), bytes: Buffer.from(key) })),
  ]
  const found = new Set<string>()
  for (const piece of memoryOf(pid))
    for (const { name, bytes } of sought) if (!found.has(name) && piece.includes(bytes)) found.add(name)
  return [...found].sort()
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

/** Whose words and keys are looked for. */
interface Traces {
  readonly words: readonly string[]
  readonly keys: readonly Uint8Array[]
}

/** What would tell who somebody is: name, account and device, as text and as bytes. */
async function tracesOf(person: Person): Promise<Traces> {
  const client = await clientOf(person)
  const { self } = await client.call('status')
  client.close()
  if (self === null) throw new Error(`${person.name} is nobody`)
  const { name, id, device } = self
  return { words: [name, id, device], keys: [id, device].flatMap((one) => fromBase32(one) ?? []) }
}

async function start(name: string): Promise<{ person: Person; pid: number }> {
  const person = new Person(name, ['--no-mdns'])
  onTestFinished(() => person.remove())
  await person.get('init', '--name', name, '--no-passphrase')
  const { pid } = await person.start()
  return { person, pid }
}

describe.skipIf(!canRead)(`the memory of a carrier${canRead ? '' : ' (skipped: needs root under Linux)'}`, () => {
  it('tells neither who wrote, nor what', async () => {
    const [{ person: ana, pid: ofAna }, { person: bogdan }, { person: carmen, pid: ofCarmen }] = [
      await start(SENDER),
      await start(OWNER),
      await start('Carmen'),
    ]
    await bogdan.get('add', (await ana.get('invite')).link, '--wait')
    await bogdan.get('add', (await carmen.get('invite')).link, '--wait')
    await bogdan.get('contact', 'carrier', 'on', 'Carmen')
    await bogdan.event(({ type, contact }) => type === 'contact' && contact.carrier === 'on')
    await bogdan.get('send', SENDER, 'cutia mea e la o prietenă', '--wait', 'delivered')
    const sender = await tracesOf(ana)
    const owner = await tracesOf(bogdan)
    const all = { words: [TEXT, ...sender.words, ...owner.words], keys: [...sender.keys, ...owner.keys] }
    const expected = [...owner.words, ...owner.keys.map(hex)].sort()
    await bogdan.stop()
    await ana.get('send', OWNER, TEXT, '--wait', 'carried', '--timeout', '55')
    expect(foundIn(ofCarmen, all)).toEqual(expected)
    expect(foundIn(ofAna, all)).toEqual(expect.arrayContaining([TEXT, ...sender.words, ...sender.keys.map(hex)]))

    await bogdan.start()
    await bogdan.event(({ type, message }) => type === 'message' && message.text === TEXT)
    await until(carmen, async (client) => (await client.call('status')).mail?.letters === 0)
    expect(foundIn(ofCarmen, all)).toEqual(expected)
  })
})
