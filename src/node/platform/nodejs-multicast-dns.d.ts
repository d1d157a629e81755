/** What we use of multicast-dns 7, which brings no types. */
declare module 'multicast-dns' {
  interface Record {
    readonly name: string
    readonly type: string
    readonly ttl?: number
    readonly data?: unknown
  }

  interface Packet {
    readonly questions: readonly { readonly name: string; readonly type: string }[]
    readonly answers: readonly Record[]
    readonly additionals: readonly Record[]
  }

  interface MulticastDns {
    on(event: 'query' | 'response', listener: (packet: Packet, from: { readonly address: string }) => void): void
    on(event: 'ready', listener: () => void): void
    on(event: 'error' | 'warning', listener: (error: Error) => void): void
    query(questions: readonly { readonly name: string; readonly type: string }[]): void
    respond(response: { readonly answers: readonly Record[] }): void
    destroy(callback: () => void): void
  }

  function multicastDns(options: {
    readonly port?: number
    readonly ip?: string
    readonly interface: string
    readonly bind: string
  }): MulticastDns

  export = multicastDns
}
