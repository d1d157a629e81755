/**
 * The tables of the encrypted database, version by version.
 *
 * Holds: a version that was released never changes; `user_version` says which one a file has; each step to the next runs
 * in one transaction with it, so a file is always of exactly one version.
 */

/** One step: the statements that lead from the version before to `to`. */
export interface Migration {
  readonly to: number
  readonly statements: readonly string[]
}

/**
 * Version 1. What is written often has columns of its own; small rows are CBOR in `record`.
 *
 * Every index costs each commit a page. So what only housekeeping asks for has none: `seen` is gone through piece by piece,
 * events are in the order of time by their number. `number`s and `seq` rise with time, so inserts go to the end of the file;
 * message ids follow each other within a conversation. `mark` holds single numbers: how far the search index reaches, and the
 * greatest numbers ever used. The index holds folded words and no copy of the text; its
 * leaves of 4000 bytes each fit into one page.
 */
const VERSION_1: Migration = {
  to: 1,
  statements: [
    'create table mark(name text primary key, value integer not null) strict, without rowid',
    'create table record(kind text not null, key text not null, row blob not null, primary key(kind, key)) strict, without rowid',
    `create table session(key text primary key, device text not null, contact text not null, state blob not null,
       created_at integer not null, used_at integer not null) strict`,
    `create table skipped(session text not null, chain text not null, number integer not null, key blob not null,
       at integer not null, primary key(session, chain, number)) strict, without rowid`,
    'create index skipped_age on skipped(session, at, number, chain)',
    'create table seen(key text primary key, at integer not null) strict, without rowid',
    `create table frame(number integer primary key, device text not null, contact text not null, session text not null,
       bytes blob not null, id blob not null, from_counter integer not null, to_counter integer not null,
       name_version integer not null, address_version integer not null, receipt_version integer not null,
       secret_generation integer not null, grant_version integer not null) strict`,
    `create table message(seq integer primary key, id blob not null unique, conversation integer not null,
       author integer not null, counter integer not null, lamport integer not null, sent_at integer not null,
       received_at integer not null, reply_to blob, failed text, text text not null) strict`,
    'create index message_place on message(conversation, lamport, author, counter)',
    'create index message_counter on message(conversation, author, counter)',
    'create table event(number integer primary key, at integer not null, body text not null) strict',
    `create virtual table message_index using fts5(conversation, words, content='', columnsize=0,
       tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc Me'")`,
    `insert into message_index(message_index, rank) values('pgsz', 4000)`,
    `insert into message_index(message_index, rank) values('automerge', 0)`,
    `insert into message_index(message_index, rank) values('crisismerge', 64)`,
    `insert into message_index(message_index, rank) values('usermerge', 16)`,
    `insert into message_index(message_index, rank) values('secure-delete', 1)`,
  ],
}

/** Version 2. How often each conversation was erased, and of how many of these times nothing is left: see `sqlite-erased.ts`. */
const VERSION_2: Migration = {
  to: 2,
  statements: [
    'create table erased(conversation integer primary key, times integer not null, swept integer not null) strict',
  ],
}

/**
 * Version 3. The versions of facts that a frame brings are one JSON object, so that a new fact needs no new column. Letters rise with
 * arrival; those of one box are found by its name, those that have to go by their end.
 */
const VERSION_3: Migration = {
  to: 3,
  statements: [
    `create table frame_3(number integer primary key, device text not null, contact text not null, session text not null,
       bytes blob not null, id blob not null, from_counter integer not null, to_counter integer not null,
       facts text not null, made integer not null, away integer not null) strict`,
    `insert into frame_3 select number, device, contact, session, bytes, id, from_counter, to_counter,
       '{"name":' || name_version || ',"addresses":' || address_version || ',"receipt":' || receipt_version ||
       ',"secret":' || secret_generation || ',"grant":' || grant_version || '}', 0, 0 from frame`,
    'drop table frame',
    'alter table frame_3 rename to frame',
    'create table token(box text not null, hash text not null, spent integer not null, primary key(box, hash)) strict, without rowid',
    `create table letter(number integer primary key, box text not null, id text not null, bytes blob not null,
       until integer not null, unique(box, id)) strict`,
    'create index letter_end on letter(until)',
  ],
}

/** All steps, ascending, without gaps: the last one is the version that this program writes. */
export const SCHEMA: readonly Migration[] = [VERSION_1, VERSION_2, VERSION_3]
