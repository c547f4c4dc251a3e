/**
 * The demo as files: pipeline, mixture, training and GRPO configs and the problems, for one seed. All figures were calibrated on small
 * software adapters (EXPERIMENTS.md): a world that a model of 35,000 weights learns in minutes, whose pages hold a quick and mostly wrong
 * way to answer beside a longer and dependable one, so that RL has something to find.
 */
import path from 'node:path';
import { stringify } from 'yaml';
import { arithmeticProblems } from '../../mixtures/arithmetic.ts';
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { checkpointName } from '../../trainer/learner/checkpoint.ts';
import { type TrainConfig, trainConfigSchema } from '../../trainer/training/train-config.ts';
import { placeOfModel } from '../stages/bundled-model.ts';
import { type FilterConfig, filterConfigSchema } from '../stages/filter-config.ts';

export interface DemoWorld {
  /** Name -> content of the files to write into the run folder. */
  files: Record<string, string>;
  filter: FilterConfig;
  train: TrainConfig;
  grpo: (checkpoint: string) => GrpoConfig;
  mixtures: { stable: { recipe: string; out: string }; decay: { recipe: string; out: string } };
}

export interface DemoOptions {
  /** Run folder, absolute. */
  out: string;
  /** Folder of pages, and what kind is read from it: of installed packages only the Markdown and text. */
  pages: { path: string; format: 'auto' | 'text' };
  seed: number;
  /** Permute rewards: the control run that must not climb. */
  shuffleRewards?: boolean;
}

const stableSteps = 1450;
const decaySteps = 620;
const sequenceLength = 128;
const microBatch = 4;

/** The documents' shape: the question, then a response that opens with a space, so that the prompt's colon stays a token of its own. */
const responseColumns = { id: 'id', question: 'question', answer: 'response' };

