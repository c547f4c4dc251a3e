/** The arrangement of a mixture that many machines write, made by one of them when all is tokenised. */
import { assertFeasible } from '../../mixtures/plan.ts';
import { checkMixOutput, isFinished, planKey, replaceEarlier } from './mix.ts';
import { arrange, type MixArrangement } from './mix-arrangement.ts';
import type { MixRequest } from './mix-request.ts';
import { prepareMix } from './prepare-mix.ts';
import type { SettledMix } from './settle-mix.ts';
import { beginMix } from './write-mix.ts';

/**
 * Makes the output folder ready for its shards, too, unless the mixture is there already. Nobody else may be at work in the folder. Throws what `mix` throws
 * before it writes.
 */
export async function arrangeMix(request: MixRequest, settled: SettledMix): Promise<MixArrangement> {
  const { found, keepCaches } = await checkMixOutput(request);
  const mixed = await prepareMix(request, { keepCaches, settled });
  try {
    assertFeasible(mixed.plan);
    const key = planKey(mixed, request);
    const arrangement = arrange(mixed, key, request);
    if (!(await isFinished(request.output, found, key))) {
      await replaceEarlier(request, found, key);
      await beginMix(request.output, mixed, arrangement);
    }
    return arrangement;
  } finally {
    for (const source of mixed.sources) source.tokens.close();
  }
}
