/**
 * What goes wrong in GRPO and how it ends: prompts that do not fit, rewards that score nothing, fail or run out of time, a lost device, too little memory,
 * stops; and odd settings that must just work. On a tiny random model: nothing is learnt here.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { DeviceLostError, OutOfMemoryError } from '../../trainer/gpu/gpu-errors.ts';
import { type GrpoConfig, grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { describeGrpo } from '../../trainer/grpo/describe-grpo.ts';
import { grpo } from '../../trainer/grpo/grpo.ts';
import { listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { sums, writeEvalModel, writeRecords } from './eval-model.ts';

const root = mkdtempSync(path.join(tmpdir(), 'grpo-trouble-'));
let gpu: Gpu;

beforeAll(async () => {
  gpu = await openDevice();
  await writeEvalModel(gpu, path.join(root, 'model'));
  writeRecords(path.join(root, 'train.jsonl'), sums(20));
  writeRecords(path.join(root, 'heldout.jsonl'), sums(6));
  const modules: Record<string, string> = {
    // The first call is the evaluation before step 0; the ninth is step 8.
    'null.mjs': 'export default (p, c) => c.map(() => null);',
    'once.mjs': 'let n = 0; export default (p, c) => { n++; return c.map((_, i) => (n === 9 ? i : null)); };',
    'throws.mjs': 'export default () => { throw new Error("no luck"); };',
    'length.mjs': 'export default (p, c) => c.map((text) => text.length % 7);',
    'judge.mjs':
      'export default (p, c) => c.map((text, i) => ({ score: text.length % 5, acc: i % 4 === 3 ? null : i % 4 === 0 }));',
    // The second step (third call) loops for ever, the third throws.
    'moody.mjs':
      'import { existsSync, writeFileSync } from "node:fs"; let n = 0; const mark = new URL("./looped", import.meta.url);' +
      ' export default (p, c) => { n++; if (n === 3 && !existsSync(mark)) { writeFileSync(mark, ""); for (;;); }' +
      ' if (existsSync(mark) && n === 1) throw new Error("no luck"); return c.map((_, i) => i); };',
  };

  for (const [name, text] of Object.entries(modules)) writeFileSync(path.join(root, name), text);
}, 60_000);
afterAll(async () => {
  await gpu.close();
  rmSync(root, { recursive: true, force: true });
});

function config(out: string, change: Record<string, unknown> = {}): GrpoConfig {
  return grpoConfigSchema.parse({
    name: 'trouble',
    out: path.join(root, out),
    model: path.join(root, 'model'),
    problems: path.join(root, 'train.jsonl'),
    eval_problems: path.join(root, 'heldout.jsonl'),
    template: 'question',
    reward: './length.mjs',
    steps: 4,
    prompts_per_step: 2,
    num_generations: 2,
    schedule: { learning_rate: 1e-3 },
    max_prompt_length: 24,
    max_completion_length: { 0: 6 },
    micro_batch_size: 2,
    pack_length: 64,
    eval_every: 100,
    eval_count: 4,
    checkpoint_every: 100,
    ...change,
  });
}

interface Given {
  on?: Gpu;
  emit?: (event: ProgressEvent) => void;
  signal?: AbortSignal;
}

function run(
  asked: GrpoConfig,
  { on = gpu, emit = () => {}, signal = new AbortController().signal }: Given = {},
) {
  return grpo(on, asked, { emit, signal, folder: root });
}

async function errorOf(running: Promise<unknown>): Promise<UserError> {
  const error = await running.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

/** The GPU, with a count of the buffers asked of it. */
function counting(): { on: Gpu; buffers: () => number } {
  let made = 0;
  const device = new Proxy(gpu.device, {
    get: (target, key) => {
      if (key === 'createBuffer') made++;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { on: { ...gpu, device }, buffers: () => made };
}

const rowsOf = (out: string) => readRun(path.join(root, out)).metrics;
const timeless = (out: string) =>
  rowsOf(out).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !/^(timing_s|perf|step_time)/.test(name))),
  );
