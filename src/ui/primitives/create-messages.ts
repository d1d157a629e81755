/**
 * One conversation's messages, as one piece of it: the newest, or those around a message that was gone to; more on either
 * side as they are asked for, new ones as events bring them.
 *
 * Holds: oldest first, each id once, nothing between two that are here is left out (a joining that cannot prove it
 * begins again with the newest page); what comes while the piece does not reach the newest is counted, not shown.
 */
import { batch, createSignal, onCleanup } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { AnyEvent, ContactId, Message, MessageId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'

const PAGE = 50
/** The most one call gives. */
const LARGE_PAGE = 500

export interface Messages {
  readonly list: readonly Message[]
  /** A piece is here. */
  readonly ready: () => boolean
  /** The first message of the conversation is here. */
  readonly complete: () => boolean
  /** The newest message of the conversation is here. */
  readonly newest: () => boolean
  /** How many came after the piece, while it does not reach the newest. */
  readonly later: () => number
  /** The message that came last while the newest was here. */
  readonly came: () => Message | null
  /** True only while older messages are being put in front: then positions count from the end. */
  readonly prepending: () => boolean
  /** Fetches one older page; whether one came. */
  loadOlder(): Promise<boolean>
  /** Fetches one newer page; whether there may be more to do. */
  loadNewer(): Promise<boolean>
  /** The place of a message, going to its piece if it is not in this one; −1 if the conversation does not hold it. */
  find(id: MessageId): Promise<number>
  /** Goes to the newest piece. */
  toNewest(): Promise<void>
  /** Takes in a message that a call returned. */
  put(message: Message): void
}

/** Belongs to the component that creates it; `first` is how many newest messages are wanted at once, `at` where to begin instead. */
export function createMessages(contact: ContactId, first: number, at: MessageId | null): Messages {
  const { api, onEvent, onRefreshed } = useNode()
  const [store, set] = createStore<{ list: Message[] }>({ list: [] })
  const [ready, setReady] = createSignal(false)
  const [complete, setComplete] = createSignal(false)
  const [newest, setNewest] = createSignal(true)
  const [later, setLater] = createSignal(0)
  const [came, setCame] = createSignal<Message | null>(null)
  const size = Math.max(PAGE, first)
  let prepending = false
  let older: Promise<boolean> | null = null
  let newer: Promise<boolean> | null = null

  const placeOf = (id: MessageId): number => store.list.findLastIndex((message) => message.id === id)
  const history = (page: object) => api.history({ to: contact, ...page }).catch(() => null)

  function put(message: Message): void {
    const place = placeOf(message.id)
    if (place >= 0) return set('list', place, reconcile(message))
    if (!newest()) return
    set('list', store.list.length, message)
    setCame(message)
  }

  /** Another piece in place of this one. `reaches`: it ends with the newest message. */
  function replace(page: readonly Message[], isComplete: boolean, reaches: boolean): void {
    batch(() => {
      set('list', reconcile([...page], { key: 'id' }))
      setComplete(isComplete)
      setNewest(reaches)
      if (reaches) setLater(0)
      setReady(true)
    })
  }

  /** The newest page, joined to what is here if that can be proven. */
  async function refreshNewest(): Promise<void> {
    const counted = later()
    const page = await history({ limit: size })
    if (!page || !newest()) return
    // What came before anything was here may not be in it.
    if (!ready() && later() !== counted) return refreshNewest()
    const from = page[0] ? placeOf(page[0].id) : -1
    const held = new Set(page.map((message) => message.id))
    // What is here beyond the page came while it was fetched.
    const after = from >= 0 ? store.list.slice(from).filter((message) => !held.has(message.id)) : []
    const before = store.list.at(-1)?.id
    const isComplete = from < 0 ? page.length < size : complete()
    replace([...store.list.slice(0, Math.max(0, from)), ...page, ...after], isComplete, true)
    const end = store.list.at(-1)
    if (before !== undefined && end && end.id !== before) setCame(end)
  }

  /** How the messages of this piece are now: a piece that does not reach the newest grows only when it is asked to. */
  async function refreshPiece(): Promise<void> {
    const [oldest] = store.list
    if (!oldest) return refreshNewest()
    for (const message of (await history({ after: oldest.id, limit: LARGE_PAGE })) ?? []) {
      const place = placeOf(message.id)
      if (place >= 0) set('list', place, reconcile(message))
    }
  }

  async function toNewest(): Promise<void> {
    while (!newest()) {
      const counted = later()
      const page = await history({ limit: size })
      if (!page) return
      // What came meanwhile may not be in it.
      if (later() === counted) replace(page, page.length < size, true)
    }
  }

  async function fetchOlder(): Promise<boolean> {
    const before = store.list[0]?.id
    if (!ready() || complete() || before === undefined) return false
    const page = await history({ limit: PAGE, before })
    if (!page || store.list[0]?.id !== before) return false
    prepending = true
    set('list', (list) => [...page, ...list])
    prepending = false
    setComplete(page.length < PAGE)
    return page.length > 0
  }

  async function fetchNewer(): Promise<boolean> {
    const after = store.list.at(-1)?.id
    if (!ready() || newest() || after === undefined) return false
    const counted = later()
    const page = await history({ limit: PAGE, after })
    if (!page || store.list.at(-1)?.id !== after) return false
    batch(() => {
      set('list', (list) => [...list, ...page])
      if (page.length === PAGE || later() !== counted) return
      setNewest(true)
      setLater(0)
    })
    return true
  }

  function loadOlder(): Promise<boolean> {
    older ??= fetchOlder().finally(() => {
      older = null
    })
    return older
  }

  function loadNewer(): Promise<boolean> {
    newer ??= fetchNewer().finally(() => {
      newer = null
    })
    return newer
  }

  async function find(id: MessageId): Promise<number> {
    const here = placeOf(id)
    if (here >= 0) return here
    const counted = later()
    const page = await history({ around: id, limit: PAGE })
    const place = page?.findIndex((message) => message.id === id) ?? -1
    if (!page || place < 0) return -1
    const half = Math.floor(PAGE / 2)
    const reaches = page.length - place < PAGE - half && later() === counted
    replace(page, place < half, reaches)
    return place
  }

  async function begin(): Promise<void> {
    if (at === null || (await find(at)) < 0) await refreshNewest()
  }

  async function fetchOne(id: MessageId): Promise<void> {
    const message = await api.message({ id }).catch(() => null)
    if (message?.conversation !== contact) return
    const last = store.list.at(-1)
    if (placeOf(id) >= 0 || !last || message.receivedAt >= last.receivedAt) put(message)
  }

  function hear(event: AnyEvent): void {
    if (event.type === 'message' && event.message.conversation === contact) {
      if (!newest() || !ready()) setLater((count) => count + 1)
      if (ready()) put(event.message)
    }
    if (!ready() || event.type !== 'state' || event.conversation !== contact) return
    const place = placeOf(event.message)
    if (place >= 0) set('list', place, { state: event.state, reason: event.reason })
    if ((place < 0 && newest()) || event.state === 'carried') void fetchOne(event.message)
  }

  onCleanup(onEvent(hear))
  onCleanup(onRefreshed(() => void (newest() ? refreshNewest() : refreshPiece())))
  void begin()

  return {
    get list() {
      return store.list
    },
    ready,
    complete,
    newest,
    later,
    came,
    prepending: () => prepending,
    loadOlder,
    loadNewer,
    find,
    toNewest,
    put,
  }
}
