/** The commands on an old and a new Node, in a clone and in an installed package; real processes, no network. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsNode } from '../../src/setup/launch.js';
import { majorOf, ownNode } from '../../src/setup/places.js';

const repository = path.resolve(import.meta.dirname, '../..');

/** A Node below 24 on this machine, apart from those in node_modules; undefined when there is none. */
function oldNode(): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const binary = path.join(folder, 'node');
    if (folder.includes('node_modules') || !existsSync(binary)) continue;
    const major = majorOf(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout ?? '');
    if (major >= 18 && major < 24) return binary;
  }
  return undefined;
}

const main = `
console.log(JSON.stringify({ node: process.version, args: process.argv.slice(2), env: process.env.NODE_ENV, color: process.env.KEPT }));
if (process.argv.at(-2) === 'exit') process.exitCode = Number(process.argv.at(-1));
if (process.argv[2] === 'wait') {
  process.on('SIGINT', () => { console.log('caught'); process.exit(130); });
  setTimeout(() => {}, 60_000);
}
`;

let folder: string;
let installed: string;
beforeAll(() => {
  // An installed package: no tsconfig.json, dist/ as it came, `node_modules/midtrain` inside somebody's project.
  folder = mkdtempSync(path.join(tmpdir(), 'midtrain-test-'));
  installed = path.join(folder, 'node_modules/midtrain');
  mkdirSync(path.join(installed, 'dist/src'), { recursive: true });
  cpSync(path.join(repository, 'src/setup'), path.join(installed, 'src/setup'), { recursive: true });
  cpSync(path.join(repository, 'src/bin'), path.join(installed, 'src/bin'), { recursive: true });
  writeFileSync(path.join(installed, 'package.json'), '{ "name": "midtrain", "type": "module" }');
  writeFileSync(path.join(installed, 'dist/src/main.js'), main);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({
  ...process.env,
  NODE_ENV: undefined,
  KEPT: 'yes',
  XDG_CACHE_HOME: path.join(folder, 'cache'),
});
const start = (node: string, bin: string, args: string[]) =>
  spawnSync(node, [path.join(installed, 'src/bin', bin), ...args], { encoding: 'utf8', env: environment() });

describe('the commands on Node 24', () => {
  it('run dist/src/main.js with the arguments and end with its exit code', () => {
    const result = start(process.execPath, 'midtrain.js', ['exit', '2']);
    expect(JSON.parse(result.stdout)).toEqual({
      node: process.version,
      args: ['exit', '2'],
      env: 'production',
      color: 'yes',
    });
    expect(result.status).toBe(2);
  });
  it('mix is midtrain mix', () => {
    const result = start(process.execPath, 'mix.js', ['--qa-ratio', '0.3', 'a b.yaml']);
    expect(JSON.parse(result.stdout).args).toEqual(['mix', '--qa-ratio', '0.3', 'a b.yaml']);
  });
});

describe('the commands on an older Node', () => {
  const node = oldNode();
  const link = () => path.join(folder, 'node_modules/node');
  const giveNode24 = () => {
    mkdirSync(path.join(link(), 'bin'), { recursive: true });
    writeFileSync(path.join(link(), 'package.json'), JSON.stringify({ version: process.version.slice(1) }));
    symlinkSync(process.execPath, path.join(link(), 'bin/node'));
  };

  it('end with one line that names the cure and status 1 when no Node 24 is at hand', (test) => {
    if (node === undefined) return test.skip('no Node below 24 on PATH');
    const result = start(node, 'midtrain.js', ['--help']);
    expect(result.status).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(/needs Node 24 or newer and this is v\d.*npm install node@24/);
  });

  it('start again on the Node 24 that npm put above them, with arguments and exit code', (test) => {
    if (node === undefined) return test.skip('no Node below 24 on PATH');
    giveNode24();
    const result = start(node, 'mix.js', ['exit', '7']);
    expect(JSON.parse(result.stdout)).toMatchObject({ node: process.version, args: ['mix', 'exit', '7'] });
    expect(result.status).toBe(7);
    rmSync(link(), { recursive: true });
  });

  it('pass signals on and end the way the command ends', async (test) => {
    if (node === undefined) return test.skip('no Node below 24 on PATH');
    giveNode24();
    const ends = [];
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = spawn(node, [path.join(installed, 'src/bin/midtrain.js'), 'wait'], {
        env: environment(),
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let output = '';
      const ended = new Promise<[number | null, string | null]>((resolve) =>
        child.on('close', (status, by) => resolve([status, by])),
      );
      await new Promise<void>((resolve) =>
        child.stdout.on('data', (text) => {
          output += text;
          if (output.includes('\n')) setTimeout(resolve, 100);
        }),
      );
      child.kill(signal);
      ends.push([...(await ended), output.includes('caught')]);
    }
    rmSync(link(), { recursive: true });
    expect(ends).toEqual([
      [130, null, true],
      [null, 'SIGTERM', false],
    ]);
  });
});

describe('ownNode', () => {
  it('passes over one that is too old or half installed', () => {
    const root = path.join(folder, 'old/project');
    const home = path.join(folder, 'old/node_modules/node');
    mkdirSync(path.join(home, 'bin'), { recursive: true });
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(home, 'bin/node'), '');
    expect(ownNode(root)).toBeUndefined();
    writeFileSync(path.join(home, 'package.json'), '{ "version": "22.1.0" }');
    expect(ownNode(root)).toBeUndefined();
    writeFileSync(path.join(home, 'package.json'), '{ "version": "24.1.0" }');
    expect(ownNode(root)).toBe(path.join(home, 'bin/node'));
  });
  it('is missed in one line that fits where it is said', () => {
    expect(needsNode('v20.1.0', true)).toContain('npm run setup');
    expect(needsNode('v20.1.0', false)).toContain('npm install node@24');
  });
});
