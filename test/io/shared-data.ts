/**
 * Where the real data for tests lies, and skipping with a message when it is not there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { packageRoot } from '../../src/io/package-root.ts';

/** `../shared/data` beside the repository. */
export const sharedData = join(packageRoot(), '..', 'shared', 'data');

/** `describe`, or one skipped test that says which folder is missing; the body then does not run at all. */
export function describeWith(folder: string, name: string, body: () => void): void {
  if (existsSync(join(sharedData, folder))) describe(name, body);
  else describe(name, () => it.skip(`needs ../shared/data/${folder}`, () => {}));
}
