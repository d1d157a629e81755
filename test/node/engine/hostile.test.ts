/**
 * What a hostile peer can say to an engine: forged refusals, stolen and repeated first messages, lies about counters, noise.
 */
import { expect, test } from 'vitest'
import type { Input } from '../../../src/node/engine/input.ts'
import {
  type Bundle,
  type Content,
  createBundle,
  decodeBundle,
  encodeContents,
  frameId,
  type Ranges,
  initiate,
  inviteKey,
  sealMessage,
  textDigest,
  toBase32,
} from '../../../src/protocol/index.ts'
import { MOVED_AT_ONCE } from '../../../src/node/engine/limits.ts'
import { mutate } from '../../protocol/mutation.ts'
import { Chance } from '../../sim/random.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { settled } from '../../sim/world.ts'
import {
  ask,
  contacts,
  DAY,
  give,
  history,
  invite,
  linkOf,
  restart,
  say,
  stateOf,
  strangers,
  talk,
  texts,
  type Two,
} from './people.ts'

const sessionsOf = (node: SimNode): readonly string[] =>
  [...(node.engine?.resident.maps.sessions.values() ?? [])].flat().map(({ key }) => key)

/** The bundle that a node hands out, asked for as its own commands do. */
async function bundleOf({ world }: Two, node: SimNode): Promise<Bundle> {
  const bytes = (await ask(world, node, { name: 'current-bundle' })) as Uint8Array
  const bundle = decodeBundle(world.primitives, bytes)
  if (bundle === undefined) throw new Error('no bundle')
  return bundle
}

/** An INIT from one node's own keys, made outside its engine. */
function forgedInit(
  { world }: Two,
  from: SimNode,
  bundle: Bundle,
  secret: Uint8Array | null,
  contents: Content[],
): Uint8Array {
  const self = from.engine?.resident.self
  if (self === undefined) throw new Error('down')
  const us = { account: self.account.key, device: self.device, log: self.log }
  const random = (n: number): Uint8Array => world.chance.bytes(n)
  const keys = { inviteSecret: secret, oneTimeKey: null }
  return initiate(world.primitives, random, us, bundle, keys, encodeContents(contents), world.now()).frame
}

/** Says any contents in the session of two contacts: what a node with other software could. */
async function sayRaw(two: Two, from: SimNode, to: SimNode, contents: readonly Content[]): Promise<void> {
  await give(two.world, to, [await sealRaw(two, from, contents)])
}

async function sealRaw(
  { world }: Two,
  from: SimNode,
  contents: readonly Content[],
  heads = { own: headOf(from), peer: new Uint8Array(16) },
): Promise<Uint8Array> {
  const [key] = sessionsOf(from)
  const [row] = from.disk.read([{ table: 'session', key: key ?? '' }]) as unknown as [{ state: Uint8Array }]
  const random = (n: number): Uint8Array => world.chance.bytes(n)
  const sealed = sealMessage(world.primitives, random, row.state, encodeContents(contents), heads, world.now())
  await from.disk.commit([
    { op: 'put', table: 'session', key: key ?? '', row: { ...row, state: sealed.state } as never },
  ])
  return sealed.frame
}

const headOf = (node: SimNode): Uint8Array => node.engine?.resident.self.log.head.slice(0, 16) ?? new Uint8Array(16)

const text = (counter: number, lamport = counter): Content => ({
  kind: 'text',
  counter,
  lamport,
  sentAt: 1,
  text: `text ${counter}`,
  replyTo: null,
})
const REPAIR: Content[] = [{ kind: 'repair' }]

test('a forged "no session" does nothing', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  world.split(ana, bob, 1)
  const before = [sessionsOf(ana), world.effectsOf(ana, 'ask-bundle').length, world.framesOf(ana).length]
  const ids = world.framesOf(ana).map((frame) => frameId(world.primitives, frame))
  for (let n = 0; n < 100; n++)
    ana.take({ type: 'no-session', connection: linkOf(ana), ids: [...ids, world.chance.bytes(16)] })
  await settled()
  expect([sessionsOf(ana), world.effectsOf(ana, 'ask-bundle').length, world.framesOf(ana).length]).toEqual(before)
  await world.pass()
  await talk(two)
})

