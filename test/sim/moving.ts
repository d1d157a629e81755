/**
 * The play of who moves: people who know each other change addresses and PeerIDs while apart, again and again, with nothing but a
 * DHT to find each other by, whose servers hide, forge and hand out what is old; then it heals, and is judged as in `conversation.ts`.
 */
import { HONEST } from './board.ts'
import { introduce, isQuiet, judge, mishap, say } from './conversation.ts'
import { type Faults, placeAt, type SimNode } from './sim-node.ts'
import { settled, World } from './world.ts'

const MINUTE = 60_000

export interface Moved {
  /** What was found wrong; empty: nothing. */
  readonly wrong: readonly string[]
  readonly messages: number
  readonly moves: number
  readonly renewals: number
  readonly lookUps: number
  /** Virtual milliseconds from healing until nothing was owed. */
  readonly healedAfter: number
}

/** Performs one seed. Throws nothing for what it finds. */
export async function performMoving(seed: number, faults: Faults = {}): Promise<Moved> {
  const counted = { lookUps: 0, moves: 0, renewals: 0 }
  const world = new World(seed, {
    ...faults,
    effect: (effect, chance, node) => {
      if (effect.type === 'look-up') counted.lookUps++
      return faults.effect?.(effect, chance, node) ?? true
    },
  })
  const stored = new Map<string, Set<string>>()
  const names = ['ana', 'bogdan', 'clara'].slice(0, world.chance.happens(0.3) ? 3 : 2)
  for (const name of names) await world.add(name)
  await acquaint(world)
  world.byAddress = true
  await trouble(world, stored, counted)
  const healedAfter = await heal(world, stored)
  const wrong = [...world.reported]
  for (const node of world.nodes) wrong.push(...(await judge(world, node, stored)))
  const messages = [...stored.values()].reduce((sum, set) => sum + set.size, 0)
  return { wrong, messages, ...counted, healedAfter }
}

/** Two at least know each other and have told each other where they will be found; a third may still have to be invited. */
async function acquaint(world: World): Promise<void> {
  const [ana, bogdan] = world.nodes as [SimNode, SimNode]
  introduce(world, ana, bogdan)
  const knows = (node: SimNode): boolean => [...(node.engine?.resident.maps.grants.values() ?? [])].length > 0
  for (let n = 0; n < 30 && !(knows(ana) && knows(bogdan)); n++) await world.clock.runUntil(world.now() + 10_000)
  await world.clock.runUntil(world.now() + 10_000)
}

async function trouble(
  world: World,
  stored: Map<string, Set<string>>,
  counted: { moves: number; renewals: number },
): Promise<void> {
  const { chance, clock } = world
  world.weather = { drop: chance.next() * 0.1, double: 0.1, reorder: chance.next() * 0.2, delay: 5 + chance.below(800) }
  const end = clock.now + (15 + chance.below(30)) * MINUTE
  const [ana, , clara] = world.nodes
  if (ana !== undefined && clara !== undefined) introduce(world, ana, clara)
  const again = (every: number, act: () => void): void => {
    world.later(chance.below(every), () => {
      if (clock.now >= end) return
      act()
      again(every, act)
    })
  }
  again(20_000 + chance.below(60_000), () => say(world, stored))
  again(4 * MINUTE, () => mishap(world))
  again(4 * MINUTE, () => {
    for (const node of world.nodes)
      if (Math.abs(node.skew) > 20 * MINUTE) node.skew = (chance.next() - 0.5) * 40 * MINUTE
  })
  again(3 * MINUTE, () => {
    for (const node of world.nodes.filter(() => chance.happens(0.6))) node.move(placeAt(100 + ++counted.moves))
  })
  again(4 * MINUTE, () => {
    counted.renewals++
    chance.pick(world.nodes).renew()
  })
  again(5 * MINUTE, () => {
    world.board.isThere = chance.happens(0.8)
    const bad = (): number => (chance.happens(0.5) ? 0 : chance.next() * 0.5)
    world.board.mischief = { hide: bad(), old: bad(), garbage: bad(), foreign: bad() }
  })
  await clock.runUntil(end)
}

/**
 * All move once more, at one moment, and somebody writes; then good weather and honest servers for five minutes at most. How
 * long it took until nothing was owed.
 */
async function heal(world: World, stored: Map<string, Set<string>>): Promise<number> {
  const { clock } = world
  for (const node of world.nodes) node.fuse = Number.POSITIVE_INFINITY
  while (world.nodes.some((node) => node.phase === 'down')) await clock.runUntil(clock.now + 1000)
  for (const node of world.nodes) {
    node.skew = 0
    node.take({ type: 'timer' })
    node.move(placeAt(60_000 + world.nodes.indexOf(node)))
  }
  for (let n = 0; n < 5; n++) say(world, stored)
  world.board.isThere = true
  world.board.mischief = HONEST
  await settled()
  world.heal()
  await settled()
  const start = clock.now
  while (clock.now < start + 5 * MINUTE && !world.nodes.every(isQuiet)) await clock.runUntil(clock.now + 1000)
  return clock.now - start
}
