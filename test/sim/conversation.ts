/**
 * The play that every seed performs: people add each other, talk, and everything goes wrong; then it heals, and is judged.
 */
import type { Message } from '../../src/node/api.ts'
import { type AccountId, size } from '../../src/protocol/index.ts'
import type { Faults, SimNode } from './sim-node.ts'
import { settled, World } from './world.ts'

const MINUTE = 60_000
const YEAR = 365 * 24 * 3600_000

export interface Verdict {
  readonly seed: number
  /** What was found wrong; empty: nothing. */
  readonly wrong: readonly string[]
  readonly messages: number
  readonly crashes: number
  /** Commits that a crash took, because nothing that waited for the disk had followed them. */
  readonly forgotten: number
  /** Virtual milliseconds from healing until nothing was owed. */
  readonly healedAfter: number
}

/** Performs one seed. Throws nothing for what it finds: it is in the verdict. */
export async function perform(seed: number, faults: Faults = {}): Promise<Verdict> {
  const world = new World(seed, faults)
  const { chance } = world
  const names = ['ana', 'bogdan', 'clara'].slice(0, chance.happens(0.25) ? 3 : 2)
  for (const name of names) await world.add(name)
  const stored = new Map<string, Set<string>>()
  const wrong: string[] = world.reported
  try {
    await trouble(world, stored)
    const healedAfter = await heal(world)
    for (const node of world.nodes) wrong.push(...(await judge(world, node, stored)))
    const messages = [...stored.values()].reduce((sum, set) => sum + set.size, 0)
    const crashes = world.nodes.reduce((sum, node) => sum + node.crashes, 0)
    const forgotten = world.nodes.reduce((sum, node) => sum + node.forgotten, 0)
    return { seed, wrong, messages, crashes, forgotten, healedAfter }
  } catch (error) {
    return {
      seed,
      wrong: [`threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
      messages: 0,
      crashes: 0,
      forgotten: 0,
      healedAfter: 0,
    }
  }
}

async function trouble(world: World, stored: Map<string, Set<string>>): Promise<void> {
  const { chance, clock } = world
  const loss = chance.next() * 0.2
  world.weather = {
    drop: loss,
    double: chance.next() * 0.2,
    reorder: chance.next() * 0.3,
    delay: 5 + chance.below(1500),
  }
  const end = clock.now + (1 + chance.below(6)) * MINUTE
  introduceAll(world)
  const talkative = 2000 + chance.below(12_000)
  const again = (every: number, act: () => void): void => {
    world.later(chance.below(every), () => {
      if (clock.now >= end) return
      act()
      again(every, act)
    })
  }
  again(talkative, () => say(world, stored))
  again(MINUTE, () => mishap(world))
  await clock.runUntil(end)
}

/** Everybody gets a link of somebody, sometimes each of the other's. */
function introduceAll(world: World): void {
  for (const [i, a] of world.nodes.entries()) {
    for (const b of world.nodes.slice(i + 1)) {
      introduce(world, a, b)
      if (world.chance.happens(0.3)) introduce(world, b, a)
    }
  }
}

export function introduce(world: World, inviter: SimNode, guest: SimNode): void {
  const expiresAt = inviter.now() + 20 * YEAR
  inviter.command({ name: 'create-invite', uses: 1, expiresAt }, (made) => {
    const { link } = made as { link: string }
    const tryAdding = (): void => {
      if (guest.engine?.resident.maps.contacts.has(inviter.id)) return
      if (guest.phase === 'up') guest.command({ name: 'add-contact', link, givenName: null })
      world.later(2000, tryAdding)
    }
    tryAdding()
  })
}

export function say(world: World, stored: Map<string, Set<string>>): void {
  const { chance } = world
  const node = chance.pick(world.nodes)
  const contacts = [...(node.engine?.resident.maps.contacts.keys() ?? [])]
  if (node.phase === 'down' || contacts.length === 0) return
  const contact = chance.pick(contacts)
  if (chance.happens(0.2)) return read(node, contact)
  const many = chance.happens(0.1) ? 30 : 1
  for (let n = 0; n < many; n++) {
    const text = `${node.name} ${chance.below(1e9)} ${'x'.repeat(chance.below(chance.happens(0.05) ? 5000 : 200))}`
    write(node, contact, text, stored)
  }
}

/** Notes the text once the node said that it is stored. */
export function write(node: SimNode, contact: AccountId, text: string, stored: Map<string, Set<string>>): void {
  node.command({ name: 'send', contact, text, replyTo: null }, (value) => {
    if (!isStored(value)) return
    const key = `${node.id}>${contact}`
    stored.set(key, (stored.get(key) ?? new Set()).add(text))
  })
}

const isStored = (value: unknown): boolean => typeof value === 'object' && value !== null && 'counter' in value

export function read(node: SimNode, contact: AccountId): void {
  const known = node.engine?.resident.maps.conversations.get(contact)?.known ?? 0
  if (known > 0) node.command({ name: 'mark-read', contact, upTo: known })
}

export function mishap(world: World): void {
  const { chance } = world
  const node = chance.pick(world.nodes)
  const other = chance.pick(world.nodes)
  switch (chance.below(5)) {
    case 0:
      return node.crash()
    case 1:
    case 2:
      node.fuse = 1 + chance.below(60)
      return
    case 3:
      if (node !== other) world.split(node, other, chance.below(2 * MINUTE))
      return
    case 4:
      node.skew = chance.happens(0.3) ? (chance.next() - 0.5) * 20 * YEAR : (chance.next() - 0.5) * MINUTE
  }
}

/** Good weather for a minute at most; how long it took until nothing was owed. */
async function heal(world: World): Promise<number> {
  const { clock } = world
  // Nodes that are down come back within 21 s, and the dead ends of connections are noticed: healing counts from there.
  await clock.runUntil(clock.now)
  for (const node of world.nodes) node.fuse = Number.POSITIVE_INFINITY
  while (world.nodes.some((node) => node.phase === 'down')) await clock.runUntil(clock.now + 1000)
  world.heal()
  await settled()
  const start = clock.now
  while (clock.now < start + MINUTE) {
    await clock.runUntil(clock.now + 1000)
    if (world.nodes.every(isQuiet)) break
  }
  return clock.now - start
}

export function isQuiet(node: SimNode): boolean {
  const maps = node.engine?.resident.maps
  if (maps === undefined) return false
  const owed = [...maps.deliveries.values()].some(
    (row) => size(row.delivered) < (maps.conversations.get(row.contact)?.counter ?? 0),
  )
  return !owed && [...maps.frames.values()].every((frames) => frames.length === 0)
}

/** What is wrong with what one wrote to the other, as both have it. */
export async function compareBoth(
  node: SimNode,
  other: SimNode,
  stored: Map<string, Set<string>>,
): Promise<readonly string[]> {
  return compare(node, other, await history(node, other), await history(other, node), stored)
}

export async function judge(world: World, node: SimNode, stored: Map<string, Set<string>>): Promise<string[]> {
  const wrong: string[] = []
  if (!isQuiet(node)) wrong.push(`${node.name}: something is still owed a minute after healing`)
  for (const other of world.nodes) {
    if (other === node) continue
    const said = (stored.get(`${node.id}>${other.id}`) ?? new Set()).size
    if (!node.engine?.resident.maps.contacts.has(other.id)) {
      if (said > 0) wrong.push(`${node.name} lost ${other.name}`)
      continue
    }
    const mine = await history(node, other)
    const theirs = other.engine?.resident.maps.contacts.has(node.id) ? await history(other, node) : []
    wrong.push(...compare(node, other, mine, theirs, stored))
  }
  return wrong
}

function compare(
  node: SimNode,
  other: SimNode,
  here: readonly Message[],
  there: readonly Message[],
  stored: Map<string, Set<string>>,
): string[] {
  const wrong: string[] = []
  const sent = here.filter((message) => message.from === node.id)
  const arrived = there.filter((message) => message.from === node.id)
  const pair = `${node.name} to ${other.name}`
  for (const text of stored.get(`${node.id}>${other.id}`) ?? []) {
    if (!sent.some((message) => message.text === text)) wrong.push(`${pair}: lost at its author: ${text.slice(0, 30)}`)
  }
  if (new Set(arrived.map((message) => message.id)).size !== arrived.length) wrong.push(`${pair}: an id twice`)
  if (new Set(arrived.map((message) => message.text)).size < new Set(sent.map((message) => message.text)).size)
    wrong.push(`${pair}: ${sent.length} sent, ${arrived.length} arrived`)
  if (arrived.length !== sent.length) wrong.push(`${pair}: ${sent.length} sent, ${arrived.length} arrived`)
  else if (arrived.some((message, i) => message.text !== sent[i]?.text)) wrong.push(`${pair}: out of order`)
  const waiting = sent.filter((message) => message.state !== 'delivered' && message.state !== 'read')
  if (waiting.length > 0) wrong.push(`${pair}: ${waiting.length} never confirmed (${waiting[0]?.state})`)
  if (here.length === there.length && here.some((message, i) => message.id !== there[i]?.id))
    wrong.push(`${pair}: the two see different orders`)
  return wrong
}

async function history(node: SimNode, contact: SimNode): Promise<readonly Message[]> {
  const all: Message[] = []
  for (;;) {
    const page = (await node.queries?.history(contact.id, 500, all[0]?.id)) ?? []
    all.unshift(...page)
    if (page.length < 500) return all
  }
}
