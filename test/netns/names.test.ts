/**
 * A contact names a host where an address belongs, so that we ask a name server whom we talk to. Real programs in network
 * namespaces; the contact's is made for it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Person } from '../e2e/people.ts'
import { Internet, isPath, placed, talk } from './internet.ts'
import { DEADLINE, missing } from './networks.ts'

const title = `a contact who names hosts${missing === null ? '' : ` (skipped: ${missing})`}`

const NAMING = fileURLToPath(new URL('naming-main.ts', import.meta.url))

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('is met directly all the same, and no name server is asked, whoever of the two makes the offer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-named-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'said')
    const net = Internet.make()
    const rares = await net.reachable('Rareș')
    const ana = await net.behind('masquerade', 'Ana')
    const bogdan = await net.behind('masquerade', 'Bogdan')
    for (const person of [ana, bogdan]) await net.acquaint(person, rares)
    await placed(ana)
    const at = net.hostOf(ana)
    net.nets.nameServer(at, '5.5.250.1')
    net.nets.countNames(at)
    await ana.stop()
    await ana.start()
    await placed(ana)
    await bogdan.stop()
    bogdan.main = NAMING
    bogdan.env = { TULNIC_NAMED: file }
    await bogdan.start()
    await net.acquaint(bogdan, ana)
    // The lower PeerID makes the offer, and PeerIDs are new at each start. An offer too many waits half a minute: none is made in vain.
    const played = new Set<boolean>()
    for (;;) {
      const offers = (await peerIdOf(bogdan)) < (await peerIdOf(ana))
      if (!played.has(offers)) {
        await ana.event(isPath(bogdan, 'direct'))
        await talk(ana, bogdan, 'directly')
        played.add(offers)
      }
      if (played.size === 2) break
      await bogdan.stop()
      ana.events.length = 0
      await bogdan.start()
    }
    expect(readFileSync(file, 'utf8').split('\n')).toEqual(expect.arrayContaining(['offer', 'answer', 'candidate']))
    expect(net.nets.namesAsked(at)).toBe(0)
    // The control: a program there that looks a name up is counted.
    const lookUp = `require('dns').lookup('where.example', () => {})`
    net.nets.exec(at, process.execPath, '-e', lookUp)
    expect(net.nets.namesAsked(at)).toBeGreaterThan(0)
  })
})

/** As text: those of nodes are of one length, so that texts stand in the order of the bytes. */
async function peerIdOf(person: Person): Promise<string> {
  await placed(person)
  const { addresses } = await person.get('status')
  return /p2p-circuit\/p2p\/(\w+)$/m.exec(addresses.join('\n'))?.[1] ?? ''
}
