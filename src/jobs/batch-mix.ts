/**
 * A mixture as a job that many machines share (batch-job.ts).
 *
 * 1. `prepareMixBatch` settles it once: sources found and cut into units, tokenizer loaded or trained and kept, all of it in mix-plan.json.
 * 2. Waves `tokenise-1`, `tokenise-2`, ...: units that are likely to be needed, by any process (source-stand.ts). A unit's marker is its file in the
 *    cache, whole or absent. Waves go on until every source has what it needs; which units are used is decided by their order alone, so a
 *    unit too many costs time and changes nothing.
 * 3. `arrange`, with the job's lock: the plan is made, and what every shard holds is kept (mix-arranged.ts).
 * 4. `shards`: shards, and those of per-source folders, by any process. A shard's marker comes behind its files (shard-marker.ts).
 * 5. `write`, with the job's lock: the local mix, which finds its cache filled and its shards written, so what is left is to check the counts and to write
 *    held-out documents, samples, tokenizer and manifest. mix-written.json says that it is done.
 *
 * Shares only add files. What is left over is removed by whoever has the folder for itself: the first launch, `arrange`, and `write`.
 * Given up: sources on the Hub (their units are known only when files are fetched, and machines of a cluster often have no network).
 */
import { resolve } from 'node:path';
import { InterruptedError, UserError } from '../core/errors.ts';
import { arrangeMix } from '../stages/arrange-mix.ts';
import { checkMixOutput, finishedManifest, isFinished } from '../stages/mix.ts';
import { type MixArrangement, shardsOf } from '../stages/mix-arrangement.ts';
import {
  type MixPlan,
  mixPlanName,
  planOfMix,
  readMixPlan,
  requestOf,
  settledOf,
  writeMixPlan,
} from '../stages/mix-plan.ts';
import type { MixRequest } from '../stages/mix-request.ts';
import { assertHere, settleMix } from '../stages/settle-mix.ts';
import { shardMarkers } from '../stages/shard-marker.ts';
import { cacheOfKey, tidyCaches } from '../stages/unit-cache.ts';
import type { BatchJob, BatchShare, BatchStage, BatchSurvey } from './batch-job.ts';
import { aloneIn, mixAlone } from './mix-alone.ts';
import { readArranged, writeArranged } from './mix-arranged.ts';
import { MixSurvey } from './mix-survey.ts';
import { readWritten, writeWritten } from './mix-written.ts';
import { tokeniseShare } from './tokenise-share.ts';
import { writeShardsShare } from './write-shards-share.ts';

/** Of stages that one process does, the item has the stage's name. */
const alone = ['arrange', 'write'] as const;

/**
 * Plans the mixture and keeps the plan in its output folder, or opens the job that is there already for the same request and data. Throws a
 * `UserError` when data or tokenizer are missing, or when the folder holds another mixture, finished or not, and `overwrite` is not asked for.
 */
export async function prepareMixBatch(request: MixRequest): Promise<BatchJob> {
  const { output } = request;
  assertHere(request);
  await checkMixOutput(request);
  const before = earlierPlan(output);
  if (before !== undefined) {
    const overwrite = request.overwrite ?? before.asked.overwrite ?? false;
    const plan = await planOfMix({ ...request, overwrite }, await settleMix(request));
    if (plan.hash === before.hash) {
      // Shares may be at work, so nothing is removed. The same data may lie elsewhere now.
      if (JSON.stringify(plan) !== JSON.stringify(before)) await writeMixPlan(output, plan);
      return new MixBatch(plan, output);
    }
    if (request.overwrite !== true) throw anotherJob(output, before, plan);
  }
  return aloneIn(output, async () => {
    const { keepCaches } = await checkMixOutput(request);
    const plan = await planOfMix(request, await settleMix(request));
    if (!keepCaches) {
      const caches = plan.sources.map(
        ({ source, cache }) => [source.name, cacheOfKey(output, source.name, cache)] as const,
      );
      await tidyCaches(output, new Map(caches));
    }
    await writeMixPlan(output, plan);
    return new MixBatch(plan, output);
  });
}

/** The job as `prepareMixBatch` would plan it, for looking at: nothing is written, and a tokenizer that has to be trained is not kept. */
export async function planMixBatch(request: MixRequest): Promise<BatchJob> {
  assertHere(request);
  await checkMixOutput(request);
  return new MixBatch(await planOfMix(request, await settleMix(request, false)), request.output);
}

/** The job in a folder. Throws a `UserError` when there is none. */
export async function openMixBatch(folder: string): Promise<BatchJob> {
  const plan = readMixPlan(folder);
  if (plan === undefined) {
    throw new UserError(`${folder} holds no shared mixture: there is no ${mixPlanName}`, {
      hint: 'give the folder that midtrain mix --executor slurm writes to (--out)',
    });
  }
  return new MixBatch(plan, folder);
}

