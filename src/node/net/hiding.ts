/**
 * On paths without a relay, contacts that must not learn where we are: we do not know them there.
 */
import type { AccountId } from '../../protocol/index.ts'
import type { Acquaintances } from './net.ts'

/** The same acquaintances, but for the hidden ones: none of our tags is theirs, and none of theirs is recognised. */
export function hiding(acquaintances: Acquaintances, hidden: () => ReadonlySet<AccountId>): Acquaintances {
  return {
    ...acquaintances,
    tags: (day, role, ends) => acquaintances.tags(day, role, ends, hidden()),
    recognise(tags, day, role, ends) {
      const contact = acquaintances.recognise(tags, day, role, ends)
      return contact !== undefined && hidden().has(contact) ? undefined : contact
    },
  }
}
