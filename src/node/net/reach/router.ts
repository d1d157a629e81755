/**
 * The router's own offer to let others in (UPnP Internet Gateway Device, WANIPConnection and WANPPPConnection 1 and 2).
 *
 *     search, on each network ──▶ description ──▶ external address: public? ──▶ mapping for an hour ──▶ open ── renewed at half
 *          ▲                          └─ none          └─ behind another             └─ refused                  stop: taken back
 *          └──────────────── after half an hour, or when the network changed ─────────────┘
 *
 * What the router says of our address is a candidate: it counts when others got through to it (reach.ts), and never before.
 *
 * The library that libp2p has for this fetches whatever address an answer names, of whatever size, as any host of the network may
 * answer; and it brings 30 packages for three questions.
 *
 * Holds: nothing is sent but to the group of the link, where that has a gateway, and to who answered from the very network that was
 * searched, the gateway alone where the system tells who that is; no name is resolved, no redirect followed; every answer is bounded in bytes and time, and so is their number.
 */
import { type Address, kindOf, parseAddress, sharesPrefix } from '../addresses.ts'
import type { Endpoint, InterfaceAddress, Listening, Machine } from '../machine.ts'
import type { RouterStatus } from '../net.ts'
import type { Limits } from '../protocols.ts'
import { drawn, elapsed, within } from '../waiting.ts'

const GROUP = { address: '239.255.255.250', port: 1900 } as const
const SEARCH = [
  'M-SEARCH * HTTP/1.1',
  `HOST: ${GROUP.address}:${GROUP.port}`,
  'MAN: "ssdp:discover"',
  'MX: 1',
  'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  '',
  '',
].join('\r\n')
const SERVICES = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
]
/** What people read in the router's list of open ports. */
const DESCRIPTION = 'peer-to-peer'
/** Networks that are searched, and answers that are followed on each. */
const NETWORKS = 4
const ANSWERS = 4
const ANSWER_BYTES = 2048
/** External ports tried where ours is another's. */
const PORT_TRIES = 3
const PORT_LOWEST = 49_152
const PORT_COUNT = 16_384
const CONFLICT = '718'
const PERMANENT_ONLY = '725'

/** Where to ask over HTTP. */
interface Place {
  readonly ip: string
  readonly port: number
  readonly path: string
}

interface Service {
  readonly place: Place
  readonly type: string
  /** Our address on the router's network. */
  readonly from: string
}

interface Open {
  readonly service: Service
  readonly port: number
  readonly external: Address
}

type Answer = { readonly ok: boolean; readonly text: string } | undefined

export interface RouterNeeds {
  /** The TCP port on which this node listens. */
  port(): number
  /** What the router opened is another address now, or none. */
  changed(): void
  random(n: number): Uint8Array
}

export class Router {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #needs: RouterNeeds
  readonly #stopped = new AbortController()
  #hurry = new AbortController()
  #running: Promise<void> | undefined
  #status: RouterStatus = 'asking'
  #open: Open | undefined

