import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { readAssets } from '../../../src/node/server/assets.ts'
import { readDoorFile, writeDoorFile } from '../../../src/node/server/door-file.ts'
import { makeCodes, sameSecret } from '../../../src/node/server/secret.ts'
import { appFolder, type OpenDoor, openTestDoor, openUnguardedDoor, PAGE } from './open-doors.ts'
import { exchange, type RawAnswer, request, UPGRADE } from './raw-http.ts'

let door: OpenDoor
beforeAll(async () => {
  door = await openTestDoor()
})
afterAll(() => door.close())

type Headers = Readonly<Record<string, string | undefined>>
const ask = (method: string, path: string, headers: Headers = {}, body = ''): Promise<RawAnswer> =>
  exchange(door.port, request(method, path, { Host: `127.0.0.1:${door.port}`, ...headers }, body))

/** One value of a dimension, and whether it alone is a reason to refuse. */
interface Choice {
  readonly value: string | undefined
  readonly good: boolean
}
const good = (value: string | undefined): Choice => ({ value, good: true })
const bad = (value: string | undefined): Choice => ({ value, good: false })

function dimensions(port: number, token: string) {
  const wrong = token.startsWith('A') ? `B${token.slice(1)}` : `A${token.slice(1)}`
  return {
    hosts: [
      good(`127.0.0.1:${port}`),
      good(`localhost:${port}`),
      good(`[::1]:${port}`),
      bad(`evil.test:${port}`),
      bad(`127.0.0.1:${port + 1}`),
      bad('127.0.0.1'),
      bad(`localhost.:${port}`),
      bad(`127.0.0.1:${port}.evil.test`),
      bad(''),
    ],
    origins: [
      good(undefined),
      good(`http://127.0.0.1:${port}`),
      good(`http://localhost:${port}`),
      bad('null'),
      bad(`http://evil.test:${port}`),
      bad(`http://127.0.0.1:${port + 1}`),
      bad(`https://127.0.0.1:${port}`),
      bad(`http://127.0.0.1:${port}/`),
      bad(''),
    ],
    sites: [good(undefined), good('same-origin'), good('none'), bad('same-site'), bad('cross-site'), bad('nonsense')],
    tokens: [good(token), bad(undefined), bad(wrong), bad(''), bad(token.slice(0, 42)), bad(`${token}A`)],
  }
}

/** Every combination for the token-guarded call and for the WebSocket; answers those that should have been refused and were not, and those refused that should not have been. */
async function matrix(port: number, token: string): Promise<{ tried: number; leaks: string[]; denied: string[] }> {
  const { hosts, origins, sites, tokens } = dimensions(port, token)
  const leaks: string[] = []
  const denied: string[] = []
  let tried = 0
  const judge = (what: string, shouldPass: boolean, passed: boolean): void => {
    tried++
    if (passed && !shouldPass) leaks.push(what)
    if (!passed && shouldPass) denied.push(what)
  }
  for (const host of hosts)
    for (const origin of origins)
      for (const site of sites) {
        const batch = tokens.map(async (key) => {
          const common = { Host: host.value, Origin: origin.value, 'Sec-Fetch-Site': site.value }
          const named = JSON.stringify([host.value, origin.value, site.value, key.value])
          const fine = host.good && origin.good && site.good && key.good
          const call = await exchange(
            port,
            request('GET', '/api/session', {
              ...common,
              Authorization: key.value === undefined ? undefined : `Bearer ${key.value}`,
            }),
          )
          judge(`call ${named}`, fine, call.status >= 200 && call.status < 300)
          const socket = await exchange(
            port,
            request('GET', '/api/socket', {
              ...common,
              ...UPGRADE,
              'Sec-WebSocket-Protocol': `tulnic.v1${key.value === undefined ? '' : `, auth.${key.value}`}`,
            }),
          )
          judge(`socket ${named}`, fine && origin.value !== undefined, socket.status === 101)
        })
        await Promise.all(batch)
      }
  return { tried, leaks, denied }
}

