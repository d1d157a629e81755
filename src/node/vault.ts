/**
 * A profile's keys: made once, wrapped under a passphrase or left bare in a 0600 file, and opened again.
 *
 *     passphrase ──Argon2id──▶ 32 bytes ──unseal──▶ database key ──▶ everything else
 *
 * Holds: the database key is drawn, never derived, so that a passphrase can change without rewriting the database; the
 * key file is durable before the database is made; a profile counts as made once its row is committed and the key file says so:
 * nobody was told of it before.
 */
import { accountFromEntropy, createDeviceLog, deviceKeys, open, phraseOf, seal, utf8 } from '../protocol/index.ts'
import { ApiError } from './api-error.ts'
import { ARGON2ID, PORT_COUNT, PORT_LOWEST } from './config.ts'
import type { KeyFile, Platform } from './platform/platform.ts'
import type { ProfileRow } from './store/records.ts'
import { type Store, StoreError } from './store/store.ts'

const LABEL = utf8('tulnic/database-key/1')
const NOTHING = new Uint8Array(0)

/** An open database, and how to open it again should its disk fail. */
export interface Vault {
  readonly store: Store
  reopen(): Promise<Store>
}

const vaultOf = (platform: Platform, key: Uint8Array, store: Store): Vault => ({
  store,
  reopen: () => platform.openStore(key),
})

/** Makes a profile and its database. `phrase`: the recovery words, to be shown once and kept nowhere. */
export async function createVault(
  platform: Platform,
  name: string,
  passphrase: string | null,
): Promise<{ vault: Vault; phrase: string }> {
  if ((await finishedKeyFile(platform)) !== null)
    throw new ApiError('profile-exists', 'There is a profile here already.')
  const key = platform.random(32)
  const wrapped = passphrase === null ? { argon2id: null, wrapped: key } : await wrap(platform, key, passphrase)
  await platform.writeKeyFile({ version: 1, finished: false, ...wrapped })
  const store = await platform.makeStore(key)
  const { row, phrase } = newProfile(platform, name)
  try {
    await store.commit([{ op: 'put', table: 'profile', key: 'self', row }])
    await platform.writeKeyFile({ version: 1, finished: true, ...wrapped })
  } catch (error) {
    await store.close()
    throw error
  }
  return { vault: vaultOf(platform, key, store), phrase }
}

/** The key file of a profile; `null` where there is none, or only what a crash in {@link createVault} left: it is made anew. */
export async function finishedKeyFile(platform: Platform): Promise<KeyFile | null> {
  const file = await platform.readKeyFile()
  return file?.finished === true ? file : null
}

/** Opens the database. Rejects `passphrase-wrong`; `null` stands for "there should be none". */
export async function openVault(platform: Platform, file: KeyFile, passphrase: string | null): Promise<Vault> {
  const key =
    file.argon2id === null ? file.wrapped : passphrase === null ? undefined : await unwrap(platform, file, passphrase)
  if (key === undefined) throw new ApiError('passphrase-wrong', 'The passphrase is wrong: try again.')
  const store = await platform.openStore(key)
  if ((await store.all('profile')).length > 0) return vaultOf(platform, key, store)
  await store.close()
  throw new StoreError(
    'damaged',
    'The database holds no profile: put its file back or restore a backup, or move the folder away and begin a new profile.',
  )
}

async function wrap(
  platform: Platform,
  key: Uint8Array,
  passphrase: string,
): Promise<Pick<KeyFile, 'argon2id' | 'wrapped'>> {
  const argon2id = { salt: platform.random(16), ...ARGON2ID }
  const wrapping = await platform.argon2id(normal(passphrase), argon2id)
  return { argon2id, wrapped: seal(platform.primitives, platform.random, wrapping, LABEL, key, NOTHING) }
}

/** The database key; `undefined` for another passphrase than the profile's. */
export async function unwrap(platform: Platform, file: KeyFile, passphrase: string): Promise<Uint8Array | undefined> {
  if (file.argon2id === null) return file.wrapped
  const wrapping = await platform.argon2id(normal(passphrase), file.argon2id)
  return open(platform.primitives, wrapping, LABEL, file.wrapped, NOTHING)
}

/** One passphrase for one thing typed, whichever keyboard composed its accents. */
const normal = (passphrase: string): string => passphrase.normalize('NFKC')

function newProfile(platform: Platform, name: string): { row: ProfileRow; phrase: string } {
  const { primitives, random } = platform
  const accountEntropy = random(32)
  const device = { signingSeed: random(32), dhSeed: random(32) }
  const account = accountFromEntropy(primitives, accountEntropy)
  const now = platform.now()
  const log = createDeviceLog(primitives, account, deviceKeys(primitives, device), now)
  const [high = 0, low = 0] = random(2)
  const row: ProfileRow = {
    name,
    nameVersion: 1,
    accountKey: account.key,
    accountEntropy,
    deviceSigningSeed: device.signingSeed,
    deviceDhSeed: device.dhSeed,
    deviceLog: log.bytes,
    listenPort: PORT_LOWEST + ((high * 256 + low) % PORT_COUNT),
    addresses: [],
    addressVersion: 0,
    dhtServers: [],
    relaysForContacts: true,
    createdAt: now,
  }
  return { row, phrase: phraseOf(accountEntropy) }
}
