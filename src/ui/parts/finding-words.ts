/** What the node found about its network, as a sentence and what helps; names keep their direction to themselves. */
import type { ContactId, Finding } from '../../node/api.ts'
import type { Session } from '../primitives/create-session.ts'
import type { ShownFinding, Words } from '../words/en.ts'
import { isolate } from '../words/plural.ts'
import { listOf } from '../words/words.ts'

export type Shown = Extract<Finding, { code: ShownFinding }>

/** Those that a window can show: while the profile is not open, it asks for that. */
export const isShown = (found: Finding): found is Shown => found.code !== 'locked' && found.code !== 'no-profile'

export type NameOf = (contact: ContactId) => string

export const nameIn =
  ({ state }: Session): NameOf =>
  (contact) =>
    state.conversations[contact]?.contact.name ?? contact.slice(0, 8)

/** `todo`: what helps; `null` where nothing need be done. */
export function findingWords(t: Words, found: Shown, nameOf: NameOf): { what: string; todo: string | null } {
  const { finding, remedy } = t
  switch (found.code) {
    case 'link-dead':
      return { what: finding['link-dead'](nameOf(found.contact)), todo: remedy['link-dead'] }
    case 'looks-nearby':
      return { what: finding['looks-nearby'](found.peers), todo: null }
    case 'reached-through':
      return { what: finding['reached-through'](names(t, found.relays, 0, nameOf)), todo: null }
    case 'not-reachable': {
      const todo = found.port === null ? remedy['not-reachable-no-port'] : remedy['not-reachable'](String(found.port))
      return { what: finding['not-reachable'], todo }
    }
    case 'dht-well':
      return { what: finding['dht-well'](found.servers), todo: null }
    case 'no-relay-for':
      return {
        what: finding['no-relay-for'](names(t, found.contacts, found.more, nameOf)),
        todo: remedy['no-relay-for'],
      }
    case 'messages-wait': {
      const recipients = names(t, found.contacts, found.more, nameOf)
      return { what: finding['messages-wait'](found.messages, recipients), todo: remedy['messages-wait'] }
    }
    case 'relay-lost':
    case 'relay-refused':
    case 'relay-none':
      return { what: finding[found.code](names(t, found.contacts, found.more, nameOf)), todo: null }
    case 'not-direct': {
      const { natMapping, port } = found
      const isTheirs = natMapping === 'endpoint-independent' || natMapping === 'none'
      const todo = isTheirs || port === null ? remedy['not-direct-theirs'] : remedy['not-direct'](String(port))
      return { what: finding['not-direct'][natMapping](names(t, found.contacts, found.more, nameOf)), todo }
    }
    case 'mail-carried':
      return { what: finding['mail-carried'](names(t, found.contacts, found.more, nameOf)), todo: null }
    case 'nothing-waits':
      return { what: finding['nothing-waits'](found.reached, found.total), todo: null }
    case 'no-network':
    case 'not-stored':
    case 'lan-only':
    case 'not-nearby':
    case 'dht-off':
    case 'dht-alone':
    case 'no-contacts':
    case 'no-carrier':
      return { what: finding[found.code], todo: remedy[found.code] }
    case 'private-network':
    case 'reach-unknown':
    case 'router-open':
    case 'router-refused':
    case 'router-behind-another':
    case 'router-none':
    case 'reached-directly':
    case 'stored':
      return { what: finding[found.code], todo: null }
  }
}

/** Names in a row, as the language joins them; `more`: how many are not named. */
export function names(t: Words, contacts: readonly ContactId[], more: number, nameOf: NameOf): string {
  const all = contacts.map((contact) => isolate(nameOf(contact)))
  return more > 0 ? t.namesAnd(all.join(', '), more) : listOf(all)
}
