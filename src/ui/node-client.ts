/**
 * The window's wire to its node: JSON frames over one WebSocket at the local door.
 *
 *     joining ──socket and subscription──▶ open ──socket lost──▶ joining | stopped ──▶ …
 *        └── no token, code spent, token refused ──▶ closed (until another window brings a token)
 *
 * Holds: the code leaves the address before anything is awaited; the token is in localStorage and the subprotocol and
 * nowhere else; a call is never made twice; every call ends, with the node's answer or with a {@link CallError}.
 */
import type { AnyEvent, ErrorCode, NodeApi } from '../node/api.ts'

/** Where the window stands with its node. */
export type Door =
  | { readonly phase: 'joining' | 'open' | 'stopped' }
  | { readonly phase: 'closed'; readonly why: 'no-code' | 'code-spent' | 'token-refused' }

/** A call that was not done. `not-running`: the node was not there, or went while the call was on its way. */
export class CallError extends Error {
  readonly code: ErrorCode | 'not-running'
  constructor(code: ErrorCode | 'not-running', message: string) {
    super(message)
    this.code = code
  }
}

export interface NodeClient {
  /** Each method crosses the wire; rejects with {@link CallError}. */
  readonly api: NodeApi
  /** Events the node pushes; returns the way to stop hearing them. */
  onEvent(listener: (event: AnyEvent) => void): () => void
  /** Where the window stands, at once and at each change. */
  onDoor(listener: (door: Door) => void): () => void
  /** Joins now instead of when the wait is over. */
  joinNow(): void
  stop(): void
}

const TOKEN_KEY = 'tulnic.token'
/** First wait before joining again; doubled up to the last: a restarted node is found within seconds, a stopped one costs little. */
const FIRST_WAIT_MS = 250
const LAST_WAIT_MS = 8_000

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: CallError) => void
}

interface Frame {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly code: ErrorCode; readonly message: string }
  readonly event?: AnyEvent
}

/** Takes `#code=…` out of the address and returns the code. */
function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (code !== null) history.replaceState(null, '', location.pathname + location.search)
  return code
}

/** Exchanges a code for the token; `null`: the door says the code is spent or unknown. Rejects if no door answers. */
async function exchange(code: string): Promise<string | null> {
  const answer = await fetch('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  if (!answer.ok) return null
  const { token }: { token?: unknown } = await answer.json()
  return typeof token === 'string' ? token : null
}

/** Why a socket did not open, which the browser does not say: asks the door about the token. */
async function askWhy(token: string): Promise<'token-refused' | 'stopped' | 'busy'> {
  try {
    const { status } = await fetch('/api/session', { cache: 'no-store', headers: { authorization: `Bearer ${token}` } })
    return status === 401 ? 'token-refused' : 'busy'
  } catch {
    return 'stopped'
  }
}

/** Starts joining at once. */
export function startNodeClient(): NodeClient {
  const eventListeners = new Set<(event: AnyEvent) => void>()
  const doorListeners = new Set<(door: Door) => void>()
  const pending = new Map<number, Pending>()
  let door: Door = { phase: 'joining' }
  let code = takeCode()
  let socket: WebSocket | null = null
  let nextId = 1
  let waitMs = FIRST_WAIT_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let joining = false
  let stopped = false

  function setDoor(next: Door): void {
    door = next
    for (const listener of doorListeners) listener(next)
  }

  function call(method: string, args: unknown): Promise<unknown> {
    const wire = socket
    if (wire?.readyState !== WebSocket.OPEN)
      return Promise.reject(new CallError('not-running', 'tulnic is not running'))
    const id = nextId++
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      wire.send(JSON.stringify({ id, method, args }))
    })
  }

  function hear(frame: Frame): void {
    if (frame.event) for (const listener of eventListeners) listener(frame.event)
    if (frame.id === undefined) return
    const waiting = pending.get(frame.id)
    pending.delete(frame.id)
    if (frame.error) waiting?.reject(new CallError(frame.error.code, frame.error.message))
    else waiting?.resolve(frame.result)
  }

  function lose(): void {
    socket = null
    for (const { reject } of pending.values()) reject(new CallError('not-running', 'tulnic stopped before it answered'))
    pending.clear()
  }

  function later(): void {
    clearTimeout(timer)
    timer = setTimeout(join, waitMs)
    waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)
  }

  async function refused(token: string): Promise<void> {
    const why = await askWhy(token)
    if (stopped) return
    if (why === 'token-refused') return setDoor({ phase: 'closed', why })
    setDoor({ phase: why === 'stopped' ? 'stopped' : 'joining' })
    later()
  }

  function open(token: string): void {
    const wire = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/socket`, ['tulnic.v1', `auth.${token}`])
    let joined = false
    socket = wire
    wire.onopen = () => {
      call('subscribe', undefined).then(
        () => {
          joined = true
          waitMs = FIRST_WAIT_MS
          setDoor({ phase: 'open' })
        },
        () => wire.close(),
      )
    }
    wire.onmessage = ({ data }) => hear(JSON.parse(String(data)))
    wire.onclose = () => {
      lose()
      if (stopped) return
      if (!joined) return void refused(token)
      setDoor({ phase: 'joining' })
      later()
    }
  }

  /** Exchanges a waiting code, then opens the socket; says what is wrong if there is nothing to open it with. */
  async function join(): Promise<void> {
    if (joining || socket || stopped) return
    joining = true
    clearTimeout(timer)
    try {
      let spent = false
      if (code !== null) {
        const fresh = await exchange(code)
        code = null
        if (fresh) localStorage.setItem(TOKEN_KEY, fresh)
        else spent = true
      }
      const token = localStorage.getItem(TOKEN_KEY)
      if (token) open(token)
      else setDoor({ phase: 'closed', why: spent ? 'code-spent' : 'no-code' })
    } catch {
      setDoor({ phase: 'stopped' })
      later()
    } finally {
      joining = false
    }
  }

  function joinNow(): void {
    waitMs = FIRST_WAIT_MS
    if (door.phase !== 'open') void join()
  }

  const whenVisible = () => {
    if (document.visibilityState === 'visible' && door.phase !== 'closed') joinNow()
  }
  const whenTokenChanges = (event: StorageEvent) => {
    if (event.key !== TOKEN_KEY || !event.newValue || door.phase === 'open') return
    joinNow()
  }
  const whenHashChanges = () => {
    const fresh = takeCode()
    if (fresh === null || door.phase === 'open') return
    code = fresh
    joinNow()
  }
  addEventListener('online', joinNow)
  addEventListener('storage', whenTokenChanges)
  addEventListener('hashchange', whenHashChanges)
  document.addEventListener('visibilitychange', whenVisible)
  void join()

  return {
    // The one cast of the window: a method's name is the wire's, its types are NodeApi's.
    api: new Proxy({}, { get: (_, method) => (args: unknown) => call(String(method), args) }) as NodeApi,
    onEvent(listener) {
      eventListeners.add(listener)
      return () => eventListeners.delete(listener)
    },
    onDoor(listener) {
      doorListeners.add(listener)
      listener(door)
      return () => doorListeners.delete(listener)
    },
    joinNow,
    stop() {
      stopped = true
      clearTimeout(timer)
      removeEventListener('online', joinNow)
      removeEventListener('storage', whenTokenChanges)
      removeEventListener('hashchange', whenHashChanges)
      document.removeEventListener('visibilitychange', whenVisible)
      socket?.close()
    },
  }
}
