/**
 * Makes this process find a Vulkan adapter without any environment variable set by hand; `device.ts` calls
 * `prepareVulkan()` before it creates Dawn's `GPU` object.
 *
 * The set-up script records what it found in `<cache>/midtrain/adapter.json`. For an adapter that lives in the user's cache
 * folder two things are needed: the loader must read that driver's ICD file (an environment variable, which the loader reads
 * when it is first used, so it can be set here), and the shared libraries must come from that folder. `LD_LIBRARY_PATH`
 * is read once, when a process starts; instead the libraries are opened here by absolute path, dependencies first, and stay
 * mapped (RTLD_NODELETE). The dynamic linker then takes a library that is already open for every later request of the same
 * soname: ld.so(8), dlopen(3). `process.dlopen` throws after opening, since they are no Node add-ons; that is expected.
 *
 * Gives up: worker threads. A worker's `process.env` is a copy that the loader does not see, so call it on the main thread.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import path from 'node:path';
import { messageOf, UserError } from '../../src/core/errors.ts';

/** `gpu`: hardware; `system`: a software adapter that the machine's own Mesa gives; the others lie in the cache folder. */
export const adapterKinds = ['gpu', 'system', 'lavapipe', 'swiftshader'] as const;
export type AdapterKind = (typeof adapterKinds)[number];

/** One adapter that the set-up found and tried. */
export interface AdapterEntry {
  kind: AdapterKind;
  /** What Dawn calls it, for example `llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)`. */
  name: string;
  vendor: string;
  architecture: string;
  /** True when the CPU does the work. */
  software: boolean;
  /** Shared libraries to open by absolute path before Dawn looks for Vulkan, dependencies first. */
  libraries: string[];
  /** The driver's ICD file; absent when the machine's own drivers are used. */
  icd?: string;
}

/** `adapter.json`, written by src/setup/adapter.js. */
export interface AdapterRecord {
  version: 1;
  chosen: AdapterKind;
  available: Partial<Record<AdapterKind, AdapterEntry>>;
}

/** What this process will use, and who said so. */
export interface AdapterChoice {
  kind: AdapterKind | 'environment';
  /** Undefined when nothing was recorded, so only Dawn can tell. */
  software: boolean | undefined;
  entry: AdapterEntry | undefined;
  from: string;
}

type Environment = Record<string, string | undefined>;

/** The folder that midtrain keeps downloads in: `$XDG_CACHE_HOME/midtrain`, else `~/.cache/midtrain`. */
export function cacheFolder(environment: Environment = process.env): string {
  const base = environment.XDG_CACHE_HOME;
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'),
    'midtrain',
  );
}

/** The command that mends a missing adapter: a clone has its sources' tsconfig.json, an installed package does not. */
export function setupCommand(): string {
  for (const up of ['../..', '../../..']) {
    const root = path.resolve(import.meta.dirname, up);
    if (existsSync(path.join(root, 'package.json'))) {
      return existsSync(path.join(root, 'tsconfig.json')) ? 'npm run setup' : 'npx midtrain setup';
    }
  }
  return 'npx midtrain setup';
}

/** Reads `adapter.json`; undefined when there is none. A file that cannot be understood is an error that names the cure. */
export function readAdapterRecord(file: string): AdapterRecord | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const record = JSON.parse(text) as AdapterRecord;
    if (record.version === 1 && record.available[record.chosen] !== undefined) return record;
  } catch {
    // falls through: not JSON, or not of this shape
  }
  throw new UserError(`${file}: not a record that this version of midtrain wrote`, {
    hint: `run \`${setupCommand()}\`, which writes it anew`,
  });
}

/**
 * Decides, from the record and the environment alone, which adapter this process is to use.
 * Order: `MIDTRAIN_ADAPTER`; drivers that the user's own environment selects; the record; the machine's own drivers.
 */
