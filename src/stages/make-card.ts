/**
 * `midtrain card` as a function: what kind of thing a folder holds, and its card. A filter or recut run, a mixture, a training or GRPO run, one
 * checkpoint of such a run, a tokenizer, or a trained classifier.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { isModelFolder, readModelFolder } from '../../classifiers/model-folder.ts';
import { InputError, UserError } from '../core/errors.ts';
import { type JoinedLicence, joinedLicence, licenceWarnings, type Use } from '../core/licences.ts';
import { parseHubRepository } from '../io/hub-file.ts';
import { packageVersions } from '../io/package-root.ts';
import { runFolderOf } from '../io/run-record.ts';
import { filterCard } from '../report/filter-card.ts';
import type { HubCard } from '../report/hub-card.ts';
import { type MixCardInput, mixCard } from '../report/mix-card.ts';
import { modelCard } from '../report/model-card.ts';
import { type PreparedRun, prepareRuns, type ReportRun } from '../report/report-run.ts';
import { tokenizerCard } from '../report/tokenizer-card.ts';
import { chatSpecOf } from '../tokens/chat-spec.ts';
import { loadTokenizer } from '../tokens/tokenizer.ts';
import { readTokenizerFiles } from '../tokens/tokenizer-files.ts';
import { type Origins, originsOf, originsOfFiles } from './card-origins.ts';
import { cardOfModelFolder, trainingRecordOf } from './classify-write-evaluation.ts';
import { hubFeatures } from './hub-features.ts';

export interface CardRequest {
  /** What the card is of. */
  folder: string;
  cwd: string;
  /** Where the card will lie; paths in it are relative to this folder. */
  target: string;
  name?: string;
  /** Goes before what the sources say. */
  license?: string;
  use?: Use;
  /** Role of a filtered corpus in a mixture; by default that of its inputs' cards, or web. */
  role?: string;
  baseModel?: string;
  /** Reads the run of a folder, with its metrics. */
  readRun(folder: string): ReportRun;
}

export interface MadeCard {
  kind: 'corpus' | 'mixture' | 'model' | 'tokenizer' | 'classifier';
  card: HubCard;
  licence: JoinedLicence;
  warnings: string[];
}

/** Throws a `UserError` for a folder that holds nothing a card can be made of. */
export async function makeCard(request: CardRequest): Promise<MadeCard> {
  const { folder } = request;
  if (!existsSync(folder))
    throw new UserError(`${folder}: there is no such folder`, {
      hint: 'give the folder that a midtrain command wrote',
    });
  if (await isModelFolder(folder)) return classifierOfFolder(request);
  const own = existsSync(join(folder, 'run.json'));
  const checkpoint = !own && existsSync(join(folder, 'config.json'));
  if (!own && !checkpoint && existsSync(join(folder, 'tokenizer.json'))) return tokenizerOfFolder(request);
  const runFolder = own ? folder : checkpoint ? runFolderOf(folder) : undefined;
  if (runFolder === undefined)
    throw new UserError(
      `${folder} holds neither a run (run.json), a checkpoint of one, a classifier, nor a tokenizer`,
      {
        hint: 'give the folder that a midtrain command wrote',
      },
    );
  const run = prepareRuns([request.readRun(runFolder)])[0]!;
  const origins = originsOf(runFolder, request.cwd);
  const licence = licenceOf(request, origins);
  const warnings =
    request.license === undefined || request.use !== undefined
      ? licenceWarnings(origins.sources, request.use)
      : [];
  const common = {
    run,
    languages: origins.languages,
    licence,
    sources: origins.sources,
    warnings,
    version: packageVersions().midtrain ?? '',
  };
  switch (run.kind) {
    case 'filter':
      return {
        kind: 'corpus',
        licence,
        warnings,
        card: await corpusCard(request, runFolder, origins, common),
      };
    case 'mix':
      return {
        kind: 'mixture',
        licence,
        warnings,
        card: mixCard({ ...common, ...mixtureFiles(request, runFolder, run) }),
      };
    case 'train':
    case 'grpo':
      return { kind: 'model', licence, warnings, card: trainedCard(request, origins, common, checkpoint) };
    case 'other':
      throw new UserError(
        `${runFolder} is a run of midtrain ${run.record.command}, of which no card is made`,
        {
          hint: 'cards are made of filter, recut, mix, train and grpo runs, checkpoints, tokenizers and the model folders of "classify train"',
        },
      );
  }
}

function licenceOf({ license }: CardRequest, { sources }: Origins): JoinedLicence {
  if (license !== undefined) return { license, why: 'named by whoever made this card' };
  return joinedLicence(sources.map((source) => source.license));
}

type Common = Pick<MixCardInput, 'run' | 'languages' | 'licence' | 'sources' | 'warnings' | 'version'>;