const weightsOf = (checkpoint: string) =>
  createHash('sha256')
    .update(readFileSync(path.join(checkpoint, 'model.safetensors')))
    .digest('hex');

describe('prompts and responses that do not fit the model', () => {
  it('are refused before anything lies on the device: the table, held-out prompts, no problem left', async () => {
    const { on, buffers } = counting();
    const table = await errorOf(run(config('a', { max_completion_length: { 0: 6, 2: 240 } }), { on }));
    expect(table.message).toMatch(
      /240 from step 2.*takes up to 264 positions, more than the 256 that .*config\.json/,
    );
    expect(table.hint).toContain('give responses at most 232 tokens');
    const far = config('b', {
      eval_problems: { far: { problems: path.join(root, 'heldout.jsonl'), num_fewshot: 4 } },
    });
    const heldout = await errorOf(run(far, { on }));
    expect(heldout.message).toMatch(
      /eval_problems far \(.*heldout\.jsonl\), template question-4shot: the prompt of problem p\d has \d+ tokens; with 6 for the answer .* context of 256 \(4 of 4 problems do not fit\)$/,
    );
    const later = config('e', { rollback: [{ template: 'complx' }] });
    expect((await errorOf(run(later, { on }))).message).toMatch(/complx/);
    const none = await errorOf(run(config('c', { max_prompt_length: 3 }), { on }));
    expect(none.message).toMatch(
      /none of the 20 problems .* fits max_prompt_length 3 .*: the shortest prompt has \d+/,
    );
    expect(buffers()).toBe(0);
    // And --dry-run says the same, not that all is well.
    expect((await errorOf(describeGrpo(far, root))).message).toBe(heldout.message);
  });

  it('leave out problems whose prompts are too long, and say how many', async () => {
    const warnings: string[] = [];
    const asked = config('d', { steps: 1, problems: path.join(root, 'mixed.jsonl') });
    writeRecords(path.join(root, 'mixed.jsonl'), [
      ...sums(3),
      { id: 'long', question: 'why '.repeat(40), answer: '1' },
    ]);
    await run(asked, {
      emit: (event) => event.kind === 'message' && event.level === 'warn' && warnings.push(event.text),
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^1 of 4 problems to learn from are left out: .*max_prompt_length 24 \(the longest has \d+ tokens\)$/,
      ),
    ]);
    const described = await describeGrpo(asked, root);
    expect([described.problems, described.problemsLeftOut]).toEqual([3, 1]);
    expect(described.lines.join('\n')).toContain(warnings[0]);
  });
});

describe('a reward that scores nothing', () => {
  it('ends the run after 8 such steps in a row, and says why', async () => {
    const error = await errorOf(run(config('null', { reward: './null.mjs', steps: 20 })));
    expect(error.message).toBe('nothing could be scored in 8 steps, up to step 8: every reward was null');
    expect(readRun(path.join(root, 'null')).record.status).toBe('failed');
    const rows = rowsOf('null').filter((row) => row.step > 0);
    expect(rows.map((row) => [row.step, row['rewards/unscored'], row.reward, row.grad_norm])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((step) => [step, 1, undefined, 0]),
    );
    const broken = await errorOf(run(config('throws', { reward: './throws.mjs', steps: 20 })));
    expect(broken.message).toMatch(/in 8 steps, up to step 8: throws: no luck$/);
    expect(broken.hint).toContain('mend the reward');
    expect(
      rowsOf('throws').map((row) => [row['rewards/throws/errors'], row['eval_rewards/throws/errors']]),
    ).toEqual([[undefined, 1], ...Array(7).fill([1, undefined])]);
  });

  it('counts anew after a step that had a reward', async () => {
    const error = await errorOf(run(config('once', { reward: './once.mjs', steps: 20 })));
    expect(error.message).toMatch(/in 8 steps, up to step 16/);
  });

  it('teaches nothing: the weights are those of the start', async () => {
    const { checkpoint } = await run(config('still', { reward: './null.mjs', steps: 2 }));
    expect(weightsOf(checkpoint)).toBe(weightsOf(path.join(root, 'model')));
  });
});

