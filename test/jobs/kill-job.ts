/** Starts a filter job in a process of its own and kills it, the process and all its threads, at a moment or in a stage. */
import './compile-cache.ts';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface JobProcess {
  /** Of corpus.ts, of mixed-corpus.ts, or its tables alone. */
  kind: 'small' | 'mixed' | 'tables';
  corpus: string;
  out: string;
  workers: number;
  rank?: { rank: number; ranks: number };
}

/** What a job is at, by what lies in its folder; `start`: this process has not come to its work yet. */
export const stages = ['start', 'measure', 'dedup', 'finish', 'report', 'ended'] as const;
export type Stage = (typeof stages)[number];

/** `afterMs` counts from the start of the process, or from when the stage is first seen. */
export interface KillTime {
  stage?: Stage;
  afterMs: number;
}

/** The stage of a job's folder that nobody damaged: markers only become more. */
export function stageOf(out: string): Stage {
  if (!existsSync(join(out, 'plan.json'))) return 'start';
  const { units } = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as { units: unknown[] };
  const names = readdirSync(join(out, 'units'));
  const count = (end: string): number => names.filter((name) => name.endsWith(end)).length;
  if (count('.measured.json') < units.length) return 'measure';
  if (!existsSync(join(out, 'dedup', 'done.json'))) return 'dedup';
  if (count('.done.json') < units.length) return 'finish';
  return existsSync(join(out, 'ledger.json')) ? 'ended' : 'report';
}

/** Runs the job; `kill` undefined: to its end. Answers the stage in which it was killed, undefined when it ended by itself before. */
export function runAndKill(
  job: JobProcess,
  kill?: KillTime,
  onStage?: (stage: Stage) => void,
): Promise<Stage | undefined> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('./run-filter.ts', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    let started = false;
    child.stdout.once('data', () => {
      started = true;
    });
    const killSoon = (afterMs: number): void => void setTimeout(() => child.kill('SIGKILL'), afterMs);
    if (kill !== undefined && kill.stage === undefined) killSoon(kill.afterMs);
    let seen: Stage = 'start';
    const watch = setInterval(() => {
      const stage = started ? stageOf(job.out) : 'start';
      if (stage === seen) return;
      seen = stage;
      onStage?.(stage);
      if (stage === kill?.stage) killSoon(kill.afterMs);
    }, 2);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      if (signal === 'SIGKILL') resolve(started ? stageOf(job.out) : 'start');
      else if (code === 0) resolve(undefined);
      else reject(new Error(`the job ended with code ${code}: ${errors}`));
    });
  });
}
