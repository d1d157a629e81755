/**
 * Faults planted in a node on purpose: ways to build its store wrongly.
 */
import type { Tables, Write } from '../../src/node/store/records.ts'
import type { Store } from '../../src/node/store/store.ts'
import { Chance } from './random.ts'
import type { Faults } from './sim-node.ts'

/** A store whose commits are changed on their way. */
export function changing(change: (write: Write, chance: Chance) => readonly Write[]): Faults {
  const chance = new Chance(1)
  return {
    store: (store) =>
      withCommit(store, (writes, durability) =>
        store.commit(
          writes.flatMap((write) => change(write, chance)),
          durability,
        ),
      ),
  }
}

function withCommit(store: Store, commit: Store['commit']): Store {
  return new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property)
      if (property === 'commit') return commit
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A store in which commits that hold such a write do not wait for the disk. */
export const silent = (holds: (write: Write) => boolean): Faults => ({
  store: (store) =>
    withCommit(store, (writes, durability) => store.commit(writes, writes.some(holds) ? 'with-next' : durability)),
})

export const losing = (table: keyof Tables, likelihood = 1): Faults =>
  changing((write, chance) =>
    write.op === 'put' && write.table === table && chance.happens(likelihood) ? [] : [write],
  )

export const rewriting = <T extends keyof Tables>(
  table: T,
  rewrite: (row: Tables[T], chance: Chance) => Tables[T],
): Faults =>
  changing((write, chance) => {
    if (write.op !== 'put' || write.table !== table) return [write]
    return [{ ...write, row: rewrite(write.row as Tables[T], chance) } as Write]
  })
