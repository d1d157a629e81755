/**
 * S8: nothing that people write or are called lies around in clear: not in the data directories, temporary folders, logs,
 * process lists, nor on the wire; and S9, light: what a watcher of the wire sees are sizes from the buckets.
 *
 *     ana ──▶ tap ──▶ bogdan        every connection of the two goes through the tap
 *
 * Holds: the search finds what is planted (the control), in each form and place that it looks at.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AnyEvent } from '../../src/node/api.ts'
import { connectHolder } from '../../src/node/server/lock.ts'
import type { Client } from '../../src/node/server/socket.ts'
import { decodeInvite, encodeInvite } from '../../src/protocol/index.ts'
import { Canaries, openToOthers } from './canary-search.ts'
import { tulnic } from './people.ts'
import { noiseLengths, type Tap, tap } from './tap.ts'

const BIN = fileURLToPath(new URL('../../scripts/tulnic.cjs', import.meta.url))
const BEHIND_NAT = new URL('behind-nat.ts', import.meta.url).href
const onLinux = process.platform === 'linux'

const ANA = 'Anamaria Străjescu-Quetzal'
const BOGDAN = 'Bogdan Xylophonopoulos'
const NICKNAME = 'my neighbour Zwölfboxkämpfer'
const PASSPHRASE = 'correct-zebra-battery-quartz-93'
const TEXTS = [
  'the treasure lies under the seventh plum tree',
  'ядро тайной переписки №42',
  '秘密の場所は古い橋の下です。誰にも言わない',
  'ssn 078-05-1120, do not tell',
]
const DRAFT = 'an unsent confession about the velociraptor'
const SEARCHED = 'velocipede'.repeat(2)

/** What is searched: everything that the two nodes can write to. */
const world = mkdtempSync(join(tmpdir(), 'tulnic-canary-'))
/** The passphrase file is the person's own business. */
const outside = mkdtempSync(join(tmpdir(), 'tulnic-canary-outside-'))

/** A node with its folder, its own temporary folder, and all that it prints. */
class Watched {
  readonly data: string
  readonly temporary: string
  readonly #passphraseFile = join(outside, 'passphrase')
  printed = ''
  process: ChildProcess | undefined
  client: Client | undefined
  phrase = ''

