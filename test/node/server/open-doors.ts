/**
 * Doors for tests: the real one in front of a double, and one without any guard, which every attack must get through.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import { readAssets } from '../../../src/node/server/assets.ts'
import { type Door, openDoor } from '../../../src/node/server/door.ts'
import { readDoorFile } from '../../../src/node/server/door-file.ts'
import { DoubleNode } from './double-node.ts'

export const PAGE =
  '<!doctype html><meta charset="utf-8"><title>the app</title><script src="/assets/app-abcdefgh.js"></script>'
const SCRIPT = 'globalThis.appRan = true'

export interface OpenDoor {
  readonly port: number
  readonly url: string
  readonly token: string
  readonly door: Door
  readonly node: DoubleNode
  readonly directory: string
  readonly warnings: readonly string[]
  close(): Promise<void>
}

/** A small app in a folder, with a file beside it that must never be served. */
export function appFolder(root: string): string {
  const folder = join(root, 'ui')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), PAGE)
  writeFileSync(join(folder, 'assets', 'app-abcdefgh.js'), SCRIPT)
  writeFileSync(join(folder, 'assets', 'plain.css'), 'body{}')
  writeFileSync(
    join(folder, 'icon.png'),
    Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    ),
  )
  writeFileSync(join(folder, 'notes.xyz'), 'of no known type')
  writeFileSync(join(root, 'secret.txt'), 'SECRET')
  return folder
}

export async function openTestDoor(
  port: number | 'kept' = 0,
  directory = mkdtempSync(join(tmpdir(), 'tulnic-door-')),
): Promise<OpenDoor> {
  const node = new DoubleNode('open')
  const warnings: string[] = []
  const assets = readAssets(appFolder(directory))
  const door = await openDoor({
    directory,
    port: port === 'kept' ? undefined : port,
    assets,
    served: { node: Promise.resolve(node), stop: () => {} },
    warn: (text) => warnings.push(text),
  })
  const { token } = readDoorFile(directory)
  const close = async (): Promise<void> => {
    await door.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return { port: door.port, url: door.url, token, door, node, directory, warnings, close }
}

/** The control: the same paths, and nothing that asks who is there. */
export async function openUnguardedDoor(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/')) response.setHeader('Content-Type', 'application/json').end('{"secret":42}')
    else if (request.url === '/icon.png')
      response
        .setHeader('Content-Type', 'image/png')
        .end(
          Buffer.from(
            'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
            'base64',
          ),
        )
    else if (request.url?.endsWith('.js')) response.setHeader('Content-Type', 'text/javascript').end(SCRIPT)
    else response.setHeader('Content-Type', 'text/html').end(PAGE)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', () => socket.send('{"secret":42}')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { port: (server.address() as AddressInfo).port, close }
}
