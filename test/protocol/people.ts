/**
 * Accounts with devices, made from a seed.
 */
import type {
  Account,
  Bundle,
  DeviceKeys,
  DeviceLog,
  DeviceSecrets,
  PrekeySecrets,
  Random,
} from '../../src/protocol/index.ts'
import { accountFromEntropy, createBundle, createDeviceLog, deviceKeys, noble } from '../../src/protocol/index.ts'

export const NOW = Date.UTC(2026, 0, 1)

export interface Person {
  readonly account: Account
  readonly device: DeviceSecrets
  readonly keys: DeviceKeys
  readonly log: DeviceLog
  readonly bundle: Bundle
  readonly prekeys: PrekeySecrets
}

export function secrets(random: Random): DeviceSecrets {
  return { signingSeed: random(32), dhSeed: random(32) }
}

/** Which account and device somebody speaks for. */
export const own = ({ account, device, log }: Person) => ({ account: account.key, device, log })

export function person(random: Random, p = noble): Person {
  const account = accountFromEntropy(p, random(32))
  const device = secrets(random)
  const keys = deviceKeys(p, device)
  const log = createDeviceLog(p, account, keys, NOW)
  const { bundle, secrets: prekeys } = createBundle(p, random, { log, device, createdAt: NOW })
  return { account, device, keys, log, bundle, prekeys }
}