export function chooseAdapter(
  record: AdapterRecord | undefined,
  environment: Environment,
  machine: { platform: string; systemDrivers: boolean; recordFile: string },
): AdapterChoice {
  const forced = environment.MIDTRAIN_ADAPTER;
  if (forced !== undefined && forced !== '') {
    const kind = adapterKinds.find((candidate) => candidate === forced);
    if (kind === undefined) {
      throw new UserError(`MIDTRAIN_ADAPTER=${forced}: no such adapter`, {
        hint: `one of ${adapterKinds.join(', ')}`,
      });
    }
    const entry = record?.available[kind];
    if (entry !== undefined) return { kind, software: entry.software, entry, from: 'MIDTRAIN_ADAPTER' };
    throw new UserError(`MIDTRAIN_ADAPTER=${forced}: this adapter has not been set up`, {
      hint: `run \`MIDTRAIN_ADAPTER=${forced} ${setupCommand()}\``,
    });
  }
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    const drivers = environment[name];
    if (!drivers) continue;
    // Inherited from a process that applied the record (`applyAdapter`), not chosen by the user: its libraries must be opened here too.
    const entry = Object.values(record?.available ?? {}).find(({ icd }) => icd === drivers);
    if (entry !== undefined)
      return { kind: entry.kind, software: entry.software, entry, from: machine.recordFile };
    return { kind: 'environment', software: undefined, entry: undefined, from: name };
  }
  if (record !== undefined) {
    const entry = record.available[record.chosen];
    if (entry !== undefined) {
      return { kind: record.chosen, software: entry.software, entry, from: machine.recordFile };
    }
  }
  // Metal and D3D12 need no set-up; on Linux a machine with drivers may well have a GPU that Dawn can use as it is.
  if (machine.platform !== 'linux' || machine.systemDrivers) {
    return { kind: 'system', software: undefined, entry: undefined, from: "the machine's own drivers" };
  }
  throw new UserError('no WebGPU adapter is set up on this machine', {
    hint: `run \`${setupCommand()}\`: it finds a GPU or fetches a software adapter into ${path.dirname(machine.recordFile)}`,
  });
}

/** What to tell someone whose adapter request came back empty. */
export function adapterCure(choice: AdapterChoice): string {
  return choice.kind === 'environment'
    ? `${choice.from} is set in your environment and gives no adapter: unset it and run \`${setupCommand()}\``
    : `run \`${setupCommand()}\`; \`MIDTRAIN_ADAPTER=lavapipe ${setupCommand()}\` fetches a software adapter`;
}

/** Opens libraries by absolute path for the rest of the process's life; throws `UserError` for one that cannot be opened. */
export function openLibraries(libraries: readonly string[]): void {
  const RTLD_NODELETE = 0x1000;
  for (const library of libraries) {
    try {
      process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    } catch (error) {
      if (messageOf(error).includes('did not self-register')) continue;
      throw new UserError(`${library}: cannot be opened: ${messageOf(error)}`, {
        hint: `run \`${setupCommand()}\`, which unpacks the adapter anew`,
      });
    }
  }
}

/** Carries out a recorded adapter for this process: environment for the loader, then its libraries. */
export function applyAdapter(entry: AdapterEntry): void {
  const missing = [...entry.libraries, ...(entry.icd === undefined ? [] : [entry.icd])].find(
    (file) => !existsSync(file),
  );
  if (missing !== undefined) {
    throw new UserError(`${missing}: gone, although adapter ${entry.kind} was set up with it`, {
      hint: `run \`${setupCommand()}\``,
    });
  }
  if (entry.icd !== undefined) {
    process.env.VK_DRIVER_FILES = entry.icd;
    process.env.VK_ICD_FILENAMES = entry.icd; // loaders before 1.3.207 know only this name
  }
  openLibraries(entry.libraries);
}

const prepared = Symbol.for('midtrain.adapter');
type Holder = { [prepared]?: AdapterChoice };

/**
 * Makes this process find its adapter. Idempotent; returns what will be used.
 *
 * @throws UserError when nothing is set up, the record is damaged, or its files are gone; the hint names the command.
 */
export function prepareVulkan(): AdapterChoice {
  const holder = globalThis as Holder;
  if (holder[prepared] !== undefined) return holder[prepared];
  const recordFile = path.join(cacheFolder(), 'adapter.json');
  const choice = chooseAdapter(readAdapterRecord(recordFile), process.env, {
    platform: process.platform,
    systemDrivers: hasSystemDrivers(),
    recordFile,
  });
  if (choice.entry !== undefined) applyAdapter(choice.entry);
  if (process.platform === 'linux' && !process.env.XDG_RUNTIME_DIR) {
    // Mesa's window-system code warns on stderr without it, although nothing here opens a window.
    const folder = path.join(cacheFolder(), 'runtime');
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      process.env.XDG_RUNTIME_DIR = folder;
    } catch {
      // a cache that cannot be written costs a warning, not the run
    }
  }
  holder[prepared] = choice;
  return choice;
}

/** Whether the machine has Vulkan drivers installed where the loader looks by itself. */
function hasSystemDrivers(): boolean {
  return ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'].some(
    (folder) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.json')),
  );
}
