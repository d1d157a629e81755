/**
 * A STUN binding responder (RFC 8489 §6): tells a connected peer the address and port from which its datagram came, so that it
 * needs no public server to find a path through its NAT.
 *
 *     question = 0x0001 ‖ length 2 ‖ cookie 4 ‖ transaction 12 ‖ attributes
 *     answer   = 0x0101 ‖ length 2 ‖ cookie 4 ‖ transaction 12 ‖ XOR-MAPPED-ADDRESS
 *
 * Holds: only addresses of open connections are answered, so that nobody can turn the answers on somebody else, and who is not
 * connected does not see that anybody is here.
 */
import { hostOf } from '../addresses.ts'
import type { Datagrams, Machine, Sender } from '../machine.ts'
import { concat, equal } from '../../../protocol/index.ts'

const HEAD_BYTES = 20
const BINDING = 0x0001
const BOUND = 0x0101
const COOKIE = 0x2112a442
const XOR_MAPPED_ADDRESS = 0x0020
const MOST_BYTES = 548

/** The answer to a datagram; `undefined` where it is no question. */
export function stunAnswer(question: Uint8Array, from: Sender): Uint8Array | undefined {
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

export class StunResponder {
  readonly #datagrams: Datagrams

  /** Answers on that UDP port of every interface, where it can be had, whoever `isConnected`. */
  constructor(machine: Machine, port: number, isConnected: (ip: Uint8Array) => boolean) {
    this.#datagrams = machine.datagrams(port, (question, from, reply) => {
      const ip = hostOf(`/ip${from.family}/${from.address}`)?.ip
      const answer = ip !== undefined && isConnected(ip) ? stunAnswer(question, from) : undefined
      if (answer !== undefined) reply(answer)
    })
  }

  stop(): Promise<void> {
    return this.#datagrams.stop()
  }
}

/** Whether one of the addresses of open connections is that one. */
export const isAmong = (ip: Uint8Array, remotes: readonly string[]): boolean =>
  remotes.some((remote) => equal(hostOf(remote)?.ip ?? new Uint8Array(), ip))
