/**
 * Brands: a checked value carries in its type that it was checked.
 *
 * Holds: a branded value is made only in the file that checks it, so a raw byte string never passes for a key.
 */

declare const brand: unique symbol

/** `T` that was checked to be a `Name`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Ed25519 public key of an account (a person), 32 bytes. */
export type AccountKey = Brand<Uint8Array, 'AccountKey'>

/** The account key in 52 lower-case base32 characters (RFC 4648, no padding): what people and scripts see. */
export type AccountId = Brand<string, 'AccountId'>

/** The first 16 bytes of the hash of a device's public keys, in 26 lower-case base32 characters. */
export type DeviceId = Brand<string, 'DeviceId'>
