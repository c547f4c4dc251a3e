/** One share of the shards of a mixture, written beside other processes that write others. */
import { UserError } from '../core/errors.ts';
import { type MixArrangement, type MixShard, shardsOf } from '../stages/mix-arrangement.ts';
import { type MixPlan, tokenizerOfPlan } from '../stages/mix-plan.ts';
import { MixShards } from '../stages/mix-shards.ts';
import { readShardMarker } from '../stages/shard-marker.ts';
import { OpenFiles, UnitSourceTokens } from '../stages/unit-source-tokens.ts';
import { WritingProgress } from '../stages/writing-progress.ts';
import type { BatchShare } from './batch-job.ts';
import { readArranged } from './mix-arranged.ts';
import { MixSurvey } from './mix-survey.ts';
import { underShareLock } from './under-share-lock.ts';

/**
 * Writes what is left of the shards, in their order; drained, it finishes the one in hand. Removes nothing: what else lies there may be another share's.
 * Throws a `UserError` when the mixture is not arranged, its tokens are not all there or damaged, or a file cannot be written; whole shards stay.
 */
export async function writeShardsShare(
  plan: MixPlan,
  folder: string,
  share: BatchShare,
): Promise<{ done: number; left: number }> {
  const { items, drain, emit } = share;
  const arrangement = await readArranged(folder, plan.hash);
  const survey = new MixSurvey(plan, folder);
  if (arrangement === undefined || !survey.complete) {
    throw new UserError(`${folder}: it is not settled yet what the shards of this mixture hold`, {
      hint: `midtrain jobs status ${folder} says what is left, midtrain jobs retry ${folder} goes on`,
    });
  }
  const asked = shardsAsked(folder, arrangement, items);
  const leftOf = async (): Promise<MixShard[]> => {
    const left: MixShard[] = [];
    for (const shard of asked)
      if ((await readShardMarker(folder, arrangement, shard)) === undefined) left.push(shard);
    return left;
  };
  const before = await leftOf();
  if (before.length === 0 || drain.aborted) return { done: 0, left: before.length };
  await underShareLock(folder, share, async () => {
    const tokenizer = await tokenizerOfPlan(plan);
    const files = new OpenFiles();
    const sources = survey.counted().map((source) => UnitSourceTokens.open(source, files));
    try {
      const shards = new MixShards(folder, arrangement, sources, tokenizer);
      const progress = new WritingProgress(emit, 'mix', arrangement, before);
      for (const shard of before) {
        if (drain.aborted) return;
        await shards.write(shard, progress);
      }
      progress.end();
    } finally {
      for (const source of sources) source.close();
    }
  });
  const left = (await leftOf()).length;
  return { done: before.length - left, left };
}

/** Once each, in the order in which they stand in the mixture: neighbours are written without a new look at what is before. */
function shardsAsked(folder: string, arrangement: MixArrangement, items: readonly string[]): MixShard[] {
  const all = shardsOf(arrangement);
  const known = new Set(all.map(({ id }) => id));
  const foreign = items.find((id) => !known.has(id));
  if (foreign !== undefined)
    throw new UserError(`${folder}: ${foreign} is no shard of this mixture`, {
      hint: 'the mixture was planned anew since this share was handed out; let the job be handed out again',
    });
  const wanted = new Set(items);
  return all.filter(({ id }) => wanted.has(id));
}
