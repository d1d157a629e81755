/**
 * What happened, and paging through it: a whole node with a real database, whose one contact is not there, so that nothing else
 * happens. Gaps, which take a network that misbehaves, in the simulated world.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Node, NodeEvent } from '../../src/node/api.ts'
import { run } from '../../src/node/cli/run.ts'
import type { NetEffect } from '../../src/node/engine/effect.ts'
import { hostNode } from '../../src/node/server/host.ts'
import type { SimNode } from '../sim/sim-node.ts'
import { introduce, Overheard, restart, say as simSay, texts } from './engine/people.ts'
import { Street } from './whole.ts'

/** Ana, who waits for Bob; nobody else has a network. */
async function waiting(): Promise<{ node: Node; bob: string; street: Street }> {
  const street = new Street()
  const bob = await street.node('Bob', { mdns: false })
  const { link } = await bob.node.createInvite({})
  await bob.stop()
  const { node } = await street.node('Ana', { mdns: false })
  const { id } = await node.addContact({ link, name: 'Bob' })
  return { node, bob: id, street }
}

const say = (node: Node, to: string, ...texts: readonly string[]): Promise<unknown> =>
  Promise.all(texts.map((text) => node.send({ to, text })))

const textsIn = (events: readonly NodeEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'message' ? [event.message.text] : []))

/** Everything after `since`, page by page. */
async function paged(node: Node, limit: number, since = '0'): Promise<NodeEvent[]> {
  const all: NodeEvent[] = []
  for (let last: string | undefined = since; last !== undefined; last = all.at(-1)?.id) {
    const page: readonly NodeEvent[] = await node.events({ since: last, limit })
    expect(page.length).toBeLessThanOrEqual(limit)
    if (page.length === 0) break
    all.push(...page)
  }
  return all
}

/** Which of two ids is later: `number.index`. */
const inOrder = (a: string, b: string): number => {
  const [n = 0, i = 0] = a.split('.').map(Number)
  const [m = 0, j = 0] = b.split('.').map(Number)
  return n - m || i - j
}

describe('events, page by page', () => {
  test('are what one large page tells: each once, in order, also where one row tells many', async () => {
    const { node, bob } = await waiting()
    await say(node, bob, 'one', 'two', 'three', 'four', 'five', 'six', 'seven')
    await say(node, bob, 'eight')
    await node.renameContact({ to: bob, name: 'Bobby' })
    await say(node, bob, 'nine', 'ten')
    const whole = await node.events({ since: '0' })
    expect(textsIn(whole)).toEqual(['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'])
    expect(
      whole.some(({ id }) => /\.[1-9]/.test(id)),
      'a row that tells many',
    ).toBe(true)
    expect(whole.map(({ id }) => id)).toEqual(whole.map(({ id }) => id).toSorted(inOrder))
    for (const limit of [1, 2, 3, 500]) expect(await paged(node, limit)).toEqual(whole)
    for (const [i, { id }] of whole.entries()) expect(await node.events({ since: id })).toEqual(whole.slice(i + 1))
  })

  test('go on past what tells nothing any more', async () => {
    const { node, bob, street } = await waiting()
    const eve = await street.node('Eve', { mdns: false })
    const { link } = await eve.node.createInvite({})
    await eve.stop()
    for (const text of ['a', 'b', 'c', 'd']) await say(node, bob, text)
    await node.removeContact({ to: bob })
    await node.addContact({ link, name: 'Eve' })
    await say(node, 'Eve', 'still here')
    const whole = await node.events({ since: '0' })
    expect(textsIn(whole)).toEqual(['still here'])
    expect(await paged(node, 1)).toEqual(whole)
  })

  test('that come while one pages come last, once', async () => {
    const { node, bob } = await waiting()
    await say(node, bob, 'one', 'two', 'three')
    const first = await node.events({ since: '0', limit: 2 })
    await say(node, bob, 'four')
    const rest = await paged(node, 2, first.at(-1)?.id)
    expect(textsIn([...first, ...rest])).toEqual(['one', 'two', 'three', 'four'])
  })

  test('after what is no event are refused; after what has not happened there are none', async () => {
    const { node } = await waiting()
    for (const since of ['', ' ', 'x', '-1', '1.', '1.x', '0x1', '1e2', '1e400'])
      await expect(node.events({ since }), since).rejects.toMatchObject({ code: 'usage' })
    expect(await node.events({ since: '999999.0' })).toEqual([])
    for (const limit of [0, 501, 1.5])
      await expect(node.events({ since: '0', limit })).rejects.toMatchObject({ code: 'usage' })
  })
})

