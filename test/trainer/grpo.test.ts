/**
 * GRPO end to end on a world small enough for a test (digits-world.ts): reinforcement must find that 7 pays; with permuted rewards it must not.
 * (The arithmetic of the demo, which has to be worked out, is measured by test/demo-seeds.sh.) And the ways a run can be cut and turned back.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { type ProgressEvent, silent } from '../../src/core/events.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { type GrpoConfig, grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { grpo } from '../../trainer/grpo/grpo.ts';
import type { Finding, FindingAction, RunWatcher } from '../../trainer/grpo/watch.ts';
import { digitsConfig, makeDigitsWorld, statefulKeys } from './digits-world.ts';

const root = mkdtempSync(path.join(tmpdir(), 'grpo-'));
const signal = new AbortController().signal;
let gpu: Gpu;
let start: string;

beforeAll(async () => {
  gpu = await openDevice();
  start = await makeDigitsWorld(gpu, root);
}, 180_000);
afterAll(async () => {
  await gpu.close();
  if (!process.env.KEEP) rmSync(root, { recursive: true, force: true });
  else console.log(root);
});

const config = (out: string, change: Record<string, unknown> = {}): GrpoConfig =>
  grpoConfigSchema.parse({ ...digitsConfig(root, start, out), ...change });

const hashes = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(path.join(folder, name)))
          .digest('hex'),
      ]),
  );

/** Everything of metrics.jsonl that is not a time. */
const numbers = (folder: string) =>
  readRun(folder).metrics.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !/^(timing_s|perf|step_time)/.test(name))),
  );
const rolloutRows = (folder: string) => readFileSync(path.join(folder, 'rollouts.jsonl'), 'utf8');

/** Aborts at the `n`-th event that fits. */
function abortAt(n: number, fits: (event: ProgressEvent) => boolean) {
  const controller = new AbortController();
  let seen = 0;
  const emit = (event: ProgressEvent) => {
    if (fits(event) && ++seen === n) controller.abort();
  };
  return { emit, signal: controller.signal };
}

describe('GRPO', () => {
  it('raises sampled accuracy on held-out problems, and writes what the report needs', async () => {
    const result = await grpo(gpu, config('climb'), { emit: silent, signal });
    expect(result.startAccuracy).toBeGreaterThan(0.05);
    expect(result.startAccuracy).toBeLessThan(0.6);
    expect(result.interval[0]).toBeGreaterThan(0.1);
    const { record, metrics } = readRun(result.runFolder);
    expect(record.summary).toMatchObject({ endAccuracy: result.endAccuracy, steps: 16 });
    const steps = metrics.filter((row) => row.reward !== undefined);
    expect(steps).toHaveLength(16);
    expect(steps.map((row) => row['completions/max_allowed_length'])).toEqual([
      ...Array(4).fill(8),
      ...Array(12).fill(10),
    ]);
    for (const row of steps) expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    const rollouts = rolloutRows(result.runFolder)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rollouts[0]).toMatchObject({
      step: 1,
      prompt: expect.any(String),
      completion: expect.any(String),
      reward: expect.any(Number),
    });
  });

  it('does not climb when rewards are permuted over the batch', async () => {
    const result = await grpo(gpu, config('shuffled', { shuffle_rewards: true }), { emit: silent, signal });
    expect(result.interval[0]).toBeLessThan(0.05);
    expect(result.change).toBeLessThan(0.1);
  });

  it('learns the same without a ratio to clip, by sequence and with a KL term of weight next to nothing', async () => {
    // One update a batch: every ratio is 1, so what the options change is not seen.
    const short = { steps: 2, mini_batch_prompts: 16, eval_every: 2, eval_count: 8, loss_type: 'bnpo' };
    const rewards = async (out: string, change: Record<string, unknown>) => {
      const { runFolder } = await grpo(gpu, config(out, { ...short, ...change }), { emit: silent, signal });
      return readRun(runFolder).metrics.filter((row) => row.reward !== undefined);
    };
    const plain = await rewards('plain', {});
    const other = await rewards('other', {
      importance_sampling_level: 'sequence',
      delta: 3,
      beta: 1e-12,
      loss_type: 'dapo',
    });
    expect(other[0]!.reward).toBe(plain[0]!.reward);
    for (const name of ['loss', 'grad_norm', 'entropy'])
      expect(Number(other[0]![name]), name).toBeCloseTo(Number(plain[0]![name]), 4);
    expect(other[0]!.kl).toBeCloseTo(0, 6);
    // The policy has moved away from the start model by then, which the reference still is.
    expect(other[1]!.kl).toBeGreaterThan(1e-6);
    expect(other.every((row) => row['clip_ratio/region_mean'] === 0)).toBe(true);
  });
});

