/**
 * Keeps a share of the documents, decided by each document's id alone, so that the sample does not depend on order, workers or
 * ranks. datatrove draws from one generator per rank with the same seed, which drops the same positions on every rank.
 * Source: datatrove SamplerFilter 0.10 (rate 0.5 by default).
 */
import { drawOf } from '../core/random.ts';

/** True for about `rate` of all ids: none for 0, all for 1. */
export function inSample(id: string, rate: number, seed = 0): boolean {
  return drawOf(seed, id) < rate;
}
