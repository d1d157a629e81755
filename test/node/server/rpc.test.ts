import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeApi } from '../../../src/node/api.ts'
import { METHODS } from '../../../src/node/server/methods.ts'
import { type RpcConnection, serveRpc, UNREAD_LIMIT } from '../../../src/node/server/rpc.ts'
import { BOB, DoubleNode } from './double-node.ts'

interface Answer {
  id?: number | null
  result?: unknown
  error?: { code: string; message: string }
  event?: { type: string }
}

/** A connection to a double, with everything that it wrote. */
function connected(node = new DoubleNode('open')) {
  const written: Answer[] = []
  const wire = { unread: 0, closed: false }
  let arrived = (): void => {}
  const connection: RpcConnection = serveRpc(
    {
      send: (frame) => {
        written.push(JSON.parse(frame))
        arrived()
      },
      unread: () => wire.unread,
      close: () => {
        wire.closed = true
      },
    },
    { node: Promise.resolve(node), door: null, stop: () => {} },
  )
  const until = async (count: number): Promise<Answer[]> => {
    while (written.length < count) await new Promise<void>((resolve) => (arrived = resolve))
    return written
  }
  return { node, wire, written, connection, until }
}

const frame = (id: number, method: string, args?: unknown): string => JSON.stringify({ id, method, args })

describe('the RPC', () => {
  it('answers a call with what the node answers', async () => {
    const { connection, until } = connected()
    connection.receive(frame(7, 'contact', { to: 'bob' }))
    expect(await until(1)).toMatchObject([{ id: 7, result: { id: BOB, name: 'Bob' } }])
  })

  it('pushes events from the subscription on, and no more after the end', async () => {
    const { node, connection, until, written } = connected()
    node.emit({ type: 'warning', text: 'before' })
    connection.receive(frame(1, 'subscribe'))
    connection.receive(frame(2, 'subscribe'))
    await until(2)
    node.emit({ type: 'warning', text: 'after' })
    expect(written.filter(({ event }) => event !== undefined)).toMatchObject([
      { event: { type: 'warning', text: 'after' } },
    ])
    expect(node.listeners).toBe(1)
    connection.end()
    expect(node.listeners).toBe(0)
  })

  it('carries a refusal as code and sentence, and a mistake of ours without its words', async () => {
    const { connection, until } = connected()
    connection.receive(frame(1, 'contact', { to: 'nobody' }))
    connection.receive(frame(2, 'send', { to: 'bob', text: 'break' }))
    const answers = (await until(2)).toSorted((a, b) => Number(a.id) - Number(b.id))
    expect(answers[0]?.error?.code).toBe('contact-unknown')
    expect(answers[1]?.error?.code).toBe('internal')
    expect(JSON.stringify(answers[1])).not.toMatch(/secret|TypeError|at /)
  })

  const refused: [string, string, unknown][] = [
    ['an unknown method', 'format', {}],
    ['a method of every object', 'constructor', {}],
    ['another', 'toString', {}],
    ['a prototype', '__proto__', {}],
    ['what only the command line may', 'openCode', {}],
    ['the same', 'holder', {}],
    ['a missing argument', 'contact', {}],
    ['an argument of another type', 'contact', { to: 5 }],
    ['an argument that does not exist', 'contact', { to: 'bob', from: 'me' }],
    ['an inherited argument name', 'contact', { to: 'bob', constructor: 1 }],
    ['null for the arguments', 'contact', null],
    ['a list for the arguments', 'contact', ['bob']],
    ['arguments where there are none', 'status', { deep: true }],
    ['an empty name', 'contact', { to: '' }],
    ['a name without end', 'contact', { to: 'x'.repeat(1025) }],
    ['half a character', 'send', { to: 'bob', text: '\ud800' }],
    ['a limit of none', 'history', { to: 'bob', limit: 0 }],
    ['a limit of many', 'history', { to: 'bob', limit: 501 }],
    ['half a limit', 'history', { to: 'bob', limit: 1.5 }],
    ['a limit in words', 'history', { to: 'bob', limit: '5' }],
    ['a passphrase that is false', 'createProfile', { name: 'A', passphrase: false }],
    ['a truth in words', 'confirmPairing', { peer: 'p', byPerson: 'true', timeoutSeconds: 5 }],
  ]
  it.each(refused)('refuses %s (%s)', async (_what, method, args) => {
    const { connection, until } = connected()
    connection.receive(JSON.stringify({ id: 1, method, args }))
    const [answer] = await until(1)
    expect(answer).toMatchObject({ id: 1, error: { code: 'usage' } })
  })

  const notCalls = [
    '',
    '{',
    'null',
    '[]',
    '5',
    '"x"',
    '{"id":1}',
    '{"method":"status"}',
    '{"id":-1,"method":"status"}',
    '{"id":1e99,"method":"status"}',
    '{"id":"1","method":"status"}',
  ]
  it.each(notCalls)('says that %j is not a call, and goes on', async (garbage) => {
    const { connection, until } = connected()
    connection.receive(garbage)
    connection.receive(frame(3, 'status'))
    expect(await until(2)).toMatchObject([
      { id: null, error: { code: 'usage' } },
      { id: 3, result: { phase: 'open' } },
    ])
  })

  it('takes at most 256 calls at once', async () => {
    const { connection, until } = connected()
    for (let id = 0; id < 300; id++) connection.receive(frame(id, 'status'))
    const answers = await until(300)
    expect(answers.filter(({ error }) => error?.code === 'usage')).toHaveLength(44)
    connection.receive(frame(300, 'status'))
    expect((await until(301)).at(-1)).toMatchObject({ id: 300, result: {} })
  })

  it('cuts off a client that does not read', async () => {
    const { node, connection, until, wire, written } = connected()
    connection.receive(frame(1, 'subscribe'))
    await until(1)
    wire.unread = UNREAD_LIMIT + 1
    node.emit({ type: 'warning', text: 'too much' })
    expect(wire.closed).toBe(true)
    expect(node.listeners).toBe(0)
    expect(written).toHaveLength(1)
  })

  it('survives any frame, and nothing reaches the node that does not fit', async () => {
    const methods = fc.oneof(fc.constantFrom(...METHODS.keys()), fc.string())
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({ id: fc.nat(), method: methods, args: fc.anything({ withNullPrototype: true }) })
        .map((call) => JSON.stringify(call)),
    )
    const node = new Proxy(new DoubleNode('open'), {
      get: (target, name, receiver) => {
        const value = Reflect.get(target, name, target)
        if (!METHODS.has(String(name))) return typeof value === 'function' ? value.bind(target) : value
        return async (args: unknown) => {
          if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args)))
            throw new Error(`${String(name)} was given ${String(args)}`)
          return receiver === undefined ? undefined : {}
        }
      },
    })
    await fc.assert(
      fc.asyncProperty(fc.array(frames, { maxLength: 20 }), async (all) => {
        const { connection, until } = connected(node)
        for (const each of all) connection.receive(each)
        connection.receive(frame(1, 'status'))
        const answers = await until(all.length + 1)
        expect(answers).toHaveLength(all.length + 1)
        for (const { error } of answers) expect(error?.code ?? 'usage').toBe('usage')
      }),
      { numRuns: 300 },
    )
  })

  it('knows every call of NodeApi, by name', () => {
    const names: Record<keyof NodeApi, true> = Object.fromEntries(
      [...METHODS.keys()].map((name) => [name, true]),
    ) as Record<keyof NodeApi, true>
    const double = new DoubleNode('open')
    for (const name of Object.keys(names)) expect(typeof Reflect.get(double, name), name).toBe('function')
  })
})
