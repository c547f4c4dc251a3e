/**
 * `midtrain export nanotron`: the YAML against a strict schema of Nanotron's configuration, its learning rates step by step against ours, the shards
 * and their metadata, how batches divide and what is refused. Where MIDTRAIN_EXPORT_PYTHON names a Python with nanotron and datatrove, their own
 * classes read the same folder (test/oracles/nanotron-export.py).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exportNanotron, type NanotronExport } from '../../src/export/export-nanotron.ts';
import { nanotronRates } from '../../src/export/nanotron-schedule.ts';
import { floatText, pythonYaml } from '../../src/export/python-yaml.ts';
import { splitBatch } from '../../src/export/split-batch.ts';
import { openTokenShard, readShardMetadata } from '../../src/io/token-shard.ts';
import { learningRateAt, scheduleSchema } from '../../trainer/learner/schedule.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { writeMixture } from './mixture-folder.ts';
import { Float, nanotronRate, nanotronSchema } from './nanotron-schema.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'nanotron-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const mix = path.join(scratch, 'mix-stable');
const mixDecay = path.join(scratch, 'mix-decay');
beforeAll(async () => {
  await writeMixture(mix);
  await writeMixture(mixDecay, { perSource: false, masked: true });
});

const cluster = { nodes: 1, gpus: 4, tp: 2, pp: 1 };
const configOf = (more: object = {}) =>
  trainConfigSchema.parse({
    name: 'tiny',
    out: path.join(scratch, 'train'),
    model: {
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      intermediate_size: 48,
    },
    sequence_length: 8,
    micro_batch_size: 4,
    gradient_accumulation_steps: 3,
    stable: { learning_rate: 5e-5, steps: 40, warmup_steps: 4, evidence: 'recalled' },
    decay: { learning_rate: 5e-5, steps: 20, data: mixDecay },
    ...more,
  });
let count = 0;
async function exported(more: object = {}, request: Partial<NanotronExport> = {}) {
  const out = path.join(scratch, `out-${count++}`);
  const plan = await exportNanotron({
    config: configOf(more),
    mixture: mix,
    out,
    at: out,
    cluster,
    ...request,
  });
  return { out, plan };
}

/** As PyYAML's SafeLoader reads it: YAML 1.1, floats told apart from integers. */
function pythonRead(file: string): unknown {
  const options = { version: '1.1' as const, intAsBigInt: true };
  const settle = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value);
    if (typeof value === 'number') return new Float(value);
    if (Array.isArray(value)) return value.map(settle);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, settle(item)]));
  };
  return settle(parse(readFileSync(file, 'utf8'), options));
}
const load = (out: string, name: string) => nanotronSchema.parse(pythonRead(path.join(out, `${name}.yaml`)));

describe('YAML for PyYAML', () => {
  it('writes numbers that YAML 1.1 reads as floats', () => {
    expect([1e-8, 5, 0.1, 3e-5, 1e21, 0.000001].map(floatText)).toEqual([
      '1.0e-08',
      '5.0',
      '0.1',
      '0.00003',
      '1.0e+21',
      '0.000001',
    ]);
  });

  it('quotes strings, and nests lists and maps', () => {
    const text = pythonYaml({ a: ['x: y', 1, { b: null, c: [true] }], d: {}, e: [], f: 'no' });
    expect(parse(text, { version: '1.1' })).toEqual({
      a: ['x: y', 1, { b: null, c: [true] }],
      d: {},
      e: [],
      f: 'no',
    });
  });
});

describe('rates', () => {
  const steps = 60;
  it.each([
    ['constant', 0],
    ['constant', 5],
    ['cosine', 0],
    ['cosine', 5],
    ['linear', 0],
    ['1-sqrt', 3],
  ] as const)('%s with %i steps of warm-up is ours at every step', (decay, warmup_steps) => {
    const schedule = scheduleSchema.parse({ learning_rate: 3e-5, warmup_steps, decay });
    const rates = nanotronRates(schedule, steps);
    for (let step = 0; step < steps; step++) {
      // A warm-up is one step late there.
      const expected = learningRateAt(schedule, step < warmup_steps ? step - 1 : step, steps);
      expect(nanotronRate(rates, step), `step ${step}`).toBeCloseTo(
        step === 0 && warmup_steps > 0 ? 0 : expected,
        12,
      );
    }
  });

  it('is never the square of the rate, and a constant rate stays one when the run is made longer', () => {
    const rates = nanotronRates(scheduleSchema.parse({ learning_rate: 3e-5 }), steps);
    expect(rates).toMatchObject({ lr_warmup_style: 'constant', lr_decay_steps: 1, min_decay_lr: 3e-5 });
    for (const step of [0, 1, steps, 10 * steps]) expect(nanotronRate(rates, step)).toBe(3e-5);
  });

  it('refuses a decay without steps', () => {
    const schedule = scheduleSchema.parse({ learning_rate: 3e-5, warmup_steps: 9, decay: 'cosine' });
    expect(() => nanotronRates(schedule, 10)).toThrow(/leaves nothing to decay over/);
  });
});

