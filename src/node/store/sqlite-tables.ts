/**
 * Rows of {@link Tables} ↔ columns: for each table, how one row is put, got, deleted and listed.
 *
 * Holds: bytes that are read are fresh copies.
 */
import { decode, encode } from 'cborg'
import { equal, fromBase32, toBase32, type AccountId, type DeviceId } from '../../protocol/index.ts'
import { boxParts, decimal, letterParts, messageId, skippedParts } from './keys.ts'
import type {
  Author,
  EventRow,
  Facts,
  FrameRow,
  LetterRow,
  MessageRow,
  SeenRow,
  SessionRow,
  SkippedRow,
  TableName,
  Tables,
  TokenRow,
} from './records.ts'
import type { Database, Row } from './sqlite-database.ts'
import { CONVERSATION, conversationOf, type Erased } from './sqlite-erased.ts'
import { type LettersOf, StoreError, type Store } from './store.ts'

export interface Table<R> {
  put(key: string, row: R): void
  get(key: string): R | undefined
  delete(key: string): void
}

/** A table whose rows are listed at start-up. */
export interface ListedTable<R> extends Table<R> {
  all(): { readonly key: string; readonly row: R }[]
}

/** The version of the CBOR rows, written with each. */
const RECORD_VERSION = 1

const ENCODING = {
  typeEncoders: {
    undefined: () => {
      throw new TypeError('a row holds undefined')
    },
  },
}

/** Small rows, as CBOR `[version, row]`. */
export function recordTable<R>(database: Database, kind: TableName): ListedTable<R> {
  const put = database.prepare(
    'insert into record(kind, key, row) values(?1, ?2, ?3) on conflict(kind, key) do update set row = excluded.row',
  )
  const get = database.prepare('select row from record where kind = ?1 and key = ?2')
  const remove = database.prepare('delete from record where kind = ?1 and key = ?2')
  const list = database.prepare('select key, row from record where kind = ?1 order by key')
  return {
    put: (key, row) => put.run(kind, key, encode([RECORD_VERSION, row], ENCODING)),
    get: (key) => get.get([kind, key], (row) => decodeRecord<R>(row.bytes(0))),
    delete: (key) => remove.run(kind, key),
    all: () => list.all([kind], (row) => ({ key: row.text(0), row: decodeRecord<R>(row.bytes(1)) })),
  }
}

function decodeRecord<R>(bytes: Uint8Array): R {
  const [version, row] = decode(bytes) as [number, R]
  if (version === RECORD_VERSION) return row
  throw new StoreError(
    'newer',
    `A row was written by a later version of tulnic (row format ${version}): use that version.`,
  )
}

export function sessionTable(database: Database): ListedTable<SessionRow> {
  const put = database.prepare(
    `insert into session(key, device, contact, state, created_at, used_at) values(?1, ?2, ?3, ?4, ?5, ?6)
       on conflict(key) do update set device = ?2, contact = ?3, state = ?4, created_at = ?5, used_at = ?6`,
  )
  const columns = 'device, contact, state, created_at, used_at'
  const get = database.prepare(`select ${columns} from session where key = ?`)
  const list = database.prepare(`select ${columns}, key from session order by key`)
  const remove = database.prepare('delete from session where key = ?')
  const read = (row: Row): SessionRow => ({
    device: row.text(0) as DeviceId,
    contact: row.text(1) as AccountId,
    state: row.bytes(2),
    createdAt: row.number(3),
    usedAt: row.number(4),
  })
  return {
    put: (key, row) => put.run(key, row.device, row.contact, row.state, row.createdAt, row.usedAt),
    get: (key) => get.get([key], read),
    delete: (key) => remove.run(key),
    all: () => list.all([], (row) => ({ key: row.text(5), row: read(row) })),
  }
}

export function skippedTable(database: Database): Table<SkippedRow> {
  const put = database.prepare(
    `insert into skipped(session, chain, number, key, at) values(?1, ?2, ?3, ?4, ?5)
       on conflict(session, chain, number) do update set key = ?4, at = ?5`,
  )
  const get = database.prepare('select key, at from skipped where session = ? and chain = ? and number = ?')
  const remove = database.prepare('delete from skipped where session = ? and chain = ? and number = ?')
  return {
    put: (key, row) => put.run(...skippedParts(key), row.key, row.at),
    get: (key) => get.get(skippedParts(key), (row) => ({ key: row.bytes(0), at: row.number(1) })),
    delete: (key) => remove.run(...skippedParts(key)),
  }
}

