/**
 * Kills at random moments (50; KILLS=n for another number): after up to four kills of one job it is run to its end and must hold
 * the same bytes as a run that was left alone. Half of the moments are drawn from the whole life of the job, the others from one stage of
 * it, so that short stages get their share. The corpus (test/jobs/mixed-corpus.ts) has every kind of input and the pipeline every stage; its
 * texts and pages are C4 documents, GSM8K problems and PlanetMath pages where ../shared/data is there, else made up. SEED=n: other moments.
 *
 * A thread cannot be killed from outside (a signal ends its whole process), so death of single workers is in damage.test.ts.
 * Run with: npm run test:crash
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sharedData } from '../io/shared-data.ts';
import { outputHashes } from '../jobs/corpus.ts';
import { type JobProcess, type KillTime, runAndKill, type Stage, stageOf, stages } from '../jobs/kill-job.ts';
import { type MixedOptions, writeMixedCorpus } from '../jobs/mixed-corpus.ts';

const kills = Number(process.env.KILLS ?? 50);
const random = new Random(`kill-filter ${process.env.SEED ?? 1}`);
const root = mkdtempSync(join(tmpdir(), 'midtrain-crash-'));
const corpus = join(root, 'corpus');
const isReal = existsSync(sharedData);
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(() => writeMixedCorpus(corpus, { size: 60, ...(isReal ? realTexts() : {}) }));

function realTexts(): Pick<MixedOptions, 'texts' | 'pages'> {
  const rows = (path: string): Record<string, string>[] =>
    readFileSync(join(sharedData, path), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
  const c4 = rows('web-text/c4-demo-300.jsonl').map(({ text }) => text!);
  const gsm = rows('math-qa/gsm8k-train.jsonl').slice(0, 100);
  const folder = join(sharedData, 'html-math/planetmath-11');
  const pages = readdirSync(folder).filter((name) => name.endsWith('.html'));
  return {
    texts: [...c4, ...gsm.map(({ question, answer }) => `${question!}\n${answer!}`)],
    pages: pages
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .filter((page) => page.length < 60_000),
  };
}

/** An undisturbed run: its bytes, and when each stage began, in milliseconds from the start of the process. */
interface Whole {
  expected: Record<string, string>;
  began: Partial<Record<Stage, number>>;
  duration: number;
}

const folders: Record<string, Whole> = {};
const counts: Record<Stage, number> = Object.fromEntries(stages.map((stage) => [stage, 0])) as never;
let killed = 0;

async function undisturbed(kind: JobProcess['kind']): Promise<Whole> {
  const known = folders[kind];
  if (known !== undefined) return known;
  const out = join(root, `whole-${kind}`);
  const began: Whole['began'] = { start: 0 };
  const start = performance.now();
  await runAndKill({ kind, corpus, out, workers: 2 }, undefined, (stage) => {
    began[stage] = performance.now() - start;
  });
  const whole = { expected: outputHashes(out), began, duration: performance.now() - start };
  folders[kind] = whole;
  return whole;
}

/** Stages that a kill may be aimed at. */
const targets: Stage[] = ['measure', 'dedup', 'finish', 'report'];

/** A moment of the job's life that is left to it, or of that one of its stages to come in which the fewest kills fell so far. */
function someTime({ began, duration }: Whole, out: string): KillTime {
  const now = stages.indexOf(stageOf(out));
  const open = targets.filter((stage) => stages.indexOf(stage) > now);
  const endOf = (at: number): number =>
    stages.slice(at + 1).flatMap((later) => began[later] ?? [])[0] ?? duration;
  if (open.length === 0 || random.int(2) === 0) {
    const preparing = began.measure ?? 0;
    return { afterMs: random.float() * (preparing + duration - (began[stages[now]!] ?? 0)) };
  }
  const [stage] = open.sort((x, y) => counts[x] - counts[y]) as [Stage];
  const end = endOf(stages.indexOf(stage));
  // A stage that was too short to be seen gets a few milliseconds.
  return { stage, afterMs: random.float() * Math.max(5, end - (began[stage] ?? end)) };
}

async function killOnce(job: JobProcess, time: KillTime): Promise<boolean> {
  const stage = await runAndKill(job, time);
  if (stage === undefined) return false;
  counts[stage]++;
  killed++;
  return true;
}

function expectSame(out: string, { expected }: Whole): void {
  expect(outputHashes(out), `${killed} kills so far`).toEqual(expected);
  rmSync(out, { recursive: true });
}

describe(`a filter job over ${isReal ? 'a real' : 'a made-up'} corpus`, { timeout: 3_600_000 }, () => {
  it(`leaves the same bytes after each of ${kills} kills, for 1, 2 and 8 workers and for 3 ranks`, async () => {
    let rounds = 0;
    for (; killed < kills; rounds++) {
      const out = join(root, `round-${rounds}`);
      const kind = rounds % 4 === 1 ? 'tables' : 'mixed';
      const whole = await undisturbed(kind);
      const job = (): JobProcess => ({ kind, corpus, out, workers: random.pick([1, 2, 8]) });
      if (rounds % 4 === 3) await killRanks(job, whole);
      else
        for (let i = 0; i < 4 && killed < kills; i++)
          if (!(await killOnce(job(), someTime(whole, out)))) break;
      await runAndKill(job());
      expectSame(out, whole);
    }
    const seconds = Object.entries(folders).map(([kind, { duration, began }]) => {
      const at = stages.flatMap((stage) =>
        began[stage] === undefined ? [] : `${stage} ${Math.round(began[stage])}`,
      );
      return `${kind} ${Math.round(duration)} ms (${at.join(', ')})`;
    });
    process.stdout.write(
      `${killed} kills in ${rounds} jobs, all equal; by stage: ${JSON.stringify(counts)}; undisturbed: ${seconds.join('; ')}\n`,
    );
    if (kills >= 50) for (const stage of stages.slice(0, 4)) expect(counts[stage], stage).toBeGreaterThan(2);
  });

  /** One of three ranks at work side by side is killed, in the first pass and, when a killed run has done the barrier, in the second. */
  async function killRanks(job: () => JobProcess, whole: Whole): Promise<void> {
    const side = async (): Promise<void> => {
      const victim = random.int(3);
      const run = async (rank: number): Promise<void> => {
        const own: JobProcess = { ...job(), workers: 1, rank: { rank, ranks: 3 } };
        const time = { afterMs: random.float() * whole.duration };
        if (rank === victim) await killOnce(own, time);
        else await runAndKill(own);
      };
      await Promise.all([0, 1, 2].map(run));
    };
    await side();
    await killOnce(job(), { stage: 'finish', afterMs: 10 });
    await side();
  }
});
