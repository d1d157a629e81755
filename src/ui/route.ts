/**
 * Which pane is shown, kept in the address's fragment so that Back works and a reload stays.
 *
 * Holds: an address nobody made is the list.
 */
import { createSignal } from 'solid-js'
import type { ContactId, MessageId } from '../node/api.ts'

export type Route =
  | { readonly page: 'list' | 'add' | 'network' | 'settings' | 'phrase' }
  | { readonly page: 'chat'; readonly contact: ContactId; readonly at: MessageId | null }
  | { readonly page: 'about' | 'verify'; readonly contact: ContactId }

const ID = /^[a-z2-7]+$/

function read(): Route {
  const [page, contact = '', at = ''] = location.hash.replace(/^#\/?/, '').split('/')
  if (page === 'add' || page === 'network' || page === 'settings' || page === 'phrase') return { page }
  if (!ID.test(contact)) return { page: 'list' }
  if (page === 'chat') return { page, contact, at: ID.test(at) ? at : null }
  if (page === 'about' || page === 'verify') return { page, contact }
  return { page: 'list' }
}

const [current, setCurrent] = createSignal<Route>(read())
addEventListener('hashchange', () => setCurrent(read()))

/** The route now; reactive. */
export const route = current

/** The contact whose chat, details or number is shown. */
export const routeContact = (): ContactId | null => {
  const now = current()
  return 'contact' in now ? now.contact : null
}

export const listHref = '#/'
export const chatHref = (contact: ContactId): string => `#/chat/${contact}`
export const messageHref = (contact: ContactId, message: MessageId): string => `#/chat/${contact}/${message}`
export const aboutHref = (contact: ContactId): string => `#/about/${contact}`
export const verifyHref = (contact: ContactId): string => `#/verify/${contact}`

/** Goes to one of the addresses above. */
export function go(href: string): void {
  location.hash = href
}
