/**
 * Tokenising by units: the same documents, order and held-out set for any number of workers, after kills and damage; only as far as
 * needed; every record counted.
 */
import '../jobs/compile-cache.ts';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { silent } from '../../src/core/events.ts';
import { imbalance } from '../../src/core/ledger.ts';
import { hash32 } from '../../src/core/random.ts';
import type { CountedSource } from '../../src/stages/counted-source.ts';
import { heldoutDraw } from '../../src/stages/document-order.ts';
import { prepareSource } from '../../src/stages/source-texts.ts';
import { type TokeniseRequest, tokeniseSources } from '../../src/stages/tokenise-sources.ts';
import { OpenFiles, UnitSourceTokens } from '../../src/stages/unit-source-tokens.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { type Tokenizer, tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();
const heldout = { share: 0.05, seed: 7 };
let tokenizer: Tokenizer;
let folders = 0;
const fresh = (): string => join(scratch, `out-${folders++}`);

const textOf = (i: number): string =>
  `document ${i} says ${'word '.repeat(1 + ((i * 7) % 23))}and ends with é${i}`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) =>
    JSON.stringify({ id: `d${from + i}`, url: `https://example.org/${from + i}`, text: textOf(from + i) }),
  ).join('\n');

const source = (
  name: string,
  data: ResolvedSource['data'],
  more: Partial<ResolvedSource> = {},
): ResolvedSource => ({
  name,
  role: 'web',
  template: 'text',
  columns: { text: 'text' },
  format: 'auto',
  card: undefined,
  data,
  ...more,
});
let files: ResolvedSource;
const generated = source(
  'made',
  { kind: 'generated', spec: { generator: 'arithmetic', kind: 'qa', count: 120, seed: 3 } },
  { template: 'question-answer', columns: { question: 'question', answer: 'response' } },
);

beforeAll(async () => {
  mkdirSync(join(scratch, 'data'));
  for (let part = 0; part < 3; part++)
    writeFileSync(join(scratch, `data/part-${part}.jsonl`), `${lines(part * 200, part * 200 + 200)}\n`);
  files = source('files', { kind: 'files', paths: [join(scratch, 'data')] });
  const trained = await trainBpe([lines(0, 40)], { vocabSize: 300 });
  tokenizer = await tokenizerOf(trained.files, 'tiny');
});

async function count(
  sources: ResolvedSource[],
  output: string,
  more: Partial<TokeniseRequest> = {},
): Promise<CountedSource[]> {
  const prepared = [];
  for (const one of sources) prepared.push(await prepareSource(one, { seed: heldout.seed, unitBytes: 5000 }));
  return tokeniseSources({
    sources: prepared,
    tokenizer,
    heldout,
    needs: sources.map(() => undefined),
    output,
    workers: 1,
    emit: silent,
    ...more,
  });
}

/** Everything the mix can see of a source: key, counts, orders, every document. */
function dump(counted: CountedSource): Record<string, unknown> {
  const tokens = UnitSourceTokens.open(counted, new OpenFiles());
  const { key, documents, heldout: held } = tokens;
  const train = [...tokens.order(1, 0)].map((i) => ({ ...tokens.read(i), length: tokens.length(i) }));
  const kept = [...tokens.heldoutOrder()].map((i) => tokens.read(i));
  const { units: _, failures: __, ...rest } = counted;
  tokens.close();
  for (const { tokens: ids, length } of train) expect(ids.length).toBe(length);
  return { ...rest, key, documents, tokens: tokens.tokens, held, train, kept };
}

