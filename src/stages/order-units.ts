/**
 * The order in which the units of a source are tokenised, and thereby which of them a mixture uses that needs only part of the source:
 * by a hash of the unit's name, the same for every budget, share and seed of a mixture, so that a smaller mixture uses the first units
 * of a larger one, and caches and held-out documents are shared between them.
 */
import { hash32 } from '../core/random.ts';

/** Items by hash(seed, name); equal hashes by name. */
export function inHashOrder<T>(items: readonly T[], seed: number, name: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, name: name(item), hash: hash32(`unit:${seed}:${name(item)}`) }))
    .sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ item }) => item);
}