test('a repair is refused from a stranger, for another device, and a fourth time in a day', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  const eve = await world.add('eve')
  const bundle = await bundleOf(two, ana)
  const before = sessionsOf(ana)
  ana.take({
    type: 'frames',
    connection: 999,
    contact: null,
    device: null,
    frames: [forgedInit(two, eve, bundle, null, REPAIR)],
  })
  // Bob's keys, but not from the connection that proved his device.
  ana.take({
    type: 'frames',
    connection: 999,
    contact: null,
    device: null,
    frames: [forgedInit(two, bob, bundle, null, REPAIR)],
  })
  await settled()
  expect(sessionsOf(ana)).toEqual(before)
  expect(stateOf(ana, eve)).toBeUndefined()
  for (let n = 0; n < 5; n++) await give(world, ana, [forgedInit(two, bob, bundle, null, REPAIR)])
  expect(ana.engine?.resident.maps.contacts.get(bob.id)?.row.repairs).toHaveLength(3)
  const fourth = forgedInit(two, bob, bundle, null, REPAIR)
  await give(world, ana, [fourth])
  const refused = world.effectsOf(ana, 'no-session').flatMap(({ ids }) => ids.map(toBase32))
  expect(refused).toContain(toBase32(frameId(world.primitives, fourth)))
  // Nor does Bob's connection help a stranger.
  await give(world, ana, [forgedInit(two, eve, bundle, null, REPAIR)])
  expect(stateOf(ana, eve)).toBeUndefined()
  expect(world.reported).toEqual([])
})

test('an INIT counts once, however often and wherever it comes again', async () => {
  const two = await strangers()
  const { world, ana, bob } = two
  const link = await invite(world, ana, 20, 300 * DAY)
  await ask(world, bob, { name: 'add-contact', link, givenName: null })
  await world.pass()
  await talk(two)
  const [init] = world.framesOf(bob).filter((frame) => frame[0] === 1)
  const sessions = sessionsOf(ana)
  const used = (): number[] => [...(ana.engine?.resident.maps.invites.values() ?? [])].map(({ usesLeft }) => usesLeft)
  expect(used()).toEqual([19])
  const again = async (): Promise<void> => {
    ana.take({ type: 'frames', connection: 999, contact: null, device: null, frames: [init as Uint8Array] })
    await settled()
    expect(sessionsOf(ana)).toEqual(sessions)
    expect(used()).toEqual([19])
  }
  await again()
  expect(world.effectsOf(ana, 'acknowledge').at(-1)).toEqual({
    type: 'acknowledge',
    connection: 999,
    ids: [frameId(world.primitives, init as Uint8Array)],
  })
  await restart(world, ana)
  await again()
  // The invite is still good when anything else would have been forgotten.
  ana.skew = 100 * DAY
  await restart(world, ana)
  await again()
  expect(world.reported).toEqual([])
})

test("an INIT is refused with an invite that is used, expired, unknown, or another account's ticket", async () => {
  const two = await strangers()
  const { world, ana, bob } = two
  const eve = await world.add('eve')
  const bundle = await bundleOf(two, ana)
  await invite(world, ana, 2, DAY)
  const row = (): [string, { secret: Uint8Array }] => [...(ana.engine?.resident.maps.invites ?? [])][0] as never
  const offer = async (change: object, from: SimNode, secret = row()[1].secret): Promise<boolean> => {
    const [key, invited] = row()
    ana.engine?.resident.maps.invites.set(key, { ...invited, ...change } as never)
    ana.take({
      type: 'frames',
      connection: 999,
      contact: null,
      device: null,
      frames: [forgedInit(two, from, bundle, secret, [])],
    })
    await settled()
    ana.engine?.resident.maps.invites.set(key, invited as never)
    return stateOf(ana, from) === 'active'
  }
  expect(toBase32(inviteKey(world.primitives, row()[1].secret))).toBe(row()[0])
  expect(await offer({ usesLeft: 0 }, eve)).toBe(false)
  expect(await offer({ expiresAt: ana.now() - 1 }, eve)).toBe(false)
  expect(await offer({ onlyFor: bob.id }, eve)).toBe(false)
  expect(await offer({ prekey: 'another' }, eve)).toBe(false)
  expect(await offer({}, eve, world.chance.bytes(32))).toBe(false)
  expect(await offer({}, eve)).toBe(true)
  expect(world.reported).toEqual([])
})

