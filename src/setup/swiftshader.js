/**
 * The SwiftShader software Vulkan driver and a Vulkan loader, out of the npm package `@sparticuz/chromium` (x64 Linux).
 *
 * In a clone the package is a dev dependency and nothing is downloaded. An installed midtrain does not depend on it (it
 * weighs 70 MB, nearly all Chromium): there `npm pack` fetches it once, checked by npm, and only the driver is kept.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { SetupError, say, tail, withScratch } from './command.js';
import { npm } from './dependencies.js';
import { tarFiles } from './tar.js';

const source = '@sparticuz/chromium';
const archive = 'bin/swiftshader.tar.br';
const driver = 'libvk_swiftshader.so';
const loader = 'libvulkan.so.1';
const greatest = 1 << 28; // bytes that an archive may unpack to

/** Where the package is installed, at `root` or above it; undefined when it is not. */
function installedPackage(root) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const home = path.join(folder, 'node_modules', ...source.split('/'));
    if (existsSync(path.join(home, archive))) return home;
    if (path.dirname(folder) === folder) return undefined;
  }
}

/** The Vulkan loader alone, if it can be had without a download: for machines with a driver but no loader. */
export function localLoader(root, cache) {
  if (process.arch !== 'x64') return undefined;
  const unpacked = unpackedSwiftShader(cache);
  if (unpacked !== undefined) return unpacked.libraries[0];
  const home = installedPackage(root);
  return home === undefined
    ? undefined
    : unpack(readFileSync(path.join(home, archive)), versionOf(home), cache).libraries[0];
}

/** SwiftShader as it lies in the cache, as the files of an adapter entry; undefined when it does not. */
export function unpackedSwiftShader(cache) {
  if (!existsSync(cache)) return undefined;
  const folder = readdirSync(cache)
    .filter((name) => /^swiftshader-\d[^ ]*$/.test(name) && !name.includes('.partial'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  return folder === undefined ? undefined : files(path.join(cache, folder));
}

/** Unpacks SwiftShader into the cache. Returns the files of an adapter entry. */
export async function fetchSwiftShader(root, cache) {
  if (process.arch !== 'x64')
    throw new SetupError(`${source} holds SwiftShader for x64 only, and this is ${process.arch}`);
  const home = installedPackage(root);
  if (home !== undefined) {
    say(`adapter: unpacking SwiftShader from the npm package ${source} into ${cache} (7 MB, no download)`);
    return unpack(readFileSync(path.join(home, archive)), versionOf(home), cache);
  }
  const version = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).devDependencies[source];
  return withScratch(mkdtempSync(path.join(tmpdir(), 'midtrain-npm-')), async (folder) => {
    say(
      `adapter: fetching ${source}@${version} from the npm registry (70 MB) for the SwiftShader driver in it`,
    );
    const result = await npm(
      ['pack', '--silent', `${source}@${version}`, '--pack-destination', folder],
      folder,
    );
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    if (result.status !== 0 || tarball === undefined) {
      throw new SetupError(
        `npm pack ${source}@${version} failed:\n${tail(result)}\nCure: check that the npm registry can be reached.`,
      );
    }
    const bytes = gunzipSync(readFileSync(path.join(folder, tarball)), { maxOutputLength: greatest });
    for (const file of tarFiles(bytes)) {
      if (file.name === `package/${archive}`) return unpack(file.bytes, version, cache);
    }
    throw new SetupError(`${source}@${version} holds no ${archive}`);
  });
}

function versionOf(home) {
  return JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8')).version;
}

function unpack(compressed, version, cache) {
  const target = path.join(cache, `swiftshader-${version}`);
  const partial = `${target}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const found = new Set();
    for (const file of tarFiles(brotliDecompressSync(compressed, { maxOutputLength: greatest }))) {
      const name = path.basename(file.name);
      if (name !== driver && name !== loader) continue;
      writeFileSync(path.join(partial, name), file.bytes, { mode: 0o755 });
      found.add(name);
    }
    if (found.size !== 2)
      throw new SetupError(`${source}@${version}: ${archive} does not hold ${driver} and ${loader}`);
    const icd = {
      file_format_version: '1.0.0',
      ICD: { library_path: path.join(target, driver), api_version: '1.3.0' },
    };
    writeFileSync(path.join(partial, 'swiftshader_icd.json'), `${JSON.stringify(icd, null, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return files(target);
}

function files(folder) {
  return { libraries: [path.join(folder, loader)], icd: path.join(folder, 'swiftshader_icd.json') };
}
