/**
 * R7 for mail: two write to each other through a third's node, and the disk of each of the three fails while mail flows.
 *
 *     full ──▶ read-only ──▶ writable, with space: the node goes on by itself
 *     the kernel finds the file system faulty: read-only at once ──▶ repaired: the node is started again
 *
 * Judged: meanwhile one plain sentence, everywhere where it is asked, and nobody is told what is not so; afterwards nothing lost,
 * nothing doubled, in order, no letter left behind.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Disk, missingForDisks } from './disk.ts'
import { type Person, WAIT_MS } from './people.ts'
import { DEADLINE, type Three, threeApart } from './through-carrier.ts'
import { clientOf, judge, nothingQueued, until, Writer } from './writer.ts'

const title = `a disk that fails under mail${missingForDisks === null ? '' : ` (skipped: ${missingForDisks})`}`

const FULL = /^The disk is full: free some space, then start again\. \([^)]+\)$/
const READ_ONLY = /^The disk is read-only: make it writable or move the profile, then start again\. \([^)]+\)$/

/** Texts of each from one round to the next. */
const options = { atOnce: 1, most: 5 }

interface Flow extends Three {
  readonly disks: ReadonlyMap<Person, Disk>
  readonly writers: readonly [Writer, Writer]
}

/** Three who have a disk each; mail flows as soon as the two write. */
async function flowing(): Promise<Flow> {
  const disks = new Map<Person, Disk>()
  const three = await threeApart((person) => {
    const disk = new Disk(person.data)
    disks.set(person, disk)
    onTestFinished(async () => {
      await person.stop('SIGKILL')
      disk.remove()
    })
  })
  const { ana, bogdan } = three
  const writers = [new Writer(ana, bogdan.id, options), new Writer(bogdan, ana.id, options)] as const
  for (const writer of writers) await writer.connect()
  return { ...three, disks, writers }
}

/** The two write until somebody's node has noticed what its disk is like. */
async function untilTrouble({ writers }: Flow, person: Person): Promise<void> {
  const client = await clientOf(person)
  const look = async (): Promise<string | null> => {
    for (const writer of writers) writer.write()
    return (await client.call('status')).storage.trouble
  }
  await expect.poll(look, { interval: 200, timeout: WAIT_MS }).not.toBeNull()
  client.close()
}

/** Somebody's node says of its disk what is expected, everywhere; what is written to `to` is refused. */
async function says(person: Person, sentence: RegExp, to: Person): Promise<void> {
  await until(person, async (client) => sentence.test((await client.call('status')).storage.trouble ?? ''))
  const { code, out, err } = await person.run(['send', to.id, 'refused'])
  expect([code, out, err.replace(/^tulnic: /, '').trim()]).toEqual([1, '', expect.stringMatching(sentence)])
  const { findings } = await person.get('doctor')
  expect(findings).toContainEqual(expect.objectContaining({ level: 'problem', code: 'not-stored' }))
}

const isWell = (person: Person): Promise<void> =>
  until(person, async (client) => (await client.call('status')).storage.trouble === null)

/** What was told to be delivered is there. */
async function areHonest([one, other]: Flow['writers']): Promise<void> {
  await other.has(await one.told('delivered', 'read'))
  await one.has(await other.told('delivered', 'read'))
}

/** What the two wrote and nobody's disk refused is there, once and in order, at both. */
async function endsWell({ ana, bogdan, carmen, writers }: Flow): Promise<void> {
  for (const writer of writers) writer.write()
  await Promise.all(writers.map((writer) => writer.rest()))
  await Promise.all([ana, bogdan].map(nothingQueued))
  const here = await judge(writers)
  expect(here.filter(({ text }) => text === 'refused')).toEqual([])
  await until(carmen, async (client) => (await client.call('status')).mail?.letters === 0)
}

describe.skipIf(missingForDisks !== null)(title, DEADLINE, () => {
  it('R7: full, read-only and faulty, under each of carrier, recipient and sender', async () => {
    const flow = await flowing()
    const { ana, bogdan, carmen, disks, writers } = flow
    for (const victim of [carmen, bogdan, ana]) {
      const to = victim === ana ? bogdan : ana
      const disk = disks.get(victim) as Disk
      disk.fill()
      await untilTrouble(flow, victim)
      await says(victim, FULL, to)
      // It looks for its disk now and then, and has nothing open in between.
      await expect.poll(() => disk.makeReadOnly()).toBe(true)
      await says(victim, READ_ONLY, to)
      disk.makeWritable()
      disk.free()
      await isWell(victim)
      await areHonest(writers)

      disk.fail()
      await untilTrouble(flow, victim)
      await says(victim, READ_ONLY, to)
      expect(await victim.stop()).toBe(0)
      disk.repair()
      await victim.start()
      for (const writer of writers) if (writer.person === victim) await writer.connect()
      await areHonest(writers)
    }
    await endsWell(flow)
  })
})
