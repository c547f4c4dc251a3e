/**
 * Where the real data for tests lies, and skipping with a message when it is not there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { packageRoot } from '../../src/io/package-root.ts';

/** `../shared/data` beside the repository. */
export const sharedData = join(packageRoot(), '..', 'shared', 'data');

/** `describe`, or a skipped one that says which folder is missing. */
export function describeWith(folder: string, name: string, body: () => void): void {
  if (existsSync(join(sharedData, folder))) describe(name, body);
  else describe.skip(`${name} (needs ../shared/data/${folder})`, body);
}