function cacheFiles(output: string): string[] {
  return readdirSync(join(output, 'cache'), { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(output, 'cache', name)).isFile())
    .sort();
}

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('the same result', () => {
  test('for one, two and three workers: documents, orders, held-out documents and the bytes of the cache', async () => {
    const results = [];
    for (const workers of [1, 2, 3]) {
      const output = fresh();
      const counted = await count([files, generated], output, { workers, inPlaceBytes: 0 });
      const hashes = cacheFiles(output).map((name) => [name, hashOf(join(output, 'cache', name))]);
      results.push({ sources: counted.map(dump), hashes });
    }
    expect(results[0]!.hashes.length).toBeGreaterThan(15);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test('is what the files say: every document once, its tokens those of its text with the end token', async () => {
    const [one] = await count([files], fresh());
    const tokens = UnitSourceTokens.open(one!, new OpenFiles());
    const ids = new Set<string>();
    let sum = 0;
    const all = [...tokens.order(5, 2), ...tokens.heldoutOrder()];
    for (const number of all) {
      const { id, url, tokens: own } = tokens.read(number);
      ids.add(id);
      const i = Number(id.slice(1));
      expect(url).toBe(`https://example.org/${i}`);
      expect([...own]).toEqual([...tokenizer.encode(textOf(i)), tokenizer.eosId!]);
      const held = heldoutDraw(hash32(id), heldout.seed) < heldout.share;
      expect(number >= tokens.documents).toBe(held);
      sum += own.length;
    }
    expect([ids.size, all.length]).toEqual([600, 600]);
    expect(sum).toBe(tokens.tokens + tokens.heldout.tokens);
    expect([...tokens.order(5, 2)]).not.toEqual([...tokens.order(5, 3)]);
    expect([...tokens.order(5, 2)]).not.toEqual([...tokens.order(6, 2)]);
    tokens.close();
  });

  test('after units went missing: those that are there are used, the others made again', async () => {
    const output = fresh();
    const before = dump((await count([files], output))[0]!);
    const names = cacheFiles(output);
    const kept = names.filter((_, i) => i % 2 === 0);
    for (const name of names.filter((_, i) => i % 2 === 1)) rmSync(join(output, 'cache', name));
    writeFileSync(join(output, 'cache', `${names[1]!}.tmp-1-0-0`), 'what a killed run left');
    const inodes = kept.map((name) => statSync(join(output, 'cache', name)).ino);
    const again = dump((await count([files], output))[0]!);
    expect(again).toEqual(before);
    expect(kept.map((name) => statSync(join(output, 'cache', name)).ino)).toEqual(inodes);
    expect(cacheFiles(output)).toEqual(names);
  });

  test('when a cache file was cut off or its index, summary or end was changed: it is made again', async () => {
    const output = fresh();
    const before = dump((await count([files], output))[0]!);
    const paths = cacheFiles(output).map((name) => join(output, 'cache', name));
    const hashes = paths.map(hashOf);
    const change = (path: string, placeOf: (size: number, index: number) => number): void => {
      const bytes = readFileSync(path);
      bytes[placeOf(bytes.length, bytes.readDoubleLE(bytes.length - 48))]! ^= 1;
      writeFileSync(path, bytes);
    };
    const size = statSync(paths[0]!).size;
    truncateSync(paths[0]!, size - 1);
    truncateSync(paths[1]!, 20);
    truncateSync(paths[2]!, 0);
    change(paths[3]!, (size) => size - 5); // checksum of the footer
    change(paths[4]!, (size) => size - 40); // places in the footer
    change(paths[5]!, (size) => size - 60); // summary
    change(paths[6]!, (_, index) => index + 9); // index
    expect(paths.map(hashOf)).not.toEqual(hashes);
    expect(dump((await count([files], output))[0]!)).toEqual(before);
    expect(paths.map(hashOf)).toEqual(hashes);
  });

  test('when a document was changed in the cache, reading it says so, and the next run makes the unit again', async () => {
    const output = fresh();
    const [counted] = await count([files], output);
    const before = dump(counted!);
    const bytes = readFileSync(counted!.units[0]!.path);
    bytes[3]! ^= 16;
    writeFileSync(counted!.units[0]!.path, bytes);
    expect(() => dump(counted!)).toThrow(/is damaged and was removed/);
    expect(dump((await count([files], output))[0]!)).toEqual(before);
  });

  test('after an abort in the middle, which keeps the units that were done', async () => {
    const output = fresh();
    for (const workers of [1, 2]) {
      const controller = new AbortController();
      const emit: TokeniseRequest['emit'] = (event) => {
        if (
          event.kind === 'progress' &&
          existsSync(join(output, 'cache')) &&
          cacheFiles(output).length > 2 * workers
        )
          controller.abort();
      };
      await expect(
        count([files], output, { workers, inPlaceBytes: 0, emit, signal: controller.signal }),
      ).rejects.toThrow('interrupted');
      expect(cacheFiles(output).length).toBeLessThan(15);
      expect(cacheFiles(output).some((name) => name.includes('.tmp-'))).toBe(false);
    }
    expect(dump((await count([files], output))[0]!)).toEqual(dump((await count([files], fresh()))[0]!));
  });
});

describe('only what is needed', () => {
  const need = 4000;

  test('a source ends at the smallest run of units whose training tokens reach the need', async () => {
    const [all] = await count([files], fresh());
    const [part] = await count([files], fresh(), { needs: [need] });
    const paths = (counted: CountedSource) => counted.units.map(({ path }) => path.replace(/^.*[\\/]/, ''));
    expect(paths(part!)).toEqual(paths(all!).slice(0, part!.units.length));
    const tokens = (units: CountedSource['units']) => units.reduce((n, { summary }) => n + summary.tokens, 0);
    expect(part!.totals.tokens).toBeGreaterThanOrEqual(need);
    expect(tokens(part!.units.slice(0, -1))).toBeLessThan(need);
    expect(part!.readShare).toBeGreaterThan(0.1);
    expect(part!.readShare).toBeLessThan(0.8);
    expect(all!.readShare).toBe(1);
    expect(part!.ledger.in).toBe(part!.totals.documents + part!.totals.heldout.documents);
    expect(part!.key).not.toBe(all!.key);
    expect(part!.inputs.length).toBeGreaterThan(0);
  });

  test('whatever other workers did beyond it and whatever was in the cache before', async () => {
    const alone = dump((await count([files], fresh(), { needs: [need] }))[0]!);
    const shared = fresh();
    await count([files], shared);
    expect(dump((await count([files], shared, { needs: [need] }))[0]!)).toEqual(alone);
    const threads = await count([files], fresh(), { needs: [need], workers: 3, inPlaceBytes: 0 });
    expect(dump(threads[0]!)).toEqual(alone);
  });

  test('little is tokenised in vain, and nothing of a source that is not used', async () => {
    const output = fresh();
    const [part] = await count([files, generated], output, { needs: [need, 0], workers: 2, inPlaceBytes: 0 });
    const done = cacheFiles(output).filter((name) => name.startsWith('files-')).length;
    expect(done - part!.units.length).toBeLessThanOrEqual(2);
    expect(cacheFiles(output).some((name) => name.startsWith('made-'))).toBe(false);
  });

  test('a dry run counts the same, can tell every length, and writes nothing into the output folder', async () => {
    const output = fresh();
    const [wet] = await count([files], fresh(), { needs: [need] });
    const dry = join(scratch, 'dry');
    const [counted] = await count([files], output, { needs: [need], scratch: dry });
    expect(existsSync(output)).toBe(false);
    const { units: _, ...rest } = counted!;
    expect(rest).toEqual({ ...wet, units: undefined, ...rest });
    expect(counted!.totals).toEqual(wet!.totals);
    const [a, b] = [counted!, wet!].map((one) => {
      const tokens = UnitSourceTokens.open(one, new OpenFiles());
      return [...tokens.order(1, 1)].map((i) => tokens.length(i));
    });
    expect(a).toEqual(b);
  });
});

describe('held-out documents', () => {
  test('a source that gives up none by its share gives up the one of the lowest draw, and only that', async () => {
    const rare = { share: 1e-9, seed: 7 };
    const [counted] = await count([files], fresh(), { heldout: rare });
    const tokens = UnitSourceTokens.open(counted!, new OpenFiles());
    expect(tokens.heldout.documents).toBe(1);
    const draws = Array.from({ length: 600 }, (_, i) => heldoutDraw(hash32(`d${i}`), rare.seed));
    const lowest = `d${draws.indexOf(Math.min(...draws))}`;
    const held = [...tokens.heldoutOrder()].map((i) => tokens.read(i));
    expect(held.map(({ id }) => id)).toEqual([lowest]);
    expect(held[0]!.tokens.length).toBe(tokens.heldout.tokens);
    const train = [...tokens.order(0, 0)].map((i) => tokens.read(i));
    expect(new Set(train.map(({ id }) => id)).size).toBe(599);
    expect(train.some(({ id }) => id === lowest)).toBe(false);
    expect(train.reduce((n, { tokens: own }) => n + own.length, 0)).toBe(tokens.tokens);
    expect(counted!.ledger.dropped).toEqual({ heldout: 1 });
  });

  test('none at a share of 0, and none of a source with one document', async () => {
    const [none] = await count([files], fresh(), { heldout: { share: 0, seed: 7 } });
    expect(none!.totals.heldout.documents).toBe(0);
    const path = join(scratch, 'one.jsonl');
    writeFileSync(path, lines(0, 1));
    const [one] = await count([source('one', { kind: 'files', paths: [path] })], fresh(), {
      heldout: { share: 1e-9, seed: 7 },
    });
    expect(one!.totals).toMatchObject({ documents: 1, heldout: { documents: 0 } });
  });
});

describe('what cannot be read', () => {
  test('is counted and named, record by record, and the ledger balances', async () => {
    const path = join(scratch, 'broken.jsonl');
    const bad = '{"id": "half\n{"id":"empty","text":""}\n{"id":"none"}\n';
    writeFileSync(path, `${lines(0, 100)}\n${bad}${lines(100, 200)}\n${bad}`);
    const broken = source('broken', { kind: 'files', paths: [path] });
    const [counted] = await count([broken], fresh());
    expect(imbalance(counted!.ledger)).toBe(0);
    const held = counted!.totals.heldout.documents;
    expect(counted!.ledger).toEqual({
      in: 206,
      kept: 200 - held,
      dropped: { heldout: held },
      failed: { unreadable: 2, empty: 2, missing_field: 2 },
    });
    expect(counted!.failures.map(({ place }) => place)).toEqual(
      expect.arrayContaining(['line 101', 'line 204']),
    );
    expect(counted!.failures.length).toBe(2);
  });

  test('a source none of whose records has a text is an error that lists its columns', async () => {
    const path = join(scratch, 'other.jsonl');
    writeFileSync(path, '{"body":"x","n":1}\n{"body":"y","n":2}\n');
    await expect(count([source('other', { kind: 'files', paths: [path] })], fresh())).rejects.toThrow(
      /none of its 2 records gives a text.*its columns are .*body/,
    );
  });
});
