/**
 * Which documents of a source are held out, decided by (seed, document id) alone: the same for any number of workers and after any kill.
 * (The order of the others is document-permutation.ts.)
 */
import { hash32 } from '../core/random.ts';

/** Uniform in [0, 1): a document is held out if this is below the held-out share. `idHash` is hash32 of its id. */
export function heldoutDraw(idHash: number, seed: number): number {
  return hash32(`heldout:${seed}:${idHash}`) / 4294967296;
}
