/**
 * Makes sure that a WebGPU adapter exists and records it in `<cache>/adapter.json`, from which every midtrain process
 * finds it (trainer/gpu/find-adapter.ts). In this order: a GPU or the machine's own Mesa as they are; lavapipe in the cache
 * folder; SwiftShader. `MIDTRAIN_ADAPTER` adds one by name. What counts is what Dawn opens, tried in a child process.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, SetupError, say, tail, withLock } from './command.js';
import { fetchLavapipe, installSystemWide, unpackedLavapipe } from './lavapipe.js';
import { newNode } from './places.js';
import { fetchSwiftShader, localLoader, unpackedSwiftShader } from './swiftshader.js';

/** Best first. */
export const adapterKinds = ['gpu', 'system', 'lavapipe', 'swiftshader'];

/**
 * Ensures the adapter. Returns `{ changed, entry }`.
 *
 * @param root the package's folder
 * @param cache midtrain's cache folder
 * @param environment reads MIDTRAIN_ADAPTER, MIDTRAIN_APT
 */
export async function ensureAdapter(root, cache, environment = process.env) {
  const forced = environment.MIDTRAIN_ADAPTER || undefined;
  if (forced !== undefined && !adapterKinds.includes(forced)) {
    throw new SetupError(`MIDTRAIN_ADAPTER=${forced}: no such adapter; one of ${adapterKinds.join(', ')}`);
  }
  const file = path.join(cache, 'adapter.json');
  const machine = machineFacts(root);
  const known = recordedEntry(readRecord(file), forced, machine);
  if (
    known !== undefined &&
    !(environment.MIDTRAIN_APT === '1' && known.kind !== 'gpu' && known.kind !== 'system')
  ) {
    return { changed: false, entry: known };
  }
  return withLock(path.join(cache, 'locks', 'adapter'), async () => {
    const entry =
      forced === undefined ? await findAdapter(root, cache, environment) : await setUp(forced, root, cache);
    writeRecord(file, {
      ...mergeRecord(readRecord(file), entry, machineFacts(root), forced),
      written: new Date().toISOString(),
    });
    say(`adapter: ${describe(entry)}`);
    return { changed: true, entry };
  });
}

/**
 * The record with one more adapter in it. The best of those set up is chosen. `provisional` says that nobody has looked
 * for the best one yet, only asked for some by name. On another machine (a moved home folder, a new GPU) what was said of
 * that machine's own drivers is dropped. Pure.
 */
export function mergeRecord(record, entry, machine, forced) {
  const sameMachine = record?.machine === machine;
  const available = { ...(record?.available ?? {}) };
  if (!sameMachine) {
    delete available.gpu;
    delete available.system;
  }
  available[entry.kind] = entry;
  const provisional = forced !== undefined && (!sameMachine || record.provisional === true);
  return {
    version: 1,
    chosen: adapterKinds.find((kind) => available[kind] !== undefined),
    provisional,
    available,
    machine,
  };
}

/** One line about an adapter entry. */
export function describe(entry) {
  return `${entry.kind === 'gpu' ? 'GPU' : `software adapter (${entry.kind})`}: ${entry.name}`;
}

/**
 * The recorded adapter that holds good without trying anything: the forced one, else the chosen one if the machine's
 * devices, drivers and Dawn are still those it was chosen on. Its files must be there. Undefined otherwise. Pure.
 */
export function recordedEntry(record, forced, machine, exists = existsSync) {
  if (record === undefined) return undefined;
  if (forced === undefined && (record.provisional || record.machine !== machine)) return undefined;
  const entry = record.available[forced ?? record.chosen];
  if (entry === undefined) return undefined;
  return [...entry.libraries, ...(entry.icd === undefined ? [] : [entry.icd])].every((file) => exists(file))
    ? entry
    : undefined;
}

async function findAdapter(root, cache, environment) {
  const reasons = [];
  const attempt = async (kind) => {
    try {
      return await setUp(kind, root, cache);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      reasons.push(`${kind}: ${error.message}`);
      return undefined;
    }
  };
  say("adapter: trying the machine's own GPU and drivers");
  const own = await attempt('gpu');
  if (own !== undefined) return own;
  if (process.platform === 'linux') {
    if (environment.MIDTRAIN_APT === '1') {
      await installSystemWide();
      return await setUp('system', root, cache);
    }
    const devices = gpuDevices();
    if (devices.length > 0) {
      say(
        `adapter: this machine has ${devices.join(', ')} but no Vulkan driver that Dawn can use; with its driver installed, run npm run setup again`,
      );
    }
    for (const kind of ['lavapipe', 'swiftshader']) {
      const entry = await attempt(kind);
      if (entry !== undefined) return entry;
      say(`adapter: no ${reasons.at(-1)?.split('\n').slice(0, 3).join(' ')}`);
      if (kind === 'lavapipe') {
        say(
          'adapter: SwiftShader instead, about four times slower; MIDTRAIN_ADAPTER=lavapipe npm run setup tries lavapipe again',
        );
      }
    }
  }
  throw new SetupError(
    `no WebGPU adapter was found:\n${reasons.map((reason) => `- ${reason.replaceAll('\n', '\n  ')}`).join('\n')}\n` +
      "Cure: mend one of these (an internet connection is enough on Debian, Ubuntu and any x64 Linux), or install your GPU's Vulkan driver.",
  );
}

