/**
 * Where this package lies on disk, so that its data files (.yaml, .wgsl, .md) are found whether the code runs from `src/` (tests) or
 * from `dist/src/` (installed): the nearest folder above this file whose package.json is named `midtrain`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '../core/errors.ts';

let root: string | undefined;

/** Absolute path of the package's own folder. */
export function packageRoot(): string {
  if (root !== undefined) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (
      existsSync(file) &&
      (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'midtrain'
    ) {
      root = folder;
      return folder;
    }
    const parent = dirname(folder);
    invariant(parent !== folder, 'no package.json named "midtrain" above src/io/package-root.ts');
    folder = parent;
  }
}

/** This package's version and those of the libraries whose behaviour shows in results. */
export function packageVersions(
  libraries: readonly string[] = ['apache-arrow', 'hyparquet', 'hyparquet-writer', 'webgpu'],
): Record<string, string> {
  const own = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
    dependencies?: Record<string, string>;
  };
  const versions: Record<string, string> = { midtrain: own.version, node: process.versions.node };
  for (const name of libraries) {
    const declared = own.dependencies?.[name];
    if (declared !== undefined) versions[name] = declared;
  }
  return versions;
}
