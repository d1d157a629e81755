/**
 * STUN binding (RFC 8489 §6), both ends: a connected peer is told the address and port from which its datagram came, so that it
 * needs no public server to find a path through its NAT; and we ask connected peers the same.
 *
 *     question = 0x0001 ‖ length 2 ‖ cookie 4 ‖ transaction 12 ‖ attributes
 *     answer   = 0x0101 ‖ length 2 ‖ cookie 4 ‖ transaction 12 ‖ XOR-MAPPED-ADDRESS
 *
 * Holds: only addresses of open connections are answered, so that nobody can turn the answers on somebody else, and who is not
 * connected does not see that anybody is here.
 */
import { hostOf } from '../addresses.ts'
import type { Datagrams, Endpoint, Machine } from '../machine.ts'
import { concat, equal } from '../../../protocol/index.ts'
import { elapsed } from '../waiting.ts'

const HEAD_BYTES = 20
const BINDING = 0x0001
const BOUND = 0x0101
const COOKIE = 0x2112a442
const XOR_MAPPED_ADDRESS = 0x0020
const MOST_BYTES = 548

/** The answer to a datagram; `undefined` where it is no question. */
export function stunAnswer(question: Uint8Array, from: Endpoint): Uint8Array | undefined {
  if (question.length < HEAD_BYTES || question.length > MOST_BYTES) return undefined
  const asked = new DataView(question.buffer, question.byteOffset, question.length)
  if (asked.getUint16(0) !== BINDING || asked.getUint32(4) !== COOKIE) return undefined
  if (asked.getUint16(2) !== question.length - HEAD_BYTES) return undefined
  const ip = hostOf(`/ip${from.family}/${from.address}`)?.ip
  if (ip === undefined) return undefined
  const mask = question.subarray(4, HEAD_BYTES)
  const head = new DataView(new ArrayBuffer(HEAD_BYTES + 8))
  head.setUint16(0, BOUND)
  head.setUint16(2, 8 + ip.length)
  new Uint8Array(head.buffer).set(mask, 4)
  head.setUint16(HEAD_BYTES, XOR_MAPPED_ADDRESS)
  head.setUint16(HEAD_BYTES + 2, 4 + ip.length)
  head.setUint16(HEAD_BYTES + 4, from.family === 4 ? 1 : 2)
  head.setUint16(HEAD_BYTES + 6, from.port ^ (COOKIE >>> 16))
  return concat(
    new Uint8Array(head.buffer),
    ip.map((byte, i) => byte ^ (mask[i] ?? 0)),
  )
}

/** A question; `transaction` has 12 bytes. */
export function stunQuestion(transaction: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(HEAD_BYTES))
  head.setUint16(0, BINDING)
  head.setUint32(4, COOKIE)
  new Uint8Array(head.buffer).set(transaction, 8)
  return new Uint8Array(head.buffer)
}

/** Where the question of that transaction came from, says an answer; `undefined` for anything but what {@link stunAnswer} makes of it. */
export function stunMapped(answer: Uint8Array, transaction: Uint8Array): string | undefined {
  if (answer.length < HEAD_BYTES + 8 || answer.length > MOST_BYTES) return undefined
  const told = new DataView(answer.buffer, answer.byteOffset, answer.length)
  if (told.getUint16(0) !== BOUND || told.getUint32(4) !== COOKIE) return undefined
  if (!equal(answer.subarray(8, HEAD_BYTES), transaction)) return undefined
  if (told.getUint16(HEAD_BYTES) !== XOR_MAPPED_ADDRESS) return undefined
  const bytes = told.getUint16(HEAD_BYTES + 4) === 1 ? 4 : 16
  if (answer.length < HEAD_BYTES + 8 + bytes) return undefined
  const ip = answer.slice(HEAD_BYTES + 8, HEAD_BYTES + 8 + bytes).map((byte, i) => byte ^ (answer[4 + i] ?? 0))
  const port = told.getUint16(HEAD_BYTES + 6) ^ (COOKIE >>> 16)
  return `${ip.join('.')}:${port}`
}

/** When a question is sent again that nobody answered, and when there will be no answer. */
const AGAIN_MS = [500, 1000, 2000]

export class Stun {
  readonly #datagrams: Datagrams
  /** Questions of ours that wait for an answer. */
  readonly #asked = new Set<(answer: Uint8Array) => void>()
  readonly #random: (n: number) => Uint8Array

  /** On that UDP port of every interface, where it can be had. Answers whoever `isConnected`. */
  constructor(
    machine: Machine,
    port: number,
    isConnected: (ip: Uint8Array) => boolean,
    random: (n: number) => Uint8Array,
  ) {
    this.#random = random
    this.#datagrams = machine.datagrams(port, (bytes, from) => {
      for (const take of this.#asked) take(bytes)
      const ip = hostOf(`/ip${from.family}/${from.address}`)?.ip
      const answer = ip !== undefined && isConnected(ip) ? stunAnswer(bytes, from) : undefined
      if (answer !== undefined) this.#datagrams.send(answer, from)
    })
  }

  /** The address and port as which our port is seen from there, as text; `undefined` if nobody answers. */
  async ask(server: Endpoint, signal: AbortSignal): Promise<string | undefined> {
    const transaction = this.#random(12)
    const heard = new AbortController()
    let mapped: string | undefined
    const take = (answer: Uint8Array): void => {
      mapped = stunMapped(answer, transaction)
      if (mapped !== undefined) heard.abort()
    }
    this.#asked.add(take)
    const over = AbortSignal.any([signal, heard.signal])
    for (const ms of AGAIN_MS) {
      if (over.aborted) break
      this.#datagrams.send(stunQuestion(transaction), server)
      await elapsed(ms, over)
    }
    this.#asked.delete(take)
    return mapped
  }

  stop(): Promise<void> {
    return this.#datagrams.stop()
  }
}

/** Whether one of the addresses of open connections is that one. */
export const isAmong = (ip: Uint8Array, remotes: readonly string[]): boolean =>
  remotes.some((remote) => equal(hostOf(remote)?.ip ?? new Uint8Array(), ip))
