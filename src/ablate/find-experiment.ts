/** Finds experiments: a YAML file, or a built-in one by name (src/ablate/experiments). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';
import { type Experiment, meant, parseExperiment } from './experiment.ts';

export interface FoundExperiment {
  experiment: Experiment;
  /** As given, or `built-in experiment <name>`: for messages. */
  file: string;
  /** Where its relative paths start. */
  folder: string;
  text: string;
}

const experimentsFolder = (): string => join(packageRoot(), 'src', 'ablate', 'experiments');

/** Names of the built-in experiments, sorted. */
export function builtInExperiments(): string[] {
  const folder = experimentsFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

/** Throws a `UserError` for a file that is not there or is wrong. */
export function findExperiment(asked: string, cwd: string): FoundExperiment {
  const path = resolve(cwd, asked);
  const names = builtInExperiments();
  const read = (file: string, name: string): FoundExperiment => {
    const text = readFileSync(file, 'utf8');
    return { experiment: parseExperiment(text, name), file: name, folder: dirname(file), text };
  };
  if (existsSync(path) && /\.ya?ml$/.test(path)) return read(path, asked);
  if (names.includes(asked))
    return read(join(experimentsFolder(), `${asked}.yaml`), `built-in experiment ${asked}`);
  throw new UserError(
    `${asked}: no such experiment file, and no built-in experiment of that name${meant(asked, names)}`,
    {
      hint: names.length === 0 ? 'give a YAML file' : `give a YAML file, or one of ${names.join(', ')}`,
    },
  );
}
