/**
 * `tulnic chat`: a conversation in the terminal. What it shows counts as read.
 */
import { createInterface, type Interface } from 'node:readline'
import type { AnyEvent, Conversation, Message } from '../api.ts'
import type { Client } from '../server/socket.ts'
import type { Command, Context } from './command.ts'
import { withNode } from './connection.ts'
import { failureOf, usage } from './failure.ts'
import { namesOf } from './messages.ts'
import { plainLine } from './plain-text.ts'
import { messageWords, type Names, reachWords, stateWords } from './views.ts'

/** As many as fit on a screen. */
const SHOWN_AT_FIRST = 20

export const chat: Command = {
  name: 'chat',
  takes: 'TO',
  help: 'a conversation in the terminal (what it shows counts as read)',
  options: {},
  count: [1, 1],
  run: async (context) => {
    if (context.out.json) throw usage('chat is for people: for programs there are send and listen.')
    await withNode(context, (client) => converse(context, client))
  },
}

async function converse(context: Context, client: Client): Promise<void> {
  const conversation = await client.call('conversation', { to: context.args.at(0) })
  const names = await namesOf(client)
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: '> ',
    terminal: process.stdin.isTTY === true,
  })
  // From here on no line is lost, whatever is awaited before the first is taken.
  const lines = reader[Symbol.asyncIterator]()
  const screen = new Screen(reader, client, conversation, names)
  await client.subscribe((event) => screen.hear(event))
  screen.say(`${plainLine(conversation.contact.name)}: ${reachWords(conversation.contact, names)}. Ctrl+D ends.`)
  for (const message of await client.call('history', { to: screen.to, limit: SHOWN_AT_FIRST })) screen.show(message)
  screen.prompt()
  void client.closed.then(() => reader.close())
  for await (const line of lines) await screen.send(line)
}

class Screen {
  readonly to: string
  readonly #reader: Interface
  readonly #client: Client
  readonly #names: Names
  /** The first words of my messages, by id: a change of state names its message by them. */
  readonly #mine = new Map<string, string>()
  readonly #shown = new Set<string>()

  constructor(reader: Interface, client: Client, conversation: Conversation, names: Names) {
    this.#reader = reader
    this.#client = client
    this.#names = names
    this.to = conversation.contact.id
  }

  /** Writes a line above the one that is being typed. */
  say(text: string): void {
    if (this.#reader.terminal) process.stdout.write('\r\u001b[K')
    process.stdout.write(`${text}\n`)
    this.prompt()
  }

  /** Shows what is being typed again. */
  prompt(): void {
    if (this.#reader.terminal) this.#reader.prompt(true)
  }

  show(message: Message): void {
    if (this.#shown.has(message.id)) return
    this.#shown.add(message.id)
    if (message.from === this.to) void this.#client.call('markRead', { to: this.to, upTo: message.id }).catch(() => {})
    else this.#mine.set(message.id, plainLine(message.text).slice(0, 24))
    this.say(messageWords(message, this.#names))
  }

  hear(event: AnyEvent): void {
    if (event.type === 'message' && event.message.conversation === this.to) this.show(event.message)
    if (event.type === 'state' && event.conversation === this.to) {
      const words = this.#mine.get(event.message)
      if (words !== undefined && event.state !== 'sent')
        this.say(`       ${stateWords(event.state, event.reason)}: ${words}`)
    }
    if (event.type === 'contact' && event.contact.id === this.to)
      this.say(`       ${plainLine(event.contact.name)}: ${reachWords(event.contact, this.#names)}`)
  }

  async send(line: string): Promise<void> {
    if (line.trim() !== '') {
      try {
        this.show(await this.#client.call('send', { to: this.to, text: line }))
      } catch (error) {
        this.say(`       not sent: ${failureOf(error).message}`)
      }
    }
    this.prompt()
  }
}
