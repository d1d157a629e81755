/**
 * What every store must do, run on each adapter, with the search index behind and up to date.
 */
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/node/store/memory.ts'
import type { ContactRow, Key, MessageRow, Write } from '../../src/node/store/records.ts'
import type { HistoryQuery, LettersOf, Place, Store } from '../../src/node/store/store.ts'
import { StoreError } from '../../src/node/store/store.ts'
import { toBase32 } from '../../src/protocol/index.ts'
import {
  ANA,
  ANAS_PHONE,
  bytes,
  contactRow,
  conversationRow,
  deliveryRow,
  audienceRow,
  boxRow,
  carriedRow,
  grantRow,
  eventRow,
  frameRow,
  letterRow,
  mailRow,
  messageRow,
  NOON,
  openIn,
  prekeyRow,
  profileRow,
  putLetter,
  putMessage,
  putMessages,
  routeRow,
  sessionRow,
  skippedRow,
  temporaryFolder,
  tidyAll,
} from '../node/store/rows.ts'
import { seeded, seedOfRun } from '../protocol/seeded.ts'

const SEED = seedOfRun(11)

const adapters: readonly { readonly name: string; open(): Promise<Store>; settle(store: Store): Promise<void> }[] = [
  { name: 'memory', open: async () => memoryStore(), settle: tidyAll },
  { name: 'sqlite, index behind', open: () => openIn(temporaryFolder()), settle: async () => undefined },
  { name: 'sqlite, index up to date', open: () => openIn(temporaryFolder()), settle: tidyAll },
]

const texts = (rows: readonly MessageRow[]): string[] => rows.map(({ text }) => text)
const seqs = (rows: readonly MessageRow[]): number[] => rows.map(({ seq }) => seq)
const newest = (over: Partial<HistoryQuery> = {}): HistoryQuery => ({
  conversation: 1,
  limit: 50,
  before: null,
  search: null,
  ...over,
})
const spoken = (seq: number, text: string, conversation = 1): MessageRow => messageRow(seq, { text, conversation })

/** Puts so many newer messages on top that the ones below are asked of the index, where there is one. */
async function bury(store: Store, settle: (store: Store) => Promise<void>): Promise<void> {
  const fillers = Array.from({ length: 1100 }, (_, n) =>
    messageRow(100_001 + n, { text: 'filler', conversation: 1 + (n % 3) }),
  )
  await store.commit(
    putMessages(...fillers, ...Array.from({ length: 1100 }, (_, n) => messageRow(200_001 + n, { text: 'filler' }))),
  )
  await settle(store)
}