  constructor(name: string) {
    this.data = join(world, name)
    this.temporary = join(world, `${name}-tmp`)
    mkdirSync(this.temporary, { mode: 0o700 })
    writeFileSync(this.#passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 })
  }

  async start(name: string, ...preloaded: readonly string[]): Promise<Client> {
    const made = await tulnic([
      'init',
      '--name',
      name,
      '--passphrase-file',
      this.#passphraseFile,
      '--json',
      '--data',
      this.data,
    ])
    this.phrase = made.json[0].phrase
    const options = [...preloaded.map((file) => `--import=${file}`), BIN]
    // Questions to the hash table have sizes of their own, and come at times of their own.
    const args = ['start', '--headless', '--port', '0', '--no-mdns', '--no-dht', '--data', this.data]
    const child = spawn(process.execPath, [...options, ...args, '--passphrase-file', this.#passphraseFile], {
      env: { ...process.env, TMPDIR: this.temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process = child
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (this.printed += chunk))
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    const client = await connectHolder(this.data)
    if (client === undefined) throw new Error(`${name} does not run: ${this.printed}`)
    this.client = client
    return client
  }

  async stop(): Promise<void> {
    const child = this.process
    this.client?.close()
    if (child === undefined || child.exitCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    await closed
  }
}

/** Four words in a row, for single words of the list occur everywhere. */
function runsOfWords(phrase: string): string[] {
  const words = phrase.split(' ')
  return [' ', ',', '\n', ''].flatMap((between) => words.slice(3).map((_, i) => words.slice(i, i + 4).join(between)))
}

const ana = new Watched('ana')
const bogdan = new Watched('bogdan')
let wire: Tap
let canaries: Canaries
/** How many Noise messages had passed each way before the texts of many lengths. */
let before: readonly [forth: number, back: number]

beforeAll(async () => {
  // Otherwise Bogdan's node may connect to hers, past the tap.
  const a = await ana.start(ANA, BEHIND_NAT)
  const b = await bogdan.start(BOGDAN)
  const phrases = [ana, bogdan].flatMap(({ phrase }) => runsOfWords(phrase))
  canaries = new Canaries([
    ANA,
    BOGDAN,
    NICKNAME,
    PASSPHRASE,
    DRAFT,
    SEARCHED,
    ...TEXTS,
    ...phrases.filter((run) => run.length >= 12),
  ])

  const address = (await b.call('status')).addresses.find((one) => one.startsWith('/ip4/')) ?? ''
  wire = await tap(Number(address.split('/')[4]))
  const invite = decodeInvite((await b.call('createInvite', {})).link)
  if (invite === undefined) throw new Error('no invite')
  const link = encodeInvite({ ...invite, addresses: [`/ip4/127.0.0.1/tcp/${wire.port}`] })
  expect(await a.call('addContact', { link })).toMatchObject({ name: BOGDAN, state: 'active' })
  await a.call('renameContact', { to: BOGDAN, name: NICKNAME })
  await a.call('setDraft', { to: NICKNAME, text: DRAFT })

  for (const text of TEXTS) {
    const { id } = await deliver(a, NICKNAME, text)
    await deliver(b, ANA, `${text}!`)
    await b.call('markRead', { to: ANA, upTo: id })
  }
  await a.call('search', { text: SEARCHED })
  const [passed] = wire.connections
  before = [noiseLengths(passed?.forth ?? []).length, noiseLengths(passed?.back ?? []).length]
  for (let length = 1; length < 700; length += 23) await deliver(a, NICKNAME, 'x'.repeat(length))
})
afterAll(async () => {
  await Promise.all([ana.stop(), bogdan.stop()])
  await wire.close()
  for (const folder of [world, outside]) rmSync(folder, { recursive: true, force: true })
})

async function deliver(client: Client, to: string, text: string): Promise<{ id: string }> {
  const told: AnyEvent[] = []
  let look = (): void => {}
  await client.subscribe((event) => {
    told.push(event)
    look()
  })
  const message = await client.call('send', { to, text })
  while (!told.some((event) => event.type === 'state' && event.message === message.id && event.state === 'delivered')) {
    await new Promise<void>((resolve) => {
      look = resolve
    })
  }
  return message
}

test('everything went through the tap', () => {
  expect(wire.connections).toHaveLength(1)
  const [passed] = wire.connections
  for (const way of [passed?.forth ?? [], passed?.back ?? []])
    expect(Buffer.concat(way).length).toBeGreaterThan(TEXTS.length * 1024)
})

describe('S8: the control finds what is planted', () => {
  const secret = TEXTS[1] ?? ''
  const forms: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['utf-8', Buffer.from(`before ${secret} after`)],
    ['utf-16', Buffer.from(`b${secret}`, 'utf16le')],
    ['hexadecimal', Buffer.from(Buffer.from(secret).toString('hex'))],
    ...[0, 1, 2].map(
      (shift) =>
        [`base64 at ${shift}`, Buffer.from(Buffer.from(`${'a'.repeat(shift)}${secret}..`).toString('base64'))] as const,
    ),
    ['base64url', Buffer.from(Buffer.from(`ab${secret}..`).toString('base64url'))],
    ['JSON', Buffer.from(JSON.stringify({ text: secret }))],
    ['a URI', Buffer.from(`?q=${encodeURIComponent(secret)}`)],
  ]
  test.each(forms)('as %s', (_, bytes) => {
    const folder = join(outside, 'control')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'file'), Buffer.concat([Buffer.alloc(1001, 0xa5), bytes, Buffer.alloc(77)]))
    expect(canaries.below(folder).hits.map((hit) => hit.secret)).toContain(secret)
  })
  test('in the name of a file', () => {
    const folder = join(outside, 'named')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${ANA}.txt`), '')
    expect(canaries.below(folder).hits.map((hit) => hit.secret)).toContain(ANA)
  })
  test('in the arguments of a process', { skip: !onLinux }, async () => {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)', DRAFT], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await once(child.stdout, 'data')
    expect(inProcess(child).map((hit) => hit.secret)).toContain(DRAFT)
    child.kill('SIGKILL')
  })
  test('on the wire', () => {
    expect(canaries.in(Buffer.from(`${TEXTS[0]}`), 'wire')).not.toEqual([])
  })
})

/** What `ps` and the system show of a process. */
function inProcess({ pid }: ChildProcess) {
  return ['cmdline', 'environ', 'comm'].flatMap((file) =>
    canaries.in(readFileSync(`/proc/${pid}/${file}`), `/proc/${pid}/${file}`),
  )
}

describe('S8: no canary', () => {
  test('in the data directories and temporary folders, while the nodes run', () => {
    const { hits, files } = canaries.below(world)
    expect(hits).toEqual([])
    // Each has at least its key file, the door's file, the database and its log.
    expect(files).toBeGreaterThanOrEqual(8)
  })

  test('in command lines and environments', { skip: !onLinux }, () => {
    for (const { process: child } of [ana, bogdan])
      expect(child === undefined ? 'not running' : inProcess(child)).toEqual([])
  })

  test('nor any other file that the nodes write', { skip: !onLinux }, () => {
    for (const { process: child, data } of [ana, bogdan]) expect(writtenElsewhere(child?.pid ?? 0, data)).toEqual([])
  })

  test('on the wire', () => {
    for (const { forth, back } of wire.connections) {
      expect(canaries.in(Buffer.concat(forth), 'forth')).toEqual([])
      expect(canaries.in(Buffer.concat(back), 'back')).toEqual([])
    }
  })

  test("in what the nodes print, but each person's own name", () => {
    expect(
      canaries
        .in(Buffer.from(ana.printed.replaceAll(ANA, '')), 'ana')
        .concat(canaries.in(Buffer.from(bogdan.printed.replaceAll(BOGDAN, '')), 'bogdan')),
    ).toEqual([])
  })

  test('and everything is for its owner alone', { skip: process.platform === 'win32' }, () => {
    for (const { data } of [ana, bogdan]) expect(openToOthers(data)).toEqual([])
  })

  test('after the nodes stopped', async () => {
    await Promise.all([ana.stop(), bogdan.stop()])
    expect(canaries.below(world).hits).toEqual([])
    for (const { data, temporary } of [ana, bogdan]) {
      expect(openToOthers(data)).toEqual([])
      expect(readdirSync(temporary)).toEqual([])
    }
  })
})

/** Files that a process has open for writing and that are not its data directory's, devices and pipes aside. */
function writtenElsewhere(pid: number, data: string): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = linkOf(`/proc/${pid}/fd/${fd}`)
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
      8,
    )
    const isFile = target.startsWith('/') && !target.startsWith('/dev/')
    return isFile && (flags & 3) !== 0 && !target.startsWith(`${data}/`) ? [target] : []
  })
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

test('S9: texts of 1 to 700 bytes, one by one, show only sizes from the buckets', () => {
  const [passed] = wire.connections
  const sizes = [passed?.forth ?? [], passed?.back ?? []].flatMap((way, i) => noiseLengths(way).slice(before[i]))
  // Noise adds a tag, yamux a header, and before it the credit that it gives the other side, a header too; before each envelope stand
  // a length and a kind; an acknowledgement names one frame.
  const [tag, header, head, id] = [16, 12, 5, 16]
  const frame = [1024, 2048, 4096].map((bucket) => head + bucket)
  const bodies = [0, head + id, ...frame, ...frame.map((size) => head + id + size)]
  const expected = new Set([
    tag + header,
    ...bodies.map((size) => tag + header + size),
    ...bodies.map((size) => tag + 2 * header + size),
  ])
  expect(sizes.filter((size) => !expected.has(size))).toEqual([])
  expect(sizes.length).toBeGreaterThan(60)
})
