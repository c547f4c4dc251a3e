/** The shards of a mixture written in shares, or by a local run that is cut off: the bytes of one undisturbed run, and nothing whole is written twice. */
import './compile-cache.ts';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { fingerprint } from '../../src/core/config.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import type { BatchStage } from '../../src/jobs/batch-job.ts';
import { openMixBatch, prepareMixBatch } from '../../src/jobs/batch-mix.ts';
import { mixAlone } from '../../src/jobs/mix-alone.ts';
import { mix } from '../../src/stages/mix.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { scratchFolder } from '../io/scratch.ts';
import { writeByteTokenizer, writeTinyRecipe } from '../stages/tiny-mix.ts';
import { carryOut, outputHashes, share } from './mix-shares.ts';

const root = scratchFolder();
const out = (name: string): string => join(root, name);
const windowTokens = 64;
const shardTokens = 400 * windowTokens;
let loaded: MixRequest['loaded'];
const request = (output: string, more: Partial<MixRequest> = {}): MixRequest => ({
  loaded,
  cwd: root,
  output: out(output),
  shardTokens,
  workers: 1,
  perSource: true,
  ...more,
});
/** When each file under `shards` and `per-source` was made: another for one that is written again. */
const written = (name: string): Record<string, string> =>
  Object.fromEntries(
    ['shards', 'per-source']
      .filter((folder) => existsSync(out(`${name}/${folder}`)))
      .flatMap((folder) =>
        readdirSync(out(`${name}/${folder}`), { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.ds'))
          .map((file) => {
            const { ino, mtimeNs } = statSync(out(`${name}/${folder}/${file}`), { bigint: true });
            return [`${folder}/${file.slice(0, -3)}`, `${ino} ${mtimeNs}`];
          }),
      ),
  );
let expected: Record<string, string>;

/** `web` and two small sources of which every document is read several times. */
async function recipeIn(folder: string, web: readonly number[]): Promise<MixRequest['loaded']> {
  await writeByteTokenizer(folder);
  return writeTinyRecipe(folder, {
    sequenceLength: windowTokens - 1,
    budget: 160_000,
    repeatLimit: 6,
    fill: 'web',
    heldout: 0.01,
    seed: 4,
    sources: {
      web: { role: 'web', lengths: web },
      books: { role: 'general', weight: 0.2, lengths: Array.from({ length: 30 }, (_, i) => 5 + 25 * i) },
      few: { role: 'qa', weight: 0.1, lengths: Array.from({ length: 400 }, (_, i) => 3 + (i % 30)) },
    },
  });
}

beforeAll(async () => {
  loaded = await recipeIn(
    root,
    Array.from({ length: 800 }, (_, i) => 20 + ((i * 37) % 300)),
  );
  await mix(request('local'));
  expected = outputHashes(out('local'));
});

/** The job with its shards still to be written. */
async function arranged(name: string, more: Partial<MixRequest> = {}) {
  const job = await prepareMixBatch(request(name, more));
  const { stages, last } = await carryOut(job, 1, { until: 'shards' });
  stages.set('shards', last.stage!);
  return { job, stages, items: last.left };
}
const leftOf = async (name: string, stages: Map<string, BatchStage>): Promise<string[]> => {
  const { stage, left } = await (await openMixBatch(out(name))).survey(stages);
  return stage?.name === 'shards' ? left : [];
};

describe('shards in shares', () => {
  test.each(['concatenate', 'best-fit'] as const)(
    'of %s windows, each by a process that knows no other',
    async (packing) => {
      const name = `shared-${packing}`;
      // So many documents that streams have marks.
      const many = await recipeIn(
        out('many'),
        Array.from({ length: 40_000 }, (_, i) => 2 + (i % 3)),
      );
      const asked = { packing, loaded: many, perSource: packing === 'concatenate' };
      await mix(request('local-many', { ...asked, overwrite: true }));
      // What is tokenised, without what is written.
      const [from, to] = [out('local-many/cache'), out(`${name}/cache`)];
      cpSync(from, to, { recursive: true, filter: (path) => !path.startsWith(join(from, 'written')) });
      const { stages, items } = await arranged(name, asked);
      const { arrangement } = (
        JSON.parse(readFileSync(out(`${name}/mix-shards.json`), 'utf8')) as {
          shards: { arrangement: { sources: { marks: unknown[] }[] } };
        }
      ).shards;
      expect(arrangement.sources[0]!.marks.length).toBeGreaterThan(1);
      expect(items.length).toBeGreaterThan(5);
      expect(items.every((id) => /^(shards|per-source\/(web|books|few))\/\d{5}$/.test(id))).toBe(true);
      const left = new Set(items);
      for (const item of items.toReversed()) {
        const job = await openMixBatch(out(name));
        expect(await job.work(share('shards', [item]))).toEqual({ done: 1, left: 0 });
        left.delete(item);
        if (left.size % 5 === 1) expect(await leftOf(name, stages)).toEqual([...left]);
      }
      const files = written(name);
      const { surveys } = await carryOut(await openMixBatch(out(name)), 1, { stages });
      expect(surveys.map(({ stage }) => stage?.name)).toEqual(['write', undefined]);
      expect(outputHashes(out(name))).toEqual(outputHashes(out('local-many')));
      expect(written(name)).toEqual(files);
    },
  );

  test('one that is killed loses the shard in hand, a drained one finishes it', async () => {
    const { job, stages, items } = await arranged('killed');
    const script = fileURLToPath(new URL('./run-mix-share.ts', import.meta.url));
    const kill = { task: 'mix', after: shardTokens };
    const asked = { folder: out('killed'), stage: 'shards', items: items.slice(0, 4), kill };
    const child = spawnSync(process.execPath, [script, JSON.stringify(asked)], { encoding: 'utf8' });
    expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
    expect(await leftOf('killed', stages)).toEqual(items.slice(1));
    // As a larger shard leaves it.
    writeFileSync(out('killed/shards/00001.ds.tmp-1-0-1'), 'half');
    const drain = new AbortController();
    const emit = (event: ProgressEvent): void => {
      if (event.kind === 'progress') drain.abort();
    };
    const own = share('shards', items.slice(0, 4), { drain: drain.signal, emit });
    expect(await job.work(own)).toEqual({ done: 1, left: 2 });
    expect(await job.work(own)).toEqual({ done: 0, left: 2 });
    expect(await leftOf('killed', stages)).toEqual(items.slice(2));
    const files = written('killed');
    await carryOut(job, 3, { stages });
    expect(outputHashes(out('killed'))).toEqual(expected);
    expect(written('killed')).toMatchObject(files);
    expect(readdirSync(out('killed/shards')).filter((name) => name.includes('.tmp-'))).toEqual([]);
    expect(readdirSync(out('killed')).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  test('a shard with a file that is lost or cut, or a marker that is damaged or of another shard, is written again, and no other', async () => {
    const { job, stages } = await arranged('lost');
    await carryOut(job, 1, { stages });
    const files = written('lost');
    const marker = (id: string): string => out(`lost/cache/written/${id}.json`);
    rmSync(out('lost/shards/00001.ds.metadata'));
    truncateSync(out('lost/shards/00003.provenance.parquet'), 100);
    const damaged = readFileSync(marker('per-source/web/00000'), 'utf8').replace(
      /"tokens":(\d)/,
      '"tokens":1$1',
    );
    writeFileSync(marker('per-source/web/00000'), damaged);
    writeFileSync(marker('per-source/few/00000'), readFileSync(marker('per-source/books/00000')));
    const lost = ['shards/00001', 'shards/00003', 'per-source/web/00000', 'per-source/few/00000'];
    expect(new Set(await leftOf('lost', stages))).toEqual(new Set(lost));
    await carryOut(job, 1, { stages });
    expect(outputHashes(out('lost'))).toEqual(expected);
    const after = written('lost');
    expect(
      Object.keys(files)
        .filter((id) => files[id] !== after[id])
        .sort(),
    ).toEqual([...lost].sort());
  });

  test('whose counts do not add up to the plan are no mixture', async () => {
    const { job, stages } = await arranged('forged');
    await carryOut(job, 1, { stages, until: 'write' });
    const path = out('forged/cache/written/shards/00002.json');
    const { check: _, ...marker } = JSON.parse(readFileSync(path, 'utf8')) as {
      check: string;
      written: { tokens: number }[];
    };
    marker.written[0]!.tokens -= windowTokens;
    marker.written[1]!.tokens += windowTokens;
    writeFileSync(path, JSON.stringify({ ...marker, check: fingerprint(marker) }));
    expect((await job.survey(stages)).stage!.name).toBe('write');
    await expect(job.work(share('write', ['write']))).rejects.toThrow(
      /web: \d+ tokens and 0 of padding were written, \d+ and 0 planned/,
    );
    expect(existsSync(out('forged/manifest.json'))).toBe(false);
    expect((await job.survey(stages)).stage!.name).toBe('write');
  });

  test('from a unit that turns out to be damaged: it is tokenised again, and whole shards stay', async () => {
    const { job, stages, items } = await arranged('rotten');
    await job.work(share('shards', items.slice(0, 1)));
    const cache = readdirSync(out('rotten/cache')).find((name) => name.startsWith('web-'))!;
    const [unit] = readdirSync(out(`rotten/cache/${cache}`));
    const path = out(`rotten/cache/${cache}/${unit}`);
    const bytes = readFileSync(path);
    // Among the tokens, which come first.
    bytes.fill(0xff, 50_000, 60_000);
    writeFileSync(path, bytes);
    const files = written('rotten');
    await expect(job.work(share('shards', items))).rejects.toThrow(`${unit} is damaged and was removed`);
    expect((await job.survey(stages)).stage!.name).toBe('tokenise-1');
    await carryOut(job, 1, { stages });
    expect(outputHashes(out('rotten'))).toEqual(expected);
    expect(written('rotten')).toMatchObject(files);
  });

  test('are refused before they are arranged, and where they are of another mixture', async () => {
    const { items } = await arranged('refused');
    const job = await openMixBatch(out('refused'));
    await expect(job.work(share('shards', ['shards/00099']))).rejects.toThrow(
      'shards/00099 is no shard of this mixture',
    );
    rmSync(out('refused/mix-shards.json'));
    expect((await job.survey(new Map())).stage!.name).toBe('arrange');
    await expect(job.work(share('shards', items))).rejects.toThrow('not settled yet what the shards');
    await carryOut(job, 1, { until: 'shards' });
    // Somebody makes another mixture in the folder: it is not to be written over.
    await mixAlone(request('refused', { options: { seed: 9 }, overwrite: true }));
    const other = outputHashes(out('refused'));
    await expect(job.work(share('shards', items))).rejects.toThrow('not settled yet what the shards');
    expect(await carryOut(job, 1).catch(messageOf)).toMatch(/already holds another mixture/);
    expect(outputHashes(out('refused'))).toEqual(other);
    // Unless that is asked for.
    await carryOut(await prepareMixBatch(request('refused', { overwrite: true })), 1);
    expect(outputHashes(out('refused'))).toEqual(expected);
  });

  test('that a damaged arrangement is made anew for stay as they are', async () => {
    const { job, stages, items } = await arranged('twice');
    await job.work(share('shards', items.slice(0, 3)));
    const files = written('twice');
    const path = out('twice/mix-shards.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"sequences":', '"sequences":1'));
    const { surveys } = await carryOut(job, 1, { stages });
    expect(surveys.map(({ stage }) => stage?.name)).toEqual(['arrange', 'shards', 'write', undefined]);
    expect(surveys[1]!.left).toEqual(items.slice(3));
    expect(outputHashes(out('twice'))).toEqual(expected);
    expect(written('twice')).toMatchObject(files);
  });
});

describe('a local run', () => {
  test('that was stopped goes on with the shards that are whole', async () => {
    const stop = new AbortController();
    const emit = (event: ProgressEvent): void => {
      if (event.kind === 'progress' && event.task === 'mix' && event.done > 2 * shardTokens) stop.abort();
    };
    await expect(mixAlone(request('stopped', { signal: stop.signal, emit }))).rejects.toThrow();
    const files = written('stopped');
    expect(Object.keys(files)).toEqual(['shards/00000', 'shards/00001']);
    expect(existsSync(out('stopped/manifest.json'))).toBe(false);
    const done: number[] = [];
    await mixAlone(
      request('stopped', {
        emit: (event) => event.kind === 'progress' && event.task === 'mix' && done.push(event.done),
      }),
    );
    expect(done[1]).toBe(2 * shardTokens);
    expect(outputHashes(out('stopped'))).toEqual(expected);
    expect(written('stopped')).toMatchObject(files);
  });

  test('of another mixture takes no shard of the one before, and leaves none of it', async () => {
    await mixAlone(request('changed', { options: { seed: 9, budget: 120_000 }, packing: 'best-fit' }));
    await mixAlone(request('changed', { overwrite: true }));
    expect(outputHashes(out('changed'))).toEqual(expected);
    const { files } = JSON.parse(readFileSync(out('changed/manifest.json'), 'utf8')) as {
      files: { path: string }[];
    };
    const listed = new Set(files.map(({ path }) => path));
    for (const folder of ['shards', 'per-source'])
      for (const entry of readdirSync(out(`changed/${folder}`), { recursive: true, withFileTypes: true }))
        if (entry.isFile())
          expect(listed).toContain(join(entry.parentPath, entry.name).slice(out('changed').length + 1));
  });

  test('with --overwrite where the manifest is damaged trusts nothing that lies there', async () => {
    await mixAlone(request('distrusted'));
    const files = written('distrusted');
    writeFileSync(out('distrusted/manifest.json'), '{');
    const shard = out('distrusted/shards/00001.ds');
    const bytes = readFileSync(shard);
    bytes[7]! ^= 1;
    writeFileSync(shard, bytes);
    await mixAlone(request('distrusted', { overwrite: true }));
    expect(outputHashes(out('distrusted'))).toEqual(expected);
    const after = written('distrusted');
    expect(Object.keys(files).filter((id) => files[id] === after[id])).toEqual([]);
  });
});