describe('the guard of the local door (S6, as bytes)', () => {
  it('lets through exactly what comes from here with the token: every combination', async () => {
    const { tried, leaks, denied } = await matrix(door.port, door.token)
    console.log(
      `S6 as bytes: ${tried} cases, ${leaks.length} accepted that should not be, ${denied.length} refused that should not be`,
    )
    expect(tried).toBeGreaterThan(60)
    expect(leaks).toEqual([])
    expect(denied).toEqual([])
  })

  it('is what does it: a door without the guard lets the same attacks through', async () => {
    const control = await openUnguardedDoor()
    const { leaks } = await matrix(control.port, door.token)
    await control.close()
    expect(leaks.length).toBeGreaterThan(1000)
  })

  it('takes the token from nowhere else', async () => {
    const { token } = door
    for (const path of [
      `/api/session?token=${token}`,
      `/api/session?auth=${token}`,
      `/api/session?access_token=${token}`,
    ])
      expect((await ask('GET', path)).status).toBe(401)
    const elsewhere: Headers[] = [
      { Cookie: `token=${token}` },
      { Cookie: `__Host-token=${token}` },
      { 'X-Token': token },
      { Authorization: `Basic ${token}` },
      { Authorization: token },
      { Authorization: `bearer  ${token}` },
    ]
    for (const headers of elsewhere)
      expect((await ask('GET', '/api/session', headers)).status, JSON.stringify(Object.keys(headers))).toBe(401)
    const sockets = [
      'tulnic.v1',
      `auth.${token}`,
      `tulnic.v1, ${token}`,
      `tulnic.v2, auth.${token}`,
      `tulnic.v1, auth.x, auth.${token}`,
    ]
    for (const offered of sockets) {
      const answer = await ask('GET', `/api/socket?auth=${token}`, {
        ...UPGRADE,
        Origin: `http://127.0.0.1:${door.port}`,
        'Sec-WebSocket-Protocol': offered,
      })
      expect(answer.status, offered.replace(token, 'TOKEN')).toBe(401)
    }
  })

  it('serves nothing but GET and HEAD of the files it read at start', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])
      expect((await ask(method, '/')).status, method).toBe(405)
    const paths = [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/assets/../../secret.txt',
      '/assets/..\\..\\secret.txt',
      '//etc/passwd',
      '/etc/passwd',
      '/index.html/../../secret.txt',
      '/notes.xyz',
      '/assets',
      '/assets/',
      '/__proto__',
      '/%00',
      '/ui/index.html',
    ]
    for (const path of paths) {
      const answer = await ask('GET', path)
      expect([400, 404], path).toContain(answer.status)
      expect(answer.body).not.toContain('SECRET')
    }
    expect(
      (await exchange(door.port, request('GET', `http://127.0.0.1:${door.port}/`, { Host: `127.0.0.1:${door.port}` })))
        .status,
    ).toBe(400)
    expect((await ask('GET', '/')).body).toBe(PAGE)
    const head = await ask('HEAD', '/')
    expect(head).toMatchObject({ status: 200, body: '' })
  })

  it('refuses two Hosts, none, and HTTP of before Host', async () => {
    const host = `127.0.0.1:${door.port}`
    const two = `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: evil.test\r\nConnection: close\r\n\r\n`
    expect((await exchange(door.port, two)).status).toBe(421)
    expect((await exchange(door.port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).status).toBe(400)
    expect((await exchange(door.port, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(421)
    const twoOrigins = `GET / HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nOrigin: http://evil.test\r\nConnection: close\r\n\r\n`
    expect((await exchange(door.port, twoOrigins)).status).toBe(403)
  })

  it('lets a person come in by a link, at the front door only', async () => {
    const navigation = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
    expect((await ask('GET', '/', navigation)).status).toBe(200)
    const others: [string, string, Headers][] = [
      ['GET', '/', { ...navigation, 'Sec-Fetch-Dest': 'iframe' }],
      ['GET', '/', { ...navigation, 'Sec-Fetch-Dest': 'object' }],
      ['GET', '/', { ...navigation, 'Sec-Fetch-Mode': 'no-cors' }],
      ['GET', '/', { ...navigation, Origin: 'null' }],
      ['POST', '/', navigation],
      ['GET', '/?x', navigation],
      ['GET', '/assets/app-abcdefgh.js', navigation],
      ['GET', '/api/session', { ...navigation, Authorization: `Bearer ${door.token}` }],
    ]
    for (const [method, path, headers] of others)
      expect((await ask(method, path, headers)).status, `${method} ${path}`).toBe(403)
  })

  it('gives every answer the headers that keep others out, and none that let them in', async () => {
    const answers = [
      await ask('GET', '/'),
      await ask('GET', '/nothing'),
      await ask('GET', '/api/session'),
      await ask('GET', '/', { Host: 'evil.test' }),
      await ask('POST', '/'),
    ]
    for (const { headers, status } of answers) {
      const policy = headers['content-security-policy'] ?? ''
      expect(policy, String(status)).toContain("default-src 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'; trusted-types default")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*|http:/)
      expect(headers).toMatchObject({
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      })
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control') || name === 'set-cookie')).toEqual(
        [],
      )
    }
  })

  it('keeps hashed files for ever and the front page not at all, each with its type', async () => {
    expect((await ask('GET', '/')).headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    expect((await ask('GET', '/assets/app-abcdefgh.js')).headers).toMatchObject({
      'cache-control': 'private, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
    })
    expect((await ask('GET', '/assets/plain.css?v=1')).headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/css; charset=utf-8',
    })
  })
})

