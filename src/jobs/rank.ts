/** Ranks share a job without talking: each takes the units whose name's hash falls to it. (data-engine.md 6.4) */
import { hash32 } from '../core/random.ts';

export interface Rank {
  /** 0 .. ranks - 1 */
  rank: number;
  ranks: number;
}

export function isOfRank(unit: string, { rank, ranks }: Rank): boolean {
  return hash32(`unit:${unit}`) % ranks === rank;
}
