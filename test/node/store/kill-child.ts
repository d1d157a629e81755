/** A child that commits numbered messages as fast as it can, and prints each number once it is acknowledged. */
import { writeSync } from 'node:fs'
import { nodejsFiles } from '../../../src/node/store/sqlite-files.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { toBase32 } from '../../../src/protocol/index.ts'

const [folder = '', keyHex = ''] = process.argv.slice(2)
const store = await openSqlite({
  files: nodejsFiles(folder),
  key: new Uint8Array(Buffer.from(keyHex, 'hex')),
  path: folder,
})
for (let seq = (await store.last()).message + 1; ; seq++) {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(0, seq)
  const row = {
    seq,
    id,
    conversation: 1,
    author: 1,
    counter: seq,
    lamport: seq,
    sentAt: seq,
    receivedAt: seq,
    replyTo: null,
    failed: null,
  } as const
  await store.commit([
    {
      op: 'put',
      table: 'message',
      key: toBase32(id),
      row: { ...row, text: `message ${seq} ${'and more '.repeat(seq % 200)}` },
    },
    { op: 'put', table: 'event', key: String(seq), row: { at: seq, body: '{}' } },
  ])
  writeSync(1, `${seq}\n`)
  if (seq % 3 === 0) await store.tidy()
}
