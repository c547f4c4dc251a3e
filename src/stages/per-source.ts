/**
 * `per-source/`: the same sequences again, one folder of shards per source, for trainers that mix by themselves (Nanotron's Nanoset).
 * `weights.json` says with which weight each folder gives the mixture, `nanotron.yaml` the same as the data block of a Nanotron
 * config: the form with two lists, since the dict form of its documentation no longer loads (recipe.md 7.5).
 *
 * Weights are shares of sequences, as Nanoset draws them. Its order is its own: what is the same is the content.
 */
import { join } from 'node:path';
import type { MixturePlan } from '../../mixtures/plan.ts';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { tokenBytes } from '../io/token-shard.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { WrittenFile } from './mix-manifest.ts';
import { listFile } from './written-file.ts';

/** Throws a `UserError` when a source that is used has a name that is no folder. */
export function assertFolderNames(plan: MixturePlan): void {
  for (const { name } of used(plan))
    if (/^\.+$/.test(name)) throw new UserError(`a source named "${name}" cannot have a folder of its own`);
}

/** Writes what lies beside the shards in `<output>/per-source`. */
export async function writePerSourceConfig(
  output: string,
  plan: MixturePlan,
  tokenizer: Tokenizer,
): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const [file, text] of [
    ['weights.json', `${JSON.stringify(weightsOf(plan, tokenizer), null, 2)}\n`],
    ['nanotron.yaml', nanotronYaml(plan, tokenizer)],
  ] as const) {
    await writeFileAtomic(join(output, 'per-source', file), text);
    files.push(await listFile(output, `per-source/${file}`));
  }
  return files;
}

function weightsOf(plan: MixturePlan, tokenizer: Tokenizer) {
  return {
    name: plan.name,
    packing: plan.packing,
    sequenceLength: plan.sequenceLength,
    windowTokens: plan.windowTokens,
    sequences: plan.sequences,
    tokenizer: tokenizer.name,
    tokenBytes: tokenBytes(tokenizer.vocabSize),
    sources: used(plan).map(({ name, sequences, achievedTokens, paddingTokens }) => ({
      name,
      folder: name,
      weight: sequences / plan.sequences,
      sequences,
      tokens: achievedTokens,
      paddingTokens,
    })),
  };
}

function used(plan: MixturePlan): MixturePlan['sources'] {
  return plan.sources.filter((source) => source.sequences > 0);
}

function nanotronYaml(plan: MixturePlan, tokenizer: Tokenizer): string {
  const sources = used(plan);
  const padded = plan.paddingTokens > 0;
  return [
    `# The data block of a Nanotron config for ${plan.name}: ${plan.sequences} sequences of ${plan.sequenceLength} + 1 tokens.`,
    '# Paths are relative to this folder; write them as your training job sees them.',
    ...(padded
      ? [
          `# ${plan.paddingTokens} of its tokens are padding, masked in .ds.loss: a trainer that does not read that file trains on them.`,
        ]
      : []),
    'data_stages:',
    `- name: ${plan.name}`,
    '  start_training_step: 1',
    '  data:',
    '    dataset:',
    '      dataset_folder:',
    ...sources.map((source) => `      - ${JSON.stringify(source.name)}`),
    '      dataset_weights:',
    ...sources.map((source) => `      - ${source.sequences / plan.sequences}`),
    `      token_size_in_bytes: ${tokenBytes(tokenizer.vocabSize)}`,
    `      vocab_size: ${tokenizer.vocabSize}`,
    '    num_loading_workers: 0',
    `    seed: ${plan.seed}`,
    'tokens:',
    `  sequence_length: ${plan.sequenceLength}`,
    'tokenizer:',
    `  tokenizer_name_or_path: ${JSON.stringify(tokenizer.name)}`,
    '',
  ].join('\n');
}
