/**
 * Kills `mix` at chosen operations on its files (before, half-way, after): every kind of file it writes and every kind of step, so that the
 * moments that random kills seldom meet (between two renames, in a manifest, in the list of the Hub's files) are met. After each kill the
 * run is done again and every byte must be that of a run that was left alone. KILLS=n (default 90). Run with: npm run test:crash
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { type FakeHub, fakeHub } from '../io/fake-hub.ts';
import type { JobOfMix } from './run-mix.ts';
import { childMix, hubFiles, leftoversIn, localMix, mixHashes, writeSmallMix } from './small-mix.ts';

const kills = Number(process.env.KILLS ?? 90);
const random = new Random(`kill-mix-operations ${process.env.SEED ?? 1}`);
const root = mkdtempSync(join(tmpdir(), 'midtrain-kill-operations-'));
const cache = join(root, 'hub-cache');
const before = { ...process.env };
let hub: FakeHub;

beforeAll(async () => {
  writeSmallMix(root);
  const files = hubFiles();
  hub = await fakeHub(files, Object.keys(files).slice(2));
  process.env.HF_ENDPOINT = hub.endpoint;
  process.env.HF_HUB_CACHE = cache;
});
afterAll(async () => {
  process.env = before;
  await hub.close();
  rmSync(root, { recursive: true });
});

const variants: Record<string, Partial<JobOfMix>> = {
  concatenate: { recipe: 'local.yaml' },
  'best-fit, per source': { recipe: 'local.yaml', packing: 'best-fit', perSource: true },
  hub: { recipe: 'hub.yaml', download: true },
};

function jobOf(variant: string, out: string): JobOfMix {
  const job = { folder: root, recipe: '', out, workers: 1, unitBytes: 12_000, shardTokens: 16_000 };
  return { ...job, ...variants[variant] };
}

/** What kind of step a line of the log is. */
function stageOf(line: string, out: string): string | undefined {
  const [operation, path] = line.split('\t') as [string, string];
  if (path.startsWith(cache)) return `hub file: ${operation}`;
  if (!path.startsWith(out)) return undefined;
  const name = path
    .slice(out.length + 1)
    .replace(/\.tmp-[-\d]+$/, '')
    .replace(/^cache\/tokenizer-.*/, 'trained tokenizer')
    .replace(/^cache\/.*\.tokens$/, 'unit of tokens')
    .replace(/^cache\/hub-.*/, 'hub list')
    .replace(/^cache\/written\/.*/, 'marker of a shard')
    .replace(/^per-source\/[^/]+\/.*/, 'per-source shards')
    .replace(/^(shards|heldout|tokenizer|per-source)\/.*/, '$1');
  return `${name}: ${operation}`;
}

interface Target {
  variant: string;
  stage: string;
  at: number;
  how: 'before' | 'after' | 'torn';
}

/** Of every kind of step one, those at the end of a run first, then another, until there are enough. */
function targetsOf(steps: Map<string, { variant: string; at: number }[]>): Target[] {
  const targets: Target[] = [];
  const ways = ['before', 'torn', 'after'] as const;
  const queues = [...steps]
    .reverse()
    .map(([stage, list]): [string, typeof list] => [stage, random.shuffle(list)]);
  for (let round = 0; targets.length < kills && round < 50; round++) {
    for (const [stage, list] of queues) {
      const step = list[round];
      // Reading is not as telling as writing.
      if (step === undefined || (stage.endsWith('read') && round > 2)) continue;
      if (targets.length < kills) targets.push({ ...step, stage, how: ways[(targets.length + round) % 3]! });
    }
  }
  return targets;
}

describe('a mixture that is killed at a chosen step', { timeout: 1_800_000 }, () => {
  it(`has the bytes of an undisturbed one after each of ${kills} kills`, async () => {
    const expected = new Map<string, Record<string, string>>();
    const steps = new Map<string, { variant: string; at: number }[]>();
    const out = join(root, 'out');
    for (const variant of Object.keys(variants)) {
      const log = join(root, 'operations.log');
      const { code, stderr } = await childMix(jobOf(variant, out), {
        MIDTRAIN_TEST_DIE: JSON.stringify({ log }),
      });
      expect(code, stderr).toBe(0);
      expected.set(variant, mixHashes(out));
      for (const [at, line] of readFileSync(log, 'utf8').trimEnd().split('\n').entries()) {
        const stage = stageOf(line, out);
        if (stage !== undefined) steps.set(stage, [...(steps.get(stage) ?? []), { variant, at }]);
      }
      rmSync(out, { recursive: true });
      rmSync(cache, { recursive: true, force: true });
    }
    expect(expected.get('hub')).not.toEqual(expected.get('concatenate'));
    const counts: Record<string, number> = {};
    for (const { variant, stage, at, how } of targetsOf(steps)) {
      const what = `${variant}, ${stage}, ${how} operation ${at}`;
      const end = await childMix(jobOf(variant, out), { MIDTRAIN_TEST_DIE: JSON.stringify({ at, how }) });
      expect(end.signal, `${what}: ${end.stderr}`).toBe('SIGKILL');
      await localMix(jobOf(variant, out)).catch((error: unknown) => {
        throw new Error(`${what}: ${String(error)}`, { cause: error });
      });
      expect(mixHashes(out), what).toEqual(expected.get(variant));
      expect(leftoversIn(out), what).toEqual([]);
      expect(readRecord(out).status, what).toBe('done');
      counts[stage] = (counts[stage] ?? 0) + 1;
      rmSync(out, { recursive: true });
      rmSync(cache, { recursive: true, force: true });
    }
    const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
    process.stdout.write(
      `${total} kills at steps of ${steps.size} kinds, all equal: ${JSON.stringify(counts)}\n`,
    );
    const kinds = [
      'unit of tokens',
      'shards',
      'heldout',
      'per-source shards',
      'samples.md',
      'manifest.json',
      'hub',
    ];
    if (kills >= 90)
      for (const kind of kinds)
        expect(
          Object.keys(counts).some((stage) => stage.startsWith(kind)),
          kind,
        ).toBe(true);
  });
});
