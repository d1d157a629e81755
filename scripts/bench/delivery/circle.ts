/**
 * A circle of eight friends who all know each other: the real engine, protocol and store in memory of each, on a virtual clock.
 *
 *     friend n writes to n + 1 and n + 2; friends n + 1 to n + 5 carry for n, as many as are asked; none of them writes to n
 *     or one node more, which is always on, carries for all
 *
 * A session begins with the program's start, three times of ten at another address, and ends as with a power cut: what was not on
 * the disk may be gone. What is written is written in a session.
 */
import { MAIL_LIMITS } from '../../../src/node/engine/limits.ts'
import { compareBoth, introduce } from '../../../test/sim/conversation.ts'
import { Chance } from '../../../test/sim/random.ts'
import { placeAt, type SimNode } from '../../../test/sim/sim-node.ts'
import { settled, World } from '../../../test/sim/world.ts'
import { DAY, HOUR, hoursOf, isWithin, type Rhythm, type Span } from './hours.ts'
import { Ledger, type Text } from './ledger.ts'
import { Meter, type Traffic } from './meter.ts'
import { earliest, timeTogether } from './possible.ts'

const MINUTE = HOUR / 60
export const FRIENDS = 8
/** How far each text is followed. */
export const FOLLOWED = 30 * DAY
const ELSEWHERE = 0.3
/** Ports of one address before the next: no place is used twice. */
const PORTS = 1000
const LONGEST_TEXT = 120

export interface Setting {
  readonly rhythm: Rhythm
  /** Of the time that each friend is online. */
  readonly share: number
  /** Friends who carry for each. */
  readonly carriers: number | 'always-on'
}

export interface Amount {
  /** During which texts are written, so many by each friend on each. */
  readonly days: number
  readonly textsADay: number
}

export interface Outcome {
  /** `possible`: the earliest that any program could have brought it, in milliseconds since it was written. */
  readonly texts: readonly (Text & { readonly possible: number })[]
  readonly traffic: Traffic
  /** Days that were looked at, for each friend; and hours for which two of them were online together, all pairs. */
  readonly days: number
  readonly linkHours: number
  /** Share of the time that friends were online while texts were written. */
  readonly online: number
  /** What was lost, doubled, disordered, or wrong in another way when all had met at last. */
  readonly wrong: readonly string[]
}

/** Performs one seed of a setting. The same seed gives the same outcome. */
export async function runCircle(setting: Setting, seed: number, amount: Amount): Promise<Outcome> {
  const meter = new Meter()
  const ledger = new Ledger()
  const world = watched(seed, meter, ledger)
  await world.continue(await acquainted(setting.carriers))
  const start = world.now()
  const chance = new Chance(seed * 7919 + 17)
  const friends = world.nodes.slice(0, FRIENDS)
  const hours = hoursOfAll(setting, amount, chance)
  const isOver = { now: false }
  for (const [n, node] of friends.entries()) keepHours(world, node, hours[n] ?? [], chance, isOver)
  const said = new Map<string, Set<string>>()
  for (const [n, node] of friends.entries())
    for (const [m, moment] of momentsIn(hours[n] ?? [], amount, chance).entries())
      world.later(moment, () => write(world, node, at(friends, readerOf(n, m)), ledger, said))
  await settled()
  await world.clock.runUntil(start + amount.days * DAY)
  const end = start + amount.days * DAY + FOLLOWED
  while (world.now() < end && !ledger.isDone) await world.clock.runUntil(world.now() + HOUR)
  const passed = world.now() - start
  const traffic = { ...meter.traffic }
  const placeOf = (id: Text['writer']): number => friends.findIndex((friend) => friend.id === id)
  const texts = ledger.all.map((text) => ({
    ...text,
    possible: possible(placeOf(text.writer), placeOf(text.reader), text.at - start, hours, setting.carriers),
  }))
  isOver.now = true
  const wrong = await reunite(world, friends, ledger, said)
  return { texts, traffic, ...presence(setting, hours, amount, passed), wrong }
}

