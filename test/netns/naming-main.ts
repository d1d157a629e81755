/**
 * The command line of a contact who turned against us: whatever its WebRTC says of where it is also names a host, in descriptions
 * and in candidates. What was said goes into the file `TULNIC_NAMED`, a line each.
 */
import { appendFileSync } from 'node:fs'
import { runProcess } from '../../src/node/cli/run.ts'

const NAMED = 'candidate:9 1 UDP 2122317823 where.example 9 typ host'
const said = (what: string): void => appendFileSync(process.env.TULNIC_NAMED ?? '', `${what}\n`)

// What libp2p imports, whose types and name are nothing to this project.
const library: string = 'node-datachannel/polyfill'
const { RTCPeerConnection, RTCIceCandidate } = await import(library)

for (const [name, what] of [
  ['createOffer', 'offer'],
  ['createAnswer', 'answer'],
] as const) {
  const make = RTCPeerConnection.prototype[name]
  RTCPeerConnection.prototype[name] = async function (...args: unknown[]) {
    const { type, sdp } = await make.apply(this, args)
    said(what)
    return { type, sdp: `${sdp}a=${NAMED}\r\n` }
  }
}

// The library says its own candidates, of which those of this machine are replaced: the others still lead here.
const toJson = RTCIceCandidate.prototype.toJSON
RTCIceCandidate.prototype.toJSON = function () {
  const json = toJson.call(this)
  if (!json.candidate.includes('typ host')) return json
  said('candidate')
  return { ...json, candidate: NAMED }
}

await runProcess(async (dataDirectory, settings) => {
  const { startOnDisk } = await import('../../src/node/server/on-disk.ts')
  return await startOnDisk(dataDirectory, settings)
})
