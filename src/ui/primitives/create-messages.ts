/**
 * One conversation's messages: the newest page at first, older pages as they are asked for, new ones as events bring them.
 *
 * Holds: oldest first, each id once, nothing between two that are here is left out (a joining that cannot prove it
 * begins again with the newest page).
 */
import { createSignal, onCleanup } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { AnyEvent, ContactId, Message, MessageId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

const PAGE = 50
/** The most one call gives: used only while looking for a message far back. */
const LARGE_PAGE = 500

export interface Messages {
  readonly list: readonly Message[]
  /** The newest page is here. */
  readonly ready: () => boolean
  /** The first message of the conversation is here. */
  readonly complete: () => boolean
  /** True only while older messages are being put in front: then positions count from the end. */
  readonly prepending: () => boolean
  /** Fetches one older page; whether one came. */
  loadOlder(size?: number): Promise<boolean>
  /** The place of a message, fetching older pages until it is here; −1 if the conversation does not hold it. */
  find(id: MessageId): Promise<number>
  /** Takes in a message that a call returned. */
  put(message: Message): void
}

/** Belongs to the component that creates it; `first` is how many newest messages are wanted at once. */
export function createMessages(contact: ContactId, first: number): Messages {
  const { api, onEvent, onRefreshed } = useNode()
  const [store, set] = createStore<{ list: Message[] }>({ list: [] })
  const [ready, setReady] = createSignal(false)
  const [complete, setComplete] = createSignal(false)
  let prepending = false
  let older: Promise<boolean> | null = null

  const placeOf = (id: MessageId): number => store.list.findLastIndex((message) => message.id === id)

  function put(message: Message): void {
    const place = placeOf(message.id)
    if (place >= 0) set('list', place, reconcile(message))
    else set('list', store.list.length, message)
  }

  async function loadNewest(size: number): Promise<void> {
    const page = await api.history({ to: contact, limit: size }).catch(() => null)
    if (!page) return
    const from = page[0] ? placeOf(page[0].id) : -1
    const last = page.at(-1)
    const came = from >= 0 && last ? store.list.slice(placeOf(last.id) + 1) : []
    if (from < 0) setComplete(page.length < size)
    set('list', reconcile([...store.list.slice(0, Math.max(0, from)), ...page, ...came], { key: 'id' }))
    setReady(true)
  }

  async function fetchOlder(size: number): Promise<boolean> {
    const before = store.list[0]?.id
    if (!ready() || complete() || before === undefined) return false
    const page = await api.history({ to: contact, limit: size, before }).catch(() => null)
    if (!page || store.list[0]?.id !== before) return false
    prepending = true
    set('list', (list) => [...page, ...list])
    prepending = false
    setComplete(page.length < size)
    return page.length > 0
  }

  function loadOlder(size = PAGE): Promise<boolean> {
    older ??= fetchOlder(size).finally(() => {
      older = null
    })
    return older
  }

  async function find(id: MessageId): Promise<number> {
    let place = placeOf(id)
    let seen = -1
    while (place < 0 && !complete() && store.list.length !== seen) {
      seen = store.list.length
      await loadOlder(LARGE_PAGE)
      place = placeOf(id)
    }
    return place
  }

  async function fetchOne(id: MessageId): Promise<void> {
    const message = await api.message({ id }).catch(() => null)
    if (message?.conversation !== contact) return
    const last = store.list.at(-1)
    if (placeOf(id) >= 0 || !last || message.receivedAt >= last.receivedAt) put(message)
  }

  function hear(event: AnyEvent): void {
    if (!ready()) return
    if (event.type === 'message' && event.message.conversation === contact) put(event.message)
    if (event.type !== 'state' || event.conversation !== contact) return
    const place = placeOf(event.message)
    if (place >= 0) set('list', place, { state: event.state, reason: event.reason })
    if (place < 0 || event.state === 'carried') void fetchOne(event.message)
  }

  onCleanup(onEvent(hear))
  onCleanup(onRefreshed(() => void loadNewest(Math.max(PAGE, first))))
  void loadNewest(Math.max(PAGE, first))

  return {
    get list() {
      return store.list
    },
    ready,
    complete,
    prepending: () => prepending,
    loadOlder,
    find,
    put,
  }
}
