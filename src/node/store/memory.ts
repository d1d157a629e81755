/**
 * The store in memory: the same answers as the real one, for simulations, which crash it at any moment.
 *
 * Holds: rows are copied on their way in and out, as a disk does; a snapshot is the state of the last commit that was
 * carried out, and nothing done to the store later reaches it; commits that did not wait for the disk can be lost, the
 * last ones first.
 */
import { equal, toBase32 } from '../../protocol/index.ts'
import { boxParts, decimal, letterParts, messageId, skippedParts } from './keys.ts'
import type { EventRow, Key, LetterRow, MessageRow, SeenRow, SkippedRow, TableName, Tables, Write } from './records.ts'
import { type Durability, type HistoryQuery, type LettersOf, type Place, type Store, StoreError } from './store.ts'
import { matches, query } from './words.ts'

/**
 * Asked at each commit. `before`: the disk fails and nothing was stored; `after`: everything was stored, but nobody
 * hears of it. Either way the commit rejects with a {@link StoreError} `io`, and so does everything after it.
 */
export type Fault = (writes: readonly Write[]) => 'before' | 'after' | undefined

/** An empty store. */
export function memoryStore(fault?: Fault): MemoryStore {
  return new MemoryStore(emptyState(), fault)
}

type Rows = { readonly [T in TableName]: Map<string, Tables[T]> }
type Numbers = { message: number; event: number; frame: number }

interface State {
  readonly rows: Rows
  /** Keys of messages by their `seq`. */
  readonly keyOf: Map<number, string>
  last: Numbers
}

function emptyState(): State {
  const rows: Rows = {
    profile: new Map(),
    prekey: new Map(),
    invite: new Map(),
    contact: new Map(),
    conversation: new Map(),
    delivery: new Map(),
    audience: new Map(),
    grant: new Map(),
    box: new Map(),
    given: new Map(),
    carried: new Map(),
    token: new Map(),
    letter: new Map(),
    route: new Map(),
    mail: new Map(),
    running: new Map(),
    session: new Map(),
    skipped: new Map(),
    seen: new Map(),
    frame: new Map(),
    message: new Map(),
    event: new Map(),
  }
  return { rows, keyOf: new Map(), last: { message: 0, event: 0, frame: 0 } }
}

export class MemoryStore implements Store {
  readonly #state: State
  readonly #fault: Fault | undefined
  #undo: (() => void)[] = []
  /** What takes back each commit since the last one that waited for the disk, in their order. */
  #unsynced: (() => void)[] = []
  #failed: StoreError | undefined
  #closed = false

  /** Use {@link memoryStore}. */
  constructor(state: State, fault?: Fault) {
    this.#state = state
    this.#fault = fault
  }

