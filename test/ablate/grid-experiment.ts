/** An experiment small enough for tests: models of width 16, a few steps, problems of the miniature world. */
import { parseExperiment } from '../../src/ablate/experiment.ts';
import { overlay, type Plain } from '../../src/ablate/overlay.ts';
import type { OwnInputs } from '../../src/ablate/own-inputs.ts';

/** As a file would have it. Arms are laid over arm by arm (null takes one away), so that nulls within one stay. */
export function tinyExperiment({ arms = {}, ...changes }: Plain & { arms?: Plain } = {}): Plain {
  const tiny = overlay(
    {
      name: 'tiny',
      title: 'A tiny grid',
      question: 'Does more QA help?',
      seeds: [1],
      base: {
        problems: {
          train: { generator: 'mini-math', count: 64, split: 'train' },
          heldout: { generator: 'mini-math', count: 16, split: 'heldout' },
        },
        tokenizer: {
          vocabSize: 280,
          specialTokens: ['<|endoftext|>'],
          sources: [{ data: { generator: 'mini-math', kind: 'qa', count: 200 } }],
        },
        mix: { stable: mixture(0.5), decay: mixture(0.3) },
        train: {
          model: {
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 24,
            max_position_embeddings: 128,
          },
          sequence_length: 48,
          micro_batch_size: 4,
          stable: { steps: 8, learning_rate: 0.01, warmup_steps: 2 },
          decay: { steps: 4, learning_rate: 0.01 },
          eval_every: 4,
          eval_sequences: 4,
          checkpoint_every: 2,
          keep_checkpoints: null,
        },
        grpo: {
          problems: 'train',
          eval_problems: 'heldout',
          steps: 3,
          prompts_per_step: 4,
          num_generations: 4,
          max_prompt_length: 40,
          max_completion_length: { 0: 12 },
          micro_batch_size: 4,
          pack_length: 64,
          eval_every: 1,
          eval_count: 16,
          eval_temperature: 1,
          schedule: { learning_rate: 0.001 },
          checkpoint_every: 1,
        },
      },
      arms: {
        'qa-30': {},
        'qa-0': { describe: 'no QA', set: { mix: { decay: { sources: { qa: null } } } } },
      },
    },
    changes,
  );
  const all = Object.entries({ ...(tiny.arms as Plain), ...arms }).filter(([, arm]) => arm !== null);
  return { ...tiny, arms: Object.fromEntries(all) };
}

function mixture(qa: number): Plain {
  return {
    repeatLimit: 50,
    heldout: 0.05,
    fill: 'web',
    sources: {
      web: { data: { generator: 'mini-math', kind: 'pages', count: 200 }, role: 'web' },
      qa: { data: { generator: 'mini-math', kind: 'qa', count: 400, seed: 'run' }, role: 'qa', weight: qa },
    },
  };
}

export function experimentOf(changes: Parameters<typeof tinyExperiment>[0] = {}) {
  return parseExperiment(JSON.stringify(tinyExperiment(changes)), 'tiny.yaml');
}

/** No files of the user's own: whoever asks for one gets its path as its content. */
export const noInputs: OwnInputs = {
  resolve: (path) => `/own/${path}`,
  contentOf: (path) => `content of ${path}`,
  pipeline: (name) => ({ value: { signals: ['gopher-quality'], description: name }, folder: '/own' }),
};
