/**
 * Where things are: the package's own folder, the user's cache folder, and a Node that is new enough.
 * Plain JavaScript without top-level await, so that an old Node gets as far as a clear message.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The lowest Node that midtrain runs on. */
export const requiredNode = 24;

/** The folder that holds package.json. */
export const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** True in a git clone (the sources are there to be built), false in an installed package. */
export function isClone(root = packageRoot) {
  return existsSync(path.join(root, 'tsconfig.json'));
}

/** `$XDG_CACHE_HOME/midtrain`, else `~/.cache/midtrain`; the same rule as trainer/gpu/find-adapter.ts, which a test holds. */
export function cacheFolder(environment = process.env) {
  const base = environment.XDG_CACHE_HOME;
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'midtrain');
}

/** Major version of a `process.version`-like string: 'v24.1.0' -> 24. */
export function majorOf(version) {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
}

/**
 * The Node that npm package `node` installed beside midtrain, or in a folder above it (npm hoists). Undefined when there
 * is none, or only one that is too old.
 */
export function ownNode(root = packageRoot) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const home = path.join(folder, 'node_modules', 'node');
    const binary = path.join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(binary)) {
      try {
        const { version } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
        if (majorOf(version) >= requiredNode) return binary;
      } catch {
        // half an installation: look further up
      }
    }
    if (path.dirname(folder) === folder) return undefined;
  }
}

/** A Node >= 24: this process's own binary if it is one, else the one in node_modules; undefined when there is neither. */
export function newNode(root = packageRoot) {
  return majorOf(process.version) >= requiredNode ? process.execPath : ownNode(root);
}
