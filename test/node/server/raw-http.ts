/**
 * HTTP as bytes, so that a test can say what no client library would.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends `request` as it is and reads until the other side ends, or, after a 101, until the head is there. */
export async function exchange(port: number, request: string | Buffer, host = '127.0.0.1'): Promise<RawAnswer> {
  const socket = connect({ port, host })
  const chunks: Buffer[] = []
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (chunks[0]?.toString('latin1').startsWith('HTTP/1.1 101') && Buffer.concat(chunks).includes('\r\n\r\n'))
        resolve()
    })
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
  })
  await once(socket, 'connect')
  socket.write(request)
  await done
  socket.destroy()
  return parse(Buffer.concat(chunks).toString('utf8'))
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(statusLine)?.[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}

/** A request's text; `undefined` leaves a header out. Asks for the connection to end, unless it is an upgrade. */
export function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | undefined>>,
  body = '',
): string {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  const end = 'Upgrade' in headers ? [] : [['Connection', 'close']]
  const length = body === '' ? [] : [['Content-Length', String(Buffer.byteLength(body))]]
  return `${method} ${path} HTTP/1.1\r\n${[...given, ...end, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

/** What turns a GET into a WebSocket. */
export const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
