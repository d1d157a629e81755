/**
 * Somebody who writes without pause, whenever there is a node to write to; and how it is judged what became of the texts.
 *
 * Holds: a text counts as accepted once `send` resolved; one whose `send` broke off may be there or not, but not twice.
 */
import { expect } from 'vitest'
import type { AnyEvent, Message, MessageState } from '../../src/node/api.ts'
import { connectHolder } from '../../src/node/server/lock.ts'
import type { Client } from '../../src/node/server/socket.ts'
import { type Person, WAIT_MS } from './people.ts'

const PAGE = 500
/** A node is looked at again after so long, whatever it told. */
const LOOK_MS = 2000
/** Messages that are looked at again after each blow. */
const NEWEST = 200

export interface WriterOptions {
  /** Sends that wait for their answer. */
  readonly atOnce: number
  /** Texts from each {@link Writer.write} on: then it rests, so that a slow machine does not judge a flood. */
  readonly most: number
  readonly onAccepted?: () => void
  /** Whatever the node tells from each connection on. */
  readonly onEvent?: (event: AnyEvent) => void
}

export class Writer {
  readonly person: Person
  readonly to: string
  /** Ids by text, in the order of acceptance. */
  readonly accepted = new Map<string, string>()
  readonly #options: WriterOptions
  #client: Client | undefined
  #number = 0
  #writing = false
  #left = 0
  readonly #loops = new Set<Promise<void>>()

  constructor(person: Person, to: string, options: WriterOptions) {
    this.person = person
    this.to = to
    this.#options = options
  }

  async connect(): Promise<Client> {
    const client = await clientOf(this.person)
    const { onEvent } = this.#options
    if (onEvent !== undefined) await client.subscribe(onEvent)
    this.#client = client
    return client
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('not connected')
    return this.#client
  }

  write(): void {
    const { atOnce, most } = this.#options
    this.#writing = true
    this.#left = most
    while (this.#loops.size < atOnce) {
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
      this.#options.onAccepted?.()
    }
  }

  /** Of the newest messages, ids of those of mine that are in one of these states, as the node says. */
  async told(...states: readonly MessageState[]): Promise<readonly string[]> {
    const newest: readonly Message[] = await this.client.call('history', { to: this.to, limit: NEWEST })
    return newest.filter(({ from, state }) => from === this.person.id && states.includes(state)).map(({ id }) => id)
  }

  /** Fails where one of these messages is not here. */
  async has(ids: readonly string[]): Promise<void> {
    for (const id of ids) expect((await this.client.call('message', { id })).id).toBe(id)
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

/** A connection to somebody's node. */
export async function clientOf(person: Person): Promise<Client> {
  const client = await connectHolder(person.data)
  if (client === undefined) throw new Error(`nobody answers for ${person.name}`)
  return client
}

/** Both see the same, every accepted text is there once, and each author's are in the order of their sending. */
export async function judge(writers: readonly [Writer, Writer]): Promise<readonly Message[]> {
  const [here, there] = await Promise.all([writers[0].history(), writers[1].history()])
  for (const writer of writers) judgeAuthor(writer, here)
  const seen = (messages: readonly Message[]) => messages.map(({ id, from, text }) => ({ id, from, text }))
  expect(seen(there)).toEqual(seen(here))
  return here
}

function judgeAuthor({ person, accepted }: Writer, history: readonly Message[]): void {
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

/** Resolves when it holds of a node; looked at anew whenever the node tells anything. After `ms` it says what it waited for. */
export async function until(
  person: Person,
  holds: (client: Client) => Promise<boolean>,
  ms: number = WAIT_MS,
): Promise<void> {
  const end = performance.now() + ms
  const client = await clientOf(person)
  let news = Promise.withResolvers<void>()
  await client.subscribe(() => news.resolve())
  for (;;) {
    news = Promise.withResolvers()
    if (await holds(client)) break
    if (performance.now() > end)
      throw new Error(`${await person.account()}\nin vain it was waited for at ${person.name}: ${holds}`)
    const timer = setTimeout(news.resolve, LOOK_MS)
    await news.promise
    clearTimeout(timer)
  }
  client.close()
}

/** Resolves when every message of mine is delivered. */
export const nothingQueued = (person: Person): Promise<void> =>
  until(person, async (client) => (await client.call('status')).queued === 0)