describe('a reward module', () => {
  it('that says which answers are right decides accuracy, in training and evaluation', async () => {
    const result = await run(config('judge', { reward: './judge.mjs', steps: 1, eval_every: 1 }));
    expect([result.startAccuracy, result.endAccuracy]).toEqual([0.25, 0.25]);
    const [before, after] = rowsOf('judge');
    expect(before).toMatchObject({ eval_accuracy: 0.25, eval_unscored: 1 });
    expect(after).toMatchObject({ accuracy: 0.25, 'accuracy/unjudged': 0.25, eval_accuracy: 0.25 });
    expect(after!['rewards/unscored']).toBeUndefined();
  });

  it('that runs out of time or throws now and then is counted in the row of the step', async () => {
    const told: string[] = [];
    await run(config('moody', { reward: './moody.mjs', reward_timeout: 5, steps: 4 }), {
      emit: (event) => event.kind === 'message' && event.level === 'warn' && told.push(event.text),
    });
    const rows = rowsOf('moody').slice(1);
    // The thread that looped is ended; the next one begins to count again.
    expect(
      rows.map((row) => [
        row['rewards/moody/timeouts'],
        row['rewards/moody/errors'],
        row['rewards/unscored'],
      ]),
    ).toEqual([
      [undefined, undefined, undefined],
      [1, undefined, 1],
      [undefined, 1, 1],
      [undefined, undefined, undefined],
    ]);
    expect(told).toHaveLength(2);
  });
});

describe('a lost device', () => {
  it('ends the run with the last checkpoint named and on record, and the same call goes on to the same bits', async () => {
    const asked = config('lost', { steps: 6, checkpoint_every: 2, eval_every: 3 });
    const mortal = await openDevice();
    const emit = (event: ProgressEvent) => {
      if (event.kind === 'progress' && event.done === 3) mortal.device.destroy();
    };
    const error = await errorOf(run(asked, { on: mortal, emit }));
    await mortal.close();
    expect(error).toBeInstanceOf(DeviceLostError);
    const checkpoint = listCheckpoints(asked.out).at(-1)!;
    expect(path.basename(checkpoint)).toBe('step-0000002');
    expect(error.message).toMatch(/was lost: .* at step 3/);
    expect(error.hint).toBe(
      `the last checkpoint is ${checkpoint}: the same command goes on from there; --max-restarts 3 does so by itself`,
    );
    // By this --max-restarts knows it from other failures.
    expect(readRun(asked.out).record).toMatchObject({
      status: 'failed',
      summary: { failure: 'device lost' },
    });
    const resumed = await run(asked);
    const whole = await run(config('not-lost', { steps: 6, checkpoint_every: 2, eval_every: 3 }));
    expect(weightsOf(resumed.checkpoint)).toBe(weightsOf(whole.checkpoint));
    expect(timeless('lost')).toEqual(timeless('not-lost'));
  });
});

