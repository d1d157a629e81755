/**
 * What the node found about its network, in words for a terminal.
 */
import type { ContactId, Finding, Status } from '../api.ts'
import type { Names } from './views.ts'

/** `todo`: what helps; `null` where nothing need be done. */
export interface FindingWords {
  readonly what: string
  readonly todo: string | null
}

/** What one finding means. Names are as their owners wrote them: not yet made plain. */
export function findingWords(found: Finding, status: Status, names: Names): FindingWords {
  switch (found.code) {
    case 'locked':
      return said(
        'The profile is locked: nothing is received.',
        'Enter its passphrase in the app ("tulnic open"), or start with --passphrase-file.',
      )
    case 'no-profile':
      return said('There is no profile yet.', 'Make one in the app ("tulnic open"), or by "tulnic init --name NAME".')
    case 'not-stored':
      return said(
        status.storage.trouble ?? 'Nothing can be stored.',
        'The node goes on by itself as soon as it can store again.',
      )
    case 'stored':
      return said(`What is written is stored in ${status.storage.path}.`)
    case 'no-network':
      return said('This machine is on no network.', 'Join one: messages wait here until then, and go by themselves.')
    case 'lan-only':
      return said(
        'People beyond the local network are not reached: this node was started with --lan-only.',
        'Start without --lan-only to reach them.',
      )
    case 'private-network':
      return said('This is a private network: only nodes with the same network key are reached.')
    case 'not-nearby':
      return said('People on this network are not looked for.', 'Start without --no-mdns to find them.')
    case 'looks-nearby':
      return said(
        found.peers === 0
          ? 'People on this network are looked for; nobody is seen at the moment.'
          : `${counted(found.peers, 'other node')} seen on this network.`,
      )
    default:
      return farWords(found, names)
  }
}

type Near =
  | 'locked'
  | 'no-profile'
  | 'not-stored'
  | 'stored'
  | 'no-network'
  | 'lan-only'
  | 'private-network'
  | 'not-nearby'
  | 'looks-nearby'

/** Being reached, being found, and people. */
function farWords(found: Exclude<Finding, { code: Near }>, names: Names): FindingWords {
  switch (found.code) {
    case 'reached-directly':
      return said('Others reach this node directly, from outside too.')
    case 'reached-through':
      return said(`Others reach this node from outside, through the node of ${listed(found.relays, 0, names)}.`)
    case 'router-open':
      return said('The router lets others in, as it says: two nodes elsewhere have to try it.')
    case 'router-refused':
      return said('The router offers to let others in (UPnP), and refused.')
    case 'router-behind-another':
      return said('The router has no public address itself: there is another one before it.')
    case 'router-none':
      return said('No router here offers to let others in (UPnP).')
    case 'reach-unknown':
      return said(
        'Whether others reach this node from outside is not known yet. It shows by itself once two nodes elsewhere tried.',
      )
    case 'not-reachable':
      return said(
        'Nobody outside can begin a connection to this node: it can only begin them itself.',
        `${found.port === null ? 'Let others in by your router' : `Forward TCP port ${found.port} in your router`}, or add one contact whose node others reach: it then relays for you by itself.`,
      )
    case 'relay-lost':
      return said(
        `The node of ${listed(found.contacts, found.more, names)} relayed for this one, and is not reached any more.`,
        'It relays again by itself once it is reached.',
      )
    case 'relay-refused':
      return said(
        `The node of ${listed(found.contacts, found.more, names)} has no place for this one now.`,
        'It is asked again by itself.',
      )
    case 'relay-none':
      return said(`The node of ${listed(found.contacts, found.more, names)} does not relay.`)
    case 'not-direct':
      return said(
        `Reached through a relay, not directly: ${listed(found.contacts, found.more, names)}. ${WHY_NOT_DIRECT[found.natMapping]}`,
        isTheirs(found)
          ? 'Messages go all the same.'
          : `Messages go all the same. For a direct path, ${found.port === null ? 'let others in by this router' : `forward TCP port ${found.port} in this router`}.`,
      )
    case 'dht-off':
      return said(
        'The hash table is off: contacts whose address changed are not found again.',
        'Start without --no-dht.',
      )
    case 'dht-alone':
      return said(
        'No other node of the hash table is known: contacts whose address changed are found again only nearby, or when they come.',
        'It fills by itself from contacts and people nearby; or start with --bootstrap and the address of a node that others reach.',
      )
    case 'dht-well':
      return said(
        `The hash table is reached: ${counted(found.servers, 'node')} known, ${counted(found.published, 'record')} of mine there.`,
      )
    case 'no-contacts':
      return said('There are no contacts yet.', 'Make a link by "tulnic invite", or add one by "tulnic add".')
    case 'link-dead':
      return said(`The link of ${listed([found.contact], 0, names)} leads nowhere any more.`, 'Ask for a new one.')
    case 'no-relay-for':
      return said(
        `Reached through relays alone, and no node relays for this one: ${listed(found.contacts, found.more, names)}.`,
        'Add one contact whose node others reach, or say "tulnic contact relay-only off TO": then they may learn your address.',
      )
    case 'messages-wait':
      return said(
        `${found.messages === 1 ? 'One of my messages waits' : `${found.messages} of my messages wait`} for ${listed(found.contacts, found.more, names)}.`,
        'What waits goes by itself as soon as its recipient is reached.',
      )
    case 'no-carrier':
      return said(
        'Nobody carries mail for me while this node is away.',
        'Ask a contact whose node often runs: "tulnic contact carrier on TO".',
      )
    case 'mail-carried':
      return said(`While this node is away, mail for me can wait with ${listed(found.contacts, found.more, names)}.`)
    case 'nothing-waits':
      return said(`${found.reached} of ${counted(found.total, 'contact')} reached, and nothing waits.`)
  }
}

type NotDirect = Extract<Finding, { code: 'not-direct' }>

const WHY_NOT_DIRECT: Readonly<Record<NotDirect['natMapping'], string>> = {
  'endpoint-dependent':
    'The router here opens another door (port) for everybody it connects to, drawn at random, so nobody behind another router can know at which one to knock.',
  'endpoint-independent': 'The router here would let a direct path through, so the one on their side seems not to.',
  none: 'No router stands before this machine: a firewall here, or the router on their side, lets nobody in.',
  unknown:
    'Whether the router here or the one on their side is in the way is not known yet: it shows by itself once two nodes that this one reaches directly were asked.',
}

const isTheirs = ({ natMapping }: NotDirect): boolean => natMapping === 'endpoint-independent' || natMapping === 'none'

const said = (what: string, todo: string | null = null): FindingWords => ({ what, todo })

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

function listed(contacts: readonly ContactId[], more: number, names: Names): string {
  const all = contacts.map((id) => names.get(id) ?? id.slice(0, 8))
  return more > 0 ? `${all.join(', ')} and ${more} more` : all.join(', ').replace(/, ([^,]*)$/, ' and $1')
}
