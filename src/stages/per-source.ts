/**
 * `per-source/`: the same sequences again, one folder of shards per source, for trainers that mix by themselves (Nanotron's Nanoset).
 * `weights.json` says with which weight each folder gives the mixture, `nanotron.yaml` the same as the data block of a Nanotron
 * config: the form with two lists, since the dict form of its documentation no longer loads (recipe.md 7.5).
 *
 * Weights are shares of sequences, as Nanoset draws them. Its order is its own: what is the same is the content.
 */
import { join } from 'node:path';
import type { MixturePlan } from '../../mixtures/plan.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { tokenBytes } from '../io/token-shard.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { WrittenFile } from './mix-manifest.ts';
import { ShardSeries } from './shard-series.ts';
import type { SourceTokens } from './source-tokens.ts';
import { sourceWindows } from './source-windows.ts';
import { listFile } from './written-file.ts';

export interface PerSourceOptions {
  sequencesPerShard: number;
  signal?: AbortSignal | undefined;
  /** Told the sequences written so far. */
  progress?: (sequences: number) => void;
}

/** Writes `<output>/per-source`. `sources` in the order of the plan's. */
export async function writePerSource(
  output: string,
  plan: MixturePlan,
  sources: readonly { name: string; tokens: SourceTokens }[],
  tokenizer: Tokenizer,
  options: PerSourceOptions,
): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  let done = 0;
  for (const [i, { name, tokens }] of sources.entries()) {
    const wanted = plan.sources[i]!.sequences;
    if (wanted === 0) continue;
    if (/^\.+$/.test(name)) throw new UserError(`a source named "${name}" cannot have a folder of its own`);
    const shards = new ShardSeries(join(output, 'per-source', name), {
      tokenizer,
      sequencesPerShard: options.sequencesPerShard,
      padded: plan.packing === 'best-fit',
      label: `per-source/${name}`,
    });
    try {
      let written = 0;
      for (const window of sourceWindows(tokens, plan, plan.sources[i]!)) {
        if (options.signal?.aborted) throw new InterruptedError();
        await shards.add(window, name);
        if (++done % 64 === 0) options.progress?.(done);
        if (++written === wanted) break;
      }
      files.push(...(await shards.finish()));
    } catch (error) {
      await shards.abort();
      throw error;
    }
  }
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