/** A world in which all is heard that nodes do and are told. */
function watched(seed: number, meter: Meter, ledger: Ledger): World {
  const world: World = new World(seed, {
    effect: (effect, _, { id }) => {
      meter.effect(effect)
      if (effect.type === 'stored-event') ledger.told(id, effect.body, world.now())
      return true
    },
    input: (input) => {
      meter.input(input)
      return input
    },
  })
  world.limits = MAIL_LIMITS
  world.byAddress = true
  world.dialsOnce = true
  // Whoever comes online dials everybody: that others dial less often than the net does changes bytes, and no delivery.
  world.dialFirst = MINUTE
  world.dialMost = HOUR
  return world
}

function presence(
  { carriers }: Setting,
  hours: readonly Hours[],
  { days }: Amount,
  passed: number,
): Pick<Outcome, 'days' | 'linkHours' | 'online'> {
  const all = carriers === 'always-on' ? [...hours, ALWAYS] : hours
  const pairs = all.flatMap((a, n) => all.slice(n + 1).map((b) => timeTogether(a, b, passed)))
  const online = hours.flat().reduce((sum, { from, to }) => sum + within(from, to, days * DAY), 0)
  return {
    days: passed / DAY,
    linkHours: pairs.reduce((sum, ms) => sum + ms, 0) / HOUR,
    online: online / (FRIENDS * days * DAY),
  }
}

const ALWAYS: readonly Span[] = [{ from: 0, to: Number.POSITIVE_INFINITY }]
const within = (from: number, to: number, end: number): number => Math.max(0, Math.min(to, end) - from)
const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

const beginnings = new Map<Setting['carriers'], Promise<World>>()

/** Friends who know each other and have chosen their carriers: one beginning for all seeds. */
function acquainted(carriers: Setting['carriers']): Promise<World> {
  const begun = beginnings.get(carriers) ?? begin(carriers)
  beginnings.set(carriers, begun)
  return begun
}

async function begin(carriers: Setting['carriers']): Promise<World> {
  const world = new World(1)
  world.limits = MAIL_LIMITS
  const nodes = FRIENDS + (carriers === 'always-on' ? 1 : 0)
  for (let n = 0; n < nodes; n++) await world.add(String.fromCharCode(97 + n))
  for (const [n, node] of world.nodes.entries())
    for (const other of world.nodes.slice(n + 1)) introduce(world, node, other)
  await settled()
  await world.clock.runUntil(world.now() + 3 * MINUTE)
  for (const [n, node] of world.nodes.slice(0, FRIENDS).entries())
    for (const carrier of carriersOf(n, carriers))
      node.command({ name: 'carrier', contact: at(world.nodes, carrier).id, on: true })
  await settled()
  await world.clock.runUntil(world.now() + 10 * MINUTE)
  if (world.reported.length > 0) throw new Error(world.reported[0])
  return world
}

/** Places in the circle; the node that is always on comes after the last friend. */
function carriersOf(friend: number, carriers: Setting['carriers']): readonly number[] {
  if (carriers === 'always-on') return [FRIENDS]
  return Array.from({ length: carriers }, (_, n) => (friend + 1 + n) % FRIENDS)
}

function keepHours(
  world: World,
  node: SimNode,
  hours: readonly Span[],
  chance: Chance,
  isOver: { now: boolean },
): void {
  if (!isWithin(hours, 0)) node.crash(Number.POSITIVE_INFINITY)
  for (const { from, to } of hours) {
    if (from > 0)
      world.later(from, () => {
        if (isOver.now) return
        if (chance.happens(ELSEWHERE)) node.move(nextPlace(world))
        void node.start().catch((error) => world.report(node, error))
      })
    world.later(to, () => {
      if (!isOver.now) node.crash(Number.POSITIVE_INFINITY)
    })
  }
}