describe('too little memory', () => {
  it('ends with what the run wants and what takes less', async () => {
    const small = await openDevice({
      limits: { maxBufferSize: 1 << 16, maxStorageBufferBindingSize: 1 << 16 },
    });
    const asked = config('memory', { micro_batch_size: 64, beta: 0.1, logits_bytes: 1 << 20 });
    const error = await errorOf(run(asked, { on: small }));
    await small.close();
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(
      /needs a buffer of .* MiB.*; this run wants .* MiB .*: weights .*, reference model /,
    );
    expect(error.hint).toMatch(
      /activation_checkpointing: block.*; micro_batch_size 32 .*; beta: 0 .*; lower max_completion_length.*; there is no checkpoint yet/,
    );
  });

  it('while it runs is told from other errors, and leaves nothing behind that would be in the way', async () => {
    let full = false;
    let asked = 0;
    // lavapipe gives out memory it does not have, so the answer of a device that is full is put in its mouth.
    const device = new Proxy(gpu.device, {
      get: (target, key) => {
        if (key === 'popErrorScope' && full)
          return async () => {
            asked++;
            await target.popErrorScope();
            return { message: 'VK_ERROR_OUT_OF_DEVICE_MEMORY' };
          };
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    full = true;
    const error = await errorOf(run(config('full'), { on: { ...gpu, device } }));
    expect(asked).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(/VK_ERROR_OUT_OF_DEVICE_MEMORY; this run wants/);
    await run(config('full', { steps: 1 }));
  });
});

describe('a stop', () => {
  /** The GPU, telling of every submission. */
  function watched(onSubmit: () => void): Gpu {
    const through = <T extends object>(target: T, instead: (key: string | symbol) => unknown): T =>
      new Proxy(target, {
        get: (_, key) => {
          const other = instead(key);
          if (other !== undefined) return other;
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const queue = through(gpu.device.queue, (key) => {
      if (key === 'submit') onSubmit();
      return undefined;
    });
    return { ...gpu, device: through(gpu.device, (key) => (key === 'queue' ? queue : undefined)) };
  }

  it('at any submission, in rollouts, updates and evaluations, is gone on from with the same metrics', async () => {
    const change = { steps: 4, eval_every: 2, checkpoint_every: 2, mini_batch_prompts: 1 };
    let all = 0;
    await run(config('whole', change), { on: watched(() => all++) });
    const asked = config('stopped', change);
    // What is left after each stop is more than the next share.
    for (const share of [0.1, 0.3, 0.25, 0.15]) {
      const controller = new AbortController();
      let submissions = 0;
      const on = watched(() => ++submissions >= share * all && controller.abort());
      await expect(run(asked, { on, signal: controller.signal })).rejects.toThrow(InterruptedError);
    }
    await run(asked);
    expect(timeless('stopped')).toEqual(timeless('whole'));
  });
});

describe('odd settings', () => {
  it.each<[string, Record<string, unknown>]>([
    ['one problem', { problems: { set: path.join(root, 'train.jsonl'), count: 1 } }],
    ['64 samples', { num_generations: 64, prompts_per_step: 1 }],
    ['one token a response', { max_completion_length: { 0: 1 } }],
    ['several passes over mini-batches of one', { mini_batch_prompts: 1, num_iterations: 3 }],
    ['truncated responses left out', { mask_truncated_completions: true }],
  ])('%s', async (name, change) => {
    const out = name.replaceAll(' ', '-');
    await run(config(out, { steps: 2, ...change }));
    const rows = rowsOf(out).slice(1);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(
        Object.entries(row).filter(([, value]) => typeof value === 'number' && !Number.isFinite(value)),
      ).toEqual([]);
      expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    }
  });

  it('an empty problem set is refused by name', async () => {
    writeFileSync(path.join(root, 'empty.jsonl'), '');
    const { message } = await errorOf(run(config('empty', { problems: path.join(root, 'empty.jsonl') })));
    expect(message).toMatch(/empty\.jsonl: the file is empty/);
  });

  it('groups that never vary end the run with a message', async () => {
    writeFileSync(path.join(root, 'same.mjs'), 'export default (p, c) => c.map(() => 1);');
    const asked = config('flat', { reward: './same.mjs', filter_groups: { max_num_gen_batches: 2 } });
    const { message } = await errorOf(run(asked));
    expect(message).toMatch(/of 4 groups in 2 rounds only 0 had rewards that differ/);
    expect(readRun(asked.out).record.status).toBe('failed');
  });
});