describe('the global batch', () => {
  it('is the config’s, however it is divided', () => {
    for (const [sequences, gpus, tp, pp] of [
      [512, 8, 1, 1],
      [512, 8, 2, 2],
      [96, 6, 2, 1],
      [7, 1, 1, 1],
    ] as const) {
      const { dp, microBatch, accumulation } = splitBatch(sequences, 4, { nodes: 1, gpus, tp, pp });
      expect(dp * microBatch * accumulation).toBe(sequences);
      expect(dp * tp * pp).toBe(gpus);
      expect(microBatch).toBeLessThanOrEqual(4);
    }
  });

  it.each([
    [{ nodes: 1, gpus: 8, tp: 1, pp: 1 }, /12 sequences, which 8 data-parallel replicas/],
    [{ nodes: 3, gpus: 4, tp: 8, pp: 1 }, /--tp 8 x --pp 1 does not divide/],
    [{ nodes: 2, gpus: 2, tp: 4, pp: 1 }, /--tp 4 does not divide the 2 GPUs of a node/],
    [{ nodes: 1, gpus: 4, tp: 1, pp: 1, microBatch: 2 }, /--micro-batch 2 does not divide the 3 sequences/],
  ])('refuses %j', (given, message) => {
    expect(() => splitBatch(12, 4, given)).toThrow(message);
  });
});

