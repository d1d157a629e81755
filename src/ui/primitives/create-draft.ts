/**
 * What is being written to one contact, kept by the node: after a pause, and at once when the window is left.
 *
 * Holds: what was typed is stored at the latest when the page is hidden; another window's draft never replaces a text that
 * is being edited here; while a text that was sent waits for its answer it stays stored as the draft, as the node itself
 * takes the draft away with the message.
 */
import { createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { AnyEvent, ContactId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

/** Long enough not to store each letter, short enough that a crash costs a few words. */
const PAUSE_MS = 400

export interface Draft {
  readonly text: () => string
  /** What the person typed. */
  write(text: string): void
  /** Empties the field of a text that is about to be sent, which is stored as long as it is not. */
  hand(): string
  /** Stores what is not stored yet. */
  flush(): void
}

/** `isEdited`: whether the field has the focus now. */
export function createDraft(contact: ContactId, isEdited: () => boolean): Draft {
  const { api, state, onEvent, outgoing } = useNode()
  const waiting = () => outgoing.of(contact)
  let stored = state.conversations[contact]?.draft ?? ''
  const [text, setText] = createSignal(waiting().some((one) => one.text === stored) ? '' : stored)
  let timer: ReturnType<typeof setTimeout> | undefined

  function keep(): void {
    clearTimeout(timer)
    const now = text()
    if (now === stored) return
    const before = stored
    stored = now
    // Not stored now: the next pause, or leaving, tries again.
    api.setDraft({ to: contact, text: now }).catch(() => {
      if (stored === now) stored = before
    })
  }

  function flush(): void {
    if (waiting().length === 0) keep()
  }

  function later(): void {
    clearTimeout(timer)
    timer = setTimeout(flush, PAUSE_MS)
  }

  function write(next: string): void {
    setText(next)
    later()
  }

  function hand(): string {
    const handed = text()
    flush()
    clearTimeout(timer)
    setText('')
    return handed
  }

  /** The node took the draft away: a text of mine was stored, from this window or another. */
  function emptied(): void {
    const unsaved = text() !== stored
    stored = ''
    if (unsaved || isEdited()) later()
    else setText('')
  }

  function hear(event: AnyEvent): void {
    if (event.type === 'message' && event.message.conversation === contact && event.message.from === state.self?.id)
      emptied()
    if (event.type !== 'draft' || event.conversation !== contact || isEdited() || text() !== stored) return
    stored = event.text
    setText(event.text)
  }

  const whenHidden = () => {
    if (document.visibilityState === 'hidden') flush()
  }
  document.addEventListener('visibilitychange', whenHidden)
  addEventListener('pagehide', flush)
  createEffect(
    on(
      () => waiting().length,
      (count) => count === 0 && later(),
      { defer: true },
    ),
  )
  onCleanup(onEvent(hear))
  onCleanup(() => {
    document.removeEventListener('visibilitychange', whenHidden)
    removeEventListener('pagehide', flush)
    flush()
  })
  return { text, write, hand, flush }
}
