/**
 * Networks made of the kernel's own parts: hosts in network namespaces, switches, routers that translate addresses.
 *
 *     const nets = await Networks.make()
 *     nets.lan('10.9.0', ['a', 'b'])            two hosts on one switch, no route beyond it
 *     nets.internet('c', '5.5.1.1')             a host that the whole internet reaches, alone in its /24
 *     nets.router('n1', '5.5.2.1', '192.168.1', ['a'], 'masquerade')
 *
 * Holds: all of it goes when the test file ends; names carry the process's number, so that two runs do not meet; no packet
 * leaves this machine.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** How a router translates: it keeps the port where it can, or draws one at random for each other end. */
export type Translation = 'masquerade' | 'masquerade fully-random'

/** Against hangs: each of these tests starts several programs, some a dozen times. A long run has none. */
export const DEADLINE = { timeout: process.env.TULNIC_LONG === undefined ? 600_000 : 0 }

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

/** Where "ip netns exec" takes a namespace's files of /etc from. */
const RESOLVERS = '/etc/netns'

let made = 0

export class Networks {
  readonly #prefix = `tn${process.pid}-${made++}-`
  readonly #spaces: string[] = []
  /** The wires of hosts to the internet's core. */
  readonly #uplinks = new Map<string, string>()
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

  /**
   * Splits a switch: whoever is in one of these groups reaches nobody of another. `silent`: what is sent across is lost; `refused`:
   * connections across are reset at once; `unplugged`: no host has a network at all, but those of the first group. Answers how to heal it.
   */
  split(subnet: string, groups: readonly (readonly string[])[], how: 'silent' | 'refused' | 'unplugged'): () => void {
    if (how === 'silent') return this.#splitSilently(`hub-${subnet}`, groups)
    if (how === 'refused') return this.#splitRefusing(groups)
    const [, ...others] = groups
    const wires = others.flat().map((host) => this.#onlyWire(host))
    const set = (state: string): void =>
      wires.forEach((wire) => void this.ip(`hub-${subnet}`, 'link', 'set', wire, state))
    set('down')
    return () => set('up')
  }

  #splitSilently(hub: string, groups: readonly (readonly string[])[]): () => void {
    const set = (hosts: readonly string[]): string => hosts.map((host) => `"${this.#onlyWire(host)}"`).join(', ')
    const rules = groups.map((group) => {
      const others = groups.filter((one) => one !== group).flat()
      return `iifname { ${set(group)} } oifname { ${set(others)} } drop`
    })
    this.nft(
      hub,
      `table bridge split { chain through { type filter hook forward priority 0 ;\n${rules.join('\n')}\n}\n}`,
    )
    return () => void this.exec(hub, 'nft', 'delete', 'table', 'bridge', 'split')
  }

