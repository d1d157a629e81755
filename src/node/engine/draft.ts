/**
 * A batch in the making: what its steps changed, on top of what is committed.
 *
 *     resident (committed) ◀── adopt ── Draft ── writes ──▶ store
 *                                        │ effects, performed after the commit
 *
 * Holds: until {@link Draft.adopt} nothing outside the draft changes, so a batch that fails is simply dropped. Steps read
 * through the draft and see what earlier steps of the same batch wrote.
 */
import type { DeviceId } from '../../protocol/index.ts'
import type { Author, Key, LetterRow, MessageRow, TableName, Tables, Write } from '../store/records.ts'
import type { LettersOf } from '../store/store.ts'
import type { Effect } from './effect.ts'
import { type EventBody, joinedRun } from './events.ts'
import type { Resident, ResidentMaps } from './state.ts'

/** A map with changes on top of a base that is not touched before `adopt`. */
export class Layer<K, V> {
  readonly #base: Map<K, V>
  readonly #changed = new Map<K, V | undefined>()

  constructor(base: Map<K, V>) {
    this.#base = base
  }

  get(key: K): V | undefined {
    return this.#changed.has(key) ? this.#changed.get(key) : this.#base.get(key)
  }

  set(key: K, value: V): void {
    this.#changed.set(key, value)
  }

  delete(key: K): void {
    this.#changed.set(key, undefined)
  }

  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.#base) if (!this.#changed.has(key)) yield [key, value]
    for (const [key, value] of this.#changed) if (value !== undefined) yield [key, value]
  }

  adopt(): void {
    for (const [key, value] of this.#changed) {
      if (value === undefined) this.#base.delete(key)
      else this.#base.set(key, value)
    }
  }
}

type Layers = { [M in keyof ResidentMaps]: ResidentMaps[M] extends Map<infer K, infer V> ? Layer<K, V> : never }

/** What a step may ask to be read: rows by key, my messages by counter, or letters. */
export type Need =
  | { readonly kind: 'rows'; readonly keys: readonly Key[] }
  | {
      readonly kind: 'texts'
      readonly conversation: number
      readonly author: Author
      readonly from: number
      readonly to: number
      readonly limit: number
    }
  | { readonly kind: 'letters'; readonly of: LettersOf; readonly limit: number }

/** The answer to a {@link Need}: rows in the order of the keys, message rows ascending, or letters. */
export type Found = readonly (Tables[TableName] | undefined)[]

/** A step: a generator that yields what it needs to read, is told it, and ends with its result. Pure but for its draft. */
export type Steps<T> = Generator<Need, T, Found>

export class Draft {
  readonly maps: Layers
  readonly effects: Effect[] = []
  /** Devices for which something may be waiting to be sent: looked at once, when the batch ends. */
  readonly dirty = new Set<DeviceId>()
  /** To be seen to once, when the batch ends: who belongs to which audience, what stands in the DHT, who is looked for there, and what
   * waits for a carrier that may be reached now.
   */
  readonly due = { regroup: false, publish: false, look: false, post: false }
  /** Boxes whose owner may be waiting for letters: looked at once, when the batch ends. */
  readonly waited = new Set<string>()
  /** Audiences out of which somebody was removed. */
  readonly left = new Set<string>()
  readonly #resident: Resident
  readonly #writes = new Map<string, Write>()
  readonly #rows = new Map<string, Tables[TableName] | undefined>()
  readonly #texts = new Map<string, MessageRow | undefined>()
  numbers: Resident['numbers']
  self: Resident['self']
  keptUpAt: number
  quiet: Resident['quiet']
  rendezvous: Resident['rendezvous']
  running: Resident['running']
  readonly limits: Resident['limits']
  readonly #told: EventBody[] = []

  constructor(resident: Resident) {
    this.#resident = resident
    this.numbers = { ...resident.numbers }
    this.self = resident.self
    this.keptUpAt = resident.keptUpAt
    this.quiet = resident.quiet
    this.rendezvous = resident.rendezvous
    this.running = resident.running
    this.limits = resident.limits
    const maps = resident.maps
    this.maps = {
      prekeys: new Layer(maps.prekeys),
      invites: new Layer(maps.invites),
      contacts: new Layer(maps.contacts),
      conversations: new Layer(maps.conversations),
      deliveries: new Layer(maps.deliveries),
      audiences: new Layer(maps.audiences),
      grants: new Layer(maps.grants),
      searches: new Layer(maps.searches),
      sessions: new Layer(maps.sessions),
      frames: new Layer(maps.frames),
      boxes: new Layer(maps.boxes),
      given: new Layer(maps.given),
      carried: new Layer(maps.carried),
      opened: new Layer(maps.opened),
      routes: new Layer(maps.routes),
      mail: new Layer(maps.mail),
      tries: new Layer(maps.tries),
      shut: new Layer(maps.shut),
      posts: new Layer(maps.posts),
      connections: new Layer(maps.connections),
      links: new Layer(maps.links),
      adding: new Layer(maps.adding),
    }
  }

  put<T extends TableName>(table: T, key: string, row: Tables[T]): void {
    // The compiler cannot see that a union of puts is a put of the union.
    this.#writes.set(`${table}:${key}`, { op: 'put', table, key, row } as unknown as Write)
    this.#rows.set(`${table}:${key}`, row)
  }

