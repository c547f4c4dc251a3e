/**
 * TypeScript to dist/, only when a source differs from the last successful build.
 *
 * The stamp is a hash over name, size and modification time of every source: it notices edits, deletions and files put
 * back with an older time. About 5 ms for 300 files. `node src/setup/build.js` builds by hand; with `--clean` it starts from
 * an empty dist/, as npm pack wants it: the compiler leaves the output of deleted sources behind.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { orExplain, run, SetupError, say, withLock } from './command.js';
import { ensureDependencies } from './dependencies.js';
import { cacheFolder, newNode, packageRoot } from './places.js';

const sourceFolders = ['src', 'classifiers', 'mixtures', 'trainer', 'kernels'];
const settings = ['tsconfig.json', 'package-lock.json'];

/** Hash of everything that the build's result depends on. */
export function sourceStamp(root) {
  const hash = createHash('sha1');
  const add = (name) => {
    const file = statSync(path.join(root, name), { throwIfNoEntry: false });
    if (file !== undefined) hash.update(`${name} ${file.size} ${file.mtimeMs}\n`);
  };
  for (const name of settings) add(name);
  const walk = (folder) => {
    if (!existsSync(path.join(root, folder))) return;
    const entries = readdirSync(path.join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(name);
      else if (/\.tsx?$/.test(entry.name)) add(name);
    }
  };
  for (const folder of sourceFolders) walk(folder);
  return hash.digest('hex');
}

const stampFile = (root) => path.join(root, 'dist', '.stamp');

/** Whether dist/ is the result of today's sources. */
export function isBuilt(root) {
  try {
    return readFileSync(stampFile(root), 'utf8') === sourceStamp(root);
  } catch {
    return false;
  }
}

/** The lock that keeps two set-ups of one clone apart. It lies in the cache: a tree may be read-only once built. */
export function cloneLock(root) {
  return path.join(cacheFolder(), 'locks', createHash('sha1').update(root).digest('hex').slice(0, 16));
}

/** Builds if needed; returns whether it did. Type errors end it: nothing half-checked is run. */
export async function ensureBuilt(root) {
  if (isBuilt(root)) return false;
  return withLock(cloneLock(root), async () => {
    if (isBuilt(root)) return false; // the one we waited for did it
    await build(root);
    return true;
  });
}

async function build(root) {
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const node = newNode(root);
  if (!existsSync(compiler) || node === undefined) {
    throw new SetupError(
      'the sources are newer than dist/ and the compiler is not installed. Cure: npm run setup',
    );
  }
  const started = Date.now();
  // The stamp is taken first: an edit during the build makes the next start build again.
  const stamp = sourceStamp(root);
  say('build: compiling the TypeScript sources to dist/');
  rmSync(stampFile(root), { force: true });
  mkdirSync(path.join(root, 'dist'), { recursive: true });
  const result = await run(node, [compiler, '-p', 'tsconfig.json'], { cwd: root });
  if (result.status !== 0) {
    const errors = result.stdout.split('\n').filter((line) => / error TS\d+/.test(line));
    throw new SetupError(
      `the build failed with ${errors.length || 'some'} type errors:\n${(result.stdout + result.stderr).trim()}\n` +
        'Cure: mend the lines above, then run npm run build.',
    );
  }
  writeFileSync(stampFile(root), stamp);
  say(`build: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  orExplain(async () => {
    await ensureDependencies(packageRoot);
    if (process.argv.includes('--clean'))
      rmSync(path.join(packageRoot, 'dist'), { recursive: true, force: true });
    if (!(await ensureBuilt(packageRoot))) say('build: nothing to do, dist/ is the result of these sources');
  });
}