  #splitRefusing(groups: readonly (readonly string[])[]): () => void {
    const address = (host: string): string =>
      / inet ([\d.]+)\//.exec(this.ip(host, 'addr', 'show', 'dev', this.#onlyWire(host)))?.[1] ?? ''
    for (const group of groups) {
      const others = groups
        .filter((one) => one !== group)
        .flat()
        .map(address)
        .join(', ')
      const rules = `ip saddr { ${others} } meta l4proto tcp reject with tcp reset\nip saddr { ${others} } drop`
      for (const host of group)
        this.nft(host, `table inet split { chain in { type filter hook input priority 0 ;\n${rules}\n}\n}`)
    }
    return () => groups.flat().forEach((host) => void this.exec(host, 'nft', 'delete', 'table', 'inet', 'split'))
  }

  /** A host on the internet: alone in its /24, and a core that knows the way to all others. */
  internet(host: string, address: string): void {
    this.host('core')
    if (this.#uplinks.size === 0) this.exec('core', 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    this.#uplinks.set(host, this.#wire('core', host))
    this.move(host, address)
  }

  /** Gives a host with one wire, or one on the internet, another address. */
  move(host: string, address: string): void {
    const uplink = this.#uplinks.get(host)
    const wire = uplink ?? this.#onlyWire(host)
    this.ip(host, 'addr', 'flush', 'dev', wire)
    this.ip(host, 'addr', 'add', `${address}/24`, 'dev', wire)
    if (uplink === undefined) return
    const core = `${address.split('.').slice(0, 3).join('.')}.254`
    this.ip('core', 'addr', 'flush', 'dev', wire)
    this.ip('core', 'addr', 'add', `${core}/24`, 'dev', wire)
    this.ip(host, 'route', 'replace', 'default', 'via', core)
  }

  /** Pulls the cable of a host on the internet, without a word to anybody: packets to and from it are lost. */
  cut(host: string): void {
    const wire = this.#uplinks.get(host)
    this.nft(
      'core',
      `table ip cut-${wire} {
         chain through { type filter hook forward priority 0 ; iifname "${wire}" drop ; oifname "${wire}" drop ; }
       }`,
    )
  }

  /** Plugs the cable in again. */
  mend(host: string): void {
    this.exec('core', 'nft', 'delete', 'table', 'ip', `cut-${this.#uplinks.get(host)}`)
  }

  /** Lets everybody in at a TCP port of a router, to that port of the host at `inside`. */
  forward(router: string, port: number, inside: string): void {
    this.nft(
      router,
      `table ip forward {
         chain pre { type nat hook prerouting priority -100 ; iifname "${this.#uplinks.get(router)}" tcp dport ${port} dnat to ${inside} ; }
       }`,
    )
  }

  /** Gives a host behind a router the address with that number in the router's subnet. */
  moveInside(router: string, host: string, number: number): void {
    const gateway = / inet ([\d.]+)\//.exec(this.ip(router, 'addr', 'show', 'dev', 'br0'))?.[1] ?? ''
    this.move(host, gateway.replace(/\d+$/, String(number)))
    this.ip(host, 'route', 'add', 'default', 'via', gateway)
  }

  #onlyWire(host: string): string {
    return /^(w\d+)/m.exec(this.ip(host, '-br', 'link'))?.[1] ?? ''
  }

  /** Hosts behind a router of their own, at `inside`.10, .11 …; the router is at `outside` on the internet, and lets nobody in. */
  router(name: string, outside: string, inside: string, behind: readonly string[], translation: Translation): void {
    this.internet(name, outside)
    const out = this.#uplinks.get(name)
    this.ip(name, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0')
    this.ip(name, 'link', 'set', 'br0', 'up')
    this.ip(name, 'addr', 'add', `${inside}.1/24`, 'dev', 'br0')
    for (const [i, host] of behind.entries()) {
      this.#plug(name, host, `${inside}.${10 + i}`)
      this.ip(host, 'route', 'add', 'default', 'via', `${inside}.1`)
    }
    this.exec(name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    this.nft(
      name,
      `table ip nat {
         chain post { type nat hook postrouting priority 100 ; oifname "${out}" ${translation} ; }
       }`,
    )
    this.nft(
      name,
      `table ip closed {
         chain in { type filter hook input priority 0 ; iifname "${out}" ct state new drop ; }
         chain through { type filter hook forward priority 0 ; ct status dnat accept ; iifname "${out}" ct state new drop ; }
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
    return this.#counted(host, 'watch', 'elsewhere')
  }

  /** Whom programs ask for names from now on that are started on a host. */
  nameServer(host: string, address: string): void {
    const folder = join(RESOLVERS, this.host(host))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'resolv.conf'), `nameserver ${address}\noptions timeout:1 attempts:1\n`)
  }

  /** Counts what leaves a host for any name server. */
  countNames(host: string): void {
    this.nft(
      host,
      `table inet names {
         counter asked { }
         chain out { type filter hook output priority 0 ; meta l4proto { tcp, udp } th dport 53 counter name asked accept ; }
       }`,
    )
  }

  /** Packets that {@link countNames} counted. */
  namesAsked(host: string): number {
    return this.#counted(host, 'names', 'asked')
  }

  #counted(host: string, table: string, counter: string): number {
    const text = this.exec(host, 'nft', 'list', 'counter', 'inet', table, counter)
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
    for (const space of this.#spaces.splice(0)) {
      run('ip', 'netns', 'del', space)
      rmSync(join(RESOLVERS, space), { recursive: true, force: true })
    }
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
