/** When the set-up installs and builds, and when it does neither. */
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBuilt, sourceStamp } from '../../src/setup/build.js';
import { megabytes, run, withLock } from '../../src/setup/command.js';
import { dependencyProblem } from '../../src/setup/dependencies.js';
import { dependencyOrder, readElf } from '../../src/setup/elf.js';
import { tarFiles } from '../../src/setup/tar.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'midtrain-test-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('dependencyProblem', () => {
  const lock = {
    packages: {
      '': { name: 'x' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b-darwin': { version: '1.0.0', optional: true, os: ['darwin'] },
    },
  };
  it('is none when every package has the version of the lock, whatever other platforms need', () => {
    expect(dependencyProblem(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBeUndefined();
  });
  it('names the package that is missing or stale', () => {
    expect(dependencyProblem(lock, undefined)).toBe('node_modules is not there yet');
    expect(dependencyProblem(lock, { packages: {} })).toBe('node_modules/a is missing');
    expect(dependencyProblem(lock, { packages: { 'node_modules/a': { version: '0.9.0' } } })).toBe(
      'node_modules/a is 0.9.0, package-lock.json says 1.0.0',
    );
  });
});

describe('the build stamp', () => {
  const write = (name: string, text = 'x') => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  it('changes with an edit, a new source, a deleted one and one put back older, and with nothing else', () => {
    write('src/a.ts');
    write('src/deep/b.tsx');
    write('tsconfig.json', '{}');
    const stamps = [sourceStamp(root)];
    write('src/notes.md');
    write('test/c.ts');
    expect(sourceStamp(root)).toBe(stamps[0]);
    write('src/a.ts', 'longer');
    stamps.push(sourceStamp(root));
    write('trainer/d.ts');
    stamps.push(sourceStamp(root));
    rmSync(path.join(root, 'src/deep/b.tsx'));
    stamps.push(sourceStamp(root));
    utimesSync(path.join(root, 'src/a.ts'), 1, 1);
    stamps.push(sourceStamp(root));
    expect(new Set(stamps).size).toBe(5);
  });
  it('says built only for the sources it was written for', () => {
    write('src/a.ts');
    expect(isBuilt(root)).toBe(false);
    write('dist/.stamp', sourceStamp(root));
    expect(isBuilt(root)).toBe(true);
    write('src/a.ts', 'changed');
    expect(isBuilt(root)).toBe(false);
  });
});

describe('withLock', () => {
  it('lets one in at a time', async () => {
    const file = path.join(root, 'locks', 'one');
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      seen.push(`${name} out`);
    };
    await Promise.all([withLock(file, work('a')), withLock(file, work('b'))]);
    expect(seen).toHaveLength(4);
    expect(seen[1]).toBe(`${seen[0]?.[0]} out`);
    expect(() => statSync(file)).toThrow();
  });
  it('takes over from a process that died with it', async () => {
    const file = path.join(root, 'dead');
    const ended = await run(process.execPath, ['-p', 'process.pid']);
    writeFileSync(file, ended.stdout.trim());
    expect(await withLock(file, async () => 'in')).toBe('in');
  });
});

describe('run', () => {
  it('reports a failing and a missing program instead of throwing', async () => {
    expect(await run(process.execPath, ['-e', 'console.error("no"); process.exit(3)'])).toMatchObject({
      status: 3,
      stderr: 'no\n',
    });
    expect((await run('midtrain-no-such-program', [])).status).toBe(127);
  });
  it('writes sizes in decimal megabytes', () => {
    expect(megabytes(54_123_456)).toBe('54 MB');
    expect(megabytes(1_640_000)).toBe('1.6 MB');
  });
});

describe('shared libraries', () => {
  it('are ordered with dependencies first, what the system brings left out, cycles survived', () => {
    const needs: Record<string, string[]> = { a: ['b', 'libc.so.6'], b: ['c'], c: ['a'], d: ['c'] };
    const library = (name: string) => (needs[name] === undefined ? undefined : { needed: needs[name] });
    expect(dependencyOrder(['a', 'd'], library)).toEqual(['c', 'b', 'a', 'd']);
  });
  it('are read for the libraries that they need', (test) => {
    if (process.platform !== 'linux') test.skip('ELF is the format of Linux');
    expect(readElf(process.execPath)?.needed).toContain('libc.so.6');
    const text = path.join(root, 'text.so');
    writeFileSync(text, 'INPUT(-lfoo)');
    expect(readElf(text)).toBeUndefined();
  });
});

describe('tarFiles', () => {
  /** A tar archive of files and one folder, as `tar` writes it. */
  const tar = (files: Record<string, string>) => {
    const blocks: Buffer[] = [];
    for (const [name, text] of Object.entries(files)) {
      const header = Buffer.alloc(512);
      header.write(name, 0);
      header.write(text.length.toString(8).padStart(11, '0'), 124);
      header.write(name.endsWith('/') ? '5' : '0', 156);
      header.write('ustar', 257);
      const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
      body.write(text);
      blocks.push(header, body);
    }
    return Buffer.concat([...blocks, Buffer.alloc(1024)]);
  };
  it('gives the regular files', () => {
    const archive = tar({ 'd/': '', 'd/a.txt': 'hello', 'b.txt': 'x'.repeat(600) });
    const files = [...tarFiles(archive)].map((file) => [file.name, file.bytes.length]);
    expect(files).toEqual([
      ['d/a.txt', 5],
      ['b.txt', 600],
    ]);
  });
  it('refuses what is no archive or is cut short', () => {
    expect(() => [...tarFiles(Buffer.alloc(512, 'x'))]).toThrow('byte 0: not a tar header');
    expect(() => [...tarFiles(tar({ a: 'x'.repeat(600) }).subarray(0, 700))]).toThrow('not a tar header');
  });
});
