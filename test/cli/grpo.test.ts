/**
 * `midtrain grpo` across processes: a run that is killed with SIGKILL at random moments (in rollouts, updates, evaluations, checkpoints), and goes
 * on, ends with the same metrics, rollouts and weights as one that was left alone. Several updates a batch, adaptive length, a moving reference,
 * replaced groups. And what --dry-run says.
 */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { presetNames } from '../../src/cli/grpo.ts';
import { Random } from '../../src/core/random.ts';
import { readMetrics } from '../../src/io/run-record.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import { presetNames as known } from '../../trainer/grpo/presets.ts';
import { childrenOf } from '../child-processes.ts';
import { type CliResult, ensureBuilt, runCli } from '../run-cli.ts';
import { digitsConfig, makeDigitsWorld, statefulKeys } from '../trainer/digits-world.ts';

const root = mkdtempSync(path.join(tmpdir(), 'grpo-cli-'));
let start: string;
beforeAll(async () => {
  await ensureBuilt();
  const gpu = await openDevice();
  start = await makeDigitsWorld(gpu, root);
  await gpu.close();
}, 180_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Kill {
  /** When its metrics have reached this step, and so many milliseconds later. */
  step: number;
  delay: number;
  /** Default: the process itself, with SIGKILL. */
  how?: (child: ChildProcess) => void;
}

/** Runs a config, and kills the process where it is asked to. */
function run(name: string, kill?: Kill, flags: readonly string[] = []): Promise<CliResult> {
  const file = path.join(root, `${name}.yaml`);
  writeFileSync(file, stringify({ ...digitsConfig(root, start, name), ...statefulKeys }));
  return runCli(['grpo', file, ...flags], {
    timeoutMs: 180_000,
    // What opening a device in this process has set would be taken for a choice of the user's.
    env: { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined },
    ...(kill && {
      during: async (child) => {
        const metrics = path.join(root, name, 'metrics.jsonl');
        while (child.exitCode === null && (readMetrics(metrics).at(-1)?.step ?? -1) < kill.step)
          await sleep(2);
        await sleep(kill.delay);
        if (kill.how) kill.how(child);
        else child.kill('SIGKILL');
      },
    }),
  });
}

const timeless = (name: string) =>
  readMetrics(path.join(root, name, 'metrics.jsonl')).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !/^(timing_s|perf|step_time)/.test(key))),
  );

function lastCheckpoint(name: string): Record<string, string> {
  const folder = path.join(root, name, 'checkpoints');
  const last = path.join(folder, readdirSync(folder).sort().at(-1)!);
  return Object.fromEntries(
    readdirSync(last, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.safetensors$|grpo\.json$/.test(file))
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(path.join(last, file)))
          .digest('hex'),
      ]),
  );
}

it('ends with the same bytes after kills at random moments, and after a crash with --max-restarts', async () => {
  const whole = await run('whole');
  expect([whole.code, whole.stderr]).toEqual([0, expect.any(String)]);
  const rows = timeless('whole');
  expect(rows.map((row) => row.step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(new Set(rows.map((row) => row['completions/max_allowed_length'])).size).toBeGreaterThan(2);
  expect(rows.at(-1)!.kl).toBeGreaterThan(0);

  const random = new Random(`${process.env.KILL_SEED ?? 1}/kills`);
  const moments: number[] = [];
  for (const step of [0, 2, 4]) {
    const delay = random.int(400);
    moments.push(delay);
    const killed = await run('broken', { step, delay });
    expect(killed.signal, `kill ${delay} ms after step ${step}: ${killed.stderr}`).toBe('SIGKILL');
  }
  const last = await run('broken');
  expect([last.code, last.stderr]).toEqual([0, expect.stringContaining('going on from step')]);
  expect(timeless('broken'), `kills after ${moments.join(', ')} ms`).toEqual(rows);
  const rollouts = (name: string) => readFileSync(path.join(root, name, 'rollouts.jsonl'), 'utf8');
  expect(rollouts('broken')).toBe(rollouts('whole'));
  expect(lastCheckpoint('broken')).toEqual(lastCheckpoint('whole'));

  if (process.platform !== 'linux') return;
  // With --max-restarts the work is done by a child process; when a driver brings that down, another goes on.
  const crash = (child: ChildProcess) => {
    for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGSEGV');
  };
  const restarted = await run('restarted', { step: 3, delay: 0, how: crash }, ['--max-restarts', '2']);
  expect(restarted.stderr).toContain(
    'the process was ended by SIGSEGV: starting again from the last checkpoint (1 of 2)',
  );
  expect([restarted.code, restarted.stderr]).toEqual([0, expect.stringMatching(/going on from step [2-5]/)]);
  expect(timeless('restarted')).toEqual(rows);
  expect(lastCheckpoint('restarted')).toEqual(lastCheckpoint('whole'));
}, 300_000);

it('--dry-run prints the plan, the memory of the reference model, and the preset with its evidence', async () => {
  const file = path.join(root, 'plan.yaml');
  const { num_generations: _, ...config } = digitsConfig(root, start, 'plan');
  writeFileSync(file, stringify({ ...config, beta: 0.1, length_advance: { clipped_ratio: 0.1 } }));
  const { code, stdout } = await runCli(['grpo', file, '--preset', 'octothinker', '--dry-run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/memory .*reference model [\d.]+ MiB/);
  expect(stdout).toContain('16 steps x 16 prompts x 16 samples');
  expect(stdout).toMatch(/prompts_per_step 128 \(this config has 16\) \[confirmed: paper, section 2\.1\]/);
  expect(stdout).toMatch(/each when fewer than 10 % of 4 steps' responses were cut short/);
  expect(presetNames).toEqual([...known]);
});