  remove(table: TableName, key: string): void {
    this.#writes.set(`${table}:${key}`, { op: 'delete', table, key })
    this.#rows.set(`${table}:${key}`, undefined)
  }

  /** Any other write; performed in the order of the calls. */
  write(write: Exclude<Write, { op: 'put' | 'delete' }>): void {
    this.#writes.set(`#${this.#writes.size}`, write)
  }

  effect(effect: Effect): void {
    this.effects.push(effect)
  }

  /** One of my own messages: kept at hand for the frames that the end of the batch makes. */
  putText(key: string, row: MessageRow): void {
    this.put('message', key, row)
    this.#texts.set(placeOf(row.conversation, row.counter), row)
  }

  /** Whether this batch knows what stands at that counter of mine (written or read before). */
  knowsText(conversation: number, counter: number): boolean {
    return this.#texts.has(placeOf(conversation, counter))
  }

  text(conversation: number, counter: number): MessageRow | undefined {
    return this.#texts.get(placeOf(conversation, counter))
  }

  removeText(key: string, row: MessageRow): void {
    this.remove('message', key)
    this.#texts.set(placeOf(row.conversation, row.counter), undefined)
  }

  /** The first of mine that this batch knows, from a counter on. */
  firstText(conversation: number, from: number): MessageRow | undefined {
    let first: MessageRow | undefined
    for (const row of this.#texts.values()) {
      if (row === undefined || row.conversation !== conversation || row.counter < from) continue
      if (first === undefined || row.counter < first.counter) first = row
    }
    return first
  }

  /** What was found of mine from one counter to another; where nothing was found there is nothing, unless this batch wrote it. */
  rememberTexts(conversation: number, from: number, to: number, found: readonly MessageRow[]): void {
    const rows = new Map(found.map((row) => [row.counter, row]))
    for (let counter = from; counter <= to; counter++) {
      if (!this.knowsText(conversation, counter)) this.#texts.set(placeOf(conversation, counter), rows.get(counter))
    }
  }

  /** Whether this batch knows the row (written, removed, or read before). */
  knows(key: Key): boolean {
    return this.#rows.has(`${key.table}:${key.key}`)
  }

  row(key: Key): Tables[TableName] | undefined {
    return this.#rows.get(`${key.table}:${key.key}`)
  }

  remember(key: Key, row: Tables[TableName] | undefined): void {
    this.#rows.set(`${key.table}:${key.key}`, row)
  }

  /** Letters that this batch put or removed (`undefined`), by their keys. */
  *letters(): Generator<[key: string, row: LetterRow | undefined]> {
    for (const [key, write] of this.#writes) {
      if (!key.startsWith('letter:')) continue
      yield [key.slice('letter:'.length), write.op === 'put' ? (write.row as LetterRow) : undefined]
    }
  }

  /** Something that windows and listeners hear, once it is stored. Runs of counters become one event. */
  tell(body: EventBody): void {
    const run = this.#told.length === 0 ? undefined : joinedRun(this.#told.at(-1), body)
    if (run === undefined) this.#told.push(body)
    else this.#told[this.#told.length - 1] = run
  }

  /** Whether a text of anybody's was stored. */
  get hasNewText(): boolean {
    return this.#told.some(({ t }) => t === 'message')
  }

  /** Numbers and stores what was told. The last thing a batch does. */
  recordTold(at: number): void {
    for (const body of this.#told) {
      const number = ++this.numbers.event
      this.put('event', String(number), { at, body: JSON.stringify(body) })
      this.effect({ type: 'stored-event', number, at, body })
    }
    this.#told.length = 0
  }

  get writes(): readonly Write[] {
    return [...this.#writes.values()]
  }

  /**
   * Whether the writes may be lost in a crash as long as nothing else follows: all that they record is what a device holds of
   * mine, and nothing leaves with them. Forgotten, it is learned again: frames that look unacknowledged are resent with
   * their stored bytes. Running time that is forgotten makes letters live longer.
   *
   * Of the effects only `wake` stays here: every start asks for its own times. What the net is told makes it speak or dial,
   * an event's number may be kept by whoever hears it, a reply or refusal is believed. Rows of all other tables speak for
   * themselves: hello shows secrets and logs, bundles come from prekeys, and screens show the rest, with no commit between.
   */
  get isSilent(): boolean {
    return this.effects.every(({ type }) => type === 'wake') && this.writes.every(isAboutDelivery)
  }

  adopt(): void {
    this.#resident.numbers = this.numbers
    this.#resident.self = this.self
    this.#resident.keptUpAt = this.keptUpAt
    this.#resident.quiet = this.quiet
    this.#resident.rendezvous = this.rendezvous
    this.#resident.running = this.running
    for (const layer of Object.values(this.maps)) layer.adopt()
  }
}

function isAboutDelivery(write: Write): boolean {
  if (write.op === 'put') return write.table === 'delivery' || write.table === 'running'
  return write.op === 'delete' && write.table === 'frame'
}

const placeOf = (conversation: number, counter: number): string => `${conversation}/${counter}`

/** Reads one row: from the batch where it knows it, else from the store. */
export function* lookUp<T extends TableName>(draft: Draft, table: T, key: string): Steps<Tables[T] | undefined> {
  const asked = { table, key } as Key
  if (!draft.knows(asked)) {
    const [found] = yield { kind: 'rows', keys: [asked] }
    draft.remember(asked, found)
  }
  return draft.row(asked) as Tables[T] | undefined
}