test('an answer about an invite is believed with its MAC only, and only from whom it was asked', async () => {
  for (const status of ['used', 'expired', 'bundle', 'unknown'] as const) {
    const two = await strangers()
    const { world, ana, bob } = two
    // Else the bundle is found there, and nobody is asked.
    world.board.isThere = false
    const link = await invite(world, ana)
    world.split(ana, bob, 60_000)
    bob.command({ name: 'add-contact', link, givenName: null })
    await world.pass(9000)
    const bundle = status === 'bundle' ? (await bundleOf(two, ana)).bytes : new Uint8Array(0)
    const ends = { local: world.chance.bytes(38), remote: world.chance.bytes(38) }
    const forged: Input = {
      type: 'bundle-answered',
      connection: 77,
      contact: ana.id,
      answer: { status, bundle, mac: world.chance.bytes(32), ends },
    }
    bob.take(forged)
    bob.take({ type: 'reached-stranger', connection: 77, contact: ana.id })
    bob.take(forged)
    await settled()
    expect(bob.people?.contact(ana.id).reason).toBe('invite-pending')
    expect(sessionsOf(bob)).toEqual([])
    expect(world.effectsOf(bob, 'close').at(-1)).toEqual({ type: 'close', connection: 77 })
    bob.take({ type: 'disconnected', connection: 77 })
    await world.pass(3 * 60_000)
    await talk(two)
  }
})

test('a blocked contact is neither heard nor answered', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const bundle = await bundleOf(two, ana)
  const connection = linkOf(ana)
  const link = ana.engine?.resident.maps.connections.get(connection)
  ana.command({ name: 'block', contact: bob.id })
  await settled()
  const before = world.said.length
  const from = { connection, contact: bob.id, device: link?.device ?? null }
  ana.take({ type: 'frames', ...from, frames: [forgedInit(two, bob, bundle, null, REPAIR), world.chance.bytes(900)] })
  ana.take({
    type: 'frames',
    connection: 999,
    contact: null,
    device: null,
    frames: [forgedInit(two, bob, bundle, null, REPAIR)],
  })
  ana.take({
    type: 'bundle-asked',
    ...from,
    request: 1,
    ends: { local: bundle.hash, remote: bundle.hash },
    proof: null,
  })
  await settled()
  const answers = world.said
    .slice(before)
    .filter(({ node, effect }) => node === ana && 'connection' in effect && effect.connection === connection)
  expect(answers.map(({ effect }) => (effect.type === 'answer-bundle' ? effect.status : effect.type))).toEqual([
    'close',
    'unknown',
  ])
  await say(world, bob, ana, 'said while blocked')
  await world.pass()
  expect(await texts(ana, bob)).not.toContain('said while blocked')
  await ask(world, ana, { name: 'unblock', contact: bob.id })
  await world.pass()
  expect(await texts(ana, bob)).toContain('said while blocked')
  await talk(two, 'again')
})

test('counters far ahead are not taken, and gaps stay bounded', async () => {
  const two = await contacts()
  const { ana, bob } = two
  await sayRaw(two, bob, ana, [text(2 ** 40), text(2 ** 25), text(1, 2 ** 47)])
  const conversation = () => ana.engine?.resident.maps.conversations.get(bob.id)
  expect(conversation()?.received).toEqual([[1, 1]])
  expect(conversation()?.lamport).toBeLessThanOrEqual(2 ** 24)
  for (let n = 0; n < 3; n++)
    await sayRaw(
      two,
      bob,
      ana,
      Array.from({ length: 200 }, (_, i) => text(3 + 2 * (200 * n + i))),
    )
  expect(conversation()?.received.length).toBe(64)
  expect(await history(ana, bob)).toHaveLength(64)
  await say(two.world, ana, bob, 'still here')
  expect(two.world.reported).toEqual([])
})

test('a receipt beyond what I wrote confirms nothing, is no endless work, and texts go on arriving', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  const claims: readonly Ranges[] = [[[5, 9]], [[2 ** 23, 2 ** 23]], [[2 ** 47, 2 ** 47]], [[1, 2 ** 40]]]
  for (const received of claims) await sayRaw(two, bob, ana, [{ kind: 'receipt', received, shown: received }])
  await say(world, ana, bob, 'after the lies')
  await world.pass()
  expect(await texts(bob, ana)).toEqual(['after the lies'])
  expect(ana.engine?.resident.maps.conversations.get(bob.id)?.counter).toBeLessThanOrEqual(2 ** 24)
  expect(world.reported).toEqual([])
})

