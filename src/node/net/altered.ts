/**
 * The same thing, but for some of its parts: how parts of libp2p are lent to parts of libp2p with less in them.
 */
export function altered<T extends object>(whole: T, changes: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name)
      const part: unknown = Reflect.get(target, name)
      // Its methods know the thing itself: private fields are not to be had through a stand-in.
      return typeof part === 'function' ? part.bind(target) : part
    },
  })
}
