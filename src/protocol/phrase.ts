/**
 * The recovery phrase: 32 bytes of entropy as 24 English words (BIP-39), for paper.
 *
 * Holds: one phrase for each entropy; the last word checks the others.
 */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'

/** The 24 words of 32 bytes, with single spaces. */
export function phraseOf(entropy: Uint8Array): string {
  if (entropy.length !== 32) throw new RangeError(`a phrase writes 32 bytes, not ${entropy.length}`)
  return entropyToMnemonic(entropy, wordlist)
}

/** The 32 bytes of 24 words in any case and spacing; `undefined` where a word or the check is wrong. */
export function entropyOf(phrase: string): Uint8Array | undefined {
  if (phrase.length > 1024) return undefined
  const words = phrase
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length !== 24) return undefined
  try {
    return mnemonicToEntropy(words.join(' '), wordlist)
  } catch {
    return undefined
  }
}