export function demoWorld({ out, pages, seed, shuffleRewards = false }: DemoOptions): DemoWorld {
  const at = (...parts: string[]) => path.join(out, ...parts);
  const pipeline = {
    name: 'demo-filter',
    description:
      'documentation of installed packages: quality rules that spare formulas, a math classifier beside them, exact duplicates dropped',
    inputs: [pages],
    signals: ['gopher-quality', 'fineweb-quality', 'math'],
    math: 'masked',
    // A column without a bound: the documentation of packages is hardly mathematics, and a bound would leave nothing to mix.
    classifiers: [{ name: 'math', model: 'bundled:math-text', gate: 'none' }],
    thresholds: { use: ['gopher-quality-math', 'fineweb-quality-math'] },
    dedup: 'exact',
    output: { dropped: true },
  };
  const generated = (kind: string, count: number) => ({
    generator: 'arithmetic',
    kind,
    count,
    seed,
    workedShare: 1,
  });
  const mixture = (name: 'stable' | 'decay', steps: number, qa: number, longCot: number) => ({
    name: `demo-mixture-${name}`,
    description: 'filtered documentation, and generated arithmetic in three styles',
    tokenizer: { train: { vocabSize: 320, preTokenizer: 'digits', specialTokens: ['<|endoftext|>'] } },
    // No sequence is seen twice.
    budget: steps * microBatch * (sequenceLength + 1),
    sequenceLength,
    heldout: 0.02,
    seed: name === 'stable' ? seed : seed + 1000,
    repeatLimit: 40,
    fill: 'web',
    sources: {
      web: {
        data: 'filter/kept',
        role: 'web',
        template: 'text',
        columns: { id: 'id', url: 'url', text: 'text' },
        weight: 0.9 - qa - longCot,
      },
      'arithmetic-qa': {
        data: generated('qa', 12000),
        role: 'qa',
        template: 'question-answer',
        columns: responseColumns,
        weight: qa,
      },
      'arithmetic-long-cot': {
        data: generated('long-cot', 20000),
        role: 'long-cot',
        template: 'question-answer',
        columns: responseColumns,
        weight: longCot,
      },
      'arithmetic-instruction': {
        data: generated('instruction', 6000),
        role: 'instruction',
        template: 'user-assistant',
        columns: responseColumns,
        weight: 0.1,
      },
    },
  });
  // Worked answers come first, quick ones get more room in the decay phase. With 30 % worked answers in the stable phase it depends on the
  // pages and the seed whether a model of this size learns them (EXPERIMENTS.md).
  const mixtures = {
    stable: mixture('stable', stableSteps, 0.1, 0.4),
    decay: mixture('decay', decaySteps, 0.22, 0.18),
  };
  const phase = { learning_rate: 0.005, evidence: 'own' };
  const train = {
    name: 'demo',
    out: at('train'),
    seed,
    model: {
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      intermediate_size: 96,
      max_position_embeddings: 256,
      rope_theta: 100,
      tie_word_embeddings: true,
      initializer_range: 0.1,
    },
    sequence_length: sequenceLength,
    micro_batch_size: microBatch,
    document_mask: true,
    stable: { ...phase, data: at('mix-stable'), steps: stableSteps, warmup_steps: 30 },
    decay: { ...phase, data: at('mix-decay'), steps: decaySteps, decay: 'cosine', min_lr_ratio: 0.1 },
    eval_every: 150,
    eval_sequences: 16,
    checkpoint_every: 500,
    keep_checkpoints: 1,
  };
  const grpo = (checkpoint: string) => ({
    name: 'demo-grpo',
    out: at('grpo'),
    model: checkpoint,
    problems: at('problems', 'train.jsonl'),
    eval_problems: at('problems', 'heldout.jsonl'),
    seed,
    template: 'simple',
    prompt_prefix: 'none',
    shuffle_rewards: shuffleRewards,
    steps: 40,
    prompts_per_step: 16,
    num_generations: 16,
    mini_batch_prompts: 8,
    temperature: 1,
    epsilon: 0.2,
    loss_type: 'dapo',
    schedule: { learning_rate: 0.0005, warmup_steps: 5 },
    optimizer: { adam_beta2: 0.95 },
    max_prompt_length: 24,
    max_completion_length: { 0: 26, 15: 28, 30: 32 },
    micro_batch_size: 16,
    pack_length: 112,
    eval_every: 10,
    eval_count: 512,
    eval_temperature: 1,
    checkpoint_every: 20,
    keep_checkpoints: 1,
  });
  const problems = (split: 'train' | 'heldout', count: number) =>
    arithmeticProblems({ split, count, seed })
      .map((p) => `${JSON.stringify({ id: p.id, question: p.question, answer: p.expected })}\n`)
      .join('');
  const heading = (command: string) => `# Written by \`midtrain demo\`. By hand: ${command}\n`;
  return {
    files: {
      'pipeline.yaml': heading('midtrain filter pipeline.yaml') + stringify(pipeline),
      'mixture-stable.yaml':
        heading('midtrain mix mixture-stable.yaml --out mix-stable') + stringify(mixtures.stable),
      'mixture-decay.yaml':
        heading('midtrain mix mixture-decay.yaml --out mix-decay --tokenizer mix-stable/tokenizer') +
        stringify(mixtures.decay),
      'train.yaml':
        heading('midtrain train train.yaml --phase stable, then --phase decay') + stringify(train),
      'grpo.yaml':
        heading('midtrain grpo grpo.yaml') +
        stringify(grpo(at('train', 'decay', 'checkpoints', checkpointName(decaySteps)))),
      'problems/train.jsonl': problems('train', 2000),
      'problems/heldout.jsonl': problems('heldout', 512),
    },
    filter: withModels(filterConfigSchema.parse(pipeline)),
    train: trainConfigSchema.parse(train),
    grpo: (checkpoint) => grpoConfigSchema.parse(grpo(checkpoint)),
    mixtures: {
      stable: { recipe: at('mixture-stable.yaml'), out: at('mix-stable') },
      decay: { recipe: at('mixture-decay.yaml'), out: at('mix-decay') },
    },
  };
}

/** As the pipeline file is read: bundled models by their folder. */
function withModels(config: FilterConfig): FilterConfig {
  const classifiers = config.classifiers.map((one) => ({
    ...one,
    model: one.model === null ? null : placeOfModel(one.model, (model) => model),
  }));
  return { ...config, classifiers };
}