describe('an export', () => {
  it('is what Nanotron’s configuration takes, phase by phase', async () => {
    const { out, plan } = await exported({
      branches: { long: { learning_rate: 4e-5, steps: 10, decay: 'linear' } },
    });
    expect(plan.phases.map(({ name, steps }) => [name, steps])).toEqual([
      ['stable', 40],
      ['decay', 20],
      ['decay-long', 10],
      ['stable-then-decay', 60],
    ]);
    const stable = load(out, 'stable');
    expect(stable.checkpoints).toMatchObject({ resume_checkpoint_path: null, load_lr_scheduler: true });
    expect(stable.data_stages[0]!.data.dataset).toEqual({
      dataset_folder: [`${out}/data/mix-stable/web`, `${out}/data/mix-stable/qa`],
      dataset_weights: [0.75, 0.25],
      vocab_size: 259,
      token_size_in_bytes: 2,
    });
    expect(stable.model.model_config).toMatchObject({
      is_llama_config: true,
      vocab_size: 259,
      tie_word_embeddings: true,
    });
    for (const { name, steps } of plan.phases) {
      const { tokens, parallelism } = load(out, name);
      expect(tokens.micro_batch_size * tokens.batch_accumulation_per_replica * parallelism.dp).toBe(12);
      expect(tokens).toMatchObject({ train_steps: steps, sequence_length: 8 });
    }
    for (const name of ['decay', 'decay-long'])
      expect(load(out, name).checkpoints).toMatchObject({
        resume_checkpoint_path: `${out}/checkpoints/stable/40`,
        load_lr_scheduler: false,
        load_optimizer: true,
      });
  });

  it('can run both phases at once, with the rates of both', async () => {
    const { out } = await exported();
    const both = load(out, 'stable-then-decay');
    expect(both.data_stages.map(({ start_training_step }) => start_training_step)).toEqual([1, 41]);
    const config = configOf();
    for (let step = 5; step < 60; step++) {
      const expected =
        step < 40 ? learningRateAt(config.stable!, step, 40) : learningRateAt(config.decay!, step - 40, 20);
      expect(nanotronRate(both.optimizer.learning_rate_scheduler, step), `step ${step}`).toBeCloseTo(
        expected,
        12,
      );
    }
    const { out: other, plan } = await exported({ decay: { learning_rate: 1e-5, steps: 20 } });
    expect(existsSync(path.join(other, 'stable-then-decay.yaml'))).toBe(false);
    expect(plan.warnings.join('\n')).toContain('one Nanotron run has one peak');
  });

  it('takes the shards over and names the tokenizer in their metadata', async () => {
    const { out } = await exported();
    const shard = path.join(out, 'data/mix-stable/web/00000.ds');
    expect(statSync(shard).ino).toBe(statSync(path.join(mix, 'per-source/web/00000.ds')).ino);
    const opened = await openTokenShard(shard);
    expect([opened.tokenizerName, opened.tokenCount]).toEqual([`${out}/tokenizer`, 54]);
    await opened.close();
    expect((await readShardMetadata(path.join(mix, 'per-source/web/00000.ds'))).tokenizerName).toBe(
      'midtrain-test',
    );
    expect(existsSync(path.join(out, 'data/mix-decay/all/00000.ds.loss'))).toBe(true);
    const named = await exported({}, { tokenizer: 'org/model', take: 'copy' });
    const copy = path.join(named.out, 'data/mix-stable/web/00000.ds');
    expect(statSync(copy).ino).not.toBe(statSync(shard).ino);
    expect(readFileSync(`${copy}.metadata`, 'utf8')).toBe(
      'org/model|2\n54\n54 T'.replace('54 T', readFileSync(`${shard}.metadata`, 'utf8').split('\n')[2]!),
    );
    expect(load(named.out, 'decay').tokenizer.tokenizer_name_or_path).toBe('org/model');
  });

  it('says what Nanotron does otherwise', async () => {
    const { out, plan } = await exported({ document_mask: true, samples: { every: 5, prompts: ['a'] } });
    const said = plan.warnings.join('\n');
    for (const part of ['document_mask', '.ds.loss', 'no per-source/', 'passes', 'one step late', 'samples'])
      expect(said).toContain(part);
    const readme = readFileSync(path.join(out, 'README.md'), 'utf8');
    for (const warning of plan.warnings) expect(readme).toContain(warning);
    expect(readme).toContain(`torchrun --nproc-per-node 4 run_train.py --config-file ${out}/stable.yaml`);
    expect(readme).toMatch(/share of web .*0\.75 \| recalled/);
  });

  it('is the same bytes when it is written again, and leaves folders of others alone', async () => {
    const { out } = await exported();
    const read = () =>
      ['stable.yaml', 'README.md', 'export.json'].map((f) => readFileSync(path.join(out, f), 'utf8'));
    const before = read();
    await exported({}, { out, at: out });
    expect(read()).toEqual(before);
    const foreign = path.join(scratch, 'foreign');
    mkdirSync(foreign);
    writeFileSync(path.join(foreign, 'notes.txt'), 'mine');
    await expect(exported({}, { out: foreign })).rejects.toThrow(/holds no nanotron export/);
    const dry = path.join(scratch, 'dry');
    await exported({}, { out: dry, dryRun: true });
    expect(existsSync(dry)).toBe(false);
  });

  it.each([
    [{ model: { ...configOf().model, model_type: 'gemma2' } }, /no decoder of the family gemma2/],
    [{ model: { ...configOf().model, head_dim: 16 } }, /head_dim 16 x 4 heads is not hidden_size 32/],
    [{ sequence_length: 4 }, /mixed for sequences of 8 tokens/],
    [{ model: undefined }, /neither `model:` nor `init:`/],
    [{ stable: undefined, decay: undefined }, /no phase to export/],
    [{ stable: { learning_rate: 1e-4, steps: 3, data: mixDecay } }, /no phase of the config reads/],
  ])('refuses %j', async (more, message) => {
    await expect(exported(more)).rejects.toThrow(message);
  });

  it('refuses a --tp that cuts a head', async () => {
    await expect(exported({}, { cluster: { nodes: 1, gpus: 4, tp: 4, pp: 1 } })).rejects.toThrow(
      /--tp 4 does not divide num_key_value_heads 2/,
    );
  });
});

const python = process.env.MIDTRAIN_EXPORT_PYTHON;
it.skipIf(python === undefined)(
  'is read by the classes of nanotron and datatrove',
  { timeout: 600_000 },
  async () => {
    const { out } = await exported();
    const script = path.join(import.meta.dirname, '../oracles/nanotron-export.py');
    const run = spawnSync(python!, [script, out], { encoding: 'utf8', maxBuffer: 1e8 });
    expect(run.status, run.stderr).toBe(0);
    const said = JSON.parse(run.stdout) as {
      failed: object;
      configs: Record<string, { batch: number; rates: number[] }>;
      folders: Record<string, { windows: number; window_tokens: number; vocab_size: number }>;
    };
    expect(said.failed).toEqual({});
    for (const [file, { batch, rates }] of Object.entries(said.configs)) {
      expect(batch).toBe(12);
      const mine = load(out, file.replace('.yaml', '')).optimizer.learning_rate_scheduler;
      for (const [step, rate] of rates.entries())
        expect(rate, `${file} step ${step}`).toBeCloseTo(nanotronRate(mine, step), 12);
    }
    expect(said.folders[`${out}/data/mix-stable/web`]).toMatchObject({
      windows: 6,
      window_tokens: 9,
      vocab_size: 259,
    });
    expect(said.folders[`${out}/data/mix-decay/all`]).toMatchObject({ windows: 8, window_tokens: 9 });
  },
);