describe('the exchange of a code', () => {
  const post = (body: string, headers: Headers = {}): Promise<RawAnswer> => ask('POST', '/api/session', headers, body)
  const fresh = (): string => door.door.openUrl().split('#code=')[1] ?? ''

  it('gives the token once', async () => {
    const code = fresh()
    const first = await post(JSON.stringify({ code }))
    expect(JSON.parse(first.body)).toEqual({ token: door.token })
    expect(first.headers['cache-control']).toBe('no-store')
    expect((await post(JSON.stringify({ code }))).status).toBe(403)
  })

  it('looks at nothing that is not a code, from here, and short', async () => {
    for (const body of ['', '{', '[]', 'null', '{"code":5}', '{"code":null}'])
      expect((await post(body)).status, body).toBe(400)
    expect((await post(JSON.stringify({ code: 'x'.repeat(2000) }))).status).toBe(413)
    const code = fresh()
    for (const headers of [{ Origin: 'http://evil.test' }, { Host: 'evil.test' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      const answer = await post(JSON.stringify({ code }), headers)
      expect([403, 421]).toContain(answer.status)
      expect(answer.body).toBe('')
    }
    expect((await post(JSON.stringify({ code }))).status).toBe(200)
  })

  it('stops looking after twenty wrong codes in a minute', async () => {
    const own = await openTestDoor()
    const attempt = (code: string): Promise<RawAnswer> =>
      exchange(own.port, request('POST', '/api/session', { Host: `127.0.0.1:${own.port}` }, JSON.stringify({ code })))
    for (let n = 0; n < 20; n++) expect((await attempt(`wrong${n}`)).status).toBe(403)
    const code = own.door.openUrl().split('#code=')[1] ?? ''
    expect((await attempt(code)).status).toBe(429)
    await own.close()
  })

  it('ends a code after 60 seconds, and the oldest when there are many', () => {
    let now = 0
    const codes = makeCodes(() => now)
    const [early, second] = [codes.create(), codes.create()]
    now = 59_999
    expect(codes.take(early)).toBe('good')
    now = 60_000
    expect(codes.take(second)).toBe('wrong')
    const many = Array.from({ length: 9 }, () => codes.create())
    expect(codes.take(many[0] ?? '')).toBe('wrong')
    expect(codes.take(many[1] ?? '')).toBe('good')
  })

  it('compares secrets of any length', () => {
    expect(sameSecret('abc', 'abc')).toBe(true)
    expect(sameSecret('abc', 'abcd')).toBe(false)
    expect(sameSecret('', 'a')).toBe(false)
  })
})

describe('a window', () => {
  const join_ = (protocols: string[]): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${door.port}/api/socket`, protocols, { origin: `http://127.0.0.1:${door.port}` })
  const open = async (): Promise<WebSocket> => {
    const socket = join_(['tulnic.v1', `auth.${door.token}`])
    await once(socket, 'open')
    return socket
  }

  it('speaks the RPC, and its token is not said back', async () => {
    const socket = await open()
    expect(socket.protocol).toBe('tulnic.v1')
    socket.send('{"id":1,"method":"status"}')
    const [data] = await once(socket, 'message')
    expect(JSON.parse(String(data))).toMatchObject({ id: 1, result: { phase: 'open' } })
    socket.send('{"id":2,"method":"openCode"}')
    const [refused] = await once(socket, 'message')
    expect(JSON.parse(String(refused))).toMatchObject({ id: 2, error: { code: 'usage' } })
    socket.terminate()
  })

  it('is ended for a frame over 1 MiB or of bytes, and the door lives on', async () => {
    for (const [frame, code] of [
      ['x'.repeat((1 << 20) + 1), 1009],
      [Buffer.from([1, 2, 3]), 1003],
    ] as const) {
      const socket = await open()
      socket.send(frame)
      const [closed] = await once(socket, 'close')
      expect(closed).toBe(code)
    }
    const socket = await open()
    socket.send('{"id":1,"method":"status"}')
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({ id: 1 })
    socket.terminate()
    await once(socket, 'close')
  })

  it('is one of at most 32', async () => {
    const own = await openTestDoor()
    const url = `ws://127.0.0.1:${own.port}/api/socket`
    const make = (): WebSocket =>
      new WebSocket(url, ['tulnic.v1', `auth.${own.token}`], { origin: `http://127.0.0.1:${own.port}` })
    const sockets = Array.from({ length: 32 }, make)
    await Promise.all(sockets.map((socket) => once(socket, 'open')))
    const [error] = await once(make(), 'error')
    expect(String(error)).toContain('503')
    for (const socket of sockets) socket.terminate()
    await own.close()
  })
})

describe('hostile connections', () => {
  it('survives garbage, and heads without end', async () => {
    const garbage = [
      '\0\0\0\0',
      'GET\r\n\r\n',
      'POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${door.port}\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
      'CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
    ]
    for (const bytes of garbage)
      expect([0, 400, 404, 405, 421, 431], bytes.slice(0, 40)).toContain((await exchange(door.port, bytes)).status)
    expect((await ask('GET', '/')).status).toBe(200)
  })

  it('does not read a body that nobody wants', async () => {
    const socket = connect(door.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${door.port}\r\nContent-Length: 1000000000\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/Connection: close/i)
    socket.resume()
    await once(socket, 'close')
  })
})

describe('the port', () => {
  const taken: Server[] = []
  const occupy = async (port: number, host: string): Promise<number> => {
    const server = createServer().listen(port, host)
    await once(server, 'listening')
    taken.push(server)
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
  afterAll(() => {
    for (const server of taken) server.close()
  })

  it('is the next free one, with a warning, if the kept one is taken on either address; and stays so', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const directory = mkdtempSync(join(tmpdir(), 'tulnic-door-'))
      const port = await occupy(0, host)
      writeDoorFile(directory, { port, token: readDoorFile(directory).token })
      const first = await openTestDoor('kept', directory)
      expect(first.port).toBeGreaterThan(port)
      expect(first.warnings).toHaveLength(1)
      expect(first.warnings[0]).toContain(String(port))
      await first.door.close()
      const second = await openTestDoor('kept', directory)
      expect(second.port).toBe(first.port)
      expect(second.warnings).toEqual([])
      expect(second.token).toBe(first.token)
      await second.close()
    }
  })

  it('is refused if it was asked for and is taken', async () => {
    const port = await occupy(0, '127.0.0.1')
    await expect(openTestDoor(port)).rejects.toMatchObject({ name: 'PortTaken' })
  })

  it('listens on both loopback addresses and on no other', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      expect((await exchange(door.port, request('GET', '/', { Host: `localhost:${door.port}` }), host)).status).toBe(
        200,
      )
    }
    const { networkInterfaces } = await import('node:os')
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')
    if (outside === undefined) return
    const socket = connect(door.port, outside.address)
    const [error] = await once(socket, 'error')
    expect(String(error)).toContain('ECONNREFUSED')
  })

  it('is kept with the token in a file that only I can read', () => {
    const path = join(door.directory, 'door.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ port: door.port, token: door.token })
  })

  it('is made anew, with another token, if the file is damaged', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tulnic-door-'))
    for (const content of [
      '',
      '{',
      'null',
      '{"port":1,"token":"short"}',
      `{"port":99999,"token":"${'A'.repeat(43)}"}`,
    ]) {
      writeFileSync(join(directory, 'door.json'), content)
      const file = readDoorFile(directory)
      expect(file.port).toBeNull()
      expect(file.token).toMatch(/^[\w-]{43}$/)
    }
    rmSync(directory, { recursive: true })
  })
})

describe('the list of files', () => {
  it('follows no links and knows its types', () => {
    const root = mkdtempSync(join(tmpdir(), 'tulnic-door-'))
    const folder = appFolder(root)
    symlinkSync(join(root, 'secret.txt'), join(folder, 'link.txt'))
    symlinkSync(root, join(folder, 'folder'))
    expect([...readAssets(folder).keys()].toSorted()).toEqual([
      '/',
      '/assets/app-abcdefgh.js',
      '/assets/plain.css',
      '/icon.png',
    ])
    expect(readAssets(join(root, 'missing')).size).toBe(0)
    rmSync(root, { recursive: true })
  })
})