describe.each(adapters)('a store: $name', ({ open, settle }) => {
  test('gives back every kind of row as it was put', async () => {
    const store = await open()
    const puts = [
      { op: 'put', table: 'profile', key: 'self', row: profileRow },
      { op: 'put', table: 'prekey', key: 'p', row: prekeyRow },
      { op: 'put', table: 'contact', key: ANA, row: contactRow },
      { op: 'put', table: 'conversation', key: ANA, row: conversationRow },
      { op: 'put', table: 'delivery', key: ANAS_PHONE, row: deliveryRow },
      { op: 'put', table: 'audience', key: 'audience', row: audienceRow },
      { op: 'put', table: 'grant', key: ANAS_PHONE, row: grantRow },
      { op: 'put', table: 'session', key: 's', row: sessionRow(NOON) },
      { op: 'put', table: 'skipped', key: 's/ec/x/7', row: skippedRow(NOON) },
      { op: 'put', table: 'seen', key: 'seen', row: { at: NOON } },
      { op: 'put', table: 'frame', key: '3', row: frameRow(3) },
      { op: 'put', table: 'box', key: 'box', row: boxRow },
      { op: 'put', table: 'given', key: `box/${ANAS_PHONE}`, row: { tokens: [3, 5, 4], at: 17 } },
      { op: 'put', table: 'carried', key: 'box', row: carriedRow },
      { op: 'put', table: 'token', key: 'box/hash', row: { spent: true } },
      putLetter(letterRow('box', 1)),
      { op: 'put', table: 'route', key: ANAS_PHONE, row: routeRow },
      { op: 'put', table: 'mail', key: '7', row: mailRow },
      { op: 'put', table: 'running', key: 'self', row: { ms: 12_345_678 } },
      putMessage(
        messageRow(1, {
          replyTo: new Uint8Array(16).fill(9),
          failed: 'not-reached',
          text: 'zero\0byte, ț, 👩‍👩‍👧, \u202e',
        }),
      ),
      { op: 'put', table: 'event', key: '1', row: eventRow(NOON) },
    ] satisfies Extract<Write, { op: 'put' }>[]
    await store.commit(puts)
    expect(await store.read(puts)).toEqual(puts.map(({ row }) => row))
    const absent: Record<string, string> = {
      message: toBase32(new Uint8Array(16)),
      skipped: 's/ec/x/8',
      token: 'box/x',
      letter: 'x/x',
    }
    const others = puts.map(({ table }): Key => ({ table, key: absent[table] ?? '99' }))
    expect(await store.read(others)).toEqual(puts.map(() => undefined))
    await store.close()
  })

  test('replaces a row as a whole, and deletes', async () => {
    const store = await open()
    await store.commit([{ op: 'put', table: 'session', key: 's', row: sessionRow(1) }, putMessage(messageRow(1))])
    await store.commit([
      { op: 'put', table: 'session', key: 's', row: sessionRow(2) },
      putMessage(messageRow(1, { failed: 'blocked' })),
    ])
    const keys = [
      { table: 'session', key: 's' },
      { table: 'message', key: toBase32(messageRow(1).id) },
    ] as const
    expect(await store.read(keys)).toEqual([sessionRow(2), messageRow(1, { failed: 'blocked' })])
    await store.commit(keys.map((key) => ({ op: 'delete', ...key })))
    expect(await store.read(keys)).toEqual([undefined, undefined])
    expect(await store.messageBySeq(1)).toBeUndefined()
    await store.close()
  })

  test('the last write to a key in a commit stands', async () => {
    const store = await open()
    await store.commit([
      { op: 'put', table: 'seen', key: 'x', row: { at: 1 } },
      { op: 'delete', table: 'seen', key: 'x' },
      { op: 'put', table: 'seen', key: 'x', row: { at: 2 } },
    ])
    expect(await store.read([{ table: 'seen', key: 'x' }])).toEqual([{ at: 2 }])
    await store.close()
  })

  test('does all of a commit or nothing, and goes on after a mistake of its caller', async () => {
    const store = await open()
    await store.commit([putMessage(messageRow(1)), { op: 'put', table: 'event', key: '1', row: eventRow(1) }])
    await settle(store)
    const good: Write[] = [
      putMessage(messageRow(2)),
      { op: 'put', table: 'event', key: '9', row: eventRow(9) },
      { op: 'erase-conversation', conversation: 1 },
    ]
    const malformed: Write[] = [
      { op: 'put', table: 'message', key: 'aa', row: messageRow(4) },
      { op: 'put', table: 'event', key: '01', row: eventRow(1) },
      { op: 'put', table: 'skipped', key: 'no-parts', row: skippedRow(1) },
      { op: 'put', table: 'token', key: 'no-parts', row: { spent: false } },
      { ...putLetter(letterRow('a', 1)), key: `b/${toBase32(bytes('letter 1'))}` },
      { op: 'put', table: 'contact', key: ANA, row: { ...contactRow, problem: undefined } as unknown as ContactRow },
    ]
    for (const mistake of malformed) await expect(store.commit([...good, mistake])).rejects.toThrow(TypeError)
    const taken = putMessage(messageRow(1, { id: messageRow(77).id }))
    const moved = putMessage(messageRow(3, { id: messageRow(1).id }))
    for (const mistake of [taken, moved]) {
      const error = await store.commit([...good.slice(0, 2), mistake]).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(error).not.toBeInstanceOf(StoreError)
    }
    expect(seqs(await store.history(newest()))).toEqual([1])
    expect(seqs(await store.search('message', 9))).toEqual([1])
    expect(await store.events(0, 9)).toEqual([{ number: 1, row: eventRow(1) }])
    expect(await store.last()).toEqual({ message: 1, event: 1, frame: 0 })
    await store.commit(good.slice(0, 2))
    expect(await store.last()).toEqual({ message: 2, event: 9, frame: 0 })
    await store.close()
  })

  test('a commit that does not wait for the disk is read like any other', async () => {
    const store = await open()
    const seen = (key: string): Write => ({ op: 'put', table: 'seen', key, row: { at: 1 } })
    await store.commit([seen('a'), putMessage(messageRow(1))], 'with-next')
    await store.commit([seen('b')], 'with-next')
    await store.commit([{ op: 'delete', table: 'seen', key: 'a' }], 'now')
    await store.commit([], 'now')
    expect(await store.read(['a', 'b'].map((key) => ({ table: 'seen', key })))).toEqual([undefined, { at: 1 }])
    expect(seqs(await store.history(newest()))).toEqual([1])
    await expect(
      store.commit([seen('c'), { op: 'put', table: 'event', key: '01', row: eventRow(1) }], 'with-next'),
    ).rejects.toThrow(TypeError)
    expect(await store.read([{ table: 'seen', key: 'c' }])).toEqual([undefined])
    await store.close()
  })

  test('lists small tables in key order, frames by number', async () => {
    const store = await open()
    const keys = ['10', '9', '2', '1']
    await store.commit(keys.map((key) => ({ op: 'put', table: 'frame', key, row: frameRow(Number(key)) })))
    await store.commit(['b', 'a', 'c'].map((key) => ({ op: 'put', table: 'prekey', key, row: prekeyRow })))
    await store.commit(['b', 'a'].map((key) => ({ op: 'put', table: 'session', key, row: sessionRow(1) })))
    expect(await store.all('frame')).toEqual(['1', '2', '9', '10'].map((key) => ({ key, row: frameRow(Number(key)) })))
    expect((await store.all('prekey')).map(({ key }) => key)).toEqual(['a', 'b', 'c'])
    expect((await store.all('session')).map(({ key }) => key)).toEqual(['a', 'b'])
    expect(await store.all('contact')).toEqual([])
    await store.close()
  })

  test('trims the oldest skipped keys of one session: by time, then by number', async () => {
    const store = await open()
    const put = (key: string, at: number): Write => ({ op: 'put', table: 'skipped', key, row: skippedRow(at) })
    await store.commit([
      put('s/ec/1/10', 5),
      put('s/ec/1/9', 5),
      put('s/pq/0/1', 4),
      put('s/ec/1/2', 6),
      put('t/ec/1/1', 1),
    ])
    const left = async (): Promise<number[]> =>
      (
        await store.read(
          (['s/ec/1/10', 's/ec/1/9', 's/pq/0/1', 's/ec/1/2', 't/ec/1/1'] as const).map((key) => ({
            table: 'skipped',
            key,
          })),
        )
      ).flatMap((row, i) => (row === undefined ? [] : [i]))
    await store.commit([{ op: 'trim-skipped', session: 's', keep: 9 }])
    expect(await left()).toEqual([0, 1, 2, 3, 4])
    await store.commit([{ op: 'trim-skipped', session: 's', keep: 2 }])
    expect(await left()).toEqual([0, 3, 4])
    await store.commit([{ op: 'drop-chain', session: 's', chain: 'ec/1' }])
    expect(await left()).toEqual([4])
    await store.commit([{ op: 'trim-skipped', session: 't', keep: 0 }])
    expect(await left()).toEqual([])
    await store.close()
  })

  test('letters of one box in the order in which they came, and those of all boxes whose time is over', async () => {
    const store = await open()
    const letters = [letterRow('a', 5, 30), letterRow('b', 4, 10), letterRow('a', 3, 20), letterRow('a', 2, 10)]
    for (const row of letters) await store.commit([putLetter(row)])
    const numbers = async (of: LettersOf, limit = 9): Promise<number[]> =>
      (await store.letters(of, limit)).map((row) => letters.findIndex(({ id }) => toBase32(id) === toBase32(row.id)))
    expect(await store.letters({ box: 'a' }, 1)).toEqual([letters[0]])
    expect(await numbers({ box: 'a' })).toEqual([0, 2, 3])
    expect(await numbers({ box: 'c' })).toEqual([])
    expect(await numbers({ until: 9 })).toEqual([])
    expect(await numbers({ until: 20 })).toEqual([1, 3, 2])
    expect(await numbers({ until: 20 }, 2)).toEqual([1, 3])
    await store.commit([{ op: 'delete', table: 'letter', key: `a/${toBase32(bytes('letter 5'))}` }])
    expect(await numbers({ box: 'a' })).toEqual([2, 3])
    await store.close()
  })

  test('sets the tokens of one box: what is no more good goes, what stays remembers whether it was spent', async () => {
    const store = await open()
    const hash = (n: number): Uint8Array => bytes(`hash ${n}`)
    const key = (box: string, n: number): string => `${box}/${toBase32(hash(n))}`
    const spent = async (): Promise<(boolean | undefined)[]> => {
      const keys = [key('a', 1), key('a', 2), key('a', 3), key('b', 1)].map(
        (one) => ({ table: 'token', key: one }) as const,
      )
      return (await store.read(keys)).map((row) => (row as { spent: boolean } | undefined)?.spent)
    }
    await store.commit([
      { op: 'set-tokens', box: 'a', hashes: [hash(1), hash(2)] },
      { op: 'set-tokens', box: 'b', hashes: [hash(1)] },
      { op: 'put', table: 'token', key: key('a', 2), row: { spent: true } },
    ])
    expect(await spent()).toEqual([false, true, undefined, false])
    await store.commit([{ op: 'set-tokens', box: 'a', hashes: [hash(2), hash(3)] }])
    expect(await spent()).toEqual([undefined, true, false, false])
    await store.commit([{ op: 'set-tokens', box: 'a', hashes: [] }])
    expect(await spent()).toEqual([undefined, undefined, undefined, false])
    await store.close()
  })

  test('forgets what is older than a time', async () => {
    const store = await open()
    for (const at of [1, 2, 3]) {
      await store.commit([
        { op: 'put', table: 'seen', key: `k${at}`, row: { at } },
        { op: 'put', table: 'skipped', key: `s/c/${at}`, row: skippedRow(at) },
        { op: 'put', table: 'event', key: `${at}`, row: eventRow(at) },
      ])
    }
    await store.commit([
      { op: 'forget', table: 'seen', before: 2 },
      { op: 'forget', table: 'skipped', before: 3 },
      { op: 'forget-events', before: 3, now: 9 },
    ])
    await tidyAll(store)
    expect(await store.read([1, 2, 3].map((at) => ({ table: 'seen', key: `k${at}` })))).toEqual([
      undefined,
      { at: 2 },
      { at: 3 },
    ])
    expect(await store.read([2, 3].map((at) => ({ table: 'skipped', key: `s/c/${at}` })))).toEqual([
      undefined,
      skippedRow(3),
    ])
    expect((await store.events(0, 9)).map(({ number }) => number)).toEqual([3])
    await store.close()
  })

  test('forgets events from the lowest number up to the first young one, whatever a wrong clock wrote between', async () => {
    const store = await open()
    const kept = async (): Promise<number[]> => (await store.events(0, 99)).map(({ number }) => number)
    const times = [10, 900, 20, 5, 50, 30, 60]
    await store.commit(
      times.map((at, i) => ({ op: 'put', table: 'event', key: String(i + 1), row: eventRow(at) }) as const),
    )
    await store.commit([{ op: 'forget-events', before: 10, now: 100 }])
    expect(await kept()).toEqual([1, 2, 3, 4, 5, 6, 7])
    await store.commit([{ op: 'forget-events', before: 40, now: 100 }])
    expect(await kept()).toEqual([5, 6, 7])
    await store.commit([{ op: 'forget-events', before: 70, now: 100 }])
    expect(await kept()).toEqual([])
    expect((await store.last()).event).toBe(7)
    await store.close()
  })

  test('forgets what was seen long ago among much that was not, in housekeeping', async () => {
    const store = await open()
    const key = (n: number): string => toBase32(bytes(`seen ${n}`))
    const all = Array.from({ length: 2000 }, (_, n) => n)
    await store.commit(all.map((n) => ({ op: 'put', table: 'seen', key: key(n), row: { at: n } }) as const))
    await store.commit([{ op: 'forget', table: 'seen', before: 1500 }])
    await tidyAll(store)
    const rows = await store.read(all.map((n) => ({ table: 'seen', key: key(n) })))
    expect(rows.flatMap((row, n) => (row === undefined ? [] : [n]))).toEqual(all.slice(1500))
    await store.close()
  })

  test('numbers go on rising after their rows are gone', async () => {
    const store = await open()
    await store.commit([
      putMessage(messageRow(5)),
      { op: 'put', table: 'frame', key: '8', row: frameRow(8) },
      { op: 'put', table: 'event', key: '6', row: eventRow(1) },
    ])
    await store.commit([
      { op: 'erase-conversation', conversation: 1 },
      { op: 'delete', table: 'frame', key: '8' },
      { op: 'forget-events', before: 2, now: 9 },
    ])
    expect(await store.last()).toEqual({ message: 5, event: 6, frame: 8 })
    await store.close()
  })

  test('orders a conversation by lamport, author and counter, and pages back without gap or repeat', async () => {
    const store = await open()
    const places = [
      [5, 0, 2],
      [5, 1, 9],
      [5, 0, 3],
      [4, 1, 1],
      [9, 0, 1],
      [5, 1, 8],
    ] as const
    await store.commit(
      places.map(([lamport, author, counter], i) =>
        putMessage(messageRow(i + 1, { lamport, author, counter, text: `row ${i}` })),
      ),
    )
    await store.commit([putMessage(messageRow(99, { conversation: 2, text: 'row elsewhere' }))])
    await settle(store)
    const ordered = ['row 4', 'row 1', 'row 5', 'row 2', 'row 0', 'row 3']
    expect(texts(await store.history(newest()))).toEqual(ordered)
    for (const search of [null, 'row']) {
      const seen: string[] = []
      let before: HistoryQuery['before'] = null
      for (;;) {
        const page = await store.history(newest({ limit: 2, before, search }))
        seen.push(...texts(page))
        const last = page.at(-1)
        if (last === undefined) break
        before = last
      }
      expect(seen).toEqual(ordered)
    }
    const forward: string[] = []
    let after: Place = { lamport: 0, author: 0, counter: 0 }
    for (const _ of ordered) {
      const page = await store.historyAfter(1, after, 2)
      forward.push(...texts(page))
      after = page.at(-1) ?? after
    }
    expect(forward).toEqual(ordered.toReversed())
    expect(texts(await store.historyAfter(1, { lamport: 5, author: 0, counter: 3 }, 9))).toEqual([
      'row 5',
      'row 1',
      'row 4',
    ])
    await store.close()
  })

  test('finds messages by counter, by seq and events by number', async () => {
    const store = await open()
    await store.commit(
      putMessages(
        ...[3, 1, 2].map((n) => messageRow(10 + n, { counter: n })),
        messageRow(20, { author: 0, counter: 2 }),
        messageRow(21, { conversation: 2, counter: 2 }),
      ),
    )
    expect(seqs(await store.byCounter(1, 1, 2, 3, 9))).toEqual([12, 13])
    expect(seqs(await store.byCounter(1, 1, 1, 3, 2))).toEqual([11, 12])
    expect(await store.messageBySeq(21)).toEqual(messageRow(21, { conversation: 2, counter: 2 }))
    await store.commit([3, 1, 2].map((n) => ({ op: 'put', table: 'event', key: `${n}`, row: eventRow(n) })))
    expect(await store.events(1, 1)).toEqual([{ number: 2, row: eventRow(2) }])
    await store.close()
  })

  test.each([false, true])(
    'finds words whatever their case and accents, the last one by its beginning (under many newer ones: %s)',
    async (buried) => {
      const store = await open()
      await store.commit(
        putMessages(
          spoken(1, 'Ședința e la ora ȘAPTE'),
          spoken(2, 'sedinta s-a mutat'),
          spoken(3, 'Где мой ёжик?'),
          spoken(4, 'ΟΔΟΣ Αθηνών, Straße'),
          spoken(5, 'مُحَمَّد'),
          spoken(6, '我住在东京都附近'),
          spoken(7, 'ผมรักภาษาไทย'),
          spoken(8, 'ﬁn de partie, ＦＵＬＬ width'),
          spoken(9, 'हिन्दी की किताब'),
          spoken(10, 'Don\'t "NEAR" -- OR * (AND) {words}: ^x'),
        ),
      )
      await (buried ? bury(store, settle) : settle(store))
      const found = async (text: string): Promise<number[]> => seqs(await store.search(text, 50))
      expect(await found('sedinta')).toEqual([2, 1])
      expect(await found('ŞEDINŢA sap')).toEqual([1])
      expect(await found('sap sedinta')).toEqual([]) // only the last word is a beginning
      expect(await found('ежик')).toEqual([3])
      expect(await found('οδοσ')).toEqual([4])
      expect(await found('strasse')).toEqual([4])
      expect(await found('محمد')).toEqual([5])
      expect(await found('附近')).toEqual([6])
      expect(await found('ภาษา')).toEqual([7])
      expect(await found('full fin')).toEqual([8])
      expect(await found('की')).toEqual([9])
      expect(await found('का')).toEqual([])
      expect(await found('near')).toEqual([10])
      for (const syntax of [
        '"',
        'NEAR(',
        '*',
        'a"b*',
        'words:x',
        '^',
        '(',
        "'; drop table message; --",
        '\0',
        '',
        ' . ',
      ]) {
        expect(Array.isArray(await store.search(syntax, 5)), syntax).toBe(true)
        expect(Array.isArray(await store.history(newest({ search: syntax }))), syntax).toBe(true)
      }
      expect(await found('...')).toEqual([])
      await store.close()
    },
  )

  test.each([false, true])(
    'searches newest first, over all conversations or in one (under many newer ones: %s)',
    async (buried) => {
      const store = await open()
      await store.commit(
        putMessages(...[1, 2, 3, 4, 5, 6].map((n) => spoken(n, `apple ${n % 2 ? 'odd' : 'even'}`, 1 + (n % 3)))),
      )
      await (buried ? bury(store, settle) : settle(store))
      expect(seqs(await store.search('apple', 4))).toEqual([6, 5, 4, 3])
      expect(seqs(await store.search('apple odd', 50))).toEqual([5, 3, 1])
      expect(seqs(await store.search('apple', 0))).toEqual([])
      expect(seqs(await store.history(newest({ conversation: 2, search: 'app' })))).toEqual([4, 1])
      expect(seqs(await store.history(newest({ conversation: 2, search: 'app', before: messageRow(4) })))).toEqual([1])
      await store.close()
    },
  )

  test.each([false, true])(
    'an erased conversation is not found any more, nor a deleted or rewritten message (under many newer ones: %s)',
    async (buried) => {
      const store = await open()
      await store.commit(
        putMessages(
          spoken(1, 'pear one'),
          spoken(2, 'pear two', 2),
          spoken(3, 'pear three', 2),
          spoken(4, 'pear four', 3),
          spoken(5, 'plum', 3),
        ),
      )
      await (buried ? bury(store, settle) : settle(store))
      await store.commit([
        { op: 'erase-conversation', conversation: 2 },
        { op: 'delete', table: 'message', key: toBase32(messageRow(1).id) },
        putMessage(spoken(5, 'pear five', 3)),
      ])
      await store.commit([putMessage(spoken(5, 'quince five', 3))])
      expect(seqs(await store.search('pear', 50))).toEqual([4])
      expect(seqs(await store.search('plum', 50))).toEqual([])
      expect(seqs(await store.search('quince', 50))).toEqual([5])
      await (buried ? bury(store, settle) : settle(store))
      expect(seqs(await store.search('pear', 50))).toEqual([4])
      const left = await store.history(newest({ conversation: 2, limit: 9999 }))
      expect(texts(left).filter((text) => text !== 'filler')).toEqual([])
      await store.close()
    },
  )

  test('rows do not change with what was put or read', async () => {
    const store = await open()
    const row = sessionRow(1)
    await store.commit([{ op: 'put', table: 'session', key: 's', row }])
    row.state.fill(0)
    const [read] = (await store.read([{ table: 'session', key: 's' }])) as [typeof row]
    expect(read).toEqual(sessionRow(1))
    read.state.fill(0)
    expect(await store.read([{ table: 'session', key: 's' }])).toEqual([sessionRow(1)])
    await store.close()
  })

  test("a closed store throws its caller's mistake", async () => {
    const store = await open()
    await store.close()
    await store.close()
    await expect(store.commit([])).rejects.toThrow('the store is closed')
    expect(() => store.read([])).toThrow('the store is closed')
  })
})

