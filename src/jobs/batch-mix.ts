/**
 * A mixture as a job that many machines share (batch-job.ts).
 *
 * 1. `prepareMixBatch` settles it once: sources found and cut into units, tokenizer loaded or trained and kept, all of it in mix-plan.json.
 * 2. Waves `tokenise-1`, `tokenise-2`, ...: units that are likely to be needed, by any process (source-stand.ts). A unit's marker is its file in the
 *    cache, whole or absent. Waves go on until every source has what it needs; which units are used is decided by their order alone, so a
 *    unit too many costs time and changes nothing.
 * 3. `write`: the local mix over the cache, with the job's lock. mix-written.json says that it is done.
 *
 * Shares only add files to the cache. What is left over there is removed by whoever has the folder for itself: the first launch, and `write`.
 * Given up: sources on the Hub (their units are known only when files are fetched, and machines of a cluster often have no network).
 */
import { resolve } from 'node:path';
import { InterruptedError, UserError } from '../core/errors.ts';
import { checkMixOutput } from '../stages/mix.ts';
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
import { cacheOfKey, tidyCaches } from '../stages/unit-cache.ts';
import type { BatchJob, BatchShare, BatchStage, BatchSurvey } from './batch-job.ts';
import { aloneIn, mixAlone } from './mix-alone.ts';
import { MixSurvey } from './mix-survey.ts';
import { readWritten, writeWritten } from './mix-written.ts';
import { tokeniseShare } from './tokenise-share.ts';

const writeItem = 'write';

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
      const passed = [...given, { name: 'write', items: [writeItem] }];
      return {
        stage: undefined,
        left: [],
        passed: passed.map(({ name, items }) => ({ name, items: items.length })),
        ledger: written.ledger,
        losses: written.losses,
      };
    }
    const survey = new MixSurvey(this.mixPlan, this.folder);
    survey.assertEnough();
    const { ledger, losses } = survey;
    const passed: BatchSurvey['passed'] = [];
    for (const stage of given) {
      const left = survey.left(stage.items.map(({ id }) => id));
      if (left.length > 0) return { stage, left, passed, ledger, losses };
      passed.push({ name: stage.name, items: stage.items.length });
    }
    const items = survey.nextItems();
    const stage: BatchStage =
      items.length > 0
        ? { name: `tokenise-${numberAfter(given)}`, kind: 'tokenise', items, alone: false }
        : {
            name: 'write',
            kind: 'write',
            items: [{ id: writeItem, weight: Math.max(1, survey.tokens) }],
            alone: true,
          };
    return { stage, left: stage.items.map(({ id }) => id), passed, ledger, losses };
  }

  async work(share: BatchShare): Promise<{ done: number; left: number }> {
    if (share.stage !== 'write') return tokeniseShare(this.mixPlan, this.folder, share);
    if (share.drain.aborted) return { done: 0, left: 1 };
    if ((await readWritten(this.folder, this.plan)) !== undefined) return { done: 0, left: 0 };
    return this.write(share);
  }

  /** A write cannot be gone on with, so it is given up at once when the share is drained: the lock is let go of, and the next begins anew. */
  private async write({ workers, drain, emit }: BatchShare): Promise<{ done: number; left: number }> {
    const survey = new MixSurvey(this.mixPlan, this.folder);
    if (!survey.complete) {
      throw new UserError(`${this.folder}: not all that this mixture needs is tokenised yet`, {
        hint: `midtrain jobs status ${this.folder} says what is left, midtrain jobs retry ${this.folder} goes on`,
      });
    }
    const request = { ...requestOf(this.mixPlan, this.folder), workers, emit, signal: drain };
    try {
      await mixAlone(request, await settledOf(this.mixPlan));
    } catch (error) {
      if (error instanceof InterruptedError && drain.aborted) return { done: 0, left: 1 };
      throw error;
    }
    const { ledger, losses } = survey;
    await writeWritten(this.folder, { plan: this.plan, ledger, losses });
    return { done: 1, left: 0 };
  }
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
