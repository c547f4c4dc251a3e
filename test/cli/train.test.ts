/**
 * `midtrain train` across processes: a run that was killed with SIGKILL in the middle of a step, or stopped with SIGINT, and goes on, ends
 * with the same bytes as one that was left alone, in both phases and across the phase change; and two runs are equal.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { readMetrics } from '../../src/io/run-record.ts';
import { type CliResult, ensureBuilt, runCli } from '../run-cli.ts';
import { writeTokenFolder } from '../trainer/token-folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'train-cli-'));
beforeAll(async () => {
  await ensureBuilt();
  const random = new Random(1);
  const line = () => Array.from({ length: 24 }, () => 'abcd'[random.int(4)]).join('');
  await writeTokenFolder(path.join(root, 'data'), Array.from({ length: 200 }, line), {
    lines: Array.from({ length: 20 }, line),
  });
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function writeConfig(name: string): string {
  const file = path.join(root, `${name}.yaml`);
  const text = `name: test
out: ${path.join(root, name)}
data: ${path.join(root, 'data')}
model: {hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24}
sequence_length: 32
micro_batch_size: 2
gradient_accumulation_steps: 2
optimizer: {max_grad_norm_z: 8}
stable: {steps: 12, learning_rate: 0.01, warmup_steps: 2}
decay: {steps: 6, learning_rate: 0.01}
eval_every: 4
checkpoint_every: 3
`;
  writeFileSync(file, text);
  return file;
}

/** Trains a phase; with `kill` the process gets that signal once so many steps are in its metrics. */
function trainPhase(
  name: string,
  phase: string,
  kill?: { signal: NodeJS.Signals; step: number },
): Promise<CliResult> {
  return runCli(['train', writeConfig(name), '--phase', phase], {
    timeoutMs: 120_000,
    ...(kill && {
      during: async (child) => {
        const metrics = path.join(root, name, phase, 'metrics.jsonl');
        while (child.exitCode === null && (readMetrics(metrics).at(-1)?.step ?? -1) < kill.step)
          await sleep(2);
        child.kill(kill.signal);
      },
    }),
  });
}

/** The files of the last checkpoint, each by its hash. */
function lastCheckpoint(name: string, phase: string): Record<string, string> {
  const folder = path.join(root, name, phase, 'checkpoints');
  const last = path.join(folder, readdirSync(folder).sort().at(-1)!);
  const files = ['model.safetensors', 'config.json', 'state/moments.safetensors'];
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(path.join(last, file)))
        .digest('hex'),
    ]),
  );
}

const numbersOf = (name: string, phase: string) =>
  readMetrics(path.join(root, name, phase, 'metrics.jsonl')).map(({ step, loss, grad_norm, eval_loss }) => ({
    step,
    loss,
    grad_norm,
    eval_loss,
  }));

it('ends with the same bytes after a kill and a stop, in both phases', async () => {
  for (const phase of ['stable', 'decay']) expect((await trainPhase('whole', phase)).code).toBe(0);

  expect((await trainPhase('broken', 'stable', { signal: 'SIGKILL', step: 5 })).signal).toBe('SIGKILL');
  const stopped = await trainPhase('broken', 'stable', { signal: 'SIGINT', step: 8 });
  expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringContaining('goes on from there')]);
  expect((await trainPhase('broken', 'stable')).code).toBe(0);
  expect((await trainPhase('broken', 'decay', { signal: 'SIGKILL', step: 2 })).signal).toBe('SIGKILL');
  expect((await trainPhase('broken', 'decay')).code).toBe(0);

  for (const phase of ['stable', 'decay']) {
    expect(lastCheckpoint('broken', phase)).toEqual(lastCheckpoint('whole', phase));
    expect(numbersOf('broken', phase)).toEqual(numbersOf('whole', phase));
  }
  // Done already: nothing is trained again.
  const again = await trainPhase('broken', 'decay');
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('already done')]);
}, 240_000);