  /** A store as it would be found after a crash now: open, without a fault, and independent of this one. */
  snapshot(fault?: Fault): MemoryStore {
    const state = emptyState()
    for (const table of Object.keys(state.rows) as TableName[]) {
      const from: ReadonlyMap<string, unknown> = this.#state.rows[table]
      const into: Map<string, unknown> = state.rows[table]
      for (const [key, row] of from) into.set(key, row)
    }
    for (const [seq, key] of this.#state.keyOf) state.keyOf.set(seq, key)
    state.last = { ...this.#state.last, frame: Math.max(0, ...[...state.rows.frame.keys()].map(Number)) }
    return new MemoryStore(state, fault)
  }

  /** How many commits a crash now may lose. */
  get unsynced(): number {
    return this.#unsynced.length
  }

  /** The power is cut: the last `count` of the {@link unsynced} commits never reached the disk. */
  lose(count: number): void {
    if (count > this.unsynced) throw new RangeError('what waited for the disk is not lost')
    for (let n = 0; n < count; n++) this.#unsynced.pop()?.()
  }

  read(keys: readonly Key[]): readonly (Tables[TableName] | undefined)[] {
    this.#check()
    return keys.map(({ table, key }) => {
      checkKey(table, key)
      return copy(this.#state.rows[table].get(key))
    })
  }

  async all<T extends Parameters<Store['all']>[0]>(
    table: T,
  ): Promise<readonly { readonly key: string; readonly row: Tables[T] }[]> {
    this.#check()
    const rows: Map<string, Tables[T]> = this.#state.rows[table]
    const entries = [...rows].map(([key, row]) => ({ key, row: copy(row) }))
    return entries.sort(
      table === 'frame' ? (a, b) => Number(a.key) - Number(b.key) : (a, b) => (a.key < b.key ? -1 : 1),
    )
  }

  async commit(writes: readonly Write[], durability: Durability = 'now'): Promise<void> {
    this.#check()
    const fault = this.#fault?.(writes)
    if (fault === 'before') throw this.#fail()
    this.#applyAll(writes)
    if (durability === 'now') this.#unsynced = []
    if (fault === 'after') throw this.#fail()
  }

  async last(): Promise<Readonly<Numbers>> {
    this.#check()
    return { ...this.#state.last }
  }

  async history({ conversation, limit, before, search }: HistoryQuery): Promise<readonly MessageRow[]> {
    this.#check()
    const wanted = search === null ? null : query(search)
    if (search !== null && wanted === null) return []
    return this.#messages((row) => row.conversation === conversation && (before === null || place(row, before) < 0))
      .sort((a, b) => place(b, a) || b.seq - a.seq)
      .filter((row) => wanted === null || matches(row.text, wanted))
      .slice(0, limit)
      .map(copy)
  }

  async historyAfter(conversation: number, after: Place, limit: number): Promise<readonly MessageRow[]> {
    this.#check()
    return this.#messages((row) => row.conversation === conversation && place(row, after) > 0)
      .sort((a, b) => place(a, b) || a.seq - b.seq)
      .slice(0, limit)
      .map(copy)
  }

  async search(text: string, limit: number): Promise<readonly MessageRow[]> {
    this.#check()
    const wanted = query(text)
    if (wanted === null) return []
    const found = this.#messages((row) => matches(row.text, wanted))
    return found
      .sort((a, b) => b.seq - a.seq)
      .slice(0, limit)
      .map(copy)
  }

  async messageBySeq(seq: number): Promise<MessageRow | undefined> {
    this.#check()
    const key = this.#state.keyOf.get(seq)
    return key === undefined ? undefined : copy(this.#state.rows.message.get(key))
  }

  async byCounter(
    conversation: number,
    author: number,
    from: number,
    to: number,
    limit: number,
  ): Promise<readonly MessageRow[]> {
    this.#check()
    const inRange = (row: MessageRow): boolean =>
      row.conversation === conversation && row.author === author && row.counter >= from && row.counter <= to
    return this.#messages(inRange)
      .sort((a, b) => a.counter - b.counter || a.seq - b.seq)
      .slice(0, limit)
      .map(copy)
  }

  letters(of: LettersOf, limit: number): readonly LetterRow[] {
    this.#check()
    const all = [...this.#state.rows.letter.values()]
    const wanted = 'box' in of ? all.filter(({ box }) => box === of.box) : all.filter(({ until }) => until <= of.until)
    if ('until' in of) wanted.sort((a, b) => a.until - b.until)
    return wanted.slice(0, limit).map(copy)
  }

  async events(after: number, limit: number): Promise<readonly { readonly number: number; readonly row: EventRow }[]> {
    this.#check()
    return [...this.#state.rows.event]
      .map(([key, row]) => ({ number: Number(key), row: copy(row) }))
      .filter(({ number }) => number > after)
      .sort((a, b) => a.number - b.number)
      .slice(0, limit)
  }

  async tidy(): Promise<boolean> {
    this.#check()
    return false
  }

  /** Nothing is on a disk. */
  async bytes(): Promise<number> {
    this.#check()
    return 0
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(): void {
    if (this.#closed) throw new Error('the store is closed')
    if (this.#failed !== undefined) throw this.#failed
  }

  #fail(): StoreError {
    this.#failed = new StoreError('io', 'The disk reports an error (a fault that was asked for).')
    return this.#failed
  }

  #applyAll(writes: readonly Write[]): void {
    const last = { ...this.#state.last }
    const undos: (() => void)[] = []
    const takeBack = (): void => {
      for (const undo of undos.reverse()) undo()
      this.#state.last = last
    }
    this.#undo = undos
    try {
      for (const write of writes) this.#apply(write)
    } catch (error) {
      takeBack()
      throw error
    }
    this.#unsynced.push(takeBack)
  }

  #apply(write: Write): void {
    const { skipped, message } = this.#state.rows
    switch (write.op) {
      case 'put':
        return this.#put(write)
      case 'delete':
        checkKey(write.table, write.key)
        return this.#removeAll(write.table, [write.key])
      case 'trim-skipped': {
        const keys = [...skipped].filter(([key]) => skippedParts(key)[0] === write.session).sort(oldestFirst)
        return this.#removeAll('skipped', keys.slice(0, Math.max(0, keys.length - write.keep)).map(first))
      }
      case 'drop-chain':
        return this.#removeAll(
          'skipped',
          [...skipped.keys()].filter((key) => isOfChain(key, write.session, write.chain)),
        )
      case 'forget': {
        const rows: ReadonlyMap<string, SeenRow | SkippedRow> = this.#state.rows[write.table]
        return this.#removeAll(write.table, [...rows].filter(([, row]) => row.at < write.before).map(first))
      }
      case 'forget-events': {
        const events = [...this.#state.rows.event].sort(([a], [b]) => Number(a) - Number(b))
        const young = events.findIndex(([, { at }]) => at >= write.before && at <= write.now)
        return this.#removeAll('event', (young < 0 ? events : events.slice(0, young)).map(first))
      }
      case 'set-tokens':
        return this.#setTokens(write.box, write.hashes)
      case 'erase-conversation':
        return this.#removeAll(
          'message',
          [...message].filter(([, row]) => row.conversation === write.conversation).map(first),
        )
    }
  }

  #setTokens(box: string, hashes: readonly Uint8Array[]): void {
    const { token } = this.#state.rows
    const good = new Set(hashes.map((hash) => `${box}/${toBase32(hash)}`))
    this.#removeAll(
      'token',
      [...token.keys()].filter((key) => key.startsWith(`${box}/`) && !good.has(key)),
    )
    for (const key of good) if (!token.has(key)) this.#set(token, key, { spent: false })
  }

  #put({ table, key, row }: Extract<Write, { op: 'put' }>): void {
    checkKey(table, key)
    const { keyOf, last } = this.#state
    if (table === 'message') {
      if (!equal(messageId(key), row.id)) throw new TypeError('the key of a message is the base32 of its id')
      const old = this.#state.rows.message.get(key)
      if (old !== undefined && old.seq !== row.seq) throw new TypeError('a message keeps its seq')
      if (old === undefined && keyOf.has(row.seq)) throw new TypeError(`seq ${row.seq} is taken`)
      this.#set(keyOf, row.seq, key)
      last.message = Math.max(last.message, row.seq)
    }
    if (table === 'letter') letterParts(key, row)
    if (table === 'event' || table === 'frame') last[table] = Math.max(last[table], decimal(key))
    const rows: Map<string, Tables[TableName]> = this.#state.rows[table]
    this.#set(rows, key, copy(row))
  }

  #removeAll(table: TableName, keys: readonly string[]): void {
    const rows: Map<string, Tables[TableName]> = this.#state.rows[table]
    for (const key of keys) {
      const message = table === 'message' ? this.#state.rows.message.get(key) : undefined
      if (message !== undefined) this.#unset(this.#state.keyOf, message.seq)
      this.#unset(rows, key)
    }
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#remember(map, key)
    map.set(key, value)
  }

  #unset<K, V>(map: Map<K, V>, key: K): void {
    this.#remember(map, key)
    map.delete(key)
  }

  #remember<K, V>(map: Map<K, V>, key: K): void {
    const old = map.get(key)
    this.#undo.push(() => (old === undefined ? map.delete(key) : map.set(key, old)))
  }

  #messages(wanted: (row: MessageRow) => boolean): MessageRow[] {
    return [...this.#state.rows.message.values()].filter(wanted)
  }
}

/** Throws for a key without its table's form. */
function checkKey(table: TableName, key: string): void {
  if (table === 'message') messageId(key)
  else if (table === 'skipped') skippedParts(key)
  else if (table === 'token' || table === 'letter') boxParts(key)
  else if (table === 'event' || table === 'frame') decimal(key)
}

function place(a: Place, b: Place): number {
  return a.lamport - b.lamport || a.author - b.author || a.counter - b.counter
}

function oldestFirst([a, { at: aAt }]: [string, SkippedRow], [b, { at: bAt }]: [string, SkippedRow]): number {
  const [, aChain, aNumber] = skippedParts(a)
  const [, bChain, bNumber] = skippedParts(b)
  return aAt - bAt || aNumber - bNumber || (aChain < bChain ? -1 : 1)
}

function isOfChain(key: string, session: string, chain: string): boolean {
  const parts = skippedParts(key)
  return parts[0] === session && parts[1] === chain
}

function first<T>([value]: readonly [T, ...unknown[]]): T {
  return value
}

/** A deep copy of plain data. Throws for `undefined` inside, which no row holds. */
function copy<T>(value: T): T {
  return value === undefined ? value : (copyOf(value) as T)
}

function copyOf(value: unknown): unknown {
  if (value === undefined) throw new TypeError('a row holds undefined')
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return value.map(copyOf)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copyOf(part)]))
}
