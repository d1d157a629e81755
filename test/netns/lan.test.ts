/**
 * A network that leads nowhere: two hosts on one switch, no route, no name service. Real programs in network namespaces.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Person } from '../e2e/people.ts'
import { DEADLINE, missing, Networks } from './networks.ts'

const title = `an isolated network${missing === null ? '' : ` (skipped: ${missing})`}`

/** The switch's own addresses, and multicast DNS. */
const NEAR = ['10.9.0.0/24', '224.0.0.251']

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('two who know each other find each other there and talk; nothing is sent elsewhere', async () => {
    const nets = Networks.make()
    nets.lan('10.9.0', ['a', 'b'])
    for (const host of ['a', 'b']) nets.watch(host, NEAR)
    const ana = new Person('Ana', [], nets.host('a'))
    const bogdan = new Person('Bogdan', [], nets.host('b'))
    onTestFinished(() => Promise.all([ana.remove(), bogdan.remove()]).then(() => undefined))
    await ana.get('init', '--name', 'Ana', '--no-passphrase')
    await bogdan.get('init', '--name', 'Bogdan', '--no-passphrase')
    await ana.start()
    await bogdan.start()
    await bogdan.get('add', (await ana.get('invite')).link, '--wait')

    await Promise.all([ana.stop(), bogdan.stop()])
    // Both get other addresses while they are away, so that only the local network can tell.
    nets.move('a', '10.9.0.101')
    nets.move('b', '10.9.0.102')
    await ana.start()
    bogdan.events.length = 0
    const before = performance.now()
    await bogdan.start()
    const { via } = await bogdan.event((event) => event.type === 'connection' && event.via !== null)
    console.info(
      `R10: found each other ${Math.round(performance.now() - before)} ms after the program's start (bar: 5 s)`,
    )
    expect(via).toBe('lan')
    expect(await bogdan.get('send', 'Ana', 'here', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    expect(await ana.get('send', 'Bogdan', 'there', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    await Promise.all([ana.stop(), bogdan.stop()])
    expect([nets.elsewhere('a'), nets.elsewhere('b')]).toEqual([0, 0])
  })

  it('counts what is sent elsewhere (the control)', () => {
    const nets = Networks.make()
    nets.lan('10.9.0', ['a'])
    nets.watch('a', NEAR)
    nets.ip('a', 'route', 'add', 'default', 'via', '10.9.0.7')
    const send = `const socket = require('dgram').createSocket('udp4'); socket.send('x', 9, '5.5.5.5', () => socket.close())`
    nets.exec('a', process.execPath, '-e', send)
    expect(nets.elsewhere('a')).toBe(1)
  })
})
