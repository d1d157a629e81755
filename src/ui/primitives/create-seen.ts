/**
 * Tells the node what a person has seen.
 *
 * Holds: a message counts as read only while its conversation is open, the window is in front, visible and focused, and
 * the message itself is inside the scrolled view.
 */
import { createSignal, onCleanup } from 'solid-js'
import type { ContactId, Message, MessageId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

const inFront = (): boolean => document.visibilityState === 'visible' && document.hasFocus()

/** Whether the window is in front and has the focus; reactive. */
export function createInFront(): () => boolean {
  const [front, setFront] = createSignal(inFront())
  const look = () => setFront(inFront())
  addEventListener('focus', look)
  addEventListener('blur', look)
  document.addEventListener('visibilitychange', look)
  onCleanup(() => {
    removeEventListener('focus', look)
    removeEventListener('blur', look)
    document.removeEventListener('visibilitychange', look)
  })
  return front
}

/** Call the result with the newest message in view whenever the view or the focus changes. */
export function createSeen(contact: ContactId): (list: readonly Message[], lastInView: number) => void {
  const { api, state } = useNode()
  let told: MessageId | null = null
  return (list, lastInView) => {
    if (!inFront() || (state.conversations[contact]?.unread ?? 0) === 0) return
    const upTo = list.slice(0, lastInView + 1).findLast((message) => message.from === contact)
    if (!upTo || upTo.id === told) return
    const before = told
    told = upTo.id
    // Not told now: the next look tells it.
    api.markRead({ to: contact, upTo: upTo.id }).catch(() => {
      if (told === upTo.id) told = before
    })
  }
}