describe('a run that is stopped', () => {
  it('goes on bit for bit: updates, lengths, reference, replaced groups, evaluations', async () => {
    const change = {
      ...statefulKeys,
      eval_problems: {
        first: path.join(root, 'heldout.jsonl'),
        second: { problems: path.join(root, 'train.jsonl') },
      },
      eval_start_prompts: ['complex'],
      max_prompt_length: 120,
      pack_length: 140,
    };
    const whole = await grpo(gpu, config('whole', change), { emit: silent, signal });
    const { metrics } = readRun(whole.runFolder);
    // The things under test did happen.
    expect(new Set(metrics.map((row) => row['completions/max_allowed_length'])).size).toBeGreaterThan(2);
    expect(metrics.some((row) => Number(row['train/num_gen_batches']) > 1)).toBe(true);
    expect(metrics[0]).toMatchObject({ eval_first_accuracy: metrics[0]!.eval_accuracy });
    expect(Object.keys(metrics[0]!)).toEqual(
      expect.arrayContaining([
        'eval_second_accuracy',
        'eval_first@complex_accuracy',
        'eval_second@complex_accuracy',
      ]),
    );
    expect(Object.keys(metrics.at(-1)!)).not.toContain('eval_first@complex_accuracy');

    // After a step, in the middle of an evaluation (which begins after the rollouts of step 4 are on disk), and after that again.
    const broken = config('broken', change);
    await expect(
      grpo(
        gpu,
        broken,
        abortAt(1, (event) => event.kind === 'progress' && event.done === 1),
      ),
    ).rejects.toThrow(InterruptedError);
    const controller = new AbortController();
    const folder = path.join(root, 'broken');
    const watching = setInterval(() => {
      const file = path.join(folder, 'rollouts.jsonl');
      if (existsSync(file) && readFileSync(file, 'utf8').includes('"step":4')) controller.abort();
    }, 1);
    await expect(grpo(gpu, broken, { emit: silent, signal: controller.signal })).rejects.toThrow(
      InterruptedError,
    );
    clearInterval(watching);
    const resumed = await grpo(gpu, broken, { emit: silent, signal });
    expect(hashes(resumed.checkpoint)).toEqual(hashes(whole.checkpoint));
    expect(Object.keys(hashes(whole.checkpoint))).toContain('state/reference/model.safetensors');
    expect(numbers(folder)).toEqual(numbers(whole.runFolder));
    expect(rolloutRows(folder)).toBe(rolloutRows(whole.runFolder));
    expect({ ...resumed, runFolder: '', checkpoint: '' }).toEqual({
      ...whole,
      runFolder: '',
      checkpoint: '',
    });
    // Giving the command once more changes nothing.
    expect(await grpo(gpu, broken, { emit: silent, signal })).toEqual(resumed);
  });
});

/** Fires at the given steps, each once in a run's life, whatever happens. */
function firing(at: Record<number, FindingAction>, lastGood?: number): () => RunWatcher {
  return () => {
    let fired = 0;
    return {
      observe({ step, rollouts }): readonly Finding[] {
        const action = at[step];
        if (action === undefined || rollouts.length === 0 || fired >= step) return [];
        fired = step;
        const good = lastGood === undefined ? {} : { lastGood };
        return [{ signature: 'test', step, value: 1, rule: 'r', action, text: `fires at ${step}`, ...good }];
      },
      values: () => ({ 'signature/test': fired }),
      state: () => fired,
      restore: (state) => {
        fired = state as number;
      },
    };
  };
}

