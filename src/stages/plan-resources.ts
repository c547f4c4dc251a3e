/** The files other than inputs that decide a job's signals: models, benchmarks, URL lists, the tokenizer. They are part of the plan's hash. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { languageModelPath } from '../../classifiers/language/open-language.ts';
import { readEncoderFolder } from '../../classifiers/regressor/encoder-folder.ts';
import { UserError } from '../core/errors.ts';
import { fingerprintFile } from '../io/file-hash.ts';
import { pinnedAddress } from '../io/hub-file.ts';
import { hubInputFiles } from '../io/hub-input.ts';
import { walkFolder } from '../io/walk-folder.ts';
import { columnOfModel } from './column-score.ts';
import type { FilterPlan } from './plan-filter.ts';
import type { ResolvedFilter } from './resolved-filter.ts';

/** Throws a `UserError` naming the key and the path of a file that is not there. */
export async function planResources(filter: ResolvedFilter, file: string): Promise<FilterPlan['resources']> {
  const wanted: { key: string; path: string | undefined }[] = [
    ...(await modelFiles(filter)),
    ...(filter.decontaminate?.benchmarks ?? []).map(({ card, path }) => ({
      key: `decontaminate: benchmarks: ${card}: path`,
      path,
    })),
    { key: 'url: lists', path: filter.urlLists ?? undefined },
    { key: 'badWords: list', path: filter.badWords?.list },
    { key: 'unigram: counts', path: filter.unigramCounts ?? undefined },
    { key: 'tokens: tokenizer', path: filter.tokenizer ?? undefined },
  ];
  if (filter.families.includes('language')) {
    // Models that come with the package are not named by their path, which differs between machines.
    const path = languageModelPath(filter.language.model);
    wanted.push({ key: 'language: model', path });
  }
  const resources: FilterPlan['resources'] = [];
  for (const { key, path } of wanted) {
    if (path === undefined) continue;
    if (path.startsWith('hf://')) {
      for (const file of (await hubInputFiles({ path })).files)
        resources.push({ path: pinnedAddress(file), bytes: file.bytes, fingerprint: file.oid });
      continue;
    }
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      throw new UserError(`${file}: ${key}: there is no file ${path}`, { hint: 'check the path' });
    }
    const files = stat.isDirectory() ? (await walkFolder(path)).files.map((f) => join(path, f.path)) : [path];
    for (const one of files) {
      const { bytes, fingerprint } = await fingerprintFile(one);
      resources.push({ path: one, bytes, fingerprint });
    }
  }
  return resources;
}

/** Of a regressor only the files that decide its scores: a checkpoint may hold the same weights in other forms. */
async function modelFiles({ classifiers }: ResolvedFilter): Promise<{ key: string; path: string }[]> {
  const files: { key: string; path: string }[] = [];
  for (const step of classifiers) {
    const key = `classifiers: ${step.name}: model`;
    if (columnOfModel(step.model) !== undefined) continue;
    if (step.kind === 'fasttext') files.push({ key, path: step.model });
    else if (step.encoder !== null) {
      const encoder = await readEncoderFolder(step.encoder);
      files.push(...encoder.files.map((file) => ({ key, path: join(encoder.path, file) })));
      if (step.headFolder !== null) files.push({ key, path: join(step.headFolder, 'head.safetensors') });
    }
  }
  return files;
}
