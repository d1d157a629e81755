/**
 * What the window knows of its node: the door, the profile, the status and every conversation, kept true by events.
 *
 * Holds: after each joining everything is fetched anew; an event either says the whole new truth or causes a fetch, and
 * fetches of one conversation never overlap, so that an older answer cannot cover a newer one.
 */
import { onCleanup } from 'solid-js'
import { createStore, produce, reconcile } from 'solid-js/store'
import type {
  AnyEvent,
  ContactId,
  Conversation,
  Invite,
  NearbyPeer,
  NodeApi,
  ProfilePhase,
  Self,
  Status,
} from '../../node/api.ts'
import type { Door, NodeClient } from '../node-client.ts'
import { createOutgoing, type OutgoingTexts } from './create-outgoing.ts'

/** A pairing that is going on or has just ended badly. */
export interface Pairing {
  readonly peer: string
  readonly name: string
  readonly step: 'asking' | 'wanted' | 'code' | 'confirming' | 'failed' | 'differed'
  readonly code: string | null
}

export interface SessionState {
  readonly door: Door
  /** `null` until the node has said it once. */
  readonly phase: ProfilePhase | null
  readonly self: Self | null
  readonly status: Status | null
  readonly conversations: Readonly<Record<ContactId, Conversation>>
  /** Whether the conversations were fetched since the profile opened. */
  readonly ready: boolean
  readonly nearby: readonly NearbyPeer[]
  readonly pairing: Pairing | null
  /** My link, made in this window and not used or replaced since. */
  readonly invite: Invite | null
}

/** The same, as the session itself changes it. */
type Writable = { -readonly [K in keyof SessionState]: SessionState[K] } & {
  conversations: Record<ContactId, Conversation>
}

export interface Session {
  readonly state: SessionState
  readonly api: NodeApi
  readonly outgoing: OutgoingTexts
  readonly joinNow: () => void
  /** Each event, after the session took it in. */
  onEvent(listener: (event: AnyEvent) => void): () => void
  /** Each time everything was fetched anew. */
  onRefreshed(listener: () => void): () => void
  /** Fetches one conversation anew. */
  refresh(contact: ContactId): void
  /** Fetches the status anew, for what the node does not tell by itself: how much is stored. */
  refreshStatus(): void
  setPairing(pairing: Pairing | null): void
  setInvite(invite: Invite | null): void
  setNearby(peers: readonly NearbyPeer[]): void
}

/** Runs `work` for a key at once, or once more after the one that is running: never twice at a time. */
function oneAtATime(work: (key: string) => Promise<void>): (key: string) => void {
  const running = new Map<string, { again: boolean }>()
  async function run(key: string): Promise<void> {
    const mine = { again: true }
    running.set(key, mine)
    while (mine.again) {
      mine.again = false
      await work(key)
    }
    running.delete(key)
  }
  return (key) => {
    const now = running.get(key)
    if (now) now.again = true
    else void run(key)
  }
}

export function createSession(client: NodeClient): Session {
  const { api } = client
  const [state, set] = createStore<Writable>({
    door: { phase: 'joining' },
    phase: null,
    self: null,
    status: null,
    conversations: {},
    ready: false,
    nearby: [],
    pairing: null,
    invite: null,
  })
  const eventListeners = new Set<(event: AnyEvent) => void>()
  const refreshListeners = new Set<() => void>()

  // A fetch that fails is repeated by the next joining or event: what is shown stays, and the banner says how old it may be.
  const refreshOne = oneAtATime(async (contact) => {
    const found = await api.conversation({ to: contact }).catch(() => null)
    if (found) set('conversations', contact, reconcile(found))
  })

  const refreshAll = oneAtATime(async () => {
    // Where there is no answer, the door closed meanwhile: joining again fetches again. What fails in a view is no such thing.
    const status = await api.status().catch(() => null)
    if (status === null) return
    set({ status, phase: status.phase, self: status.self })
    if (status.phase !== 'open') return set({ conversations: {}, ready: false })
    const all = await api.conversations().catch(() => null)
    if (all === null) return
    set('conversations', reconcile(Object.fromEntries(all.map((one) => [one.contact.id, one]))))
    set('ready', true)
    for (const listener of refreshListeners) listener()
    outgoing.go()
  })

  const refreshStatus = oneAtATime(async () => {
    if (state.door.phase !== 'open' || state.phase !== 'open') return
    const status = await api.status().catch(() => null)
    if (status?.phase === 'open') set('status', reconcile(status))
  })

  const outgoing = createOutgoing(api, {
    life: () => state.status?.startedAt ?? null,
    self: () => state.self?.id ?? null,
    newest: (contact) => state.conversations[contact]?.last?.id ?? null,
  })

  /** A store that failed and works again may have been asked in between, and not have answered. */
  function takeStatus(status: Status): void {
    const mended = state.status?.storage.trouble != null && status.storage.trouble === null
    set('status', reconcile(status))
    if (mended) refreshAll('')
  }

  function forget(contact: ContactId): void {
    set(
      'conversations',
      produce((all) => {
        delete all[contact]
      }),
    )
  }

  function hearPairing(event: Extract<AnyEvent, { type: 'pairing' }>): void {
    const { peer, name, code, step } = event
    const mine = state.pairing
    const over = mine === null || mine.step === 'failed' || mine.step === 'differed'
    if (over) {
      if (step === 'wanted') set('pairing', { peer, name, code: null, step })
      return
    }
    if (mine.peer !== peer || step === 'wanted') return
    if (step === 'done') set('pairing', null)
    else if (step === 'failed') set('pairing', { peer, name, code: null, step })
    else if (mine.step !== 'confirming') set('pairing', { peer, name, code, step })
  }

  function take(event: AnyEvent): void {
    switch (event.type) {
      case 'message':
        return refreshOne(event.message.conversation)
      case 'state':
      case 'read':
        return refreshOne(event.conversation)
      case 'gap':
        return refreshOne(event.from)
      case 'draft':
        if (state.conversations[event.conversation]) set('conversations', event.conversation, { draft: event.text })
        return
      case 'contact':
        if (state.conversations[event.contact.id])
          return set('conversations', event.contact.id, { contact: event.contact })
        set('invite', null)
        return refreshOne(event.contact.id)
      case 'contact-removed':
        return forget(event.contact)
      case 'connection':
        return refreshOne(event.contact)
      case 'profile':
        if (event.phase !== state.phase) return refreshAll('')
        return set({ self: event.self })
      case 'status':
        return takeStatus(event.status)
      case 'nearby':
        return set('nearby', event.peers)
      case 'pairing':
        return hearPairing(event)
      case 'warning':
        return
    }
  }

  const deaf = client.onEvent((event) => {
    take(event)
    for (const listener of eventListeners) listener(event)
  })
  const gone = client.onDoor((door) => {
    set('door', reconcile(door))
    if (door.phase === 'open') refreshAll('')
  })
  onCleanup(() => {
    deaf()
    gone()
  })

  return {
    state,
    api,
    outgoing,
    joinNow: client.joinNow,
    onEvent(listener) {
      eventListeners.add(listener)
      return () => eventListeners.delete(listener)
    },
    onRefreshed(listener) {
      refreshListeners.add(listener)
      return () => refreshListeners.delete(listener)
    },
    refresh: refreshOne,
    refreshStatus: () => refreshStatus(''),
    setPairing: (pairing) => set('pairing', pairing),
    setInvite: (invite) => set('invite', invite),
    setNearby: (peers) => set('nearby', peers),
  }
}