  constructor(machine: Machine, limits: Limits, needs: RouterNeeds) {
    this.#machine = machine
    this.#limits = limits
    this.#needs = needs
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The network changed: routers are others. */
  again(): void {
    this.#hurry.abort()
  }

  /** Takes back what was opened. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    await this.#close(new AbortController().signal)
  }

  status(): RouterStatus {
    return this.#status
  }

  /** Where the router says that others reach us: nobody has proved it. */
  mapped(): Address | undefined {
    return this.#open?.external
  }

  async #run(): Promise<void> {
    const stopped = this.#stopped.signal
    while (!stopped.aborted) {
      const hurry = new AbortController()
      this.#hurry = hurry
      const signal = AbortSignal.any([stopped, hurry.signal])
      const { status, open } = await this.#ask(signal)
      if (stopped.aborted) {
        this.#open = open ?? this.#open
        return
      }
      const before = this.#open?.external.text
      this.#open = open
      this.#status = status
      if (open?.external.text !== before) this.#needs.changed()
      const pause = open === undefined ? this.#limits.routerAgainMs : this.#limits.routerLeaseMs / 2
      await elapsed(drawn(pause, this.#needs.random), signal)
    }
  }

  /** What is open already first; then whoever else answers. */
  async #ask(signal: AbortSignal): Promise<{ status: RouterStatus; open: Open | undefined }> {
    let status: RouterStatus = 'none'
    const known = this.#open === undefined ? [] : [this.#open.service]
    for (const service of known) {
      const found = await this.#map(service, signal)
      if (typeof found !== 'string') return { status: 'open', open: found }
    }
    for (const service of await this.#find(signal)) {
      const found = await this.#map(service, signal)
      if (typeof found !== 'string') return { status: 'open', open: found }
      status = found
    }
    return { status, open: undefined }
  }

  async #find(signal: AbortSignal): Promise<readonly Service[]> {
    const gateways = this.#machine.gateways()
    const networks = this.#machine
      .interfaces()
      .filter((own) => own.family === 4 && !own.internal && kindOfText(own.address) !== 'public')
      .filter((own) => gateways === undefined || gateways.some((gateway) => isIn(gateway, own)))
      .slice(0, NETWORKS)
    const found = await Promise.all(networks.map((own) => this.#search(own, gateways, signal)))
    return found.flat()
  }

  /** Services of those who answer from that very network: of its gateways alone, where they are known. */
  async #search(
    own: InterfaceAddress,
    gateways: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<readonly Service[]> {
    const places = new Map<string, Place>()
    const heard = (bytes: Uint8Array, from: Endpoint): void => {
      if (bytes.length > ANSWER_BYTES || gateways?.includes(from.address) === false) return
      const place = placeIn(text(bytes), from, own)
      if (place !== undefined && places.size < ANSWERS) places.set(`${place.ip}:${place.port}${place.path}`, place)
    }
    const search: Listening = this.#machine.search(own.address, GROUP, SEARCH, heard)
    await elapsed(this.#limits.routerSearchMs, signal)
    await search.stop()
    const described = await Promise.all([...places.values()].map((place) => this.#describe(place, own.address, signal)))
    return described.flatMap((service) => service ?? [])
  }

  async #describe(place: Place, from: string, signal: AbortSignal): Promise<Service | undefined> {
    const answer = await this.#question(place, from, 'GET', {}, '', signal)
    if (answer?.ok !== true) return undefined
    const services = answer.text
      .split('<service>')
      .slice(1)
      .map((part) => ({ type: tag(part, 'serviceType'), url: tag(part, 'controlURL') }))
    const type = SERVICES.find((one) => services.some((service) => service.type === one))
    const url = services.find((service) => service.type === type)?.url
    const control = url === undefined ? undefined : placeOf(url, place)
    return type === undefined || control === undefined ? undefined : { place: control, type, from }
  }

  async #map(service: Service, signal: AbortSignal): Promise<Open | 'refused' | 'behind-another'> {
    const said = await this.#call(service, 'GetExternalIPAddress', [], signal)
    if (said?.ok !== true) return 'refused'
    const ip = tag(said.text, 'NewExternalIPAddress')
    // What is no public address of one host lets nobody in: there is another router before this one, or none behind it.
    const isPublic = ip !== undefined && kindOfText(ip) === 'public' && isOneHost(ip)
    if (!isPublic) return 'behind-another'
    let external = this.#open?.port ?? this.#needs.port()
    for (let tries = 0; tries < PORT_TRIES && !signal.aborted; tries++) {
      const code = await this.#add(service, external, signal)
      const address = code === 'ok' ? parseAddress(`/ip4/${ip}/tcp/${external}`) : undefined
      if (address !== undefined) return { service, port: external, external: address }
      if (code !== CONFLICT) return 'refused'
      const [high = 0, low = 0] = this.#needs.random(2)
      external = PORT_LOWEST + ((high * 256 + low) % PORT_COUNT)
    }
    return 'refused'
  }

  /** `ok`, or the router's code for why not. */
  async #add(service: Service, external: number, signal: AbortSignal): Promise<string> {
    const add = async (seconds: number): Promise<string> => {
      const answer = await this.#call(
        service,
        'AddPortMapping',
        [
          ['NewRemoteHost', ''],
          ['NewExternalPort', external],
          ['NewProtocol', 'TCP'],
          ['NewInternalPort', this.#needs.port()],
          ['NewInternalClient', service.from],
          ['NewEnabled', 1],
          ['NewPortMappingDescription', DESCRIPTION],
          ['NewLeaseDuration', seconds],
        ],
        signal,
      )
      return answer?.ok === true ? 'ok' : (answer && tag(answer.text, 'errorCode')) || 'silent'
    }
    const code = await add(Math.round(this.#limits.routerLeaseMs / 1000))
    // Some know no leases: theirs is taken back when we stop.
    return code === PERMANENT_ONLY ? add(0) : code
  }

  async #close(signal: AbortSignal): Promise<void> {
    const open = this.#open
    this.#open = undefined
    if (open === undefined) return
    const mapping = [
      ['NewRemoteHost', ''],
      ['NewExternalPort', open.port],
      ['NewProtocol', 'TCP'],
    ] as const
    await this.#call(open.service, 'DeletePortMapping', mapping, signal)
  }

  #call(
    { place, type, from }: Service,
    action: string,
    args: readonly (readonly [string, string | number])[],
    signal: AbortSignal,
  ): Promise<Answer> {
    const inner = args.map(([name, value]) => `<${name}>${value}</${name}>`).join('')
    const body = `<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action} xmlns:u="${type}">${inner}</u:${action}></s:Body></s:Envelope>`
    const headers = { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${type}#${action}"` }
    return this.#question(place, from, 'POST', headers, body, signal)
  }

  async #question(
    { ip, port, path }: Place,
    from: string,
    method: 'GET' | 'POST',
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const bounded = within(this.#limits.routerMs, signal)
    const question = { ip, port, path, from, method, headers, body, most: this.#limits.routerBytes, signal: bounded }
    const answer = await this.#machine.http(question)
    return answer && { ok: answer.status === 200, text: text(answer.body) }
  }
}

/** Where the answer to a search leads: to its sender, in the network that was searched, or nowhere. */
function placeIn(answer: string, from: Endpoint, own: InterfaceAddress): Place | undefined {
  if (!/^HTTP\/1\.[01] 200 /.test(answer)) return undefined
  const location = answer.split('\r\n').find((line) => /^location:/i.test(line))
  const place = location === undefined ? undefined : absolute(location.slice('location:'.length).trim())
  return place?.ip === from.address && isIn(from.address, own) && from.address !== own.address ? place : undefined
}

function isIn(ip: string, own: InterfaceAddress): boolean {
  const [address, here] = [ip, own.address].map((one) => parseAddress(`/ip4/${one}/tcp/1`))
  return address !== undefined && here !== undefined && sharesPrefix(address.ip, here.ip, own.prefix)
}

function absolute(url: string): Place | undefined {
  const [, ip = '', port = '80', path = '/'] =
    /^http:\/\/([\d.]{7,15})(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/.exec(url) ?? []
  const parsed = url.length <= ANSWER_BYTES ? parseAddress(`/ip4/${ip}/tcp/${port}`) : undefined
  return parsed && { ip, port: parsed.port, path }
}

/** A URL in a description: on the same host, or nothing. */
function placeOf(url: string, { ip, port }: Place): Place | undefined {
  if (/^[a-z]+:/i.test(url)) {
    const place = absolute(url)
    return place?.ip === ip ? place : undefined
  }
  return absolute(`http://${ip}:${port}${url.startsWith('/') ? '' : '/'}${url}`)
}

function tag(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`)
  const end = start < 0 ? -1 : xml.indexOf(`</${name}>`, start)
  return end < 0 ? undefined : xml.slice(start + name.length + 2, end).trim()
}

function kindOfText(ip: string): ReturnType<typeof kindOf> | undefined {
  const address = parseAddress(`/ip4/${ip}/tcp/1`)
  return address && kindOf(address)
}

/** Neither 0.0.0.0 nor a group. */
function isOneHost(ip: string): boolean {
  const first = Number(ip.split('.')[0])
  return first > 0 && first < 224
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
