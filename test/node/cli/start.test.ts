/** `tulnic start`, as a program: passphrases, ports, signals, the browser, and its end. */
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ME } from '../server/double-node.ts'
import { untilFolder } from '../server/until-folder.ts'
import { ended, expectFailure, objects, Program, type Running } from './program.ts'

let program: Program
let running: Running
beforeAll(async () => {
  program = new Program()
  running = program.start(['--headless', '--data', program.data])
  expect(await running.next()).toMatchObject({ type: 'ready', id: ME, name: 'Ana' })
})
afterAll(() => program.close())

describe('start', () => {
  it('waits for the app without a profile, and says when it is unlocked', async () => {
    const own = join(program.root, 'empty')
    const node = program.start(['--no-open', '--data', own], { DOUBLE_PHASE: 'empty' })
    expect(await node.next()).toMatchObject({ type: 'ready', id: null, name: null })
    expectFailure(await ended(program.launch(['id', '--data', own])), 1, /no profile/)
    const made = await ended(program.launch(['init', '--name', 'Ana', '--no-passphrase', '--data', own]))
    expect(made.code).toBe(0)
    expect(made.out.match(/^ {2}[a-z]+(?: +[a-z]+){5}$/gm), 'words to be written down').toHaveLength(4)
    expect(await node.next()).toMatchObject({ type: 'unlocked', id: ME, name: 'Ana' })
    expectFailure(await ended(program.launch(['init', '--name', 'B', '--no-passphrase', '--data', own])), 1, /profile/)
    node.child.kill('SIGTERM')
    expect((await once(node.child, 'close'))[0]).toBe(0)
  })

  it('takes the passphrase from a file or the environment, and is refused with a wrong one', async () => {
    const own = join(program.root, 'locked')
    const node = program.start(['--headless', '--data', own], { DOUBLE_PHASE: 'locked', TULNIC_PASSPHRASE: 'right' })
    expect(await node.next()).toMatchObject({ type: 'ready', id: ME })
    node.child.kill('SIGTERM')
    await once(node.child, 'close')
    const file = join(program.root, 'passphrase')
    writeFileSync(file, 'wrong\n')
    expectFailure(
      await ended(
        program.launch(['start', '--headless', '--data', own, '--passphrase-file', file], { DOUBLE_PHASE: 'locked' }),
      ),
      5,
      /wrong/,
    )
    writeFileSync(file, '')
    expectFailure(
      await ended(
        program.launch(['start', '--headless', '--data', own, '--passphrase-file', file], { DOUBLE_PHASE: 'locked' }),
      ),
      5,
      /empty/,
    )
    expectFailure(
      await ended(program.launch(['start', '--headless', '--port', '0', '--data', own], { DOUBLE_PHASE: 'locked' })),
      5,
      /--passphrase-file/,
    )
    const waiting = program.start(['--no-open', '--data', own], { DOUBLE_PHASE: 'locked' })
    expect(await waiting.next()).toMatchObject({ type: 'ready', id: null })
    expectFailure(await ended(program.launch(['id', '--data', own])), 5, /locked/)
    waiting.child.kill('SIGKILL')
  })

  it('headless needs a profile or a name; with a name it shows the phrase once', async () => {
    const own = join(program.root, 'new')
    expectFailure(
      await ended(program.launch(['start', '--headless', '--port', '0', '--data', own], { DOUBLE_PHASE: 'empty' })),
      1,
      /--name/,
    )
    expectFailure(
      await ended(
        program.launch(['start', '--headless', '--port', '0', '--name', 'A', '--data', own], { DOUBLE_PHASE: 'empty' }),
      ),
      5,
      /passphrase/,
    )
    const node = program.start(['--headless', '--name', 'Nou', '--no-passphrase', '--data', own], {
      DOUBLE_PHASE: 'empty',
    })
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
      await ended(
        program.launch(['start', '--headless', '--data', join(program.root, 'other'), '--port', String(port)]),
      ),
      1,
      new RegExp(`Port ${port} is taken`),
    )
    taken.close()
    expectFailure(
      await ended(program.launch(['start', '--headless', '--port', '0', '--data', program.data])),
      1,
      new RegExp(`process ${running.child.pid}`),
    )
  })

  it('leaves nothing behind but the door', async () => {
    const own = join(program.root, 'clean')
    const node = program.start(['--headless', '--data', own])
    await node.next()
    node.child.kill('SIGINT')
    expect((await once(node.child, 'close'))[0]).toBe(0)
    expect(readdirSync(own)).toEqual(['door.json'])
  })

  it('opens the browser with a file that only I can read, so that no argument holds the code', async () => {
    const tools = join(program.root, 'tools')
    const opened = join(program.root, 'opened')
    mkdirSync(tools)
    writeFileSync(
      join(tools, 'xdg-open'),
      // A machine may have Node.js and nothing else.
      `#!${process.execPath}
const fs = require('node:fs')
const [file] = process.argv.slice(2)
fs.writeFileSync('${opened}.mode', (fs.statSync(file).mode & 0o777).toString(8))
fs.copyFileSync(file, '${opened}.page')
fs.writeFileSync('${opened}.part', process.argv.slice(2).join('\\n'))
fs.renameSync('${opened}.part', '${opened}')
`,
    )
    chmodSync(join(tools, 'xdg-open'), 0o755)
    const own = join(program.root, 'opening')
    const node = program.start(['--data', own], { PATH: `${tools}:${process.env.PATH}` })
    const ready = await node.next()
    await untilFolder(program.root, () => existsSync(opened))
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
    const [{ url }] = objects((await program.run(['open', '--print', '--json'])).out)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}$/)
    expectFailure(
      await ended(program.launch(['open', '--data', program.data], { PATH: join(program.root, 'nowhere') })),
      1,
      /--print/,
    )
  })
})

describe('a node that ends', () => {
  it('is said by the commands that were waiting for it', async () => {
    const own = join(program.root, 'ending')
    const node = program.start(['--headless', '--data', own])
    await node.next()
    const waiting = program.launch(['send', 'bob', 'as sent', '--wait', 'read', '--data', own])
    const result = ended(waiting)
    // Its message is stored: it waits now.
    await node.next()
    node.child.kill('SIGKILL')
    const { code, err } = await result
    expect(code, err).toBe(3)
  })
})

describe('signals', () => {
  it('two of one moment, as a terminal and the launcher send them, are one wish: it stops cleanly', async () => {
    const node = program.start(['--headless', '--data', join(program.root, 'pressed')], { DOUBLE_STOP: 'late' })
    await node.next()
    const closed = once(node.child, 'close')
    node.child.kill('SIGINT')
    node.child.kill('SIGTERM')
    node.child.stdin?.end()
    expect(await closed).toEqual([0, null])
  })

  it('a later one ends at once what does not stop', async () => {
    const node = program.start(['--headless', '--data', join(program.root, 'hanging')], { DOUBLE_STOP: 'never' })
    await node.next()
    const closed = once(node.child, 'close')
    let sent = 0
    const again = (): void => {
      if (node.child.exitCode !== null || node.child.signalCode !== null) return
      node.child.kill('SIGTERM')
      sent++
      setImmediate(again)
    }
    again()
    expect(await closed).toEqual([1, null])
    expect(sent).toBeGreaterThan(2)
  })
})