test.each([300, 60])(
  `memory and sqlite answer the same, whatever is done (seed ${SEED}, %i rounds)`,
  async (rounds) => {
    const random = seeded(SEED)
    const below = (n: number): number => (random(4)[0] as number) % n
    const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T
    const memory = memoryStore()
    const folder = temporaryFolder()
    let sqlite = await openIn(folder)
    const vocabulary = [
      'apple',
      'Äpfel',
      'apples',
      'ab',
      'a',
      'été',
      'ете',
      '東京',
      '京都',
      'x-y',
      '42',
      'ไทย',
      '👍',
      'ß',
    ]
    const saying = (): string =>
      Array.from({ length: 1 + below(5) }, () => pick(vocabulary)).join(pick([' ', ', ', '-', '']))
    const buried = rounds === 60
    if (buried) for (const store of [memory, sqlite]) await bury(store, async () => undefined)
    let seq = 0
    for (let round = 0; round < rounds; round++) {
      const writes: Write[] = Array.from({ length: below(9) }, (): Write => {
        const kind = below(40)
        if (kind === 0) return { op: 'erase-conversation', conversation: 1 + below(4) }
        if (kind === 1) return { op: 'trim-skipped', session: pick(['s', 't']), keep: below(5) }
        if (kind === 2) return { op: 'drop-chain', session: pick(['s', 't']), chain: pick(['ec/1', 'pq']) }
        if (kind === 3) return { op: 'forget', table: pick(['seen', 'skipped'] as const), before: below(300) }
        if (kind === 14) return { op: 'forget-events', before: below(150), now: 150 + below(150) }
        if (kind === 4) return putLetter(letterRow(pick(['a', 'b']), below(12), below(300)))
        if (kind === 5)
          return { op: 'delete', table: 'letter', key: `${pick(['a', 'b'])}/${toBase32(bytes(`letter ${below(12)}`))}` }
        if (kind === 6)
          return {
            op: 'set-tokens',
            box: pick(['a', 'b']),
            hashes: Array.from({ length: below(5) }, () => bytes(`hash ${below(6)}`)),
          }
        if (kind < 8)
          return {
            op: 'put',
            table: 'skipped',
            key: `${pick(['s', 't'])}/${pick(['ec/1', 'pq'])}/${below(20)}`,
            row: skippedRow(below(300)),
          }
        if (kind < 12) return { op: 'put', table: 'event', key: `${below(300)}`, row: eventRow(below(300)) }
        if (kind < 14)
          return {
            op: 'put',
            table: 'conversation',
            key: pick(['a', 'b']),
            row: { ...conversationRow, draft: saying() },
          }
        if (kind < 20 && seq > 0) {
          const old = messageRow(1 + below(seq), { text: saying(), conversation: 1 + below(4) })
          return kind < 17 ? putMessage(old) : { op: 'delete', table: 'message', key: toBase32(old.id) }
        }
        return putMessage(
          messageRow(++seq, {
            text: saying(),
            conversation: 1 + below(4),
            lamport: below(50),
            author: pick([0, 1] as const),
            counter: below(50),
          }),
        )
      })
      await memory.commit(writes)
      await sqlite.commit(writes)
      for (let tidies = below(buried ? 9 : 3); tidies > 0; tidies--) await sqlite.tidy()
      if (below(30) === 0) {
        await sqlite.close()
        sqlite = await openIn(folder)
      }
      const search = pick([saying(), pick(vocabulary), pick(vocabulary).slice(0, 1)])
      const asked = newest({
        conversation: 1 + below(4),
        limit: 1 + below(20),
        search: pick([null, search]),
        before: pick([null, messageRow(1, { lamport: below(50), counter: below(50) })]),
      })
      const answers = (store: Store): Promise<unknown[]> =>
        Promise.all([
          store.search(search, 1 + asked.limit),
          store.history(asked),
          store.historyAfter(asked.conversation, asked.before ?? messageRow(1), asked.limit),
          store.byCounter(asked.conversation, 1, below(1), 30, 9),
          store.events(100, 20),
          store.all('conversation'),
          store.letters({ box: 'a' }, asked.limit),
          store.letters({ until: 150 }, 5),
          store.last(),
          store.read([
            { table: 'skipped', key: 's/pq/3' },
            { table: 'token', key: `a/${toBase32(bytes('hash 3'))}` },
            { table: 'message', key: toBase32(messageRow(1).id) },
          ]),
        ])
      expect(await answers(sqlite), `round ${round}, ${JSON.stringify({ search, asked })}`).toEqual(
        await answers(memory),
      )
    }
    await sqlite.close()
  },
)

