/**
 * The play of those who never meet: eight people, each online a fifth of the time, some of whom are never online together; friends
 * carry what they write to each other, and now and then somebody carries a file. Nodes die at any effect, links lose, clocks are ten
 * years wrong, carriers are full. Then it heals, but those who never meet still do not, and it is judged.
 *
 * Worlds begin with people who know each other and have chosen carriers: a few such beginnings serve all seeds.
 */
import { MAIL_LIMITS } from '../../src/node/engine/limits.ts'
import { size, toBase32 } from '../../src/protocol/index.ts'
import { compareBoth, introduce, read, write } from './conversation.ts'
import { type Faults, placeAt, type SimNode } from './sim-node.ts'
import { CALM, settled, World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR

const NAMES = ['ana', 'bogdan', 'clara', 'dinu', 'elena', 'florin', 'gina', 'horia']
const BEGINNINGS = 4
const LIMITS = { ...MAIL_LIMITS, tokens: 40, tokensEach: 6 }

export interface Counts {
  messages: number
  /** Envelopes that carriers took, that they had no room or no token for, and that were taken out of a file. */
  carried: number
  full: number
  refused: number
  byHand: number
  crashes: number
  /** Texts that arrived where the two never met since they were written. */
  apart: number
}

export interface Carried {
  /** What was found wrong; empty: nothing. */
  readonly wrong: readonly string[]
  readonly counts: Counts
  /** Virtual milliseconds from healing until nothing was owed. */
  readonly healedAfter: number
}

type Pair = readonly [SimNode, SimNode]

/** Eight people, of whom each knows four others and has asked two or three of them to carry. */
async function begin(seed: number): Promise<World> {
  const world = new World(seed)
  world.limits = LIMITS
  for (const name of NAMES) await world.add(name)
  for (const [at, node] of world.nodes.entries())
    for (const step of [1, 2]) introduce(world, node, world.nodes[(at + step) % NAMES.length] as SimNode)
  await settled()
  await world.clock.runUntil(world.now() + 2 * MINUTE)
  for (const node of world.nodes) {
    const friends = friendsOf(world, node)
    for (let n = 2 + world.chance.below(2); n > 0; n--)
      node.command({ name: 'carrier', contact: world.chance.pick(friends).id, on: true })
  }
  await settled()
  await world.clock.runUntil(world.now() + 2 * MINUTE)
  if (world.reported.length > 0) throw new Error(world.reported[0])
  return world
}

const beginnings = new Map<number, Promise<World>>()

function friendsOf(world: World, node: SimNode): SimNode[] {
  return world.nodes.filter((other) => node.engine?.resident.maps.contacts.has(other.id) === true)
}

/** Performs one seed. Throws nothing for what it finds. */
export async function performMail(seed: number, faults: Faults = {}): Promise<Carried> {
  const begun = beginnings.get(seed % BEGINNINGS) ?? begin(seed % BEGINNINGS)
  beginnings.set(seed % BEGINNINGS, begun)
  const counts: Counts = { messages: 0, carried: 0, full: 0, refused: 0, byHand: 0, crashes: 0, apart: 0 }
  const world = new World(seed, {
    ...faults,
    input: (input, chance, node) => {
      if (input.type === 'deposited' && input.status === 'ok') counts.carried++
      if (input.type === 'deposited' && input.status === 'full') counts.full++
      if (input.type === 'deposited' && input.status === 'no-token') counts.refused++
      return faults.input === undefined ? input : faults.input(input, chance, node)
    },
  })
  const { chance } = world
  world.limits = chance.happens(0.3) ? { ...LIMITS, boxLetters: 2 } : LIMITS
  await world.continue(await begun)
  world.byAddress = true
  world.dialMost = 40 * SECOND
  const never = strangersInTime(world)
  for (const [a, b] of never) world.split(a, b, 1000 * HOUR)
  const stored = new Map<string, Set<string>>()
  const wrong = world.reported
  try {
    await trouble(world, never, stored, counts)
    const healedAfter = await heal(world, never, stored)
    checkTaken(world)
    for (const node of world.nodes)
      for (const other of friendsOf(world, node)) wrong.push(...(await compareBoth(node, other, stored)))
    counts.messages = [...stored.values()].reduce((sum, set) => sum + set.size, 0)
    counts.crashes = world.nodes.reduce((sum, node) => sum + node.crashes, 0)
    for (const [a, b] of never)
      counts.apart += (stored.get(`${a.id}>${b.id}`)?.size ?? 0) + (stored.get(`${b.id}>${a.id}`)?.size ?? 0)
    return { wrong, counts, healedAfter }
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { wrong: [`threw: ${text}`], counts, healedAfter: 0 }
  }
}

/** Two or three pairs of friends who will not be online together, so chosen that somebody else carries between them. */
function strangersInTime(world: World): readonly Pair[] {
  const { chance } = world
  const pairs: Pair[] = []
  for (let n = 0; n < 20 && pairs.length < 3; n++) {
    const a = chance.pick(world.nodes)
    const b = chance.pick(friendsOf(world, a))
    const isTaken = pairs.some((pair) => pair.includes(a) || pair.includes(b))
    if (!isTaken && carriersOf(world, a, b).length > 0 && carriersOf(world, b, a).length > 0) pairs.push([a, b])
  }
  return pairs
}

/** Who carries for `owner`, but for the one it is to be kept from. */
function carriersOf(world: World, owner: SimNode, other: SimNode): readonly SimNode[] {
  const boxes = [...(owner.engine?.resident.maps.boxes.values() ?? [])].filter(({ state }) => state === 'kept')
  return world.nodes.filter((node) => node !== other && boxes.some(({ carrier }) => carrier === node.id))
}

/** Nine times two minutes: in each a fifth of them are online, and write. */
async function trouble(
  world: World,
  never: readonly Pair[],
  stored: Map<string, Set<string>>,
  counts: Counts,
): Promise<void> {
  const { chance, clock } = world
  world.weather = { drop: chance.next() * 0.1, double: 0.1, reorder: chance.next() * 0.2, delay: 5 + chance.below(800) }
  const files: (readonly Uint8Array[])[] = []
  for (const node of world.nodes) if (chance.happens(0.2)) node.skew = (chance.next() - 0.5) * 20 * YEAR
  for (const node of world.nodes) leave(world, node, turnOf(world, node, never))
  for (let turn = 0; turn < 9; turn++) {
    const until = clock.now + 2 * MINUTE
    while (clock.now < until) {
      await clock.runUntil(clock.now + 30 * SECOND)
      for (const node of world.nodes.filter(({ phase }) => phase === 'up')) {
        if (chance.happens(world.isCut(node) ? 0.1 : 0.4)) await sayAny(world, node, never, stored)
        if (chance.happens(0.05)) node.fuse = 1 + chance.below(40)
        if (chance.happens(0.15)) await handFile(node, files, counts)
        if (chance.happens(0.05)) read(node, chance.pick(friendsOf(world, node)).id)
      }
      await settled()
    }
    checkPromises(world)
    for (const node of world.nodes.filter((one) => one.phase === 'up' && !world.isCut(one))) {
      if (chance.happens(0.2)) continue
      if (chance.happens(0.3)) node.move(placeAt(100 + turn * 10 + world.nodes.indexOf(node)))
      leave(world, node, turnOf(world, node, never))
    }
  }
}

/** Switched off, or only without a network. */
function leave(world: World, node: SimNode, ms: number): void {
  if (world.chance.happens(0.4)) node.crash(ms)
  else world.cut(node, ms)
}

/** Until some later turn: a fifth of all turns, and not those of whom it never meets. */
function turnOf(world: World, node: SimNode, never: readonly Pair[]): number {
  const half = never.some(([a]) => a === node) ? 0 : never.some(([, b]) => b === node) ? 1 : undefined
  let wait = 2 * MINUTE * world.chance.below(7)
  const slot = Math.floor((world.now() + wait) / (2 * MINUTE))
  if (half !== undefined && slot % 2 !== half) wait += 2 * MINUTE
  return Math.max(1000, wait)
}

async function sayAny(
  world: World,
  node: SimNode,
  never: readonly Pair[],
  stored: Map<string, Set<string>>,
): Promise<void> {
  const { chance } = world
  const friends = friendsOf(world, node)
  const apart = never.flatMap((pair) => (pair.includes(node) ? pair.filter((one) => one !== node) : []))
  const to = chance.pick(chance.happens(0.5) && apart.length > 0 ? apart : friends)
  write(node, to.id, `${node.name} ${chance.below(1e9)} ${'x'.repeat(chance.below(200))}`, stored)
}

/** Somebody takes a file along, or brings one that somebody gave: also one that was brought before, or that is for others. */
async function handFile(node: SimNode, files: (readonly Uint8Array[])[], counts: Counts): Promise<void> {
  const { chance } = node.around
  if (files.length === 0 || chance.happens(0.5)) {
    node.command({ name: 'export-mail', contact: null, after: 0 }, (answer) => {
      const { envelopes } = answer as { envelopes?: readonly Uint8Array[] }
      if (envelopes !== undefined && envelopes.length > 0) files.push(envelopes)
    })
    return
  }
  const brought = chance.pick(files).map((one) => (chance.happens(0.1) ? one.map((byte) => byte ^ 1) : one))
  node.command({ name: 'import-mail', envelopes: brought }, (answer) => {
    const { delivered = 0, kept = 0 } = answer as { delivered?: number; kept?: number }
    counts.byHand += delivered + kept
  })
}

/** What somebody counts as carried lies at a carrier, or its owner has taken it. */
function checkPromises(world: World): void {
  for (const node of world.nodes) {
    for (const { accepted, box, id } of node.engine?.resident.maps.mail.values() ?? []) {
      if (accepted === null) continue
      const key = `${toBase32(box)}/${toBase32(id)}`
      const isKept = world.nodes.some(({ disk }) => disk.read([{ table: 'letter', key }])[0] !== undefined)
      const isTaken = world.nodes.some((one) => one.holds(id))
      if (!isKept && !isTaken) world.reported.push(`${node.name} counts as carried what no carrier holds`)
    }
  }
}

/** Whoever is linked to a carrier has taken what lay there. */
function checkTaken(world: World): void {
  for (const owner of world.nodes) {
    for (const [box, { carrier }] of owner.engine?.resident.maps.boxes ?? []) {
      const keeper = world.nodes.find(({ id }) => id === carrier)
      const count = keeper?.engine?.resident.maps.carried.get(box)?.count ?? 0
      const links = [...(owner.engine?.resident.maps.links.values() ?? [])]
      const isLinked = links.some((link) => owner.engine?.resident.maps.connections.get(link)?.contact === carrier)
      if (isLinked && count > 0) world.reported.push(`${owner.name} left ${count} letters with ${keeper?.name}`)
    }
  }
}

/** Good weather, right clocks, and everybody online: but those who never meet still do not. Six hours at most. */
async function heal(world: World, never: readonly Pair[], stored: Map<string, Set<string>>): Promise<number> {
  const { clock } = world
  for (const node of world.nodes) node.fuse = Number.POSITIVE_INFINITY
  while (world.nodes.some(({ phase }) => phase === 'down')) await clock.runUntil(clock.now + 10 * SECOND)
  world.weather = CALM
  for (const node of world.nodes) {
    node.skew = 0
    node.take({ type: 'timer' })
  }
  await settled()
  world.heal()
  for (const [a, b] of never) world.split(a, b, 1000 * HOUR)
  await settled()
  for (const [a, b] of never) {
    write(a, b.id, `${a.name} at the end`, stored)
    write(b, a.id, `${b.name} at the end`, stored)
  }
  await settled()
  const start = clock.now
  while (clock.now < start + 6 * HOUR && !world.nodes.every(isDone)) await clock.runUntil(clock.now + 20 * SECOND)
  const healedAfter = clock.now - start
  await clock.runUntil(clock.now + MINUTE)
  return healedAfter
}

/** All that it wrote was delivered. */
function isDone(node: SimNode): boolean {
  const maps = node.engine?.resident.maps
  if (maps === undefined) return false
  return [...maps.deliveries.values()].every(
    (row) => size(row.delivered) >= (maps.conversations.get(row.contact)?.counter ?? 0),
  )
}
