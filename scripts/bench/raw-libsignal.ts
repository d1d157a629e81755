/**
 * The peer of P1: a session of two libsignal clients in memory, state serialised after each message as ours is.
 *
 * Holds: `pass` seals and opens one message, and checks what comes out.
 */
import { webcrypto } from 'node:crypto'
import * as Signal from '@signalapp/libsignal-client'

type Bytes = Uint8Array<ArrayBuffer>

class Sessions extends Signal.SessionStore {
  readonly #records = new Map<string, Bytes>()
  async saveSession(name: Signal.ProtocolAddress, record: Signal.SessionRecord): Promise<void> {
    this.#records.set(name.toString(), record.serialize())
  }
  async getSession(name: Signal.ProtocolAddress): Promise<Signal.SessionRecord | null> {
    const bytes = this.#records.get(name.toString())
    return bytes === undefined ? null : Signal.SessionRecord.deserialize(bytes)
  }
  async getExistingSessions(): Promise<Signal.SessionRecord[]> {
    return []
  }
}

class Identity extends Signal.IdentityKeyStore {
  readonly key = Signal.PrivateKey.generate()
  readonly #registration = 1 + ((webcrypto.getRandomValues(new Uint16Array(1))[0] ?? 0) % 16_000)
  async getIdentityKey(): Promise<Signal.PrivateKey> {
    return this.key
  }
  async getLocalRegistrationId(): Promise<number> {
    return this.#registration
  }
  async saveIdentity(): Promise<Signal.IdentityChange> {
    return Signal.IdentityChange.NewOrUnchanged
  }
  async isTrustedIdentity(): Promise<boolean> {
    return true
  }
  async getIdentity(): Promise<Signal.PublicKey | null> {
    return null
  }
}

class Prekeys extends Signal.PreKeyStore {
  readonly #key: Signal.PrivateKey
  constructor(key: Signal.PrivateKey) {
    super()
    this.#key = key
  }
  async savePreKey(): Promise<void> {}
  async getPreKey(id: number): Promise<Signal.PreKeyRecord> {
    return Signal.PreKeyRecord.new(id, this.#key.getPublicKey(), this.#key)
  }
  async removePreKey(): Promise<void> {}
}

class SignedPrekeys extends Signal.SignedPreKeyStore {
  readonly #record: Signal.SignedPreKeyRecord
  constructor(record: Signal.SignedPreKeyRecord) {
    super()
    this.#record = record
  }
  async saveSignedPreKey(): Promise<void> {}
  async getSignedPreKey(): Promise<Signal.SignedPreKeyRecord> {
    return this.#record
  }
}

class KyberPrekeys extends Signal.KyberPreKeyStore {
  readonly #record: Signal.KyberPreKeyRecord
  constructor(record: Signal.KyberPreKeyRecord) {
    super()
    this.#record = record
  }
  async saveKyberPreKey(): Promise<void> {}
  async getKyberPreKey(): Promise<Signal.KyberPreKeyRecord> {
    return this.#record
  }
  async markKyberPreKeyUsed(): Promise<void> {}
}

/** A pair that has exchanged a message each way; `pass(true, …)` goes from the first to the second. */
export async function signalPair(): Promise<{ pass(forth: boolean, message: Uint8Array): Promise<void> }> {
  const alice = { sessions: new Sessions(), identity: new Identity(), address: address('alice') }
  const bob = { sessions: new Sessions(), identity: new Identity(), address: address('bob') }
  const prekey = Signal.PrivateKey.generate()
  const signed = Signal.PrivateKey.generate()
  const kyber = Signal.KEMKeyPair.generate()
  const signedSignature = bob.identity.key.sign(signed.getPublicKey().serialize())
  const kyberSignature = bob.identity.key.sign(kyber.getPublicKey().serialize())
  const bundle = Signal.PreKeyBundle.new(
    await bob.identity.getLocalRegistrationId(),
    1,
    1,
    prekey.getPublicKey(),
    1,
    signed.getPublicKey(),
    signedSignature,
    bob.identity.key.getPublicKey(),
    1,
    kyber.getPublicKey(),
    kyberSignature,
  )
  const prekeys = new Prekeys(prekey)
  const signedRecord = Signal.SignedPreKeyRecord.new(1, Date.now(), signed.getPublicKey(), signed, signedSignature)
  const signedPrekeys = new SignedPrekeys(signedRecord)
  const kyberPrekeys = new KyberPrekeys(Signal.KyberPreKeyRecord.new(1, Date.now(), kyber, kyberSignature))
  await Signal.processPreKeyBundle(bundle, bob.address, alice.address, alice.sessions, alice.identity)

  async function pass(forth: boolean, message: Uint8Array): Promise<void> {
    const [from, to] = forth ? [alice, bob] : [bob, alice]
    const plaintext: Bytes = new Uint8Array(message)
    const sealed = await Signal.signalEncrypt(plaintext, to.address, from.address, from.sessions, from.identity)
    const bytes = sealed.serialize()
    const opened =
      sealed.type() === Signal.CiphertextMessageType.PreKey
        ? await Signal.signalDecryptPreKey(
            Signal.PreKeySignalMessage.deserialize(bytes),
            from.address,
            to.address,
            to.sessions,
            to.identity,
            prekeys,
            signedPrekeys,
            kyberPrekeys,
          )
        : await Signal.signalDecrypt(
            Signal.SignalMessage.deserialize(bytes),
            from.address,
            to.address,
            to.sessions,
            to.identity,
          )
    if (Buffer.compare(opened, message) !== 0) throw new Error('libsignal opened something else')
  }
  const hello = new Uint8Array(16)
  await pass(true, hello)
  await pass(false, hello)
  return { pass }
}

function address(name: string): Signal.ProtocolAddress {
  return Signal.ProtocolAddress.new(name, 1)
}
