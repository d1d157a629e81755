/**
 * What a window says without being looked at: the live region, the title's number, the browser's notification.
 *
 * Holds: the live region says each new message once; a notification names who wrote, never what.
 */
import { createEffect, createSignal, onCleanup } from 'solid-js'
import type { AnyEvent } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { kept } from '../primitives/kept.ts'
import { chatHref, go, routeContact } from '../route.ts'
import { useWords } from '../words/words.ts'
import { stateWords } from './message-state.ts'

const choice = kept('tulnic.notify')
const [wanted, setWanted] = createSignal(choice.get() === 'on')

/** Whether notifications are asked for and allowed; reactive for the asking. */
export const notifies = (): boolean => wanted() && 'Notification' in window && Notification.permission === 'granted'

/** Asks the browser, if need be; whether they are on now. */
export async function turnNotifications(on: boolean): Promise<boolean> {
  const allowed = on && 'Notification' in window && (await Notification.requestPermission()) === 'granted'
  choice.set(allowed ? 'on' : '')
  setWanted(allowed)
  return allowed === on
}

export const Announcer = () => {
  const t = useWords()
  const session = useNode()
  const { state } = session
  const [said, setSaid] = createSignal('')
  const nameOf = (contact: string) => state.conversations[contact]?.contact.name ?? ''

  function hear(event: AnyEvent): void {
    if (event.type === 'contact' && event.contact.state === 'active' && !state.conversations[event.contact.id])
      setSaid(t().live.added(event.contact.name))
    if (event.type === 'state') {
      const last = state.conversations[event.conversation]?.last
      if (routeContact() !== event.conversation || last?.id !== event.message || last.from !== state.self?.id) return
      setSaid(t().live.state(stateWords(t(), { ...last, state: event.state, reason: event.reason }, session)))
    }
    if (event.type !== 'message' || event.message.from === state.self?.id) return
    const { conversation, text } = event.message
    const name = nameOf(conversation)
    setSaid(routeContact() === conversation ? t().live.message(name, text.slice(0, 300)) : t().live.other(name))
    if (document.hasFocus() || !notifies()) return
    const note = new Notification(t().notification(name), { tag: conversation })
    note.onclick = () => {
      window.focus()
      go(chatHref(conversation))
      note.close()
    }
  }
  onCleanup(session.onEvent(hear))

  createEffect(() => {
    const unread = Object.values(state.conversations).reduce((sum, one) => sum + one.unread, 0)
    const contact = routeContact()
    const name = contact === null ? '' : nameOf(contact)
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${name ? `${name.slice(0, 60)} · ` : ''}tulnic`
  })

  return (
    <p class="hidden" role="status" aria-live="polite" id="announcer">
      {said()}
    </p>
  )
}