test.each<{ what: string; removal: Write[] }>([
  { what: 'erased', removal: [{ op: 'erase-conversation', conversation: 1 }] },
  { what: 'deleted', removal: [{ op: 'delete', table: 'message', key: toBase32(messageRow(5).id) }] },
])('numbers go on rising in a file that was closed after the newest were $what and forgotten', async ({ removal }) => {
  const folder = temporaryFolder()
  const store = await openIn(folder)
  await store.commit([
    putMessage(messageRow(5)),
    { op: 'put', table: 'event', key: '6', row: eventRow(1) },
    { op: 'put', table: 'frame', key: '7', row: frameRow(7) },
    { op: 'put', table: 'frame', key: '8', row: frameRow(8) },
  ])
  await store.commit(removal)
  await store.commit([{ op: 'forget-events', before: 2, now: 9 }])
  await store.commit([{ op: 'delete', table: 'frame', key: '8' }])
  await store.close()
  const again = await openIn(folder)
  expect(await again.last()).toEqual({ message: 5, event: 6, frame: 7 })
  await again.close()
})

test('a memory store loses the last commits that did not wait for the disk, and no others', async () => {
  const store = memoryStore()
  await store.commit([putMessage(messageRow(1))], 'with-next')
  await store.commit([putMessage(messageRow(2)), { op: 'delete', table: 'message', key: toBase32(messageRow(1).id) }])
  expect(store.unsynced).toBe(0)
  await store.commit([putMessage(messageRow(3))], 'with-next')
  await store.commit([{ op: 'erase-conversation', conversation: 1 }], 'with-next')
  await store.commit([putMessage(messageRow(4))], 'with-next')
  expect(store.unsynced).toBe(3)
  expect(() => store.lose(4)).toThrow(RangeError)
  store.lose(2)
  expect(seqs(await store.history(newest()))).toEqual([3, 2])
  expect(await store.last()).toMatchObject({ message: 3 })
  store.lose(1)
  expect(seqs(await store.history(newest()))).toEqual([2])
  expect(store.unsynced).toBe(0)
  await store.commit([putMessage(messageRow(3))], 'with-next')
  await store.commit([], 'now')
  expect(store.unsynced).toBe(0)
})

test('a memory store crashes where it is told, and a snapshot stands still', async () => {
  const faulty = memoryStore((writes) => (writes.length === 2 ? 'before' : writes.length === 3 ? 'after' : undefined))
  await faulty.commit([putMessage(messageRow(1))])
  const early = faulty.snapshot()
  await expect(faulty.commit(putMessages(messageRow(2), messageRow(3)))).rejects.toBeInstanceOf(StoreError)
  await expect(faulty.commit([])).rejects.toBeInstanceOf(StoreError)
  expect(() => faulty.read([])).toThrow(StoreError)
  expect(seqs(await faulty.snapshot().history(newest()))).toEqual([1])
  const late = early.snapshot((writes) => (writes.length === 3 ? 'after' : undefined))
  await expect(late.commit(putMessages(messageRow(2), messageRow(3), messageRow(4)))).rejects.toBeInstanceOf(StoreError)
  expect(seqs(await late.snapshot().history(newest()))).toEqual([4, 3, 2, 1])
  expect(seqs(await early.history(newest()))).toEqual([1])
})
