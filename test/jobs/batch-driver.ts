/** Does a batch job in shares, as a scheduler would: surveys, gives the items of the stage to ranks, works them off, surveys again. */
import './compile-cache.ts';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/events.ts';
import type { BatchJob, BatchStage, BatchSurvey } from '../../src/jobs/batch-job.ts';

const never = new AbortController().signal;
export const nothingGiven: ReadonlyMap<string, BatchStage> = new Map();

/** The items of a rank: every n-th, so that neighbours are done by different ranks. */
export function itemsOf(stage: BatchStage, rank: number, ranks: number): string[] {
  return stage.items.map(({ id }) => id).filter((_, i) => i % ranks === rank);
}

export function work(job: BatchJob, stage: string, items: readonly string[], drain = never) {
  return job.work({ stage, items, workers: 1, drain, emit: silent });
}

export interface Driven extends BatchSurvey {
  /** Stages gone through, in order. */
  seen: string[];
  /** Messages of shares that could not be done. */
  problems: string[];
}

/** Runs until the stage `until` is reached, or to the end. Ranks come in falling order. A share that fails is given out again. */
export async function drive(
  job: BatchJob,
  {
    ranks = 1,
    until,
    given = new Map(),
  }: { ranks?: number; until?: string; given?: Map<string, BatchStage> } = {},
): Promise<Driven> {
  const seen: string[] = [];
  const problems: string[] = [];
  for (;;) {
    const survey = await job.survey(given);
    const { stage, left } = survey;
    if (stage === undefined || stage.name === until) return { ...survey, seen, problems };
    given.set(stage.name, stage);
    seen.push(stage.name);
    if (seen.length > 12) throw new Error(`no end: ${seen.join(' ')}; ${problems.join('; ')}`);
    for (let rank = ranks - 1; rank >= 0; rank--) {
      const items = itemsOf(stage, rank, ranks);
      if (!items.some((id) => left.includes(id))) continue;
      try {
        await work(job, stage.name, items);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        problems.push(error.message);
      }
    }
  }
}

export interface ShareProcess {
  folder: string;
  stage: string;
  items: string[];
  /** Kills itself as soon as so many units are measured. */
  dieAfter?: number;
}

/** Runs a share as a process; answers its counts, or undefined when it was killed. */
export function runShare(share: ShareProcess): Promise<{ done: number; left: number } | undefined> {
  const script = fileURLToPath(new URL('./run-share.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, JSON.stringify(share)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { text: '', errors: '' };
    child.stdout.on('data', (data: Buffer) => {
      output.text += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      output.errors += data.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(output.text) as { done: number; left: number });
      else reject(new Error(`the share ended with code ${code}: ${output.errors}`));
    });
  });
}
