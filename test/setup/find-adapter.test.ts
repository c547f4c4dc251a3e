/** How a process decides on its adapter, and that the set-up script and the trainer agree about the record. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import * as setup from '../../src/setup/adapter.js';
import * as places from '../../src/setup/places.js';
import {
  type AdapterEntry,
  type AdapterRecord,
  adapterCure,
  adapterKinds,
  applyAdapter,
  cacheFolder,
  chooseAdapter,
  openLibraries,
  prepareVulkan,
  readAdapterRecord,
} from '../../trainer/gpu/find-adapter.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'midtrain-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (kind: AdapterEntry['kind'], software = true): AdapterEntry => ({
  kind,
  name: kind,
  vendor: 'v',
  architecture: 'a',
  software,
  libraries: ['/there/libvulkan.so.1'],
  icd: '/there/icd.json',
});
const record: AdapterRecord = {
  version: 1,
  chosen: 'lavapipe',
  available: { lavapipe: entry('lavapipe'), swiftshader: entry('swiftshader') },
};
const linux = { platform: 'linux', systemDrivers: false, recordFile: '/c/adapter.json' };

describe('chooseAdapter', () => {
  it('follows the record', () => {
    expect(chooseAdapter(record, {}, linux)).toMatchObject({
      kind: 'lavapipe',
      software: true,
      from: '/c/adapter.json',
    });
  });
  it('lets MIDTRAIN_ADAPTER pick another that was set up, also over VK_DRIVER_FILES', () => {
    const choice = chooseAdapter(record, { MIDTRAIN_ADAPTER: 'swiftshader', VK_DRIVER_FILES: '/x' }, linux);
    expect(choice).toMatchObject({ kind: 'swiftshader', from: 'MIDTRAIN_ADAPTER' });
  });
  it("leaves a user's own VK_DRIVER_FILES alone", () => {
    expect(chooseAdapter(record, { VK_DRIVER_FILES: '/x.json' }, linux)).toMatchObject({
      kind: 'environment',
      entry: undefined,
    });
  });
  it('knows its own drivers in what a child process inherits, so that their libraries are opened there too', () => {
    expect(chooseAdapter(record, { VK_DRIVER_FILES: '/there/icd.json' }, linux)).toMatchObject({
      kind: 'lavapipe',
      entry: { libraries: ['/there/libvulkan.so.1'] },
      from: '/c/adapter.json',
    });
  });
  it('says how to get an adapter that was not set up', () => {
    const ask = () => chooseAdapter(record, { MIDTRAIN_ADAPTER: 'gpu' }, linux);
    expect(ask).toThrow(UserError);
    expect(ask).toThrow('MIDTRAIN_ADAPTER=gpu: this adapter has not been set up');
    expect(() => chooseAdapter(record, { MIDTRAIN_ADAPTER: 'cuda' }, linux)).toThrow('no such adapter');
  });
  it('without a record names the command on bare Linux, and leaves other machines to Dawn', () => {
    try {
      chooseAdapter(undefined, {}, linux);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).hint).toContain('npm run setup');
    }
    expect(chooseAdapter(undefined, {}, { ...linux, systemDrivers: true }).kind).toBe('system');
    expect(chooseAdapter(undefined, {}, { ...linux, platform: 'darwin' }).kind).toBe('system');
  });
  it('blames the variable when a user-set driver gives nothing', () => {
    expect(adapterCure(chooseAdapter(record, { VK_ICD_FILENAMES: '/x' }, linux))).toContain(
      'VK_ICD_FILENAMES',
    );
  });
});

describe('readAdapterRecord', () => {
  it('gives undefined for no file, and names the cure for a damaged one', () => {
    const file = path.join(folder, 'adapter.json');
    expect(readAdapterRecord(file)).toBeUndefined();
    for (const text of ['{"version":1', '{"version":2,"chosen":"lavapipe","available":{}}', '[]']) {
      writeFileSync(file, text);
      expect(() => readAdapterRecord(file)).toThrow(`${file}: not a record`);
    }
    writeFileSync(file, JSON.stringify(record));
    expect(readAdapterRecord(file)).toEqual(record);
  });
});

describe('applyAdapter', () => {
  it('names the file that is gone before it changes anything', () => {
    const before = process.env.VK_DRIVER_FILES;
    expect(() => applyAdapter({ ...entry('lavapipe'), libraries: ['/gone/libvulkan.so.1'] })).toThrow(
      '/gone/libvulkan.so.1: gone',
    );
    expect(process.env.VK_DRIVER_FILES).toBe(before);
  });
  it('names a library that cannot be opened', () => {
    const file = path.join(folder, 'libbroken.so');
    writeFileSync(file, 'not a library');
    expect(() => openLibraries([file])).toThrow(`${file}: cannot be opened`);
  });
});

describe('recordedEntry', () => {
  const onThisMachine = { ...record, machine: 'm' };
  const there = () => true;
  it('holds good while devices, drivers and Dawn are the same and the files are there', () => {
    expect(setup.recordedEntry(onThisMachine, undefined, 'm', there)?.kind).toBe('lavapipe');
    expect(setup.recordedEntry(onThisMachine, undefined, 'm with a new GPU', there)).toBeUndefined();
    expect(
      setup.recordedEntry(onThisMachine, undefined, 'm', (file) => !String(file).endsWith('icd.json')),
    ).toBeUndefined();
    expect(setup.recordedEntry(undefined, undefined, 'm', there)).toBeUndefined();
  });
  it('takes the adapter that is asked for by name', () => {
    expect(setup.recordedEntry(onThisMachine, 'swiftshader', 'm', there)?.kind).toBe('swiftshader');
    expect(setup.recordedEntry(onThisMachine, 'gpu', 'm', there)).toBeUndefined();
  });
  it('is no answer to an open question when somebody had asked for it by name', () => {
    const byName = { ...onThisMachine, provisional: true };
    expect(setup.recordedEntry(byName, undefined, 'm', there)).toBeUndefined();
    expect(setup.recordedEntry(byName, 'lavapipe', 'm', there)?.kind).toBe('lavapipe');
  });
});

describe('mergeRecord', () => {
  const lavapipe = entry('lavapipe');
  const swiftshader = entry('swiftshader');
  const gpu = { ...entry('gpu', false), libraries: [] };
  it('chooses the best of those set up, whatever the order', () => {
    const first = setup.mergeRecord(undefined, swiftshader, 'm', undefined);
    expect(first).toMatchObject({ chosen: 'swiftshader', provisional: false });
    const second = setup.mergeRecord(first, lavapipe, 'm', 'lavapipe');
    expect(second).toMatchObject({ chosen: 'lavapipe', provisional: false });
    expect(setup.mergeRecord(second, swiftshader, 'm', 'swiftshader').chosen).toBe('lavapipe');
  });
  it('remembers that one asked for by name is not the result of a search', () => {
    const first = setup.mergeRecord(undefined, swiftshader, 'm', 'swiftshader');
    expect(first.provisional).toBe(true);
    expect(setup.mergeRecord(first, lavapipe, 'm', undefined).provisional).toBe(false);
  });
  it("forgets another machine's own drivers and keeps what lies in the cache", () => {
    const there = setup.mergeRecord(
      setup.mergeRecord(undefined, lavapipe, 'm', undefined),
      gpu,
      'm',
      undefined,
    );
    expect(there.chosen).toBe('gpu');
    const here = setup.mergeRecord(there, swiftshader, 'other', undefined);
    expect(here.chosen).toBe('lavapipe');
    expect(Object.keys(here.available).sort()).toEqual(['lavapipe', 'swiftshader']);
  });
});

describe('foreignLibrary', () => {
  const ours = ['/c/mesa/lib/libz.so.1', '/c/mesa/lib/libLLVM-15.so.1'];
  it('finds a system library standing where one of ours should, by soname', () => {
    expect(setup.foreignLibrary(ours, ['/c/mesa/lib/libz.so.1', '/usr/lib/libz.so.1.2.13'])).toBe(
      '/usr/lib/libz.so.1.2.13',
    );
    expect(
      setup.foreignLibrary(ours, [...ours, '/usr/lib/libc.so.6', '/usr/lib/libz.so.12']),
    ).toBeUndefined();
  });
});

describe('the set-up script and the trainer', () => {
  it('agree on the cache folder and on the kinds', () => {
    for (const environment of [
      {},
      { XDG_CACHE_HOME: '/x/cache' },
      { XDG_CACHE_HOME: 'relative' },
      { XDG_CACHE_HOME: '' },
    ]) {
      expect(places.cacheFolder(environment)).toBe(cacheFolder(environment));
    }
    expect(setup.adapterKinds).toEqual([...adapterKinds]);
  });

  it('make this very process find the recorded adapter, every library from its own folder', async (test) => {
    if (process.platform !== 'linux' || !existsSync(path.join(cacheFolder(), 'adapter.json'))) {
      test.skip('no adapter.json here: npm run setup writes it');
    }
    const choice = prepareVulkan();
    expect(prepareVulkan()).toBe(choice);
    const { create } = await import('webgpu');
    const holder = globalThis as { testGpu?: GPU };
    holder.testGpu = create([]);
    const adapter = await holder.testGpu.requestAdapter();
    expect(adapter).not.toBeNull();
    if (choice.entry !== undefined) {
      expect(adapter?.info.vendor).toBe(choice.entry.vendor);
      const maps = execFileSync('cat', [`/proc/${process.pid}/maps`], { encoding: 'utf8' });
      const mapped = [
        ...new Set([...maps.matchAll(/\s(\/\S.*\.so[^\n]*)$/gm)].map((match) => match[1] as string)),
      ];
      expect(setup.foreignLibrary(choice.entry.libraries, mapped)).toBeUndefined();
      for (const library of choice.entry.libraries) expect(mapped).toContain(library);
    }
  });
});