/** One that is damaged counts as none: it is written anew. */
function earlierPlan(output: string): MixPlan | undefined {
  try {
    return readMixPlan(output);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function anotherJob(output: string, before: MixPlan, now: MixPlan): UserError {
  const old = new Map(before.sources.map(({ source, fingerprint: content }) => [source.name, content]));
  const changed = now.sources.filter(({ source, fingerprint: content }) => old.get(source.name) !== content);
  const name = before.asked.loaded.recipe.name;
  const why =
    changed.length === 0
      ? 'the recipe, the flags or the tokenizer differ'
      : `these sources differ: ${changed.map(({ source }) => source.name).join(', ')}`;
  return new UserError(`${output} already holds the job of another mixture (${name}): ${why}`, {
    hint: 'give another --out, or --overwrite to replace it (when none of its shares is at work)',
  });
}

class MixBatch implements BatchJob {
  readonly kind = 'mix';
  readonly name: string;
  readonly folder: string;
  readonly plan: string;
  private readonly mixPlan: MixPlan;

  constructor(plan: MixPlan, folder: string) {
    this.mixPlan = plan;
    this.name = plan.asked.loaded.recipe.name;
    this.folder = resolve(folder);
    this.plan = plan.hash;
  }

  async survey(stages: ReadonlyMap<string, BatchStage>): Promise<BatchSurvey> {
    const given = wavesOf(stages);
    const written = await readWritten(this.folder, this.plan);
    if (written !== undefined) {
      const { ledger, losses } = written;
      const others = ['arrange', 'shards'].flatMap((name) => stages.get(name) ?? []);
      const passed = [...given, ...others, this.whole('write', 1)].map(through);
      return { stage: undefined, left: [], passed, ledger, losses };
    }
    const survey = new MixSurvey(this.mixPlan, this.folder);
    survey.assertEnough();
    const { ledger, losses } = survey;
    const passed: BatchSurvey['passed'] = [];
    const at = (stage: BatchStage, left = stage.items.map(({ id }) => id)): BatchSurvey => ({
      stage,
      left,
      passed,
      ledger,
      losses,
    });
    for (const stage of given) {
      const left = survey.left(stage.items.map(({ id }) => id));
      if (left.length > 0) return at(stage, left);
      passed.push(through(stage));
    }
    const items = survey.nextItems();
    if (items.length > 0)
      return at({ name: `tokenise-${numberAfter(given)}`, kind: 'tokenise', items, alone: false });
    const arrange = this.whole('arrange', survey.tokens);
    const arrangement = await readArranged(this.folder, this.plan);
    if (arrangement === undefined) return at(arrange);
    passed.push(through(arrange));
    const shards = shardsStage(arrangement);
    const left = await this.shardsLeft(arrangement);
    if (left.length > 0) return at(shards, left);
    passed.push(through(shards));
    return at(this.whole('write', survey.tokens));
  }

  async work(share: BatchShare): Promise<{ done: number; left: number }> {
    if (share.stage === 'shards') return writeShardsShare(this.mixPlan, this.folder, share);
    const stage = alone.find((name) => name === share.stage);
    if (stage === undefined) return tokeniseShare(this.mixPlan, this.folder, share);
    if (share.drain.aborted) return { done: 0, left: 1 };
    const isDone =
      stage === 'write'
        ? (await readWritten(this.folder, this.plan)) !== undefined
        : (await readArranged(this.folder, this.plan)) !== undefined;
    return isDone ? { done: 0, left: 0 } : this.workAlone(stage, share);
  }

  /** Drained, it is given up at once: the lock is let go of, and the next begins anew; shards that are whole stay. */
  private async workAlone(
    stage: (typeof alone)[number],
    { workers, drain, emit }: BatchShare,
  ): Promise<{ done: number; left: number }> {
    const survey = new MixSurvey(this.mixPlan, this.folder);
    if (!survey.complete) {
      throw new UserError(`${this.folder}: not all that this mixture needs is tokenised yet`, {
        hint: `midtrain jobs status ${this.folder} says what is left, midtrain jobs retry ${this.folder} goes on`,
      });
    }
    const request = { ...requestOf(this.mixPlan, this.folder), workers, emit, signal: drain };
    const settled = await settledOf(this.mixPlan);
    try {
      if (stage === 'write') await mixAlone(request, settled);
      else {
        await aloneIn(this.folder, async () =>
          writeArranged(this.folder, this.plan, await arrangeMix(request, settled)),
        );
      }
    } catch (error) {
      if (error instanceof InterruptedError && drain.aborted) return { done: 0, left: 1 };
      throw error;
    }
    const { ledger, losses } = survey;
    if (stage === 'write') await writeWritten(this.folder, { plan: this.plan, ledger, losses });
    return { done: 1, left: 0 };
  }

  /** None where the mixture lies there whole, whoever wrote it. */
  private async shardsLeft(arrangement: MixArrangement): Promise<string[]> {
    const written = await shardMarkers(this.folder, arrangement);
    const left = shardsOf(arrangement).filter(({ id }) => !written.has(id));
    const found = left.length === 0 ? undefined : await finishedManifest(this.folder, true);
    return (await isFinished(this.folder, found, arrangement.key)) ? [] : left.map(({ id }) => id);
  }

  private whole(name: (typeof alone)[number], tokens: number): BatchStage {
    return { name, kind: name, items: [{ id: name, weight: Math.max(1, tokens) }], alone: true };
  }
}

function shardsStage(arrangement: MixArrangement): BatchStage {
  const items = shardsOf(arrangement).map(({ id, sequences }) => ({
    id,
    weight: sequences * arrangement.windowTokens,
  }));
  return { name: 'shards', kind: 'shards', items, alone: false };
}

function through({ name, items }: BatchStage): BatchSurvey['passed'][number] {
  return { name, items: items.length };
}

/** In their order. */
function wavesOf(stages: ReadonlyMap<string, BatchStage>): BatchStage[] {
  return [...stages.values()]
    .filter(({ kind }) => kind === 'tokenise')
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf({ name }: BatchStage): number {
  return Number(name.replace('tokenise-', ''));
}

function numberAfter(given: readonly BatchStage[]): number {
  const last = given.at(-1);
  return last === undefined ? 1 : numberOf(last) + 1;
}
