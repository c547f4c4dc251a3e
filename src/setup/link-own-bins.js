/**
 * Links the project's own commands into its node_modules/.bin, so that npm scripts and every `npx` find `midtrain` and
 * `mix` in a clone without a look at the registry. npm links only the commands of dependencies, and `npm ci` clears these.
 */
import { lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

export function linkOwnBins(root) {
  if (process.platform === 'win32') return; // symbolic links need rights there; npx finds package.json's `bin` by itself
  const { bin } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const folder = path.join(root, 'node_modules', '.bin');
  for (const [name, file] of Object.entries(bin)) {
    const link = path.join(folder, name);
    const target = path.relative(folder, path.join(root, file));
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target)
      continue;
    rmSync(link, { force: true });
    symlinkSync(target, link);
  }
}
