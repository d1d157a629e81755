/**
 * R4: two real nodes under a steady load both ways; either is killed (SIGKILL) at random moments and started again.
 *
 *     load ──▶ node ◀── link ──▶ node ◀── load        a text counts as accepted once `send` resolved
 *                ╳ killed, started again, load goes on
 *
 * Judged at the end, from both histories: every accepted text is there once and delivered, each author's texts are in the
 * order of their sending, and both people see the same. A text whose `send` broke off may be there or not, but not twice.
 *
 * `npm run test:long -- --kills 1000` kills more often; `KILL_SEED` replays the choices of a run.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../src/node/api.ts'
import { connectHolder } from '../../src/node/server/lock.ts'
import type { Client } from '../../src/node/server/socket.ts'
import { amount } from '../amount.ts'
import { Chance } from '../sim/random.ts'
import { Person } from './people.ts'

/** Sends that wait for their answer, for each person: the load. */
const AT_ONCE = 8
/** Accepted texts between two kills: at least one, drawn up to this. */
const BETWEEN = 150
/** Texts that somebody writes while the other is away: then they rest, so that a slow machine does not judge a flood. */
const MOST = 2 * BETWEEN
/** The blow falls so many milliseconds later, drawn up to this: within a batch, a commit, a write. */
const LATER_MS = 20
/** Five times the bar of QUALITY R4. */
const READY_MS = 10_000
const PAGE = 500

const kills = amount('kills', 10)
const seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 31))

/** Somebody who writes without pause, whenever there is a node to write to. */
class Writer {
  readonly person: Person
  readonly to: string
  /** Ids by text, in the order of acceptance. */
  readonly accepted = new Map<string, string>()
  readonly #onAccepted: () => void
  #client: Client | undefined
  #number = 0
  #writing = false
  #left = 0
  readonly #loops = new Set<Promise<void>>()

  constructor(person: Person, to: string, onAccepted: () => void) {
    this.person = person
    this.to = to
    this.#onAccepted = onAccepted
  }

  async connect(): Promise<Client> {
    const client = await connectHolder(this.person.data)
    if (client === undefined) throw new Error(`nobody answers for ${this.person.name}`)
    this.#client = client
    return client
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('not connected')
    return this.#client
  }

  /** Writes at most MOST texts from now on. */
  write(): void {
    this.#writing = true
    this.#left = MOST
    while (this.#loops.size < AT_ONCE) {
      const loop = this.#loop(this.client).finally(() => this.#loops.delete(loop))
      this.#loops.add(loop)
    }
  }

  /** Ends when every call under way has been answered or has broken off. */
  async rest(): Promise<void> {
    this.#writing = false
    await Promise.all(this.#loops)
  }

  async #loop(client: Client): Promise<void> {
    while (this.#writing && this.#left-- > 0) {
      const text = `${this.person.name} ${++this.#number} ${'x'.repeat(this.#number % 400)}`
      const message = await client.call('send', { to: this.to, text }).catch(() => undefined)
      if (message === undefined) return
      this.accepted.set(text, message.id)
      this.#onAccepted()
    }
  }

  async history(): Promise<readonly Message[]> {
    const all: Message[] = []
    for (;;) {
      const before = all[0]?.id
      const page = await this.client.call('history', {
        to: this.to,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
      })
      all.unshift(...page)
      if (page.length < PAGE) return all
    }
  }
}

const ana = new Person('Ana', ['--no-mdns'])
const bogdan = new Person('Bogdan', ['--no-mdns'])
const people = [ana, bogdan]

beforeAll(async () => {
  for (const person of people) {
    await person.get('init', '--name', person.name, '--no-passphrase')
    await person.start()
  }
  await bogdan.get('add', (await ana.get('invite')).link, '--wait')
})
afterAll(() => Promise.all(people.map((person) => person.remove())))

test(`R4: ${kills} times killed under load: nothing lost or doubled, in order (KILL_SEED=${seed})`, async () => {
  const chance = new Chance(seed)
  let accepted = 0
  let struck: (() => void) | undefined
  const count = (): void => {
    if (--accepted <= 0) struck?.()
  }
  const writers = [new Writer(ana, 'Bogdan', count), new Writer(bogdan, 'Ana', count)]
  for (const writer of writers) {
    await writer.connect()
    writer.write()
  }
  const readyMs: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const victim = chance.pick(writers)
    await new Promise<void>((resolve) => {
      accepted = 1 + chance.below(BETWEEN)
      struck = resolve
    })
    await delay(chance.below(LATER_MS))
    expect(await victim.person.stop('SIGKILL')).toBe('SIGKILL')
    await victim.rest()
    const begun = performance.now()
    await victim.person.start()
    readyMs.push(Math.round(performance.now() - begun))
    const client = await victim.connect()
    for (const [text, id] of [...victim.accepted].slice(-2 * BETWEEN))
      expect((await client.call('message', { id })).text).toBe(text)
    for (const writer of writers) writer.write()
  }
  await Promise.all(writers.map((writer) => writer.rest()))
  await Promise.all(writers.map(({ client }) => nothingQueued(client)))

  const [here = [], there = []] = await Promise.all(writers.map((writer) => writer.history()))
  for (const writer of writers) judge(writer, here)
  expect(there.map(({ id, from, text }) => ({ id, from, text }))).toEqual(
    here.map(({ id, from, text }) => ({ id, from, text })),
  )
  const total = writers.reduce((sum, writer) => sum + writer.accepted.size, 0)
  console.log(
    `R4: ${kills} kills, ${total} accepted, ${here.length} stored; ready again after ${readyMs.join(', ')} ms`,
  )
  expect(Math.max(...readyMs)).toBeLessThan(READY_MS)
})

/** Every accepted text is there once, and each author's are in order. */
function judge({ person, accepted }: Writer, history: readonly Message[]): void {
  const mine = history.filter(({ text }) => text.startsWith(`${person.name} `))
  const numbers = mine.map(({ text }) => Number(text.split(' ')[1]))
  expect(numbers, `the order of ${person.name}`).toEqual([...numbers].sort((a, b) => a - b))
  expect(new Set(numbers).size, `doubled from ${person.name}`).toBe(numbers.length)
  expect(new Set(mine.map(({ id }) => id)).size, `ids doubled from ${person.name}`).toBe(mine.length)
  const stored = new Map(mine.map(({ text, id }) => [text, id]))
  expect(
    [...accepted].filter(([text, id]) => stored.get(text) !== id),
    `lost from ${person.name}`,
  ).toEqual([])
}

/** Resolves when every message of mine is delivered. */
async function nothingQueued(client: Client): Promise<void> {
  let look = (): void => {}
  await client.subscribe(() => look())
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      look = resolve
    })
    if ((await client.call('status')).queued === 0) return
    await changed
  }
}