test('whoever says that it holds other texts than mine makes a bounded number of them move, and each once', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  world.split(ana, bob, 1)
  for (let n = 0; n < MOVED_AT_ONCE + 10; n++)
    ana.command({ name: 'send', contact: bob.id, text: `mine ${n}`, replyTo: null })
  await world.pass()
  const written = MOVED_AT_ONCE + 10
  expect(await counters(ana, bob)).toEqual([1, written])
  const receipt: Content = { kind: 'receipt', received: [[1, written]], shown: [] }
  const differing: Content = { kind: 'differing', counters: [[1, 2 ** 40]] }
  const many = await sealRaw(two, bob, [receipt, receipt, receipt, differing])
  // In one batch: what the first moved is not there for the second.
  const again = await sealRaw(two, bob, [receipt, { kind: 'differing', counters: [[1, 7]] }])
  await give(world, ana, [many, again])
  expect(await counters(ana, bob)).toEqual([MOVED_AT_ONCE + 1, written + MOVED_AT_ONCE])
  expect(world.reported).toEqual([])
  await talk(two)
})

test('digests are believed where they were asked for: once, and of what was asked', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  // What Bob's node really says is not heard: this Bob speaks by hand.
  world.faults.effect = (effect, _chance, node) =>
    node !== bob || (effect.type !== 'send' && effect.type !== 'acknowledge')
  await say(world, ana, bob, 'one', 'two', 'three')
  const comparing = () => [...(ana.engine?.resident.maps.deliveries.values() ?? [])][0]?.comparing
  const lies = (from: number, many: number): Content => ({
    kind: 'digests',
    from,
    digests: Array.from({ length: many }, () => world.chance.bytes(16)),
  })
  await sayRaw(two, bob, ana, [lies(2, 3)])
  expect([comparing(), await counters(ana, bob)]).toEqual([null, [1, 4]])
  await sayRaw(two, bob, ana, [{ kind: 'receipt', received: [[1, 2 ** 40]], shown: [[1, 4]] }])
  expect(comparing()).toEqual({ from: 2, to: 4, asked: true, told: false })
  expect((await history(ana, bob)).map(({ state }) => state).slice(-3)).toEqual(['queued', 'queued', 'queued'])
  await sayRaw(two, bob, ana, [lies(1, 200), lies(3, 2)])
  expect([comparing()?.from, await counters(ana, bob)]).toEqual([2, [1, 4]])
  await sayRaw(two, bob, ana, [lies(2, 2)])
  expect([comparing(), await counters(ana, bob)]).toEqual([{ from: 4, to: 4, asked: true, told: true }, [1, 6]])
  await sayRaw(two, bob, ana, [lies(4, 200), lies(5, 200), lies(5, 200)])
  expect([comparing(), await counters(ana, bob)]).toEqual([null, [1, 7]])
  // Questions of whatever size are answered with one frame a batch.
  const asks = (from: number): Content => ({ kind: 'compare', from, to: from + 255 })
  const frames = world.framesOf(ana).length
  await sayRaw(two, bob, ana, [...Array(900).fill(asks(1)), asks(2 ** 40)])
  expect(world.framesOf(ana).length).toBeLessThanOrEqual(frames + 1)
  expect(world.reported).toEqual([])
  delete world.faults.effect
  await restart(world, bob)
  await talk(two, 'again')
  for (const text of ['one', 'two', 'three']) expect(await texts(bob, ana)).toContain(text)
})

test('what a device acknowledged, or said that it has, and does not name any more is sent again', async () => {
  for (const had of ['acknowledged', 'compared'] as const) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    // Bob's receipts are not heard: this Bob says by hand what it holds.
    world.faults.effect = (effect, _chance, node) =>
      node !== bob || (effect.type !== 'send' && (had === 'acknowledged' || effect.type !== 'acknowledge'))
    await say(world, ana, bob, 'one')
    await world.pass(1000)
    if (had === 'compared') {
      const [row] = await ana.disk.byCounter(conversationOf(ana, bob), ana.id < bob.id ? 0 : 1, 2, 2, 1)
      if (row === undefined) throw new Error('not written')
      await sayRaw(two, bob, ana, [{ kind: 'receipt', received: [[1, 2]], shown: [] }])
      await sayRaw(two, bob, ana, [{ kind: 'digests', from: 2, digests: [textDigest(world.primitives, row)] }])
    }
    const last = async () => (await history(ana, bob)).at(-1)?.state
    expect(await last()).toBe(had === 'compared' ? 'delivered' : 'sent')
    const frames = world.framesOf(ana).length
    await sayRaw(two, bob, ana, [{ kind: 'receipt', received: [[1, 1]], shown: [] }])
    expect(await last()).toBe('sent')
    expect(world.framesOf(ana).length, had).toBe(frames + 1)
    delete world.faults.effect
    await restart(world, bob)
    await talk(two, 'again')
    expect((await texts(bob, ana)).filter((text) => text === 'one')).toHaveLength(1)
  }
})