test('"listen --since" tells what comes meanwhile once: what its pages hold already, and what came after the last', async () => {
  const { node, bob } = await waiting()
  await say(node, bob, 'one', 'two', 'three')
  const directory = mkdtempSync(join(tmpdir(), 'tulnic-events-'))
  const printed: NodeEvent[] = []
  const all = Promise.withResolvers<void>()
  let pages = 0
  const slow = new Proxy(node, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      if (property !== 'events') return value.bind(target)
      return async ({ since }: { since: string }): Promise<readonly NodeEvent[]> => {
        // During the first page: the next one holds it too. After the last: no page does.
        if (pages++ === 0) await say(node, bob, 'four')
        const page = await target.events({ since, limit: 2 })
        if (page.length === 0) await say(node, bob, 'five')
        return page
      }
    },
  })
  const host = await hostNode({ dataDirectory: directory, startNode: async () => slow, door: null, warn: () => {} })
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    for (const line of String(chunk).split('\n').filter(Boolean)) printed.push(JSON.parse(line))
    if (textsIn(printed).includes('five')) all.resolve()
    return true
  })
  const complain = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  onTestFinished(async () => {
    write.mockRestore()
    complain.mockRestore()
    await host.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const listening = run(['--data', directory, 'listen', '--since', '0', '--json'], async () => node)
  await all.promise
  expect(pages, 'more than one page').toBeGreaterThan(3)
  expect(printed.map(({ id }) => id)).toEqual((await node.events({ since: '0' })).map(({ id }) => id))
  await host.stop()
  expect(await listening, 'the node stopped').toBe(3)
})

/** A world that loses what one node sends, for as long as a test wants it to. */
class Losing extends Overheard {
  loses: SimNode | undefined

  override perform(node: SimNode, effect: NetEffect): void {
    if (this.loses !== node || effect.type !== 'send') super.perform(node, effect)
  }
}

test('what is known to be missing is told as a gap, and then told itself; the gap is told once', async () => {
  const world = new Losing(1)
  const [ana, bob] = [await world.add('ana'), await world.add('bob')]
  await introduce({ world, ana, bob }, ana, bob)
  await simSay(world, ana, bob, 'one')
  await world.pass()
  world.loses = ana
  await simSay(world, ana, bob, 'two', 'three')
  world.loses = undefined
  await simSay(world, ana, bob, 'four', 'five')
  await world.pass(1000)
  const events = async (): Promise<readonly NodeEvent[]> => (await bob.queries?.events('0', 500)) ?? []
  expect(textsIn(await events())).toEqual(['one', 'four', 'five'])
  const gaps = async (): Promise<unknown> => (await events()).filter(({ type }) => type === 'gap')
  expect(await gaps()).toMatchObject([{ type: 'gap', from: ana.id, count: 2 }])
  expect(await bob.queries?.conversation(ana.id)).toMatchObject({ missing: 2 })
  await restart(world, ana)
  await world.pass()
  expect(await texts(bob, ana)).toEqual(['one', 'two', 'three', 'four', 'five'])
  expect(textsIn(await events())).toEqual(['one', 'four', 'five', 'two', 'three'])
  expect(await gaps()).toHaveLength(1)
  expect(await bob.queries?.conversation(ana.id)).toMatchObject({ missing: 0 })
  expect(world.reported).toEqual([])
})
