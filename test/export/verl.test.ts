/**
 * `midtrain export verl`: rows, overrides, stages, script and refusals. Where MIDTRAIN_EXPORT_PYTHON names a Python with verl, its configuration loader
 * and data set class read the same folder (test/oracles/verl-export.py), and the token ids of every prompt are held to ours.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportVerl, type VerlExport } from '../../src/export/export-verl.ts';
import { type Override, overrideText } from '../../src/export/verl-overrides.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { hfConfigText } from '../../trainer/model/hf-config.ts';
import { readProblems } from '../../trainer/problem-sets/problems.ts';
import { encodePrompt } from '../../trainer/prompts/encode-prompt.ts';
import { findTemplate } from '../../trainer/prompts/templates.ts';
import { tinyConfig } from '../trainer/tiny-model.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'verl-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const model = path.join(scratch, 'model');
const chatModel = path.join(scratch, 'chat');
const problems = path.join(scratch, 'train.jsonl');
const heldout = path.join(scratch, 'heldout.jsonl');
const choices = path.join(scratch, 'choices.jsonl');
const lines = (rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

beforeAll(async () => {
  const { files, vocabSize } = await trainBpe(['Question:2 + 3\nAnswer: 5 and some more text'], {
    vocabSize: 280,
  });
  const config = hfConfigText({ ...tinyConfig, vocabSize, maxPositions: 512, eosId: 0, bosId: 0 });
  for (const folder of [model, chatModel]) {
    mkdirSync(folder);
    await saveTokenizerFiles(files, folder);
    writeFileSync(path.join(folder, 'config.json'), config);
  }
  const file = path.join(chatModel, 'tokenizer_config.json');
  const tokenizer = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(
    file,
    JSON.stringify({
      ...tokenizer,
      chat_template: '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}',
    }),
  );
  writeFileSync(
    problems,
    lines(
      Array.from({ length: 24 }, (_, i) => ({ id: `t${i}`, question: `${i} + ${i}`, answer: String(2 * i) })),
    ),
  );
  writeFileSync(
    heldout,
    lines([
      { id: 'h0', question: 'What is "1/2" of\n{{ 3 }}? \\frac{1}{2}$', answer: '\\frac{3}{2}' },
      { id: 'h1', question: 'a page says <|endoftext|> here', answer: '7' },
    ]),
  );
  writeFileSync(choices, lines([{ question: 'Which?', choices: ['one', 'two'], answer: 'B' }]));
});

const configOf = (more: object = {}) =>
  grpoConfigSchema.parse({
    name: 'tiny-rl',
    out: path.join(scratch, 'run'),
    model,
    problems,
    eval_problems: heldout,
    steps: 12,
    prompts_per_step: 8,
    mini_batch_prompts: 4,
    num_generations: 4,
    max_prompt_length: 100,
    max_completion_length: { 0: 16, 5: 32, 90: 64 },
    eval_every: 3,
    ...more,
  });
let count = 0;
async function exported(more: object = {}, request: Partial<VerlExport> = {}) {
  const out = path.join(scratch, `out-${count++}`);
  const cluster = { nodes: 1, gpus: 2, tp: 1 };
  const plan = await exportVerl({ config: configOf(more), out, at: out, cluster, ...request });
  const asked = new Map(
    plan.overrides.map(({ key, value }) => [key.replace('actor_rollout_ref.', ''), value]),
  );
  return { out, plan, asked };
}

async function rowsOf(file: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return parquetReadObjects({ file: buffer, compressors });
}

/** The arguments of every launch of run.sh, caught by a python3 that writes them down. */
function launches(out: string, ...extra: string[]): string[][] {
  const bin = mkdtempSync(path.join(scratch, 'bin-'));
  const log = path.join(bin, 'log');
  writeFileSync(
    path.join(bin, 'python3'),
    `#!/bin/bash\nprintf '%s\\0' "$@" >> ${log}\nprintf '\\0' >> ${log}\n`,
  );
  chmodSync(path.join(bin, 'python3'), 0o755);
  const run = spawnSync('bash', [path.join(out, 'run.sh'), ...extra], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  expect(run.status, run.stderr).toBe(0);
  return readFileSync(log, 'utf8')
    .split('\0\0')
    .filter((launch) => launch !== '')
    .map((launch) => launch.split('\0'));
}

describe('the rows', () => {
  it('are verl’s: nested messages, structs, one data source a set', async () => {
    const { out, plan } = await exported({
      eval_problems: { first: heldout, second: { problems: choices, template: 'complex' } },
    });
    expect([plan.train, plan.test]).toEqual([24, 3]);
    const [row] = await rowsOf(path.join(out, 'train.parquet'));
    expect(row).toEqual({
      data_source: 'tiny-rl',
      prompt: [{ content: 'Question:0 + 0\nAnswer:', role: 'user' }],
      ability: 'math',
      reward_model: { ground_truth: '0', style: 'rule' },
      extra_info: { answer: '0', choices: undefined, id: 't0', index: 0n, question: '0 + 0', split: 'train' },
    });
    const test = await rowsOf(path.join(out, 'test.parquet'));
    expect(test.map(({ data_source }) => data_source)).toEqual(['first', 'first', 'second-complex']);
    expect(test[0]!.prompt).toEqual([
      { content: 'Question:What is "1/2" of\n{{ 3 }}? \\frac{1}{2}$\nAnswer:', role: 'user' },
    ]);
    expect(test[2]).toMatchObject({
      reward_model: { ground_truth: 'B' },
      extra_info: { choices: ['one', 'two'] },
    });
    const bytes = readFileSync(path.join(out, 'train.parquet'));
    const { schema } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect(schema.find(({ name }) => name === 'prompt')).toMatchObject({ converted_type: 'LIST' });
  });

  it('leave out long prompts to learn from, and none of those held out', async () => {
    const { plan, asked } = await exported({ max_prompt_length: 23, eval_count: 1 });
    expect(plan.train).toBeLessThan(24);
    expect(plan.warnings.join('\n')).toContain('longer than max_prompt_length 23');
    expect(asked.get('data.max_prompt_length')).toBeGreaterThan(23);
    expect(asked.get('data.filter_overlong_prompts')).toBe(false);
  });

  it('of a chat template are its messages', async () => {
    const { out, asked } = await exported({ model: chatModel, template: 'chat' });
    expect(asked.has('model.custom_chat_template')).toBe(false);
    const [row] = await rowsOf(path.join(out, 'train.parquet'));
    expect(row!.prompt).toEqual([{ content: '0 + 0', role: 'user' }]);
    expect(existsSync(path.join(out, 'stop_agent.py'))).toBe(false);
    const mixed = {
      model: chatModel,
      template: 'chat',
      eval_problems: { other: { problems: heldout, template: 'simple' } },
    };
    await expect(exported(mixed)).rejects.toThrow(/eval_problems other: asked with simple/);
  });
});

describe('the overrides', () => {
  it('follow from the config', async () => {
    const { asked } = await exported({
      epsilon: 0.15,
      epsilon_high: 0.28,
      delta: 3,
      beta: 0.01,
      kl_loss_type: 'k3+',
      loss_type: 'grpo',
      scale_rewards: 'none',
      num_iterations: 2,
      temperature: 0.8,
      top_p: 0.9,
      top_k: 40,
      eval_temperature: 1,
      seed: 7,
      keep_checkpoints: null,
      checkpoint_every: 6,
      tensorboard: true,
      optimizer: {
        adam_beta1: 0.8,
        adam_beta2: 0.95,
        adam_epsilon: 1e-6,
        weight_decay: 0.01,
        max_grad_norm: 0.5,
      },
      filter_groups: { metric: 'acc', max_num_gen_batches: 5 },
      overlong_buffer: { len: 4, penalty_factor: 0.5 },
    });
    const wanted = {
      'algorithm.adv_estimator': 'grpo',
      'algorithm.norm_adv_by_std_in_grpo': false,
      'algorithm.filter_groups.enable': true,
      'algorithm.filter_groups.metric': 'acc',
      'algorithm.filter_groups.max_num_gen_batches': 5,
      'data.train_batch_size': 8,
      'data.seed': 7,
      'actor.ppo_mini_batch_size': 4,
      'actor.ppo_epochs': 2,
      'actor.clip_ratio_low': 0.15,
      'actor.clip_ratio_high': 0.28,
      'actor.clip_ratio_c': 3,
      'actor.loss_agg_mode': 'seq-mean-token-mean',
      'actor.use_kl_loss': true,
      'actor.kl_loss_coef': 0.01,
      'actor.kl_loss_type': 'low_var_kl+',
      'actor.optim.lr': 1e-6,
      'actor.optim.betas': [0.8, 0.95],
      'actor.optim.weight_decay': 0.01,
      'actor.optim.clip_grad': 0.5,
      'actor.optim.override_optimizer_config': '{eps: 0.000001}',
      'rollout.n': 4,
      'rollout.temperature': 0.8,
      'rollout.top_p': 0.9,
      'rollout.top_k': 40,
      'rollout.seed': 7,
      'rollout.val_kwargs.do_sample': true,
      'rollout.val_kwargs.temperature': 1,
      'reward.reward_manager.name': 'dapo',
      'reward.reward_kwargs.overlong_buffer_cfg.len': 4,
      'reward.reward_kwargs.overlong_buffer_cfg.penalty_factor': 0.5,
      'trainer.test_freq': 3,
      'trainer.save_freq': 6,
      'trainer.max_actor_ckpt_to_keep': null,
      'trainer.resume_mode': 'auto',
      'trainer.logger': ['console', 'tensorboard'],
      // 24 prompts, 8 a step: 3 steps an epoch
      'trainer.total_epochs': 5,
    };
    for (const [key, value] of Object.entries(wanted)) expect(asked.get(key), key).toEqual(value);
  });

  it('of the defaults: no dual clip, no KL, greedy evaluation, the last checkpoint and those kept', async () => {
    const { asked } = await exported();
    expect(asked.get('actor.clip_ratio_c')).toBe(1e9);
    expect(asked.get('actor.use_kl_loss')).toBe(false);
    expect(asked.has('actor.kl_loss_type')).toBe(false);
    expect(asked.get('rollout.top_k')).toBe(-1);
    expect(asked.get('rollout.val_kwargs.do_sample')).toBe(false);
    expect(asked.get('trainer.max_actor_ckpt_to_keep')).toBe(3);
    expect((await exported({ loss_type: 'dapo' })).asked.get('actor.loss_agg_mode')).toBe('token-mean');
    const sequence = await exported({ importance_sampling_level: 'sequence' });
    expect(sequence.asked.get('actor.policy_loss.loss_mode')).toBe('gspo');
  });

  it('are quoted for Hydra inside the shell', () => {
    const of = (value: Override['value'], added = false) =>
      overrideText({ key: 'k', value, from: '', added });
    expect([of(true), of(null), of('a/b.c'), of([1, 'x']), of(0.5), of('x', true)]).toEqual([
      "'k=True'",
      "'k=null'",
      "'k=a/b.c'",
      "'k=[1,x]'",
      "'k=0.5'",
      "'+k=x'",
    ]);
    expect(of("it's {{ x }}")).toBe(`'k='\\''it\\'\\''s {{ x }}'\\'''`);
    expect(of('null')).toBe(`'k='\\''null'\\'''`);
  });
});

describe('the launch', () => {
  it('is one a length of the schedule, each going on to its own last step', async () => {
    const { out, plan } = await exported({ loss_type: 'dr_grpo', overlong_buffer: { len: 4 } });
    expect(plan.stages.map(({ until, responseLength }) => [until, responseLength])).toEqual([
      [5, 16],
      [12, 32],
    ]);
    const [first, second, ...more] = launches(out, 'trainer.logger=[wandb]');
    expect(more).toEqual([]);
    expect(first!.slice(0, 2)).toEqual(['-m', 'verl.trainer.main_ppo']);
    for (const [launch, until, length, before] of [
      [first!, 5, 16, 'True'],
      [second!, 12, 32, 'False'],
    ] as const) {
      expect(launch).toContain(`trainer.total_training_steps=${until}`);
      expect(launch).toContain(`data.max_response_length=${length}`);
      expect(launch).toContain(`actor_rollout_ref.actor.loss_scale_factor=${length}`);
      expect(launch).toContain(`+reward.reward_kwargs.max_resp_len=${length}`);
      expect(launch).toContain(`trainer.val_before_train=${before}`);
      expect(launch).toContain('trainer.resume_mode=auto');
      expect(launch.at(-1)).toBe('trainer.logger=[wandb]');
    }
    expect(first).toContain(
      "actor_rollout_ref.model.custom_chat_template='<|endoftext|>{% for message in messages %}{{ message.content }}{% endfor %}'",
    );
  });

  it('hands stop strings to the sampler and to the reward', async () => {
    const { out, asked } = await exported();
    expect(asked.get('rollout.agent.default_agent_loop')).toBe('midtrain_stop');
    expect(readFileSync(path.join(out, 'stop_agent.py'), 'utf8')).toContain(
      'STOP_STRINGS = ["User:", "Assistant:", "Question:", "Answer:"]',
    );
    expect(readFileSync(path.join(out, 'reward.py'), 'utf8')).toContain(
      'STOP_STRINGS = ("User:", "Assistant:", "Question:", "Answer:", )',
    );
    expect((await exported({ stop_strings: [] })).asked.has('rollout.agent.default_agent_loop')).toBe(false);
  });
});

describe('what verl cannot express', () => {
  it.each([
    [{ sync_ref_model: true, beta: 0.1 }, /sync_ref_model/],
    [{ shuffle_rewards: true }, /shuffle_rewards/],
    [{ mask_truncated_completions: true }, /mask_truncated_completions/],
    [{ scale_rewards: 'batch' }, /scale_rewards: batch/],
    [{ min_p: 0.1 }, /min_p/],
    [{ schedule: { learning_rate: 1e-6, decay: 'linear' } }, /schedule.decay: linear/],
    [{ schedule: { learning_rate: 1e-6, decay: 'cosine' } }, /schedule.decay: cosine/],
    [{ prompts_per_step: 32, mini_batch_prompts: 32 }, /there are 24 problems/],
    [
      { prompts_per_step: 8, mini_batch_prompts: 1, num_generations: 3 },
      /3 responses of an update do not divide over 2 GPUs/,
    ],
    [{ reward: './mine.ts' }, /is not exported/],
  ])('is refused: %j', async (more, message) => {
    await expect(exported(more)).rejects.toThrow(message);
  });

  it('or is computed otherwise is named, in the README too', async () => {
    const { out, plan } = await exported({
      beta: 0.1,
      schedule: { learning_rate: 1e-6, warmup_steps: 2 },
      optimizer: { weight_decay: 0.1 },
      length_advance: { clipped_ratio: 0.1 },
      rollback: [{ template: 'complex' }],
      eval_start_prompts: ['complex'],
      filter_groups: {},
    });
    const said = plan.warnings.join('\n');
    for (const key of [
      'stop_strings',
      'loss_type dapo',
      'advantage_epsilon',
      'use_bias_correction_kl',
      'schedule.warmup_steps',
      'optimizer.weight_decay',
      'length_advance',
      'rollback',
      'eval_start_prompts',
      'filter_groups.max_num_gen_batches',
      'log_rollouts',
      'spell a special token',
    ])
      expect(said).toContain(key);
    const readme = readFileSync(path.join(out, 'README.md'), 'utf8');
    for (const warning of plan.warnings) expect(readme).toContain(warning);
    for (const { key } of plan.overrides) expect(readme).toContain(`\`${key}\``);
  });
});

it('writes the same bytes again, and nothing on a dry run', async () => {
  const { out } = await exported();
  const read = () =>
    ['train.parquet', 'run.sh', 'reward.py', 'README.md', 'export.json'].map((f) =>
      readFileSync(path.join(out, f)),
    );
  const before = read();
  await exported({}, { out, at: out });
  expect(read()).toEqual(before);
  const dry = path.join(scratch, 'dry');
  await exported({}, { out: dry, dryRun: true });
  expect(existsSync(dry)).toBe(false);
});

const python = process.env.MIDTRAIN_EXPORT_PYTHON;
it.skipIf(python === undefined)(
  'is read by verl’s own classes, and prompts have our token ids',
  { timeout: 600_000 },
  async () => {
    const { out } = await exported({
      overlong_buffer: { len: 4 },
      filter_groups: {},
      beta: 0.01,
      eval_count: 1,
    });
    const settings = { tokenizer: await loadTokenizer(model), template: findTemplate('simple'), prefix: 0 };
    const idsOf = async (file: string, n: number) =>
      (await readProblems(file)).slice(0, n).map((problem) => encodePrompt(settings, problem).tokens);
    const ids = path.join(scratch, 'ids.json');
    writeFileSync(ids, JSON.stringify({ train: await idsOf(problems, 99), test: await idsOf(heldout, 1) }));
    const script = path.join(import.meta.dirname, '../oracles/verl-export.py');
    const run = spawnSync(python!, [script, out, ids], { encoding: 'utf8', maxBuffer: 1e8 });
    expect(run.status, run.stderr).toBe(0);
    const said = JSON.parse(run.stdout.trim().split('\n').at(-1)!) as {
      failed: Record<string, string>;
      stages: Record<string, unknown>[];
      validated: number;
      rows: Record<string, { rows: number; kept_by_length: number; same_ids: boolean }>;
      reward: { score: number }[];
    };
    // The agent's module needs vLLM's companions; where they are missing that alone may fail.
    delete said.failed.agent;
    expect(said.failed).toEqual({});
    expect(said.stages.map(({ steps, rollout_response }) => [steps, rollout_response])).toEqual([
      [5, 16],
      [12, 32],
    ]);
    expect(said.validated).toBe(2);
    expect(said.rows.train).toMatchObject({ rows: 24, kept_by_length: 24, same_ids: true });
    expect(said.rows.test).toMatchObject({ rows: 1, kept_by_length: 1, same_ids: true });
    expect(said.reward.map(({ score }) => score)).toEqual([1, -1, -1]);
  },
);
