/** Reads the fastText models of a job once, into memory that its worker threads share: one of gigabytes would else be loaded once a worker. */

import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { languageModelPath } from '../../classifiers/language/open-language.ts';
import { columnOfModel } from './column-score.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import type { SharedModels } from './shared-model.ts';

/** Reads the models that the filter names by path. Throws an `InputError` for a damaged one. */
export async function readSharedModels(filter: ResolvedFilter): Promise<SharedModels> {
  const paths = filter.classifiers
    .filter(({ kind, model }) => kind === 'fasttext' && columnOfModel(model) === undefined)
    .map(({ model }) => model);
  const language = filter.families.includes('language')
    ? languageModelPath(filter.language.model)
    : undefined;
  if (language !== undefined) paths.push(language);
  const fastText: SharedModels['fastText'] = {};
  for (const path of new Set(paths)) fastText[path] = await readFastTextData(path, { shared: true });
  return { fastText };
}
