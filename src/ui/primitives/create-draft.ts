/**
 * What is being written to one contact, kept by the node: after a pause, and at once when the window is left.
 *
 * Holds: what was typed is stored at the latest when the page is hidden; another window's draft never replaces a text that
 * is being edited here.
 */
import { createSignal, onCleanup } from 'solid-js'
import type { ContactId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

/** Long enough not to store each letter, short enough that a crash costs a few words. */
const PAUSE_MS = 400

export interface Draft {
  readonly text: () => string
  /** What the person typed. */
  write(text: string): void
  /** Stores what is not stored yet. */
  flush(): void
}

/** `isEdited`: whether the field has the focus now. */
export function createDraft(contact: ContactId, isEdited: () => boolean): Draft {
  const { api, state, onEvent } = useNode()
  const [text, setText] = createSignal(state.conversations[contact]?.draft ?? '')
  let stored = text()
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush(): void {
    clearTimeout(timer)
    const now = text()
    if (now === stored) return
    const before = stored
    stored = now
    // Not stored now: the next pause, or leaving, tries again.
    api.setDraft({ to: contact, text: now }).catch(() => {
      stored = before
    })
  }

  function write(next: string): void {
    setText(next)
    clearTimeout(timer)
    timer = setTimeout(flush, PAUSE_MS)
  }

  const whenHidden = () => {
    if (document.visibilityState === 'hidden') flush()
  }
  document.addEventListener('visibilitychange', whenHidden)
  addEventListener('pagehide', flush)
  onCleanup(
    onEvent((event) => {
      if (event.type !== 'draft' || event.conversation !== contact || isEdited() || text() !== stored) return
      stored = event.text
      setText(event.text)
    }),
  )
  onCleanup(() => {
    document.removeEventListener('visibilitychange', whenHidden)
    removeEventListener('pagehide', flush)
    flush()
  })
  return { text, write, flush }
}
