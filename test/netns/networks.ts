/**
 * Networks made of the kernel's own parts: hosts in network namespaces, switches, routers that translate addresses.
 *
 *     const nets = await Networks.make()
 *     nets.lan('10.9.0', ['a', 'b'])            two hosts on one switch, no route beyond it
 *     nets.router('n1', '5.5.5.2', '192.168.1', 'a', 'masquerade')
 *
 * Holds: all of it goes when the test file ends; names carry the process's number, so that two runs do not meet; no packet
 * leaves this machine.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { onTestFinished } from 'vitest'

/** How a router translates: it keeps the port where it can, draws one at random, or lets nobody in and changes nothing. */
export type Translation = 'masquerade' | 'masquerade fully-random'

/** What this machine lacks for such networks, in words; `null`: nothing. */
export const missing: string | null = whatIsMissing()

function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['ip', 'nft']) {
    if (spawnSync(program, ['-V']).error !== undefined) return `needs the program "${program}"`
  }
  const probe = `tulnic-probe-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'cannot make network namespaces'
  spawnSync('ip', ['netns', 'del', probe])
  return null
}

let made = 0

export class Networks {
  readonly #prefix = `tn${process.pid}-${made++}-`
  readonly #spaces: string[] = []
  #links = 0

  /** Networks that go when the test is over. */
  static make(): Networks {
    const nets = new Networks()
    onTestFinished(() => nets.remove())
    return nets
  }

  /** The namespace of a host, made when it is first named. */
  host(name: string): string {
    const space = this.#prefix + name
    if (this.#spaces.includes(space)) return space
    run('ip', 'netns', 'add', space)
    this.#spaces.push(space)
    this.ip(name, 'link', 'set', 'lo', 'up')
    return space
  }

  /** A switch with these hosts at `subnet`.1, .2 …, all /24 and without a route beyond. */
  lan(subnet: string, hosts: readonly string[], first = 1): void {
    const hub = `hub-${subnet}`
    this.host(hub)
    if (!this.ip(hub, '-br', 'link').includes('br0')) {
      this.ip(hub, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0')
      this.ip(hub, 'link', 'set', 'br0', 'up')
    }
    for (const [i, host] of hosts.entries()) this.#plug(hub, host, `${subnet}.${first + i}`)
  }

  /** Gives a host with one wire another address. */
  move(host: string, address: string): void {
    const wire = /^(w\d+)/m.exec(this.ip(host, '-br', 'link'))?.[1] ?? ''
    this.ip(host, 'addr', 'flush', 'dev', wire)
    this.ip(host, 'addr', 'add', `${address}/24`, 'dev', wire)
  }

  /** A host behind its own router: `inside`.10 in the router's /24; the router is `outside` on the switch of its subnet. */
  router(name: string, outside: string, inside: string, behind: string, translation: Translation): void {
    this.lan(outside.split('.').slice(0, 3).join('.'), [name], Number(outside.split('.')[3]))
    const wire = this.#wire(name, behind)
    this.ip(name, 'addr', 'add', `${inside}.1/24`, 'dev', wire)
    this.ip(behind, 'addr', 'add', `${inside}.10/24`, 'dev', wire)
    this.ip(behind, 'route', 'add', 'default', 'via', `${inside}.1`)
    this.exec(name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    this.nft(
      name,
      `table ip nat {
         chain post { type nat hook postrouting priority 100 ; oifname != "${wire}" ${translation} ; }
       }`,
    )
    this.nft(
      name,
      `table ip closed {
         chain in { type filter hook input priority 0 ; iifname != "${wire}" iifname != "lo" ct state new drop ; }
         chain through { type filter hook forward priority 0 ; iifname != "${wire}" ct state new drop ; }
       }`,
    )
  }

  /** Counts what leaves a host for anywhere but these destinations (and its own link's housekeeping). */
  watch(host: string, allowed: readonly string[]): void {
    const rules = allowed.map((to) => `ip daddr ${to} accept`).join('\n')
    this.nft(
      host,
      `table inet watch {
         counter elsewhere { }
         chain out { type filter hook output priority 0 ;
           oifname "lo" accept
           ${rules}
           ip daddr 224.0.0.22 accept comment "membership of multicast groups, by the kernel"
           ip6 daddr { fe80::/10, ff02::/16 } accept
           counter name elsewhere accept
         }
       }`,
    )
  }

  /** Packets that {@link watch} counted. */
  elsewhere(host: string): number {
    const text = this.exec(host, 'nft', 'list', 'counter', 'inet', 'watch', 'elsewhere')
    return Number(/packets (\d+)/.exec(text)?.[1] ?? Number.NaN)
  }

  nft(host: string, rules: string): void {
    execFileSync('ip', ['netns', 'exec', this.host(host), 'nft', '-f', '-'], { input: rules })
  }

  ip(host: string, ...args: string[]): string {
    return run('ip', '-n', this.host(host), ...args)
  }

  exec(host: string, ...args: string[]): string {
    return run('ip', 'netns', 'exec', this.host(host), ...args)
  }

  remove(): void {
    for (const space of this.#spaces.splice(0)) run('ip', 'netns', 'del', space)
  }

  #plug(hub: string, host: string, address: string): void {
    const wire = this.#wire(host, hub)
    this.ip(hub, 'link', 'set', wire, 'master', 'br0')
    this.ip(host, 'addr', 'add', `${address}/24`, 'dev', wire)
  }

  /** A wire between two hosts; both ends bear the same name. */
  #wire(one: string, other: string): string {
    const name = `w${this.#links++}`
    this.host(one)
    run(
      'ip',
      'link',
      'add',
      name,
      'netns',
      this.host(one),
      'type',
      'veth',
      'peer',
      'name',
      name,
      'netns',
      this.host(other),
    )
    this.ip(one, 'link', 'set', name, 'up')
    this.ip(other, 'link', 'set', name, 'up')
    return name
  }
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
