/**
 * The port to the machine: all that a node needs to know of where it runs. Filled by `nodejs.ts`.
 *
 * Holds: nothing behind this port decides anything; it does what it is told and answers.
 */
import type { Primitives, Random } from '../../protocol/index.ts'
import type { Store } from '../store/store.ts'

/** The small clear file beside the database: how to get at its key. */
export interface KeyFile {
  readonly version: 1
  /** `null`: no passphrase, `wrapped` is then the database key itself. */
  readonly argon2id: {
    readonly salt: Uint8Array
    readonly passes: number
    readonly memoryKiB: number
    readonly parallelism: number
  } | null
  /** `false` from before the database is made until its profile is stored: a crash in between left nothing that counts. */
  readonly finished: boolean
  /** The 32-byte database key, sealed (commitment 32 ‖ nonce 24 ‖ ciphertext 32 ‖ tag 16) or bare. */
  readonly wrapped: Uint8Array
}

export interface Platform {
  readonly primitives: Primitives
  readonly random: Random
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back once at or after `at` (ms since 1970), or at once if past; a second call replaces the first. Returns a function that takes it back. */
  wake(at: number, callback: () => void): () => void
  /** Resolves in the next turn of the event loop, once what has arrived by then was read. */
  turn(): Promise<void>
  /** Reads the key file; `null` if there is no profile. Rejects with a StoreError for a damaged one. */
  readKeyFile(): Promise<KeyFile | null>
  /** Writes it durably (temporary file, fsync, rename, fsync of the folder), 0600. */
  writeKeyFile(file: KeyFile): Promise<void>
  /** 32 bytes. */
  argon2id(passphrase: string, parameters: NonNullable<KeyFile['argon2id']>): Promise<Uint8Array>
  /** Makes the encrypted database with a 32-byte key, in place of whatever a making that was broken off left of one. */
  makeStore(key: Uint8Array): Promise<Store>
  /** Opens the encrypted database. Rejects with a StoreError `damaged`, and makes none, where it is gone or empty. */
  openStore(key: Uint8Array): Promise<Store>
  /** Where the profile lies, for people. */
  readonly path: string
}
