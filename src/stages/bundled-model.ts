/** Where a model setting of a pipeline leads: `bundled:<name>` is a model folder that comes with midtrain, others are left to their scheme or are paths. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';

const scheme = 'bundled:';

/** The folder of a bundled classifier. Throws a `UserError` for a name that there is not. */
export function bundledModelFolder(name: string): string {
  const folder = join(packageRoot(), 'classifiers', name);
  if (/^[a-z0-9-]+$/.test(name) && existsSync(join(folder, 'classifier.json'))) return folder;
  const known = bundledModels();
  const near = nearest(name, known);
  throw new UserError(`there is no bundled classifier ${name}`, {
    hint:
      near === undefined
        ? `there is ${known.map((one) => scheme + one).join(', ')}`
        : `did you mean ${scheme}${near}?`,
  });
}

function bundledModels(): string[] {
  const root = join(packageRoot(), 'classifiers');
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'classifier.json')))
    .map(({ name }) => name)
    .sort();
}

/** `at` resolves a path as it is written. A column of the input and a step's model stay as they are. */
export function placeOfModel(model: string, at: (path: string) => string): string {
  if (model.startsWith(scheme)) return bundledModelFolder(model.slice(scheme.length));
  return /^(column|step):/.test(model) ? model : at(model);
}
