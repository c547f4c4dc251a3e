/**
 * Every kind of file that `mix` writes, cut, with a flipped bit or missing, in its cache (as after a kill) and in its output: the next run
 * ends with the same bytes, or with an error that names the file and is gone at the run after it.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { type FakeHub, fakeHub } from '../io/fake-hub.ts';
import type { JobOfMix } from './run-mix.ts';
import { hubFiles, leftoversIn, localMix, mixHashes, writeSmallMix } from './small-mix.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-damage-mix-'));
const whole = join(root, 'whole');
const out = join(root, 'out');
const before = { ...process.env };
let hub: FakeHub;
let expected: Record<string, string>;

function jobOf(output: string): JobOfMix {
  return {
    folder: root,
    recipe: 'hub.yaml',
    out: output,
    workers: 1,
    unitBytes: 12_000,
    shardTokens: 16_000,
    packing: 'best-fit',
    perSource: true,
    download: true,
  };
}

beforeAll(async () => {
  writeSmallMix(root);
  const files = hubFiles();
  hub = await fakeHub(files, Object.keys(files).slice(2));
  process.env.HF_ENDPOINT = hub.endpoint;
  process.env.HF_HUB_CACHE = join(root, 'hub-cache');
  await localMix(jobOf(whole));
  expected = mixHashes(whole);
});
afterAll(async () => {
  process.env = before;
  await hub.close();
  rmSync(root, { recursive: true });
});

const flip = (share: number) => (path: string) => {
  const bytes = readFileSync(path);
  bytes[Math.min(bytes.length - 1, Math.floor(bytes.length * share))]! ^= 1;
  writeFileSync(path, bytes);
};
const cut = (share: number) => (path: string) =>
  truncateSync(path, Math.min(statSync(path).size - 1, Math.floor(statSync(path).size * share)));
const lost = {
  'cut in the middle': cut(0.5),
  'cut at its end': cut(1),
  empty: cut(0),
  missing: (path: string) => rmSync(path),
};
const flipped = {
  'flipped at its begin': flip(0),
  'flipped in the middle': flip(0.5),
  'flipped near its end': flip(0.9),
  'flipped at its end': flip(1),
};

/** One file of each kind, the largest, under a folder. */
function kindsIn(folder: string): string[] {
  const found = new Map<string, string>();
  const size = (name: string): number => statSync(join(folder, name)).size;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!statSync(join(folder, name)).isFile()) continue;
    const kind = name.replace(/[-0-9a-f]{16,}/, '').replace(/part-\d|#\d+|\d{5}/g, '');
    const known = found.get(kind);
    if (known === undefined || size(name) > size(known)) found.set(kind, name);
  }
  return [...found.values()];
}

/** Damages a copy; runs until it ends, at most twice; returns the message of the first run if it was an error. */
async function runDamaged(name: string, damage: (path: string) => void, killed: boolean): Promise<string> {
  rmSync(out, { recursive: true, force: true });
  cpSync(whole, out, { recursive: true });
  if (killed) rmSync(join(out, 'manifest.json'));
  damage(join(out, name));
  let message = '';
  try {
    await localMix(jobOf(out));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    message = error.message;
    expect(message).toContain(name.split('/').at(-1)!);
    await localMix(jobOf(out));
  }
  expect(mixHashes(out)).toEqual(expected);
  expect(leftoversIn(out)).toEqual([]);
  expect(readRecord(out).status).toBe('done');
  return message;
}

describe('a file of a mixture that is damaged between two runs is made again', { timeout: 600_000 }, () => {
  it('in the cache, after a kill', async () => {
    const kinds = kindsIn(join(whole, 'cache'));
    expect(kinds.length).toBeGreaterThanOrEqual(5);
    const errors: Record<string, number> = {};
    for (const kind of kinds) {
      for (const [what, damage] of Object.entries({ ...lost, ...flipped })) {
        const message = await runDamaged(`cache/${kind}`, damage, true).catch((error: unknown) => {
          throw new Error(`${kind} ${what}: ${String(error)}`, { cause: error });
        });
        if (message !== '') errors[kind] = (errors[kind] ?? 0) + 1;
      }
    }
    process.stdout.write(`${kinds.join(', ')}; first run with an error: ${JSON.stringify(errors)}\n`);
  });

  it('in the output', async () => {
    const kinds = kindsIn(whole).filter((name) => !/^(cache|manifest\.json|run\.json)/.test(name));
    expect(kinds.length).toBeGreaterThanOrEqual(15);
    for (const kind of kinds)
      for (const [what, damage] of Object.entries(lost))
        await runDamaged(kind, damage, false).catch((error: unknown) => {
          throw new Error(`${kind} ${what}: ${String(error)}`, { cause: error });
        });
  });

  it('the run record, and the manifest with --overwrite', async () => {
    for (const [what, damage] of Object.entries({ ...lost, ...flipped })) {
      if (what in lost) await runDamaged('run.json', damage, false);
      rmSync(out, { recursive: true, force: true });
      cpSync(whole, out, { recursive: true });
      damage(join(out, 'manifest.json'));
      const again = localMix(jobOf(out)).catch((error: unknown) => {
        expect(error, what).toBeInstanceOf(UserError);
        expect((error as UserError).message).toMatch(
          /manifest\.json is not a manifest|already holds another/,
        );
        expect((error as UserError).hint).toContain('--overwrite');
        return localMix({ ...jobOf(out), overwrite: true });
      });
      const { manifest } = await again;
      expect(manifest.files.length).toBeGreaterThan(20);
      if (existsSync(join(out, 'manifest.json')) && what in lost) expect(mixHashes(out)).toEqual(expected);
    }
  });
});
