/** What a GRPO run decides without a device: lengths, packing, drawing batches, presets, rollbacks, refusals. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { type GrpoConfig, grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { drawBatch } from '../../trainer/grpo/draw-batch.ts';
import { evaluationMetrics } from '../../trainer/grpo/evaluate-heldout.ts';
import { LengthSchedule, parseLengthTable } from '../../trainer/grpo/length-schedule.ts';
import { packRollouts } from '../../trainer/grpo/pack-rollouts.ts';
import { planGrpo } from '../../trainer/grpo/plan-grpo.ts';
import { presetInUse, presets } from '../../trainer/grpo/presets.ts';
import {
  changedConfig,
  readRollbacks,
  removeAbandoned,
  rollBack,
  rollbackTarget,
} from '../../trainer/grpo/rollback.ts';
import type { Rollout } from '../../trainer/grpo/rollout.ts';
import { stepMetrics } from '../../trainer/grpo/step-metrics.ts';
import { listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { tinyConfig as tiny } from './tiny-model.ts';

/** Tiny, and with room for the defaults and for the longest table of the presets. */
const tinyConfig = { ...tiny, maxPositions: 400 + 8192 };

const root = mkdtempSync(path.join(tmpdir(), 'grpo-plan-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (change: Record<string, unknown> = {}): GrpoConfig =>
  grpoConfigSchema.parse({
    name: 'a',
    out: root,
    model: 'model',
    problems: 'train.jsonl',
    eval_problems: 'heldout.jsonl',
    steps: 10,
    prompts_per_step: 4,
    num_generations: 2,
    ...change,
  });

function errorOf(run: () => unknown): UserError {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error('no UserError was thrown');
}

function rollout(id: string, reward: number | null, change: Partial<Rollout> = {}): Rollout {
  return {
    problem: { id, question: id, expected: '1', row: {} },
    prompt: id,
    promptTokens: [1],
    tokens: [2, 3],
    logps: [-1, -1],
    completion: '',
    truncated: false,
    reward,
    correct: reward === null ? null : reward > 0,
    answer: undefined,
    components: { boxed: reward },
    ...change,
  };
}

describe('the length table', () => {
  const table = parseLengthTable({ 100: 4096, 0: 2048, 160: 8192 }, 'here');
  it('holds the value of the greatest step not above the current one', () => {
    const schedule = new LengthSchedule(table);
    expect([0, 99, 100, 159, 160, 900].map((step) => schedule.length(step))).toEqual([
      2048, 2048, 4096, 4096, 8192, 8192,
    ]);
    expect([schedule.observe(99, 1), schedule.observe(100, 0)]).toEqual([true, false]);
  });
  it('needs a step 0 and whole numbers', () => {
    expect(() => parseLengthTable({ 5: 10 }, 'here')).toThrow(/no step 0/);
    expect(() => parseLengthTable({ 0: 1.5 }, 'here')).toThrow(UserError);
  });
});

describe('the length that moves on when few responses are cut short', () => {
  const table = parseLengthTable({ 0: 8, 3: 16, 4: 32 }, 'here');
  const advance = { clipped_ratio: 0.25, window: 2 };
  /** The length of each step when the truncated shares are these. */
  const lengths = (schedule: LengthSchedule, shares: readonly number[], from = 0) =>
    shares.map((share, i) => {
      const length = schedule.length(from + i);
      schedule.observe(from + i, share);
      return length;
    });
  it('waits for the mean of the window to fall below the bound', () => {
    const shares = [1, 0.5, 0.4, 0.3, 0.2, 0.19, 0.6, 0, 0, 0];
    // 0.3 and 0.2 have the mean 0.25, which is not below it; 0.2 and 0.19 have.
    expect(lengths(new LengthSchedule(table, advance), shares)).toEqual([8, 8, 8, 8, 8, 8, 16, 16, 16, 32]);
  });
  it('takes the steps of the table as the earliest', () => {
    expect(lengths(new LengthSchedule(table, advance), [0, 0, 0, 0, 0, 0])).toEqual([8, 8, 8, 16, 16, 32]);
  });
  it('goes on from its state at any step as if it had not stopped', () => {
    const shares = [1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1];
    const whole = lengths(new LengthSchedule(table, advance), shares);
    expect(new Set(whole).size).toBe(3);
    for (let stop = 0; stop <= shares.length; stop++) {
      const first = new LengthSchedule(table, advance);
      const begun = lengths(first, shares.slice(0, stop));
      const state = JSON.parse(JSON.stringify(first.state()));
      const rest = lengths(new LengthSchedule(table, advance, state), shares.slice(stop), stop);
      expect([...begun, ...rest]).toEqual(whole);
    }
  });
});

describe('packing rollouts', () => {
  const item = (prompt: number[], tokens: number[], advantage: number) => ({
    promptTokens: prompt,
    tokens,
    logps: tokens.map((t) => -t / 10),
    advantage,
    share: 0.5,
    reference: tokens.map((t) => -t / 5),
  });
  it('puts several sequences in a row, masked from each other, and counts completion tokens only', () => {
    const items = [item([1, 2, 3], [4, 5], 1), item([6], [7, 8, 9], -1), item([1], [2], 2)];
    const [batch, ...more] = packRollouts(items, 2, 8);
    expect(more).toHaveLength(0);
    const { rows, inputs, spans, placed } = batch!;
    // Lengths 4, 3 and 1 fill one row of 8; the second row is padding.
    expect([...rows.tokens.slice(0, 8)]).toEqual([1, 2, 3, 4, 6, 7, 8, 1]);
    expect([...rows.targets.slice(0, 8)]).toEqual([2, 3, 4, 5, 7, 8, 9, 2]);
    expect([...rows.positions.slice(0, 8)]).toEqual([0, 1, 2, 3, 0, 1, 2, 0]);
    expect([...rows.kvStart.slice(0, 8)]).toEqual([0, 0, 0, 0, 4, 4, 4, 7]);
    const shares = Array.from({ length: 16 }, (_, row) => inputs[row * 4 + 2]);
    expect(shares).toEqual([0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(inputs[2 * 4]).toBeCloseTo(-0.4, 6);
    expect(inputs[2 * 4 + 3]).toBeCloseTo(-0.8, 6);
    expect(inputs[4 * 4 + 1]).toBe(-1);
    expect([...spans]).toEqual([3, 2, 2, 4, 3, 7, 1]);
    expect(placed.map((p) => p.item)).toEqual([0, 1, 2]);
  });
  it('leaves out sequences without a share, and refuses one that does not fit', () => {
    expect(packRollouts([{ ...item([1], [2], 1), share: 0 }], 2, 8)).toEqual([]);
    expect(() => packRollouts([item([1, 2, 3, 4], [5, 6], 1)], 1, 4)).toThrow(/does not fit/);
  });
});

describe('dynamic sampling', () => {
  const problemAt = (i: number) => ({ id: String(i), question: String(i), expected: '1', row: {} });
  /** Groups of problems whose number is in `varied` have rewards 1 and -1, others 1 and 1. */
  const drawing = (varied: (i: number) => boolean) => {
    const rounds: number[] = [];
    const draw = async (problems: readonly { id: string }[]) => {
      rounds.push(problems.length);
      return problems.flatMap(({ id }) => [rollout(id, 1), rollout(id, varied(Number(id)) ? -1 : 1)]);
    };
    return { draw, rounds };
  };
  const ids = (rollouts: readonly Rollout[]) =>
    rollouts.filter((_, i) => i % 2 === 0).map((r) => r.problem.id);

  it('takes one round as it comes when it is off', async () => {
    const { draw, rounds } = drawing(() => false);
    const batch = await drawBatch(config(), problemAt, draw);
    expect([ids(batch.rollouts), rounds, batch.promptsDrawn]).toEqual([['0', '1', '2', '3'], [4], 4]);
  });
  it('asks a problem that comes up twice in a step for other samples', async () => {
    const { draw } = drawing(() => true);
    const batch = await drawBatch(config(), (i) => problemAt(i % 3), draw);
    expect(ids(batch.rollouts)).toEqual(['0', '1', '2', '0~draw2']);
  });
  it('drops flat groups and draws other prompts until there are enough', async () => {
    const { draw, rounds } = drawing((i) => i % 3 === 0);
    const batch = await drawBatch(config({ filter_groups: {} }), problemAt, draw);
    expect(ids(batch.rollouts)).toEqual(['0', '3', '6', '9']);
    // Of 4 prompts 2 varied, so 2 more are looked for among 4; then one more, at the share so far.
    expect([rounds, batch.promptsDrawn, batch.rounds]).toEqual([[4, 4, 3], 11, 3]);
  });
  it('stops with a message when the rounds are used up', async () => {
    const { draw, rounds } = drawing(() => false);
    const few = config({ filter_groups: { max_num_gen_batches: 3 } });
    await expect(drawBatch(few, problemAt, draw)).rejects.toThrow(/of 12 groups in 3 rounds only 0/);
    expect(rounds).toEqual([4, 4, 4]);
  });
  it('can look at whether answers are right', async () => {
    const shaped = async (problems: readonly { id: string }[]) =>
      problems.flatMap(({ id }) => [rollout(id, 1), rollout(id, 0.5)]);
    const by = (metric: string) => config({ filter_groups: { metric, max_num_gen_batches: 1 } });
    expect((await drawBatch(by('score'), problemAt, shaped)).varied).toBe(4);
    await expect(drawBatch(by('acc'), problemAt, shaped)).rejects.toThrow(UserError);
  });
});

describe('presets', () => {
  it('give what a config does not, and say what it has instead', () => {
    const preset = config({ preset: 'octothinker', num_generations: undefined, prompts_per_step: 64 });
    expect([preset.num_generations, preset.prompts_per_step, preset.mini_batch_prompts]).toEqual([
      16, 64, 64,
    ]);
    expect(preset.schedule).toMatchObject({ learning_rate: 1e-6, decay: 'constant' });
    expect(preset.max_completion_length).toEqual({ 0: 4096 });
    const own = presetInUse(preset).filter((entry) => entry.own !== undefined);
    expect(own.map(({ key, value, own: has }) => [key, value, has])).toEqual([['prompts_per_step', 128, 64]]);
    expect(config({ preset: 'octothinker', schedule: { learning_rate: 1e-5 } }).schedule).toMatchObject({
      learning_rate: 1e-5,
      warmup_steps: 0,
    });
  });
  it('differ where the paper and its scripts do: batch, mini-batch, lengths, template', () => {
    const paper = new Map(presets.octothinker.map(({ key, value }) => [key, JSON.stringify(value)]));
    const differ = presets['octothinker-scripts'].filter(
      ({ key, value }) => paper.get(key) !== JSON.stringify(value),
    );
    expect(differ.map(({ key, value }) => [key, value])).toEqual([
      ['prompts_per_step', 256],
      ['mini_batch_prompts', 16],
      ['max_completion_length', { 0: 2048, 100: 4096, 160: 8192 }],
      ['template', 'complex'],
    ]);
  });
  it('are configs themselves', () => {
    for (const preset of Object.keys(presets)) {
      const parsed = config({ preset, prompts_per_step: undefined, num_generations: undefined });
      expect(presetInUse(parsed).every((entry) => entry.own === undefined)).toBe(true);
      expect(planGrpo(parsed, tinyConfig).updates).toBe(preset === 'octothinker' ? 2 : 16);
    }
  });
  it("leave TRL's defaults alone where none is named", () => {
    expect(config({ num_generations: undefined })).toMatchObject({
      num_generations: 8,
      beta: 0,
      epsilon: 0.2,
      loss_type: 'dapo',
      scale_rewards: 'group',
      importance_sampling_level: 'token',
      use_bias_correction_kl: true,
      mask_truncated_completions: false,
      multi_objective_aggregation: 'sum_then_normalize',
      ref_model_mixup_alpha: 0.6,
      ref_model_sync_steps: 512,
    });
  });
});

describe('the plan', () => {
  it('has a reference model only with a KL term', () => {
    expect(planGrpo(config(), tinyConfig).reference).toBeUndefined();
    expect(planGrpo(config({ beta: 0.1 }), tinyConfig).reference).toMatchObject({ batch: 8, seq: 1024 });
  });
  it.each([
    [{ mini_batch_prompts: 3 }, /does not divide/],
    [{ delta: 1.1 }, /not above/],
    [{ sync_ref_model: true }, /beta is 0/],
    [{ pack_length: 100 }, /does not hold/],
    [{ overlong_buffer: { len: 600 } }, /longer than/],
  ])('refuses %j', (change, message) => {
    expect(() => planGrpo(config(change), tinyConfig)).toThrow(message);
  });
  it('refuses prompts and responses beyond the positions of the model, at every length of the table', () => {
    const within = { max_prompt_length: 100, max_completion_length: { 0: 50, 10: 156, 20: 60 } };
    const model = { ...tinyConfig, maxPositions: 256 };
    expect(planGrpo(config(within), model).responseLength).toBe(156);
    const long = { ...within, max_completion_length: { 0: 157, 10: 50, 20: 3000 } };
    const error = errorOf(() => planGrpo(config(long), model));
    expect(error.message).toBe(
      'max_completion_length (157 from step 0, 3000 from step 20) with max_prompt_length 100 takes up to 3100 positions, ' +
        `more than the 256 that ${path.join('model', 'config.json')} names (max_position_embeddings)`,
    );
    expect(error.hint).toBe('give responses at most 156 tokens');
    const prompts = errorOf(() => planGrpo(config({ ...within, max_prompt_length: 150 }), model));
    expect(prompts.hint).toBe('give responses at most 106 tokens, or lower max_prompt_length to 100');
    const none = errorOf(() => planGrpo(config({ ...within, max_prompt_length: 256 }), model));
    expect(none.hint).toMatch(/lower max_prompt_length to what the prompts need, below 256/);
  });
  it('reads one held-out set, or several by name', () => {
    const sets = (eval_problems: unknown) => planGrpo(config({ eval_problems }), tinyConfig).heldout;
    expect(sets('a.jsonl')).toEqual([{ name: '', problems: 'a.jsonl' }]);
    expect(sets({ one: 'a.jsonl', two: { problems: 'b.jsonl', num_fewshot: 4 } })).toEqual([
      { name: 'one', problems: 'a.jsonl' },
      { name: 'two', problems: 'b.jsonl', prompt: { num_fewshot: 4 } },
    ]);
  });
});

describe('rollbacks', () => {
  it('change template, lengths and learning rate, one after the other', () => {
    const changed = changedConfig(config({ max_completion_length: { 0: 100, 5: 400 } }), [
      { max_completion_length: 200 },
      { learning_rate: 1e-7, template: 'complex' },
    ]);
    expect(changed).toMatchObject({
      max_completion_length: { 0: 100, 5: 200 },
      template: 'complex',
      schedule: { learning_rate: 1e-7, decay: 'constant' },
    });
    expect(() => config({ rollback: [{}] })).toThrow(/names no change/);
  });
  it('go to the newest checkpoint that is not after the last good step', () => {
    const folders = ['step-0000004', 'step-0000008', 'step-0000012'].map((name) => path.join('x', name));
    expect([13, 12, 11, 3].map((step) => rollbackTarget(folders, step))).toEqual([12, 12, 8, 0]);
  });
  it('put aside what came after, and leave checkpoints from before alone', async () => {
    const out = path.join(root, 'run');
    const checkpoint = (step: number, rollbacks: number) => {
      const folder = path.join(out, 'checkpoints', `step-${String(step).padStart(7, '0')}`, 'state');
      mkdirSync(folder, { recursive: true });
      const state = {
        rollbacks,
        length: { stage: 0, clipped: [] },
        watcher: null,
        findings: [],
        startCorrect: [],
        lastCorrect: [],
      };
      writeFileSync(path.join(folder, 'grpo.json'), JSON.stringify(state));
      writeFileSync(path.join(folder, 'complete.json'), '{}');
    };
    for (const step of [2, 4, 6]) checkpoint(step, 0);
    const rows = [1, 2, 3, 4, 5, 6, 7].map((step) => JSON.stringify({ step }));
    writeFileSync(path.join(out, 'metrics.jsonl'), `${rows.join('\n')}\n`);
    const back = { from: 7, to: 4, signature: 's', text: 't', change: { learning_rate: 1 } };
    await rollBack(out, 'print', [back]);
    expect(readFileSync(path.join(out, 'rolled-back', '1', 'metrics.jsonl'), 'utf8')).toBe(
      '{"step":5}\n{"step":6}\n{"step":7}\n',
    );
    expect(readRollbacks(out, ['print'])).toEqual([back]);
    expect(readRollbacks(out, ['another config'])).toEqual([]);
    await removeAbandoned(out, [back]);
    const steps = () => listCheckpoints(out).map((folder) => path.basename(folder));
    expect(steps()).toEqual(['step-0000002', 'step-0000004']);
    // Saved after the rollback: it stays, whatever its step.
    checkpoint(6, 1);
    await removeAbandoned(out, [back]);
    expect(steps()).toEqual(['step-0000002', 'step-0000004', 'step-0000006']);
    await removeAbandoned(out, [back, { ...back, from: 8, to: 2 }]);
    expect(steps()).toEqual(['step-0000002']);
  });
});

describe('metrics', () => {
  const update = {
    loss: 1,
    policyLoss: 1,
    entropy: 2,
    kl: 0,
    gradNorm: 3,
    clipLow: 0.1,
    clipHigh: 0.2,
    clipDelta: 0,
    clipLowMin: 0,
    clipHighMax: 0.5,
    logpDifferenceMax: 0,
    logpDifferenceMean: 0,
    skippedUpdates: 0,
    updates: 1,
  };
  it('of a step have the names of TRL, and leave out rewards that could not be had', () => {
    const long = { tokens: [1, 2, 3, 4], truncated: true };
    const rollouts = [rollout('a', 1), rollout('a', -1, long), rollout('b', null, long), rollout('b', 0.5)];
    const row = stepMetrics(
      config(),
      { rollouts, promptsDrawn: 2, rounds: 1, groups: 2, varied: 1 },
      update,
      16,
    );
    expect(row).toMatchObject({
      reward: 0.5 / 3,
      'rewards/boxed/mean': 0.5 / 3,
      'rewards/unscored': 0.25,
      accuracy: 0.5,
      frac_reward_zero_std: 0.5,
      'completions/mean_length': 3,
      'completions/min_length': 2,
      'completions/max_length': 4,
      'completions/mean_terminated_length': 2,
      'completions/clipped_ratio': 0.5,
      'clip_ratio/low_min': 0,
      'clip_ratio/high_max': 0.5,
    });
    expect(row['clip_ratio/region_mean']).toBeCloseTo(0.3, 12);
    // Deviation of 1, -1 and 0.5 with n - 1.
    expect(row.reward_std).toBeCloseTo(Math.sqrt(((5 / 6) ** 2 + (7 / 6) ** 2 + (1 / 3) ** 2) / 2), 12);
  });
  it('of an evaluation tell lengths of all and of correct responses', () => {
    const drawn = [rollout('a', 1), rollout('b', -1, { tokens: [1, 2, 3, 4], truncated: true })];
    expect(evaluationMetrics(drawn)).toMatchObject({
      accuracy: 0.5,
      'completions/mean_length': 3,
      'completions/mean_correct_length': 2,
      'completions/clipped_ratio': 0.5,
    });
  });
});