/** One where nobody was before. */
function nextPlace(world: World): ReturnType<typeof placeAt> {
  const used = world.nodes.reduce((sum, { pastPlaces }) => sum + pastPlaces.length, 0)
  return placeAt(100 + Math.floor(used / PORTS), 4000 + (used % PORTS))
}

/** Moments while somebody is online, in any order. */
function momentsIn(hours: readonly Span[], { days, textsADay }: Amount, chance: Chance): readonly number[] {
  const lengths = hours.map(({ from, to }) => within(from, to, days * DAY))
  const all = lengths.reduce((sum, length) => sum + length, 0)
  if (all === 0) return []
  return Array.from({ length: days * textsADay }, () => {
    let left = chance.next() * all
    const nth = lengths.findIndex((length) => {
      if (left < length) return true
      left -= length
      return false
    })
    return Math.floor((hours[nth]?.from ?? 0) + left)
  })
}

function write(world: World, from: SimNode, to: SimNode, ledger: Ledger, said: Map<string, Set<string>>): void {
  const now = world.now()
  const text = `${now} ${'x'.repeat(world.chance.below(LONGEST_TEXT))}`
  from.command({ name: 'send', contact: to.id, text, replyTo: null }, (stored) => {
    const { counter } = stored as { counter?: number }
    if (counter === undefined) return void world.reported.push(`${from.name} could not write`)
    ledger.written(from.id, to.id, counter, now)
    const pair = `${from.id}>${to.id}`
    said.set(pair, (said.get(pair) ?? new Set()).add(text))
  })
}

/** How long what friend `n` writes to friend `to` takes at best, from `at` on. */
function possible(n: number, to: number, at: number, hours: readonly Hours[], carriers: Setting['carriers']): number {
  const carrying = carriersOf(to, carriers).map((carrier) => hours[carrier] ?? ALWAYS)
  return earliest(at, hours[n] ?? [], hours[to] ?? [], carrying) - at
}

/**
 * How long texts would take at best in so many other circles: of hours alone, without any node, so that there can be many. In
 * milliseconds; infinite: longer than they are followed.
 */
export function bestOf(setting: Setting, circles: number, amount: Amount): readonly number[] {
  const delays: number[] = []
  for (let circle = 0; circle < circles; circle++) {
    const chance = new Chance(1_000_003 * (circle + 1))
    const hours = hoursOfAll(setting, amount, chance)
    for (const n of hours.keys())
      for (const [m, moment] of momentsIn(hours[n] ?? [], amount, chance).entries())
        delays.push(possible(n, readerOf(n, m), moment, hours, setting.carriers))
  }
  return delays
}

type Hours = readonly Span[]

function hoursOfAll({ rhythm, share }: Setting, { days }: Amount, chance: Chance): readonly Hours[] {
  const end = days * DAY + FOLLOWED
  return Array.from({ length: FRIENDS }, () => hoursOf(rhythm, share, end, () => chance.next()))
}

/** To whom the text `m` of friend `n` goes. */
const readerOf = (n: number, m: number): number => (n + 1 + (m % 2)) % FRIENDS

/** All come online and stay, for a day at most: then each has what was written to it, once and in order. */
async function reunite(
  world: World,
  friends: readonly SimNode[],
  ledger: Ledger,
  said: Map<string, Set<string>>,
): Promise<readonly string[]> {
  const start = world.now()
  for (const node of friends) if (node.phase === 'down') void node.start()
  await settled()
  world.heal()
  while (world.now() < start + DAY && !ledger.isDone) await world.clock.runUntil(world.now() + MINUTE)
  const wrong = [...world.reported]
  for (const [n, node] of friends.entries())
    for (const other of [at(friends, n + 1), at(friends, n + 2)]) wrong.push(...(await compareBoth(node, other, said)))
  return wrong
}
