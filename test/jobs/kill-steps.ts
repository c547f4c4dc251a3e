/**
 * Runs a pipeline with steps in processes of its own against a fake language model and kills them with SIGKILL: while it labels, trains,
 * scores, refines. What must hold afterwards is for the caller to check: no document paid for twice, the same bytes.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StagedSummary } from '../../src/jobs/staged-summary.ts';
import type { FakeLanguageModel, Task } from './fake-language-model.ts';
import type { StepsProcess } from './run-steps.ts';

/** When to kill: after so many answers of a task, or when a file of the run folder is there. */
export type KillPlace = { task: Task; answers: number } | { file: string };

/** Runs to the end; answers the summary. */
export async function runSteps(job: StepsProcess): Promise<StagedSummary> {
  const { child, output, ended } = start(job);
  const code = await ended;
  if (code !== 0) throw new Error(`the pipeline ended with ${String(code)}: ${output.errors}`);
  child.unref();
  return JSON.parse(output.text) as StagedSummary;
}

/** Runs until the place and kills. Answers false when the run ended before. */
export async function runAndKill(
  job: StepsProcess,
  model: FakeLanguageModel,
  place: KillPlace,
): Promise<boolean> {
  const reached = 'task' in place ? model.freezeAfter(place.task, place.answers) : undefined;
  const { child, ended, output } = start(job);
  let over = false;
  const end = ended.then((code) => {
    over = true;
    return code;
  });
  if ('file' in place) {
    while (!over && !existsSync(join(job.out, place.file))) await sleep(2);
  } else {
    await Promise.race([reached, end]);
    // Frozen: nothing goes out any more. What went out is read and written down meanwhile.
    if (!over) await journalHas(join(job.out, 'answers'), () => over, model);
  }
  if (over) {
    model.thaw();
    const code = await end;
    if (code !== 0) throw new Error(`the pipeline ended with ${String(code)}: ${output.errors}`);
    return false;
  }
  child.kill('SIGKILL');
  await end;
  model.thaw();
  return true;
}

/** Waits until every answer that went out is in a journal. */
async function journalHas(answers: string, over: () => boolean, model: FakeLanguageModel): Promise<void> {
  const lines = (): number =>
    existsSync(answers)
      ? readdirSync(answers)
          .flatMap((name) => readFileSync(join(answers, name), 'utf8').split('\n'))
          .filter((line) => line.includes('"content"')).length
      : 0;
  const sent = (): number => model.byTask.label + model.byTask.refine;
  while (!over() && lines() < sent()) await sleep(5);
}

function start(job: StepsProcess) {
  const script = fileURLToPath(new URL('./run-steps.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { text: '', errors: '' };
  child.stdout.on('data', (data: Buffer) => {
    output.text += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    output.errors += data.toString();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
  return { child, output, ended };
}

/** sha256 of every file of a folder, by name. */
export function hashesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
}