export function seenTable(database: Database): Table<SeenRow> {
  const put = database.prepare('insert into seen(key, at) values(?1, ?2) on conflict(key) do update set at = ?2')
  const get = database.prepare('select at from seen where key = ?')
  const remove = database.prepare('delete from seen where key = ?')
  return {
    put: (key, row) => put.run(key, row.at),
    get: (key) => get.get([key], (row) => ({ at: row.number(0) })),
    delete: (key) => remove.run(key),
  }
}

export function frameTable(database: Database): ListedTable<FrameRow> {
  const columns = 'device, contact, session, bytes, id, from_counter, to_counter, facts, made, away'
  const put = database.prepare(
    `insert or replace into frame(${columns}, number) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const get = database.prepare(`select ${columns} from frame where number = ?`)
  const list = database.prepare(`select ${columns}, number from frame order by number`)
  const remove = database.prepare('delete from frame where number = ?')
  const read = (row: Row): FrameRow => ({
    device: row.text(0) as DeviceId,
    contact: row.text(1) as AccountId,
    session: row.text(2),
    bytes: row.bytes(3),
    id: row.bytes(4),
    from: row.number(5),
    to: row.number(6),
    facts: JSON.parse(row.text(7)) as Facts,
    made: row.number(8),
    away: row.number(9) === 1,
  })
  return {
    put: (key, f) =>
      put.run(
        f.device,
        f.contact,
        f.session,
        f.bytes,
        f.id,
        f.from,
        f.to,
        JSON.stringify(f.facts),
        f.made,
        f.away ? 1 : 0,
        decimal(key),
      ),
    get: (key) => get.get([decimal(key)], read),
    delete: (key) => remove.run(decimal(key)),
    all: () => list.all([], (row) => ({ key: String(row.number(10)), row: read(row) })),
  }
}

export function eventTable(database: Database): Table<EventRow> {
  const put = database.prepare('insert or replace into event(number, at, body) values(?, ?, ?)')
  const get = database.prepare('select at, body from event where number = ?')
  const remove = database.prepare('delete from event where number = ?')
  return {
    put: (key, row) => put.run(decimal(key), row.at, row.body),
    get: (key) => get.get([decimal(key)], (row) => ({ at: row.number(0), body: row.text(1) })),
    delete: (key) => remove.run(decimal(key)),
  }
}

/** By box and hash, and as a set that is replaced. */
export function tokenTable(
  database: Database,
): Table<TokenRow> & { set(box: string, hashes: readonly Uint8Array[]): void } {
  const put = database.prepare(
    'insert into token(box, hash, spent) values(?1, ?2, ?3) on conflict(box, hash) do update set spent = ?3',
  )
  const get = database.prepare('select spent from token where box = ? and hash = ?')
  const remove = database.prepare('delete from token where box = ? and hash = ?')
  const list = database.prepare('select hash from token where box = ?')
  return {
    put: (key, row) => put.run(...boxParts(key), row.spent ? 1 : 0),
    get: (key) => get.get(boxParts(key), (row) => ({ spent: row.number(0) === 1 })),
    delete: (key) => remove.run(...boxParts(key)),
    set(box, hashes) {
      const good = new Set(hashes.map(toBase32))
      for (const hash of list.all([box], (row) => row.text(0))) if (!good.delete(hash)) remove.run(box, hash)
      for (const hash of good) put.run(box, hash, 0)
    },
  }
}

export function letterTable(
  database: Database,
): Table<LetterRow> & { some(of: LettersOf, limit: number): readonly LetterRow[] } {
  const columns = 'box, id, bytes, until'
  const put = database.prepare(
    `insert into letter(${columns}) values(?1, ?2, ?3, ?4) on conflict(box, id) do update set bytes = ?3, until = ?4`,
  )
  const get = database.prepare(`select ${columns} from letter where box = ? and id = ?`)
  const remove = database.prepare('delete from letter where box = ? and id = ?')
  // The numbers first, out of the index: the bytes of the others are not touched.
  const inBox = database.prepare(
    `select ${columns} from letter where number in (select number from letter where box = ?1 order by number limit ?2) order by number`,
  )
  const ended = database.prepare(
    `select ${columns} from letter where number in (select number from letter where until <= ?1 order by until, number limit ?2)
       order by until, number`,
  )
  const read = (row: Row): LetterRow => ({
    box: row.text(0),
    id: fromBase32(row.text(1)) ?? new Uint8Array(0),
    bytes: row.bytes(2),
    until: row.number(3),
  })
  return {
    put(key, row) {
      const [box, id] = letterParts(key, row)
      put.run(box, id, row.bytes, row.until)
    },
    get: (key) => get.get(boxParts(key), read),
    delete: (key) => remove.run(...boxParts(key)),
    some: (of, limit) => ('box' in of ? inBox.all([of.box, limit], read) : ended.all([of.until, limit], read)),
  }
}

/** The columns of a message in the order that {@link readMessage} wants. */
export const MESSAGE_COLUMNS =
  'seq, id, conversation, author, counter, lamport, sent_at, received_at, reply_to, failed, text'

export function readMessage(row: Row): MessageRow {
  return {
    seq: row.number(0),
    id: row.bytes(1),
    conversation: conversationOf(row.number(CONVERSATION)),
    author: row.number(3) as Author,
    counter: row.number(4),
    lamport: row.number(5),
    sentAt: row.number(6),
    receivedAt: row.number(7),
    replyTo: row.isNull(8) ? null : row.bytes(8),
    failed: row.isNull(9) ? null : row.text(9),
    text: row.text(10),
  }
}

/** Rows of erased conversations are not there. */
export function messageTable(database: Database, erased: Erased): Table<MessageRow> {
  const put = database.prepare(
    `insert into message(${MESSAGE_COLUMNS}) values(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
       on conflict(id) do update set conversation = ?3, author = ?4, counter = ?5, lamport = ?6, sent_at = ?7,
         received_at = ?8, reply_to = ?9, failed = ?10, text = ?11 where seq = ?1`,
  )
  const get = database.prepare(`select ${MESSAGE_COLUMNS} from message where id = ?`)
  const remove = database.prepare('delete from message where id = ?')
  return {
    put(key, m) {
      if (!equal(messageId(key), m.id)) throw new TypeError('the key of a message is the base32 of its id')
      const before = database.totalChanges
      put.run(
        m.seq,
        m.id,
        erased.stored(m.conversation),
        m.author,
        m.counter,
        m.lamport,
        m.sentAt,
        m.receivedAt,
        m.replyTo,
        m.failed,
        m.text,
      )
      if (database.totalChanges === before) throw new TypeError('a message keeps its seq')
    },
    get: (key) => get.get([messageId(key)], (row) => (erased.holds(row) ? undefined : readMessage(row))),
    delete: (key) => remove.run(messageId(key)),
  }
}

/** The tables that are listed at start-up. */
export type Listed = Parameters<Store['all']>[0]
export type ListedTables = { readonly [T in Listed]: ListedTable<Tables[T]> }
export type AllTables = { readonly [T in TableName]: Table<Tables[T]> } & {
  readonly token: ReturnType<typeof tokenTable>
  readonly letter: ReturnType<typeof letterTable>
}

/** The adapter of each table, and again of each that is listed. */
export function tables(
  database: Database,
  erased: Erased,
): { readonly each: AllTables; readonly listed: ListedTables } {
  const listed: ListedTables = {
    profile: recordTable(database, 'profile'),
    prekey: recordTable(database, 'prekey'),
    invite: recordTable(database, 'invite'),
    contact: recordTable(database, 'contact'),
    conversation: recordTable(database, 'conversation'),
    delivery: recordTable(database, 'delivery'),
    audience: recordTable(database, 'audience'),
    grant: recordTable(database, 'grant'),
    box: recordTable(database, 'box'),
    given: recordTable(database, 'given'),
    carried: recordTable(database, 'carried'),
    route: recordTable(database, 'route'),
    mail: recordTable(database, 'mail'),
    running: recordTable(database, 'running'),
    session: sessionTable(database),
    frame: frameTable(database),
  }
  const each: AllTables = {
    ...listed,
    skipped: skippedTable(database),
    seen: seenTable(database),
    token: tokenTable(database),
    letter: letterTable(database),
    message: messageTable(database, erased),
    event: eventTable(database),
  }
  return { each, listed }
}