const conversationOf = (node: SimNode, other: SimNode): number =>
  node.engine?.resident.maps.conversations.get(other.id)?.number ?? 0

/** The lowest and the highest counter of a node's texts to another. */
async function counters(node: SimNode, other: SimNode): Promise<readonly number[]> {
  const conversation = node.engine?.resident.maps.conversations.get(other.id)
  const all = [
    ...(await node.disk.byCounter(conversation?.number ?? 0, node.id < other.id ? 0 : 1, 1, 2 ** 40, 10_000)),
  ]
  return [all[0]?.counter ?? 0, all.at(-1)?.counter ?? 0]
}

test('noise of every kind never throws out of a step', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const two = await contacts(seed)
    const { world, ana, bob } = two
    await talk(two)
    const chance = new Chance(seed)
    const random = (n: number): Uint8Array => chance.bytes(n)
    const frames = world.framesOf(bob)
    const bundle = await bundleOf(two, ana)
    const other = createBundle(world.primitives, random, {
      log: bundle.log,
      device: ana.engine?.resident.self.device as never,
      createdAt: 1,
    })
    const noise = (): Uint8Array => {
      if (chance.happens(0.3)) return random(chance.below(3000))
      if (chance.happens(0.2))
        return forgedInit(
          two,
          bob,
          chance.happens(0.5) ? bundle : other.bundle,
          chance.happens(0.5) ? random(32) : null,
          [text(chance.below(9) + 1), ...REPAIR],
        )
      return mutate(random, chance.pick(frames))
    }
    for (let n = 0; n < 150; n++) {
      const connection = chance.happens(0.7) ? linkOf(ana) : chance.below(20)
      const link = ana.engine?.resident.maps.connections.get(connection)
      const who = { contact: link?.contact ?? null, device: link?.device ?? null }
      const ids = [random(16), frameId(world.primitives, chance.pick(frames)), random(chance.below(20))]
      const ends = { local: random(chance.below(40)), remote: random(chance.below(40)) }
      const status = chance.pick(['bundle', 'used', 'expired', 'unknown'] as const)
      const answer = {
        status,
        bundle: chance.happens(0.5) ? mutate(random, bundle.bytes) : random(50),
        mac: random(32),
        ends,
      }
      ana.take(
        chance.pick<Input>([
          { type: 'frames', connection, ...who, frames: Array.from({ length: 1 + chance.below(4) }, noise) },
          { type: 'acknowledged', connection, ids },
          { type: 'no-session', connection, ids },
          {
            type: 'bundle-asked',
            connection,
            request: n,
            ends,
            proof: chance.happens(0.5) ? random(32) : null,
            ...who,
          },
          { type: 'bundle-answered', connection, contact: bob.id, answer },
          { type: 'not-reached', contact: bob.id },
          { type: 'timer' },
        ]),
      )
      if (chance.happens(0.2)) await settled()
    }
    await world.pass()
    expect(world.reported, `seed ${seed}`).toEqual([])
    // The forged INITs are believed thrice, in sessions that only the forger has: a restart a day later finds the true one.
    ana.skew = 2 * DAY
    bob.skew = 2 * DAY
    await restart(world, ana)
    await talk(two, 'after the noise')
  }
})

test('who sends much keeps others waiting for its share of a batch, not for all of it; what each sent stays in order', async () => {
  const { world, ana } = await contacts()
  const chance = new Chance(7)
  const frames = (connection: number, length: number): Extract<Input, { type: 'frames' }> => ({
    type: 'frames',
    connection,
    contact: null,
    device: null,
    frames: [chance.bytes(length)],
  })
  const flood = Array.from({ length: 40 }, () => frames(900, 16_000))
  const before = world.effectsOf(ana, 'no-session').length
  for (const input of [...flood, frames(901, 200)]) ana.take(input)
  await world.pass()
  const refused = world.effectsOf(ana, 'no-session').slice(before)
  // 32 KiB of the flood go first: two of its frames.
  expect(refused.findIndex(({ connection }) => connection === 901)).toBe(2)
  const ids = refused.filter(({ connection }) => connection === 900).flatMap(({ ids }) => ids)
  expect(ids).toEqual(flood.map(({ frames: [frame] }) => frameId(world.primitives, frame as Uint8Array)))
})
