/**
 * `tulnic contacts` and `contact …`: the people I know.
 */
import type { Contact } from '../api.ts'
import type { Client } from '../server/socket.ts'
import type { Command, Context } from './command.ts'
import { withNode } from './connection.ts'
import { usage } from './failure.ts'
import { plainLine, table } from './plain-text.ts'
import { contactFields, contactNames, type Names, reachWords, timeWords } from './views.ts'

export const contacts: Command = {
  name: 'contacts',
  takes: '',
  help: 'everybody I know',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const all = await withNode(context, (client) => client.call('contacts'))
    context.out.result({ contacts: all.map(contactFields) }, contactsText(all))
  },
}

function contactsText(all: readonly Contact[]): string {
  if (all.length === 0) return 'Nobody yet: make a link with "tulnic invite", or look around with "tulnic nearby".'
  const names = contactNames(all)
  const rows = all.map((contact) => [
    contact.name,
    contact.state,
    contact.verified ? 'verified' : '',
    reachWords(contact, names),
    contact.lastSeen === null ? '' : timeWords(contact.lastSeen),
    contact.id,
  ])
  return table(['NAME', 'STATE', '', 'REACHED', 'LAST SEEN', 'ID'], rows)
}

type Change = (client: Client, to: string) => Promise<Contact>

function change(verb: string, help: string, run: Change, said: string): Command {
  return {
    name: `contact ${verb}`,
    takes: 'TO',
    help,
    options: {},
    count: [1, 1],
    run: async (context) => {
      const contact = await withNode(context, (client) => run(client, context.args.at(0)))
      context.out.object({ contact: contactFields(contact) })
      context.out.comfort(said.replace('NAME', () => plainLine(contact.name)))
    },
  }
}

const show: Command = {
  name: 'contact show',
  takes: 'TO',
  help: 'what is known of somebody',
  options: {},
  count: [1, 1],
  run: async (context) => {
    const [contact, all] = await withNode(context, async (client) => [
      await client.call('contact', { to: context.args.at(0) }),
      await client.call('contacts'),
    ])
    context.out.result({ contact: contactFields(contact) }, contactText(contact, contactNames(all)))
  },
}

function contactText(contact: Contact, names: Names): string {
  const own =
    contact.ownName === null || contact.ownName === contact.name ? '' : ` (calls itself ${plainLine(contact.ownName)})`
  return [
    `${plainLine(contact.name)}${own}`,
    `id         ${contact.id}`,
    `state      ${contact.state}${contact.verified ? ', verified' : ', not verified'}`,
    `reached    ${reachWords(contact, names)}${contact.relayOnly ? ' (through relays alone)' : ''}`,
    `last seen  ${contact.lastSeen === null ? 'never' : timeWords(contact.lastSeen)}`,
    ...(contact.carrier === null ? [] : [`carrier    ${CARRIER_WORDS[contact.carrier].split(/[:]/, 1)[0]}`]),
  ].join('\n')
}

const rename: Command = {
  name: 'contact rename',
  takes: 'TO NAME',
  help: 'give somebody another name, here only',
  options: {},
  count: [2, 2],
  run: async (context) => {
    const { args, out } = context
    const contact = await withNode(context, (client) =>
      client.call('renameContact', { to: args.at(0), name: args.at(1) }),
    )
    out.object({ contact: contactFields(contact) })
    out.comfort(`Called ${plainLine(contact.name)} from now on.`)
  },
}

const verify: Command = {
  name: 'contact verify',
  takes: 'TO',
  help: 'the 60 digits that both sides must see; verified if they equal --number',
  options: { number: { type: 'string', value: 'N', help: 'the number as the other side reads it out' } },
  count: [1, 1],
  run: async (context) => await withNode(context, (client) => compare(context, client)),
}

async function compare(context: Context, client: Client): Promise<void> {
  const { args, out } = context
  const number = args.text('number')
  if (number === undefined) {
    const safety = await client.call('safetyNumber', { to: args.at(0) })
    return out.result({ contact: contactFields(safety.contact), number: safety.number }, safetyText(safety.number))
  }
  const contact = await client.call('verifyContact', { to: args.at(0), number })
  out.object({ contact: contactFields(contact) })
  out.comfort(`${plainLine(contact.name)} is verified.`)
}

/** Four groups of five digits a line, as people read them out. */
function safetyText(number: string): string {
  return (number.replaceAll(/\D/g, '').match(/\d{1,20}/g) ?? [])
    .map((line) => (line.match(/\d{1,5}/g) ?? []).join(' '))
    .join('\n')
}

const relayOnly: Command = {
  name: 'contact relay-only',
  takes: 'on|off TO',
  help: 'meet somebody through relays alone, and tell them none of your addresses',
  options: {},
  count: [2, 2],
  run: async (context) => {
    const { args, out } = context
    const word = args.at(0)
    if (word !== 'on' && word !== 'off') throw usage('Use it so: tulnic contact relay-only on|off TO')
    const on = word === 'on'
    const contact = await withNode(context, (client) => client.call('setRelayOnly', { to: args.at(1), on }))
    out.object({ contact: contactFields(contact) })
    const name = plainLine(contact.name)
    out.comfort(on ? `${name} is reached through relays alone from now on.` : `${name} is reached directly again.`)
  },
}

const CARRIER_WORDS: Readonly<Record<NonNullable<Contact['carrier']>, string>> = {
  asked: 'is asked to carry mail for you: it begins when their node answers',
  on: 'carries mail for you: what others write to you while you are away waits there, sealed',
  full: 'has no room for your mail at the moment',
  off: 'does not carry mail: its owner turned that off',
}

const carrier: Command = {
  name: 'contact carrier',
  takes: 'on|off TO',
  help: "let somebody's node keep what others send me while I am away, sealed",
  options: {},
  count: [2, 2],
  run: async (context) => {
    const { args, out } = context
    const word = args.at(0)
    if (word !== 'on' && word !== 'off') throw usage('Use it so: tulnic contact carrier on|off TO')
    const on = word === 'on'
    const contact = await withNode(context, (client) => client.call('setCarrier', { to: args.at(1), on }))
    out.object({ contact: contactFields(contact) })
    const name = plainLine(contact.name)
    out.comfort(
      contact.carrier === null ? `${name} carries no mail for you.` : `${name} ${CARRIER_WORDS[contact.carrier]}.`,
    )
  },
}

export const contactCommands: readonly Command[] = [
  show,
  change(
    'block',
    'take nothing more from somebody',
    (client, to) => client.call('blockContact', { to }),
    'NAME is blocked.',
  ),
  change(
    'unblock',
    'take messages from somebody again',
    (client, to) => client.call('unblockContact', { to }),
    'NAME is not blocked any more.',
  ),
  change(
    'remove',
    'remove somebody and the conversation from this device',
    (client, to) => client.call('removeContact', { to }),
    'NAME is removed.',
  ),
  rename,
  verify,
  carrier,
  relayOnly,
]