async function corpusCard(
  request: CardRequest,
  folder: string,
  origins: Origins,
  common: Common,
): Promise<HubCard> {
  const parts = (['kept', 'dropped', 'signals'] as const)
    .map((part) => ({ part, files: parquetIn(join(folder, part)) }))
    .filter(({ part, files }) => part === 'kept' || files.length > 0);
  const kept = parts[0]!.files[0];
  const trained = origins.roles.filter((role) => role !== 'benchmark');
  const card = filterCard({
    ...common,
    name: request.name ?? common.run.record.name,
    parts: parts.map(({ part }) => ({
      config: part === 'kept' ? 'default' : part,
      path: `${part}/*.parquet`,
    })),
    features: kept === undefined ? undefined : await hubFeatures(kept),
    role: request.role ?? (trained.length === 1 ? trained[0]! : 'web'),
  });
  const block = card.front.midtrain as { data: { path: string } };
  const path = relative(resolve(request.target, '..'), join(folder, 'kept')).replaceAll('\\', '/');
  block.data.path = path.startsWith('.') ? path : `./${path}`;
  return card;
}

function mixtureFiles(
  request: CardRequest,
  folder: string,
  run: PreparedRun,
): Omit<MixCardInput, keyof Common> {
  const path = join(folder, 'manifest.json');
  const manifest = existsSync(path)
    ? (readJson(path) as Partial<MixCardInput> & { tokenizer?: MixCardInput['tokenizer'] })
    : {};
  const recipe = (run.record.config as { recipe?: { description?: unknown } } | null)?.recipe;
  return {
    name: request.name ?? run.record.name,
    layout: typeof manifest.layout === 'string' ? manifest.layout : undefined,
    files: Array.isArray(manifest.files) ? manifest.files : [],
    tokenizer: manifest.tokenizer,
    description: typeof recipe?.description === 'string' ? recipe.description : undefined,
  };
}

function trainedCard(request: CardRequest, origins: Origins, common: Common, checkpoint: boolean): HubCard {
  const { record } = common.run;
  const step = checkpoint ? /(\d+)$/.exec(basename(request.folder))?.[1] : undefined;
  const began =
    record.parents.findLast((parent) => /checkpoints[\\/]/.test(parent)) ??
    (record.config as { model?: unknown } | null)?.model;
  // Of a model that came from the Hub its name there, which the Hub shows as the base model.
  const config = record.config as { init?: unknown; model?: unknown } | null;
  const base = [began, config?.init].find((from) => typeof from === 'string' && from.startsWith('hf://'));
  return modelCard({
    ...common,
    name: request.name ?? record.name,
    checkpoint: step === undefined ? undefined : { step: Number(step) },
    baseModel:
      request.baseModel ?? (base === undefined ? undefined : parseHubRepository(base as string).dataset),
    from:
      typeof began === 'string' && base === undefined ? began.split(/[\\/]/).slice(-3).join('/') : undefined,
    datasets: [...new Set(origins.sources.flatMap(({ from }) => from ?? []))],
    mixtures: origins.mixtures,
  });
}

/** The licence of a classifier is that of the documents it was trained on. */
async function classifierOfFolder(request: CardRequest): Promise<MadeCard> {
  const folder = await readModelFolder(request.folder);
  const { data } = await trainingRecordOf(request.folder);
  const { sources } = originsOfFiles(
    data.files.map(({ path }) => path),
    request.cwd,
  );
  const licence = licenceOf(request, { sources, roles: [], languages: undefined, mixtures: [] });
  const warnings =
    request.license === undefined || request.use !== undefined ? licenceWarnings(sources, request.use) : [];
  const card = await cardOfModelFolder(folder, {
    ...(request.name === undefined ? {} : { name: request.name }),
    licence,
    origins: sources,
    licenceWarnings: warnings,
  });
  return { kind: 'classifier', card, licence, warnings };
}

async function tokenizerOfFolder(request: CardRequest): Promise<MadeCard> {
  const files = await readTokenizerFiles(request.folder);
  const tokenizer = await loadTokenizer(request.folder);
  const licence = licenceOf(request, { sources: [], roles: [], languages: undefined, mixtures: [] });
  const merges = files.json.model.merges;
  const card = tokenizerCard({
    name: request.name ?? tokenizer.name,
    kind: tokenizer.kind,
    vocabSize: tokenizer.vocabSize,
    merges: Array.isArray(merges) ? merges.length : undefined,
    fingerprint: tokenizer.fingerprint,
    specialTokens: files.json.added_tokens.filter((token) => token.special).map(({ content }) => content),
    hasChatTemplate: chatSpecOf(files) !== undefined,
    licence,
    version: packageVersions().midtrain ?? '',
  });
  return { kind: 'tokenizer', card, licence, warnings: [] };
}

function parquetIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.parquet'))
    .sort()
    .map((file) => join(folder, file));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(path, `not JSON: ${(error as Error).message}`, { cause: error });
  }
}
