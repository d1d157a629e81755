/** Search over names (here) and messages (by the node), a moment after the last letter. */
import { createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { Conversation, Message } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

const PAUSE_MS = 150
const LIMIT = 50

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase()

export function createSearch(): {
  text: () => string
  setText: (text: string) => void
  people: () => readonly Conversation[]
  /** `null` while they are fetched. */
  messages: () => readonly Message[] | null
} {
  const { api, state } = useNode()
  const [text, setText] = createSignal('')
  const [messages, setMessages] = createSignal<readonly Message[] | null>(null)
  const people = createMemo(() => {
    const wanted = fold(text().trim())
    return wanted ? Object.values(state.conversations).filter(({ contact }) => fold(contact.name).includes(wanted)) : []
  })
  createEffect(() => {
    const wanted = text().trim()
    setMessages(null)
    if (!wanted) return
    let current = true
    const timer = setTimeout(() => {
      api.search({ text: wanted, limit: LIMIT }).then(
        (found) => current && setMessages(found),
        () => current && setMessages([]),
      )
    }, PAUSE_MS)
    onCleanup(() => {
      current = false
      clearTimeout(timer)
    })
  })
  return { text, setText, people, messages }
}
