/** A choice of this browser, kept in the origin's localStorage; a storage that refuses is a choice not kept. */
export function kept(key: string): { get(): string | null; set(value: string): void } {
  return {
    get() {
      try {
        return localStorage.getItem(key)
      } catch {
        return null
      }
    },
    set(value) {
      try {
        if (value) localStorage.setItem(key, value)
        else localStorage.removeItem(key)
      } catch {
        // The window works without: the choice lasts until it is closed.
      }
    },
  }
}