/** Sets up one kind and tries it; returns its entry or throws SetupError saying why it cannot be. */
async function setUp(kind, root, cache) {
  if (kind === 'gpu' || kind === 'system') return ownAdapter(kind, root, cache);
  if (process.platform !== 'linux')
    throw new SetupError(`${kind} is for Linux; ${process.platform} has WebGPU drivers of its own`);
  mkdirSync(cache, { recursive: true });
  const [unpacked, fetch] =
    kind === 'lavapipe'
      ? [unpackedLavapipe(cache), () => fetchLavapipe(cache)]
      : [unpackedSwiftShader(cache), () => fetchSwiftShader(root, cache)];
  if (unpacked !== undefined) {
    const result = await probe(root, unpacked);
    if (result.found !== undefined) return { kind, ...result.found, ...unpacked };
    say(`adapter: the ${kind} in ${cache} does not work (${result.problem}); fetching it anew`);
  }
  const files = await fetch();
  const result = await probe(root, files);
  if (result.found === undefined)
    throw new SetupError(`${kind} is unpacked under ${cache} but gives no adapter: ${result.problem}`);
  return { kind, ...result.found, ...files };
}

/** The machine's own drivers, with a loader of ours if it has none. A software driver among them is kind `system`. */
async function ownAdapter(kind, root, cache) {
  const candidates = [{ libraries: [] }];
  if (process.platform === 'linux' && driverFiles().length > 0) {
    const loader = localLoader(root, cache);
    if (loader !== undefined) candidates.push({ libraries: [loader] });
  }
  let problem = '';
  for (const files of candidates) {
    const result = await probe(root, files);
    if (result.found !== undefined) {
      const found = result.found.software ? 'system' : 'gpu';
      // `gpu` asked for by name means hardware; asked for by the search, the machine's own Mesa is as good.
      if (kind === 'gpu' && found === 'system' && process.env.MIDTRAIN_ADAPTER === 'gpu') {
        throw new SetupError(
          `MIDTRAIN_ADAPTER=gpu: the only adapter is ${result.found.name}, which is software`,
        );
      }
      return { kind: found, ...result.found, ...files };
    }
    problem = result.problem;
  }
  throw new SetupError(`the machine's own drivers give none (${problem})`);
}

/** Tries an adapter in a child process: `{ found }` or `{ problem }`. */
async function probe(root, files) {
  const node = newNode(root);
  if (node === undefined) throw new SetupError('no Node 24 to try adapters with. Cure: npm install node@24');
  const env = { ...process.env };
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'MIDTRAIN_ADAPTER']) delete env[name];
  const script = fileURLToPath(new URL('./probe-adapter.js', import.meta.url));
  const result = await run(node, [script, JSON.stringify(files)], { cwd: root, env, timeout: 60_000 });
  if (result.status !== 0)
    return { problem: `the trial ended with status ${result.status}: ${tail(result, 2)}` };
  const { found, libraries } = JSON.parse(result.stdout.trim().split('\n').at(-1));
  if (found === null) return { problem: 'Dawn finds no adapter' };
  const foreign = foreignLibrary(files.libraries, libraries);
  if (foreign !== undefined) return { problem: `${foreign} was used in place of the unpacked library` };
  return { found };
}

/** A mapped library that stands where one of ours should: same soname, other file. Pure. */
export function foreignLibrary(ours, mapped) {
  return mapped.find(
    (file) =>
      !ours.includes(file) &&
      ours.some((library) => `${path.basename(file)}.`.startsWith(`${path.basename(library)}.`)),
  );
}

/** What an earlier choice depends on: GPU devices, installed drivers, the version of Dawn. */
function machineFacts(root) {
  let dawn = '';
  for (let folder = root; dawn === ''; folder = path.dirname(folder)) {
    try {
      dawn = JSON.parse(readFileSync(path.join(folder, 'node_modules/webgpu/package.json'), 'utf8')).version;
    } catch {
      if (path.dirname(folder) === folder) break;
    }
  }
  return [`${process.platform}-${process.arch}`, `webgpu@${dawn}`, ...gpuDevices(), ...driverFiles()].join(
    ' ',
  );
}

function gpuDevices() {
  const list = (folder, pattern) =>
    names(folder)
      .filter((name) => pattern.test(name))
      .map((name) => `${folder}/${name}`);
  return [...list('/dev/dri', /^renderD\d+$/), ...list('/dev', /^(nvidia\d+|dxg)$/)];
}

function driverFiles() {
  return ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'].flatMap((folder) =>
    names(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => `${folder}/${name}`),
  );
}

function names(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readRecord(file) {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8'));
    return record.version === 1 && record.available?.[record.chosen] !== undefined ? record : undefined;
  } catch {
    return undefined; // none, or damaged: it is written anew
  }
}

function writeRecord(file, record) {
  mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(partial, file);
}