describe('what a watcher finds', () => {
  const short = {
    steps: 6,
    prompts_per_step: 8,
    mini_batch_prompts: 4,
    eval_every: 3,
    eval_count: 16,
    checkpoint_every: 2,
    keep_checkpoints: 4,
  };

  it('as a warning is told once and kept in the record', async () => {
    const told: string[] = [];
    const { runFolder } = await grpo(gpu, config('warned', { ...short, steps: 3 }), {
      emit: (event) => event.kind === 'message' && event.level === 'warn' && told.push(event.text),
      signal,
      watch: firing({ 2: 'warn' }),
    });
    expect(told).toEqual(['step 2: fires at 2']);
    const { record, metrics } = readRun(runFolder);
    expect(record.summary.findings).toEqual([{ signature: 'test', step: 2, text: 'fires at 2' }]);
    expect(metrics.map((row) => row['signature/test'])).toEqual([0, 0, 2, 2]);
  });

  it('stops the run, or sends it back when there is a change left to try', async () => {
    const stop = grpo(gpu, config('stopped', short), { emit: silent, signal, watch: firing({ 3: 'stop' }) });
    await expect(stop).rejects.toThrow(/stopped at step 3 by test: fires at 3/);
    expect(readRun(path.join(root, 'stopped')).record.status).toBe('failed');
    const none = grpo(gpu, config('none', short), { emit: silent, signal, watch: firing({ 3: 'rollback' }) });
    await expect(none).rejects.toThrow(/no change to go back with/);
  });

  it('sends the run back to the last good checkpoint with the next change, the same after a stop', async () => {
    const change = {
      ...short,
      rollback: [{ max_completion_length: 6 }, { template: 'question', learning_rate: 1e-4 }],
    };
    // Long responses are bad at step 5; the template at step 6, and only step 3 and before were good.
    const watch = (): RunWatcher => ({
      observe({ step, rollouts, allowedLength }) {
        const [first] = rollouts;
        const long = step === 5 && allowedLength > 6;
        if (first === undefined || !(long || (step === 6 && first.prompt.startsWith('Question:')))) return [];
        const finding = {
          signature: 'test',
          step,
          value: 1,
          rule: 'r',
          action: 'rollback',
          text: 't',
        } as const;
        return [long ? finding : { ...finding, lastGood: 3 }];
      },
      values: () => ({}),
      state: () => null,
      restore() {},
    });
    const whole = await grpo(gpu, config('back', change), { emit: silent, signal, watch });
    const { record, metrics } = readRun(whole.runFolder);
    expect(record.summary.rollbacks).toMatchObject([
      { from: 5, to: 4, signature: 'test', change: { max_completion_length: 6 } },
      { from: 6, to: 2, change: { template: 'question', learning_rate: 1e-4 } },
    ]);
    const steps = metrics.filter((row) => row.reward !== undefined);
    expect(steps.map((row) => [row.step, row['completions/max_allowed_length'], row.rollbacks])).toEqual([
      [1, 8, undefined],
      [2, 8, undefined],
      [3, 6, 2],
      [4, 6, 2],
      [5, 6, 2],
      [6, 6, 2],
    ]);
    expect(steps.map((row) => row.learning_rate).slice(-1)).toEqual([1e-4]);
    const aside = (n: number) =>
      readFileSync(path.join(whole.runFolder, 'rolled-back', String(n), 'metrics.jsonl'), 'utf8');
    expect(aside(1).trim().split('\n')).toHaveLength(1);
    expect(aside(2).trim().split('\n')).toHaveLength(4);

    // The same with stops: right after the first rollback, and a step later.
    const broken = config('back-broken', change);
    const first = abortAt(1, (event) => event.kind === 'message' && event.text.includes('back to step'));
    await expect(grpo(gpu, broken, { ...first, watch })).rejects.toThrow(InterruptedError);
    const second = abortAt(1, (event) => event.kind === 'progress');
    await expect(grpo(gpu, broken, { ...second, watch })).rejects.toThrow(InterruptedError);
    const resumed = await grpo(gpu, broken, { emit: silent, signal, watch });
    expect(hashes(resumed.checkpoint)).toEqual(hashes(whole.checkpoint));
    expect(numbers(resumed.runFolder)).toEqual(numbers(whole.runFolder));
    expect(resumed.endAccuracy).toBe(whole.endAccuracy);
  });
});
