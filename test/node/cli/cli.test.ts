/**
 * The command line as a program: what it prints, where, and how it ends. The node behind it is a double.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { run } from '../../../src/node/cli/run.ts'
import { BOB, DoubleNode, ME } from '../server/double-node.ts'
import { untilFolder } from '../server/until-folder.ts'

const MAIN = fileURLToPath(new URL('double-main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

let root: string
let data: string
let running: Running
const started: ChildProcess[] = []

function launch(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, TULNIC_DATA: undefined, TULNIC_PASSPHRASE: undefined, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  started.push(child)
  return child
}

async function ended(child: ChildProcess, stdin = ''): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (err += chunk))
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

/** Runs a command on the running double, as a program of its own. */
const spawned = (args: readonly string[], stdin?: string): Promise<Ended> =>
  ended(launch(['--data', data, ...args]), stdin)

/** The same in this process, which is sooner: what it writes is caught. One at a time. */
async function tulnic(args: readonly string[]): Promise<Ended> {
  const written = { out: '', err: '' }
  const catching = (key: 'out' | 'err') => (chunk: unknown) => {
    written[key] += String(chunk)
    return true
  }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(catching('err')),
  ]
  try {
    const code = await run(['--data', data, ...args], async () => new DoubleNode('empty'))
    return { code, ...written }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a program printed
const objects = (text: string): any[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

interface Running {
  readonly child: ChildProcess
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  next(): Promise<any>
}

/** A `start` that goes on; `next` is its next JSON line. */
function start(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Running {
  const child = launch(['start', '--json', '--port', '0', ...args], env)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    child,
    next: async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error('it ended')
      return JSON.parse(value)
    },
  }
}

/** That it failed with this code and one line on stderr. */
function expectFailure({ code, err, out }: Ended, exit: number, sentence: RegExp): void {
  expect(err).toMatch(/^tulnic: [^\n]+\n$/)
  expect(err).toMatch(sentence)
  expect(out).toBe('')
  expect(code).toBe(exit)
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tulnic-cli-'))
  data = join(root, 'profile')
  running = start(['--headless', '--data', data])
  expect(await running.next()).toMatchObject({ type: 'ready', id: ME, name: 'Ana' })
})
afterAll(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

describe('wrong usage', () => {
  const wrong: [string[], RegExp][] = [
    [[], /--help/],
    [['strat'], /no command "strat"/],
    [['contact'], /second word/],
    [['contact', 'foo'], /second word/],
    [['status', '--fast'], /--fast/],
    [['status', 'x'], /tulnic status/],
    [['send'], /tulnic send TO/],
    [['send', 'bob'], /what to send/],
    [['send', 'bob', 'a', 'b'], /tulnic send/],
    [['send', 'bob', 'a', '--wait', 'arrived'], /--wait must be sent, carried, delivered or read/],
    [['send', 'bob', 'a', '--timeout', '0'], /--timeout/],
    [['send', 'bob', 'a', '--timeout', '-1'], /--timeout/],
    [['history', 'bob', '--limit', '0'], /--limit/],
    [['history', 'bob', '--limit', '501'], /--limit/],
    [['invite', '--expires', '7 days'], /--expires/],
    [['invite', '--expires', '0s'], /--expires/],
    [['invite', '--uses', 'many'], /--uses/],
    [['nearby', '--seconds', '1e3'], /--seconds/],
    [['contact', 'rename', 'bob'], /TO NAME/],
    [['init'], /--name/],
    [['start', '--port', '65536'], /--port/],
    [['start', '--carry', 'maybe'], /--carry/],
    [['chat', 'bob', '--json'], /send and listen/],
  ]
  it.each(wrong)('%j', async (args, sentence) => {
    expectFailure(await tulnic(args), 2, sentence)
  })

  const later = [
    ['start', '--relay', 'off'],
    ['start', '--network-key', 'x'],
    ['start', '--bootstrap', '/ip4/192.0.2.1/tcp/1'],
    ['send', 'bob', 'x', '--file', 'y'],
    ['invite', '--file', 'x'],
    ['contact', 'carrier', 'on', 'bob'],
    ['contact', 'relay-only', 'off', 'bob'],
    ['group', 'create', 'x'],
    ['group', 'list'],
    ['attachment', 'list'],
    ['mail', 'export', 'x'],
    ['devices'],
    ['devices', 'link'],
    ['backup', 'create', 'x'],
    ['recovery', 'split'],
    ['doctor'],
  ]
  it.each(later.map((args) => [args.join(' '), args] as const))('%s is not in this version', async (_words, args) => {
    expectFailure(await tulnic(args), 2, /not in this version/)
  })

  it('an ambiguous option value is not swallowed: -- ends the options', async () => {
    const { code, out } = await tulnic(['send', 'bob', '--json', '--', '--help'])
    expect(code).toBe(0)
    const [{ id }] = objects(out)
    const history = objects((await tulnic(['history', 'bob', '--json'])).out)[0]
    expect(history.messages.find((message: { id: string }) => message.id === id).text).toBe('--help')
  })
})

describe('the program', () => {
  it('ends with the code and the line of its failure', async () => {
    expectFailure(await spawned(['strat']), 2, /no command "strat"/)
    expectFailure(await spawned(['contact', 'show', 'nobody']), 6, /contact/)
    expect(await spawned(['id', '--json'])).toMatchObject({ code: 0, err: '' })
  })
})

describe('help', () => {
  it('is printed for all commands, a group, and each', async () => {
    for (const args of [
      ['--help'],
      ['help'],
      ['-h'],
      ['contact', '--help'],
      ['send', '--help'],
      ['start', '-h'],
      ['contact', 'verify', '--help'],
    ]) {
      const { code, out, err } = await tulnic(args)
      expect(err, args.join(' ')).toBe('')
      expect(code).toBe(0)
      expect(out).toContain('--data DIR')
      expect(out).not.toContain('--relay')
    }
    expect((await tulnic(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('results', () => {
  it('id, status, contacts', async () => {
    expect(objects((await tulnic(['id', '--json'])).out)).toEqual([{ id: ME, name: 'Ana', device: 'd'.repeat(26) }])
    expect(objects((await tulnic(['status', '--json'])).out)[0]).toMatchObject({
      online: true,
      peers: 1,
      addresses: ['/ip4/192.0.2.1/tcp/5000'],
      queued: 0,
    })
    const [{ contacts }] = objects((await tulnic(['--json', 'contacts'])).out)
    expect(contacts[0]).toEqual({
      id: BOB,
      name: 'Bob',
      state: 'active',
      verified: false,
      online: true,
      lastSeen: '1970-01-01T00:00:00.000Z',
      via: 'lan',
    })
    const { out } = await tulnic(['contacts'])
    expect(out).toMatch(/^NAME +STATE +REACHED/)
    expect(out).toContain('Bob')
  })

  it('TULNIC_DATA names the profile too, and --data is before it', async () => {
    expect((await ended(launch(['id', '--json'], { TULNIC_DATA: data }))).code).toBe(0)
    expect((await ended(launch(['id', '--json', '--data', data], { TULNIC_DATA: join(root, 'none') }))).code).toBe(0)
    expect((await ended(launch(['id', '--json'], { TULNIC_DATA: join(root, 'none') }))).code).toBe(3)
    expect((await ended(launch(['id', '--json'], { XDG_DATA_HOME: join(root, 'none') }))).err).toContain(
      join(root, 'none', 'tulnic'),
    )
  })

  it('send without waiting is done once stored; from stdin without one last line break', async () => {
    const [sent] = objects((await tulnic(['send', 'BOB', 'stuck here', '--json'])).out)
    expect(sent).toEqual({ id: expect.any(String), to: BOB, state: 'queued' })
    expect((await spawned(['send', 'bob', '-'], 'two\nlines\n\n')).code).toBe(0)
    const [{ messages }] = objects((await tulnic(['history', 'bob', '--limit', '1', '--json'])).out)
    expect(messages[0].text).toBe('two\nlines\n')
    expect(Object.keys(messages[0])).toEqual([
      'id',
      'from',
      'text',
      'attachments',
      'sentAt',
      'receivedAt',
      'state',
      'carriedBy',
    ])
  })

  it.each([
    ['sent', 'as sent', 0, 'sent'],
    ['sent', 'as carried', 4, 'carried'],
    ['carried', 'as sent', 4, 'sent'],
    ['carried', 'as carried', 0, 'carried'],
    ['carried', 'as delivered', 0, 'delivered'],
    ['delivered', 'as sent', 4, 'sent'],
    ['delivered', 'as delivered', 0, 'delivered'],
    ['delivered', 'as read', 0, undefined],
    ['read', 'as delivered', 4, 'delivered'],
    ['read', 'as read', 0, 'read'],
    ['sent', 'stuck', 4, 'queued'],
    ['sent', 'refused', 1, 'failed'],
  ] as const)('send --wait %s, of a message that gets %s, ends with %i', async (wait, text, exit, state) => {
    const { code, out, err } = await tulnic(['send', 'bob', text, '--wait', wait, '--timeout', '0.3', '--json'])
    expect(code, err).toBe(exit)
    const [message] = objects(out)
    if (state !== undefined) expect(message.state).toBe(state)
    expect(err.split('\n').filter(Boolean)).toHaveLength(exit === 0 ? 0 : 1)
  })

  it('add, and waiting for it', async () => {
    const added = await tulnic(['add', 'look: "tulnic:abc" nice', '--wait', '--name', 'Caro', '--json'])
    expect(objects(added.out)).toEqual([{ contact: { id: 'c'.repeat(52), name: 'Caro', state: 'active' } }])
    const slow = await tulnic(['add', 'tulnic:slow', '--wait', '--timeout', '0.3', '--json'])
    expect(slow.code).toBe(4)
    expect(objects(slow.out)[0].contact.state).toBe('invited')
    expect((await tulnic(['add', 'tulnic:slow', '--json'])).code).toBe(0)
    expectFailure(await tulnic(['add', 'tulnic:used']), 1, /used/)
    expectFailure(await tulnic(['add', 'hello']), 1, /link/)
    const file = join(root, 'link.txt')
    writeFileSync(file, 'From Carol:\n  tulnic:abc\n')
    expect((await tulnic(['add', file, '--wait'])).code).toBe(0)
    writeFileSync(file, 'nothing')
    expectFailure(await tulnic(['add', file]), 1, /holds no tulnic link/)
  })

  it('invite, with a QR code that can be scanned', async () => {
    const { out, err, code } = await tulnic(['invite', '--qr', '--json'])
    expect(code).toBe(0)
    const [{ link, expiresAt }] = objects(out)
    expect(expiresAt).toBe('1970-01-02T00:00:00.000Z')
    expect(await scan(err)).toBe(link)
    expect((await tulnic(['invite'])).out).toBe(`${link}\n`)
  })

  it('nearby and pair', async () => {
    const [{ peers }] = objects((await tulnic(['nearby', '--seconds', '1', '--json'])).out)
    expect(peers).toEqual([{ peer: 'peer1', name: 'Dana\u001b[31m' }])
    const people = (await tulnic(['nearby', '--seconds', '1'])).out
    expect(people).toContain('Dana\ufffd[31m')
    expect(people).not.toContain('\u001b')
    const yes = await spawned(['pair', 'peer1', '--json'], 'yes\n')
    expect(objects(yes.out)).toMatchObject([
      { type: 'code', peer: 'peer1', code: '012345' },
      { contact: { name: 'Dana', verified: true } },
    ])
    const script = await tulnic(['pair', 'peer1', '--yes', '--json'])
    expect(objects(script.out)[1].contact.verified).toBe(false)
    expect((await spawned(['pair', 'peer1', '--json'], 'no\n')).code).toBe(1)
    expect((await spawned(['pair', 'peer1', '--json'], '')).code).not.toBe(0)
    expectFailure(await tulnic(['pair', 'peer2']), 6, /visible/)
  })

  it('contact: each verb', async () => {
    for (const [args, state] of [
      [['block', 'bob'], 'blocked'],
      [['unblock', BOB], 'active'],
    ] as const) {
      expect(objects((await tulnic(['contact', ...args, '--json'])).out)[0].contact.state).toBe(state)
    }
    const [{ number }] = objects((await tulnic(['contact', 'verify', 'bob', '--json'])).out)
    expect(number.replaceAll(' ', '')).toHaveLength(60)
    expectFailure(await tulnic(['contact', 'verify', 'bob', '--number', '5']), 1, /differ/)
    expect(
      objects((await tulnic(['contact', 'verify', 'bob', '--number', number, '--json'])).out)[0].contact.verified,
    ).toBe(true)
    expect((await tulnic(['contact', 'verify', 'bob'])).out).toBe(
      `${Array(3).fill('12345 12345 12345 12345').join('\n')}\n`,
    )
    expect(objects((await tulnic(['contact', 'rename', 'bob', 'Robert', '--json'])).out)[0].contact.name).toBe('Robert')
    expect((await tulnic(['contact', 'rename', 'robert', 'Bob'])).code).toBe(0)
    expectFailure(await tulnic(['contact', 'show', 'Robert']), 6, /contact/)
  })

  it('a mistake of the node is one sentence without its words', async () => {
    const result = await tulnic(['send', 'bob', 'break'])
    expectFailure(result, 1, /mistake/)
    expect(result.err).not.toMatch(/secret|TypeError/)
  })
})

describe('following', () => {
  it('listen tells the past, then the present, each once', async () => {
    await tulnic(['send', 'bob', 'as delivered before'])
    const child = launch(['listen', '--since', '0', '--json', '--data', data])
    const lines = createInterface({ input: child.stdout! })
    // biome-ignore lint/suspicious/noExplicitAny: what a program printed
    const events: any[] = []
    let more: Promise<Ended> | undefined
    for await (const line of lines) {
      events.push(JSON.parse(line))
      more ??= tulnic(['send', 'bob', 'as read after', '--json'])
      const { id } = objects((await more).out)[0]
      if (events.some((event) => event.message === id && event.state === 'read')) break
    }
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const ids = events.map(({ id }) => Number(id))
    expect(ids).toEqual(ids.map((_, index) => index + 1))
    expect(events.at(-1)).toEqual({
      type: 'state',
      id: expect.any(String),
      at: expect.any(String),
      message: expect.any(String),
      state: 'read',
      reason: null,
    })
  })

  it('chat sends lines and ends with its input', async () => {
    const { code, out } = await spawned(['chat', 'bob'], 'stuck one\nstuck two\n')
    expect(code).toBe(0)
    expect(out).toContain('stuck two')
  })
})

describe('start', () => {
  it('waits for the app without a profile, and says when it is unlocked', async () => {
    const own = join(root, 'empty')
    const node = start(['--no-open', '--data', own], { DOUBLE_PHASE: 'empty' })
    expect(await node.next()).toMatchObject({ type: 'ready', id: null, name: null })
    expectFailure(await ended(launch(['id', '--data', own])), 1, /no profile/)
    expect((await ended(launch(['init', '--name', 'Ana', '--no-passphrase', '--data', own]))).code).toBe(0)
    expect(await node.next()).toMatchObject({ type: 'unlocked', id: ME, name: 'Ana' })
    expectFailure(await ended(launch(['init', '--name', 'B', '--no-passphrase', '--data', own])), 1, /profile/)
    node.child.kill('SIGTERM')
    expect((await once(node.child, 'close'))[0]).toBe(0)
  })

  it('takes the passphrase from a file or the environment, and is refused with a wrong one', async () => {
    const own = join(root, 'locked')
    const node = start(['--headless', '--data', own], { DOUBLE_PHASE: 'locked', TULNIC_PASSPHRASE: 'right' })
    expect(await node.next()).toMatchObject({ type: 'ready', id: ME })
    node.child.kill('SIGTERM')
    await once(node.child, 'close')
    const file = join(root, 'passphrase')
    writeFileSync(file, 'wrong\n')
    expectFailure(
      await ended(
        launch(['start', '--headless', '--data', own, '--passphrase-file', file], { DOUBLE_PHASE: 'locked' }),
      ),
      5,
      /wrong/,
    )
    writeFileSync(file, '')
    expectFailure(
      await ended(
        launch(['start', '--headless', '--data', own, '--passphrase-file', file], { DOUBLE_PHASE: 'locked' }),
      ),
      5,
      /empty/,
    )
    expectFailure(
      await ended(launch(['start', '--headless', '--data', own], { DOUBLE_PHASE: 'locked' })),
      5,
      /--passphrase-file/,
    )
    const waiting = start(['--no-open', '--data', own], { DOUBLE_PHASE: 'locked' })
    expect(await waiting.next()).toMatchObject({ type: 'ready', id: null })
    expectFailure(await ended(launch(['id', '--data', own])), 5, /locked/)
    waiting.child.kill('SIGKILL')
  })

  it('headless needs a profile or a name; with a name it shows the phrase once', async () => {
    const own = join(root, 'new')
    expectFailure(await ended(launch(['start', '--headless', '--data', own], { DOUBLE_PHASE: 'empty' })), 1, /--name/)
    expectFailure(
      await ended(launch(['start', '--headless', '--name', 'A', '--data', own], { DOUBLE_PHASE: 'empty' })),
      5,
      /passphrase/,
    )
    const node = start(['--headless', '--name', 'Nou', '--no-passphrase', '--data', own], { DOUBLE_PHASE: 'empty' })
    const ready = await node.next()
    expect(ready.phrase.split(' ')).toHaveLength(24)
    expect(ready.pid).toBe(node.child.pid)
    node.child.kill('SIGKILL')
  })

  it('ends with 1 for a taken port, and for a held profile, naming the holder', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expectFailure(
      await ended(launch(['start', '--headless', '--data', join(root, 'other'), '--port', String(port)])),
      1,
      new RegExp(`Port ${port} is taken`),
    )
    taken.close()
    expectFailure(
      await ended(launch(['start', '--headless', '--data', data])),
      1,
      new RegExp(`process ${running.child.pid}`),
    )
  })

  it('leaves nothing behind but the door', async () => {
    const own = join(root, 'clean')
    const node = start(['--headless', '--data', own])
    await node.next()
    node.child.kill('SIGINT')
    expect((await once(node.child, 'close'))[0]).toBe(0)
    expect(readdirSync(own)).toEqual(['door.json'])
  })

  it('opens the browser with a file that only I can read, so that no argument holds the code', async () => {
    const tools = join(root, 'tools')
    const opened = join(root, 'opened')
    mkdirSync(tools)
    writeFileSync(
      join(tools, 'xdg-open'),
      `#!/bin/sh\nstat -c %a "$1" > ${opened}.mode\ncat "$1" > ${opened}.page\nprintf '%s\\n' "$@" > ${opened}.part\nmv ${opened}.part ${opened}\n`,
    )
    chmodSync(join(tools, 'xdg-open'), 0o755)
    const own = join(root, 'opening')
    const node = start(['--data', own], { PATH: `${tools}:${process.env.PATH}` })
    const ready = await node.next()
    await untilFolder(root, () => existsSync(opened))
    const argument = readFileSync(opened, 'utf8').trim()
    expect(argument).toMatch(/open-[0-9a-f]{16}\.html$/)
    expect(readFileSync(`${opened}.mode`, 'utf8').trim()).toBe('600')
    const code = /#code=([\w-]{43})/.exec(readFileSync(`${opened}.page`, 'utf8'))?.[1] ?? ''
    expect(code).toHaveLength(43)
    expect(JSON.stringify(ready)).not.toContain(code)
    const exchange = (): Promise<Response> =>
      fetch(`${ready.url}api/session`, { method: 'POST', body: JSON.stringify({ code }) })
    expect(await (await exchange()).json()).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/) })
    expect((await exchange()).status).toBe(403)
    expect(statSync(join(own, 'door.json')).mode & 0o777).toBe(0o600)
    node.child.kill('SIGTERM')
    await once(node.child, 'close')
    expect(readdirSync(own)).toEqual(['door.json'])
  })

  it('open --print prints an address with a fresh code; open says that nothing can open it', async () => {
    const [{ url }] = objects((await tulnic(['open', '--print', '--json'])).out)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}$/)
    expectFailure(await ended(launch(['open', '--data', data], { PATH: join(root, 'nowhere') })), 1, /--print/)
  })
})

describe('a node that ends', () => {
  it('is said by the commands that were waiting for it', async () => {
    const own = join(root, 'ending')
    const node = start(['--headless', '--data', own])
    await node.next()
    const waiting = launch(['send', 'bob', 'as sent', '--wait', 'read', '--data', own])
    const result = ended(waiting)
    // Its message is stored: it waits now.
    await node.next()
    node.child.kill('SIGKILL')
    const { code, err } = await result
    expect(code, err).toBe(3)
  })
})

/** Reads a QR code out of half blocks. */
async function scan(drawn: string): Promise<string> {
  const { default: decodeQR } = await import('qr/decode.js')
  const rows = drawn
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const cells = [...line]
      return [cells.map((cell) => cell === '█' || cell === '▀'), cells.map((cell) => cell === '█' || cell === '▄')]
    })
  const scale = 4
  const width = (rows[0]?.length ?? 0) * scale
  const data = new Uint8Array(width * rows.length * scale * 4).fill(255)
  for (let y = 0; y < rows.length * scale; y++) {
    for (let x = 0; x < width; x++) {
      const light = rows[Math.floor(y / scale)]?.[Math.floor(x / scale)]
      data.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return decodeQR({ width, height: rows.length * scale, data })
}
