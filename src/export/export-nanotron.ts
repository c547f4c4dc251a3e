/** Carries out a Nanotron export: reads the mixtures and the model's shape, plans, checks the tokenizer, writes. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { readModelConfig } from '../../trainer/model/folder.ts';
import { freshModelConfig } from '../../trainer/training/fresh-model.ts';
import type { TrainConfig } from '../../trainer/training/train-config.ts';
import { InputError, UserError } from '../core/errors.ts';
import { readTokenizerFiles } from '../tokens/tokenizer-files.ts';
import type { NanotronPlan } from './nanotron-request.ts';
import { planNanotron } from './plan-nanotron.ts';
import { type ExportMixture, readMixture } from './read-mixture.ts';
import type { Cluster } from './split-batch.ts';
import { assertExportFolder, finishExport, type TakeOver, writeExport } from './write-export.ts';

export interface NanotronExport {
  config: TrainConfig;
  /** Serves the phases that name no data. */
  mixture: string;
  out: string;
  at: string;
  tokenizer?: string | undefined;
  cluster: Cluster;
  take?: TakeOver;
  dryRun?: boolean;
}

export async function exportNanotron(request: NanotronExport): Promise<NanotronPlan> {
  const { config, mixture, out, at, cluster, tokenizer } = request;
  const named = [config.stable, config.decay, ...Object.values(config.branches ?? {})].flatMap((phase) =>
    phase === undefined ? [] : [phase.data ?? config.data ?? mixture],
  );
  const used = [...new Set(named)];
  if (used.length > 0 && !used.some((folder) => path.resolve(folder) === path.resolve(mixture)))
    throw new UserError(`no phase of the config reads ${mixture}: it names ${used.join(' and ')}`, {
      hint: "give one of these, or take `data:` out of the config's phases",
    });
  const mixtures = new Map<string, ExportMixture>();
  for (const folder of used) {
    const same = [...mixtures].find(([other]) => path.resolve(other) === path.resolve(folder));
    mixtures.set(folder, same?.[1] ?? (await readMixture(folder)));
  }
  const tokenizerFolder = oneTokenizer(config, [...mixtures.values()]);
  const model = await shapeOf(config, tokenizerFolder);
  const files = await readTokenizerFiles(tokenizerFolder);
  const vocabulary = [...mixtures.values()][0]!.manifest.tokenizer.vocabSize;
  if (model.vocabSize < vocabulary)
    throw new UserError(
      `the model has ${model.vocabSize} rows of embeddings and the mixture's tokenizer ${vocabulary} tokens`,
      { hint: "mix with the model's own tokenizer" },
    );
  const plan = planNanotron({ config, model, mixtures, defaultData: mixture, cluster, at, tokenizer });
  const texts = [
    ...plan.texts,
    ...[...files.texts].map(([name, text]) => ({ path: path.posix.join('tokenizer', name), text })),
    ...(files.texts.has('tokenizer_config.json')
      ? []
      : [{ path: 'tokenizer/tokenizer_config.json', text: tokenizerConfig }]),
  ];
  const whole = { ...plan, texts };
  assertExportFolder(out, 'nanotron');
  if (request.dryRun === true) return whole;
  await writeExport(out, whole, request.take);
  await finishExport(out, whole, { name: config.name, split: plan.split, phases: plan.phases });
  return whole;
}

/** AutoTokenizer needs to be told the class; the files are tokenizer.json's own. */
const tokenizerConfig = `${JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast' }, null, 2)}\n`;

function oneTokenizer(config: TrainConfig, mixtures: readonly ExportMixture[]): string {
  const [first, ...rest] = mixtures;
  if (first === undefined)
    throw new UserError('the config has no phase to export', {
      hint: 'add `stable:`, `decay:` or `branches:`',
    });
  for (const other of rest)
    if (other.manifest.tokenizer.fingerprint !== first.manifest.tokenizer.fingerprint)
      throw new UserError(`${other.path} was mixed with another tokenizer than ${first.path}`, {
        hint: 'mix both with the same tokenizer: a run has one',
      });
  const folder = config.tokenizer ?? first.tokenizerFolder;
  if (!existsSync(folder) || readdirSync(folder).length === 0)
    throw new InputError(folder, 'holds no tokenizer', {
      hint: 'mix again, or name one as `tokenizer:` in the config',
    });
  return folder;
}

async function shapeOf(config: TrainConfig, tokenizerFolder: string): Promise<ModelConfig> {
  if (config.init !== undefined) return readModelConfig(config.init);
  if (config.model !== undefined) return freshModelConfig(config, tokenizerFolder);
  throw new UserError('the config says neither `model:` nor `init:`', {
    hint: 'describe a fresh model, or name a Hugging Face folder to start from',
  });
}
