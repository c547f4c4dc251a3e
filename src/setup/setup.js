/**
 * The set-up: npm packages, build, WebGPU adapter. Idempotent, and well under a second when there is nothing to do.
 *
 * `npm run setup`, `npm test` and `npm run demo` call it; `midtrain setup` runs its last part in an installed package.
 * It needs Node 18 and npm, nothing installed before, and no root. It says on stderr what it does and how much it fetches.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, ensureAdapter } from './adapter.js';
import { cloneLock, ensureBuilt } from './build.js';
import { orExplain, say, withLock } from './command.js';
import { ensureDependencies } from './dependencies.js';
import { linkOwnBins } from './link-own-bins.js';
import { cacheFolder, isClone, packageRoot } from './places.js';

/** Carries out the whole set-up for the package at `root`. */
export async function setUp(root = packageRoot, { quietWhenDone = false } = {}) {
  const started = Date.now();
  let changed = false;
  if (isClone(root)) {
    changed = await withLock(`${cloneLock(root)}-npm`, () => ensureDependencies(root));
    linkOwnBins(root);
    changed = (await ensureBuilt(root)) || changed;
  }
  const adapter = await ensureAdapter(root, cacheFolder());
  changed ||= adapter.changed;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (changed) say(`ready after ${seconds} s`);
  else if (!quietWhenDone) say(`nothing to do (${describe(adapter.entry)}), ${seconds} s`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  orExplain(() => setUp(packageRoot, { quietWhenDone: process.argv.includes('--quiet') }));
}
