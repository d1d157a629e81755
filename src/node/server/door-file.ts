/**
 * `door.json` in the data directory (0600): the door's port and token, which outlive restarts.
 *
 * Holds: replaced as a whole; a damaged one is made anew, and then windows must be opened by a fresh code.
 */
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from './fields.ts'
import { randomSecret, SECRET_FORM } from './secret.ts'

export interface DoorFile {
  readonly port: number | null
  readonly token: string
}

function parse(json: string): DoorFile | undefined {
  const value: unknown = JSON.parse(json)
  if (!isRecord(value)) return undefined
  const { port, token } = value
  if (typeof token !== 'string' || !SECRET_FORM.test(token)) return undefined
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  return { port, token }
}

/** Reads it; a fresh token and no port if there is none. */
export function readDoorFile(directory: string): DoorFile {
  try {
    const file = parse(readFileSync(join(directory, 'door.json'), 'utf8'))
    if (file !== undefined) return file
  } catch {
    // Missing or damaged: nothing in it cannot be made anew.
  }
  return { port: null, token: randomSecret() }
}

/** Replaces it. Throws the system's error if the disk does not take it. */
export function writeDoorFile(directory: string, file: DoorFile): void {
  const path = join(directory, 'door.json')
  const part = `${path}.part`
  const handle = openSync(part, 'w', 0o600)
  try {
    chmodSync(part, 0o600)
    writeSync(handle, `${JSON.stringify(file)}\n`)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(part, path)
}
