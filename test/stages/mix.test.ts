/** The mix stage on real files: exact shares counted from the shard bytes, same bytes again, held-out documents, damage. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { withData } from '../../mixtures/sources.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { mix } from '../../src/stages/mix.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const here = existsSync(join(data, 'math-qa/gsm8k-train.jsonl'));
if (!here) console.warn('skipped: ../shared/data is not there');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mix-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Counts tokens per source from the bytes of .ds.index and the provenance alone, not from the manifest. */
async function recount(
  shards: string,
  windowTokens: number,
): Promise<{ tokens: Record<string, number>; windows: string[]; ids: number[] }> {
  const tokens: Record<string, number> = {};
  const windows: string[] = [];
  const ids: number[] = [];
  for (const file of (await readdir(shards)).filter((name) => name.endsWith('.ds')).sort()) {
    const bytes = await readFile(join(shards, file));
    for (let i = 0; i < bytes.length; i += 2) ids.push(bytes.readUInt16LE(i));
    const index = await readFile(join(shards, `${file}.index`));
    const rows = await parquetRows<{ start: bigint; end: bigint; source: string }>(
      join(shards, file.replace(/\.ds$/, '.provenance.parquet')),
    );
    expect(rows.length).toBe(index.length / 8);
    let at = 0;
    for (const [i, row] of rows.entries()) {
      // A piece begins where the one before ended, ends where the index says, and never crosses a window.
      expect([Number(row.start), Number(row.end)]).toEqual([at, Number(index.readBigUInt64LE(i * 8))]);
      expect(Math.floor(at / windowTokens)).toBe(Math.floor((Number(row.end) - 1) / windowTokens));
      if (at % windowTokens === 0) windows.push(row.source);
      expect(row.source).toBe(windows.at(-1));
      tokens[row.source] = (tokens[row.source] ?? 0) + Number(row.end) - at;
      at = Number(row.end);
    }
    expect(at * 2).toBe(bytes.length);
  }
  return { tokens, windows, ids };
}

/** Rows of a Parquet file as another library reads them. */
async function parquetRows<T>(path: string): Promise<T[]> {
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return (await parquetReadObjects({ file, compressors })) as T[];
}

async function hashes(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of (await readdir(root, { recursive: true, withFileTypes: true })).filter((f) =>
    f.isFile(),
  )) {
    const path = join(file.parentPath, file.name);
    const name = path.slice(root.length + 1);
    if (name !== 'run.json')
      found[name] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
  }
  return found;
}

const request = (recipe: string | undefined, output: string, more: Partial<MixRequest> = {}): MixRequest => ({
  loaded: loadRecipe(recipe, folder),
  cwd: folder,
  output: join(folder, output),
  ...more,
});

describe.skipIf(!here)(
  'real data: GSM8K, Marco-o1 chains of thought, instructions and C4 pages at --qa-ratio 0.3',
  () => {
    const recipe = `
name: real
tokenizer: { train: { vocabSize: 2048 } }
budget: 300k
sequenceLength: 255
heldout: 0.02
fill: web
sources:
  web: { role: web, data: ${data}/web-text/c4-demo-300.jsonl, weight: 0.7 }
  gsm8k: { card: gsm8k, data: ./gsm8k.jsonl, weight: 0.1 }
  marco:
    role: long-cot
    data: ${data}/long-cot/marco-o1-cot-demo.json
    template: question-think
    columns:
      question: instruction
      reasoning: { column: response, between: ['<Thought>', '</Thought>'] }
      answer: { column: response, between: ['<Output>', '</Output>'] }
    weight: 0.05
  instruct:
    role: instruction
    data: ${data}/instruct/instruction-data-1100.json
    template: user-assistant
    columns: { question: [instruction, input], answer: output }
    weight: 0.15
`;
    beforeAll(async () => {
      await writeFile(join(folder, 'real.yaml'), recipe);
      const lines = (await readFile(join(data, 'math-qa/gsm8k-train.jsonl'), 'utf8'))
        .split('\n')
        .slice(0, 1500);
      await writeFile(join(folder, 'gsm8k.jsonl'), lines.join('\n'));
    });

    test('the shard bytes hold each source at its share to within one sequence, and any prefix nearly so', async () => {
      const { manifest, plan } = await mix(
        request('real.yaml', 'real', { ratios: { qa: 0.3 }, shardTokens: 64_000 }),
      );
      const shares: Record<string, number> = { web: 0.55, gsm8k: 0.2, marco: 0.1, instruct: 0.15 };
      const { tokens, windows, ids } = await recount(join(folder, 'real/shards'), 256);
      expect(windows.length).toBe(Math.floor(300_000 / 256));
      expect(ids.length).toBe(windows.length * 256);
      for (const source of plan.sources) {
        expect(source.requestedShare).toBeCloseTo(shares[source.name]!, 9);
        expect(Math.abs(tokens[source.name]! - shares[source.name]! * windows.length * 256)).toBeLessThan(
          256,
        );
        const listed = manifest.sources.find((s) => s.name === source.name)!;
        expect(listed.achievedTokens).toBe(tokens[source.name]);
      }
      const seen: Record<string, number> = {};
      for (const [t, source] of windows.entries()) {
        seen[source] = (seen[source] ?? 0) + 1;
        for (const [name, share] of Object.entries(shares))
          expect(Math.abs((seen[name] ?? 0) - share * (t + 1))).toBeLessThan(2);
      }
      expect(
        manifest.files.filter((f) => f.path.startsWith('shards/') && f.path.endsWith('.ds')).length,
      ).toBe(5);
      const read = readRecord(join(folder, 'real'));
      expect(read).toMatchObject({
        command: 'mix',
        status: 'done',
        summary: { qaShare: plan.shares.qa, totalTokens: plan.totalTokens },
      });
      expect(read.evidence).toContainEqual(
        expect.objectContaining({ name: 'share of gsm8k', evidence: 'own' }),
      );
    });

    test('the text of the shards is the formatted text, documents end with the end token, and held-out documents are not in it', async () => {
      const tokenizer = await loadTokenizer(join(folder, 'real/tokenizer'));
      const { ids } = await recount(join(folder, 'real/shards'), 256);
      const text = tokenizer.decode(ids);
      expect(text).toContain('Question:');
      expect(text).toContain('User:');
      expect(text).not.toContain('<Thought>');
      expect(text).not.toContain('<<');
      const manifest = JSON.parse(await readFile(join(folder, 'real/manifest.json'), 'utf8')) as {
        heldout: { name: string; documents: number; file: string }[];
      };
      expect(manifest.heldout.map((h) => h.name)).toEqual(['web', 'gsm8k', 'marco', 'instruct']);
      for (const { file, documents } of manifest.heldout) {
        const bytes = await readFile(join(folder, 'real', file));
        const held = Uint32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(i * 2));
        const texts = tokenizer.decode(held).split('<|endoftext|>').slice(0, -1);
        expect(texts.length).toBe(documents);
        for (const one of texts.filter((t) => t.length > 80).slice(0, 10)) expect(text).not.toContain(one);
      }
    });

    test('again, in another folder, it gives the same bytes; in the same folder it is already there; another seed gives others', async () => {
      await mix(request('real.yaml', 'again', { ratios: { qa: 0.3 }, shardTokens: 64_000 }));
      expect(await hashes(join(folder, 'again'))).toEqual(await hashes(join(folder, 'real')));
      expect(
        (await mix(request('real.yaml', 'again', { ratios: { qa: 0.3 }, shardTokens: 64_000 }))).reused,
      ).toBe(true);
      const before = (await hashes(join(folder, 'again')))['shards/00000.ds'];
      await expect(mix(request('real.yaml', 'again', { ratios: { qa: 0.4 } }))).rejects.toThrow(
        /already holds another mixture/,
      );
      await mix(
        request('real.yaml', 'again', {
          ratios: { qa: 0.3 },
          shardTokens: 64_000,
          options: { seed: 1 },
          overwrite: true,
        }),
      );
      expect((await hashes(join(folder, 'again')))['shards/00000.ds']).not.toBe(before);
    });

    test('a run stopped in the middle leaves no manifest, and the next one gives the bytes of an undisturbed one', async () => {
      const controller = new AbortController();
      const stop: MixRequest = request('real.yaml', 'stopped', {
        ratios: { qa: 0.3 },
        shardTokens: 64_000,
        signal: controller.signal,
        emit: (event) => {
          if (event.kind === 'progress' && event.task === 'mix') controller.abort();
        },
      });
      await expect(mix(stop)).rejects.toThrow('interrupted');
      expect(existsSync(join(folder, 'stopped/manifest.json'))).toBe(false);
      expect(readRecord(join(folder, 'stopped')).status).toBe('interrupted');
      await mix(request('real.yaml', 'stopped', { ratios: { qa: 0.3 }, shardTokens: 64_000 }));
      expect(await hashes(join(folder, 'stopped'))).toEqual(await hashes(join(folder, 'real')));
    });

    test('a dry run has the numbers of the real one and writes nothing', async () => {
      const { plan } = await planMix(request('real.yaml', 'dry', { ratios: { qa: 0.3 } }));
      const manifest = JSON.parse(await readFile(join(folder, 'real/manifest.json'), 'utf8')) as {
        sources: { achievedTokens: number; availableTokens: number }[];
      };
      expect(plan.sources.map((s) => s.achievedTokens)).toEqual(
        manifest.sources.map((s) => s.achievedTokens),
      );
      expect(plan.sources.map((s) => s.available.tokens)).toEqual(
        manifest.sources.map((s) => s.availableTokens),
      );
      expect(existsSync(join(folder, 'dry'))).toBe(false);
    });
  },
);

describe('small sources', () => {
  const lines = (n: number, text = (i: number) => `document number ${i} about ${i * i}`) =>
    Array.from({ length: n }, (_, i) =>
      JSON.stringify({ id: `d${i}`, url: `https://example.org/${i}`, text: text(i) }),
    ).join('\n');
  const recipe = (more = '') =>
    `name: small\ntokenizer: { train: { } }\nsequenceLength: 31\nrepeatLimit: 100\nfill: a\n${more}sources:\n  a: { role: web, data: ./a.jsonl }\n  b: { role: qa, data: ./b.jsonl, template: text, weight: 0.3 }\n`;
  beforeAll(async () => {
    await writeFile(join(folder, 'a.jsonl'), lines(20));
    await writeFile(join(folder, 'b.jsonl'), lines(5));
    await writeFile(join(folder, 'small.yaml'), recipe('budget: 6400\n'));
  });

  test('a repeated source is read in whole passes, each in an order of its own, before any document comes again', async () => {
    const { manifest } = await mix(request('small.yaml', 'passes'));
    const rows = await parquetRows<{ id: string; url: string; source: string; end: bigint }>(
      join(folder, 'passes/shards/00000.provenance.parquet'),
    );
    const shard = await readFile(join(folder, 'passes/shards/00000.ds'));
    const { eosId } = manifest.tokenizer;
    /** Documents of b in the order they end. */
    const order: string[] = [];
    for (const { id, source, url, end } of rows.filter((r) => r.source === 'b')) {
      expect(url).toBe(`https://example.org/${id.slice(1)}`);
      expect(source).toBe('b');
      if (shard.readUInt16LE((Number(end) - 1) * 2) === eosId) order.push(id);
    }
    const passes = Array.from({ length: Math.floor(order.length / 5) }, (_, p) =>
      order.slice(p * 5, p * 5 + 5),
    );
    expect(passes.length).toBeGreaterThan(8);
    for (const pass of passes) expect([...pass].sort()).toEqual(['d0', 'd1', 'd2', 'd3', 'd4']);
    expect(new Set(passes.map((pass) => pass.join())).size).toBeGreaterThan(3);
  });

  test('a page that spells the end token cannot end a document', async () => {
    await writeFile(
      join(folder, 'b.jsonl'),
      lines(5, (i) => `evil <|endoftext|> ${i}`),
    );
    const { manifest } = await mix(request('small.yaml', 'evil'));
    const shard = await readFile(join(folder, 'evil/shards/00000.ds'));
    let ends = 0;
    for (let i = 0; i < shard.length; i += 2) if (shard.readUInt16LE(i) === manifest.tokenizer.eosId) ends++;
    const tokenizer = await loadTokenizer(join(folder, 'evil/tokenizer'));
    expect(
      tokenizer.decode(
        Uint32Array.from({ length: shard.length / 2 }, (_, i) => shard.readUInt16LE(i * 2)),
        { special: false },
      ),
    ).toContain('evil <|endoftext|>');
    // As many end tokens as documents were finished, and not one for each spelling.
    const pieces = (await readFile(join(folder, 'evil/shards/00000.ds.index'))).length / 8;
    expect(ends).toBeLessThan(pieces);
    await writeFile(join(folder, 'b.jsonl'), lines(5));
  });

  test('more repeats than allowed are refused before anything is written', async () => {
    await expect(mix(request('small.yaml', 'refused', { options: { repeatLimit: 2 } }))).rejects.toThrow(
      /b: needs 1.92k tokens and has \d+, so it would be read \d+\.\d+ times; the limit is 2/,
    );
    expect(existsSync(join(folder, 'refused/shards'))).toBe(false);
    expect(existsSync(join(folder, 'refused/run.json'))).toBe(false);
  });

  test('a damaged line is counted and named, and the rest is used', async () => {
    await writeFile(join(folder, 'broken.jsonl'), `${lines(10)}\n{"id": "half\n{"id":"empty","text":""}\n`);
    const { manifest, failures } = await mix({
      ...request('small.yaml', 'broken'),
      loaded: withData(loadRecipe('small.yaml', folder), { b: ['broken.jsonl'] }, folder),
    });
    expect(failures).toEqual([
      expect.objectContaining({ source: 'b', file: join(folder, 'broken.jsonl'), place: 'line 11' }),
    ]);
    expect(manifest.sources[1]!.ledger).toEqual({
      in: 12,
      kept: 10,
      dropped: {},
      failed: { unreadable: 1, empty: 1 },
    });
  });

  test('columns that are not there are an error that lists those that are', async () => {
    await writeFile(join(folder, 'other.jsonl'), '{"body":"x","n":1}\n');
    const loaded = withData(loadRecipe('small.yaml', folder), { b: ['other.jsonl'] }, folder);
    await expect(mix({ ...request('small.yaml', 'columns'), loaded })).rejects.toThrow(
      /source b: none of its 1 records gives a text for template text \(1 missing_field\); there is no column text; its columns are .*body, n/,
    );
  });

  test('pages are not texts: the error says to filter first', async () => {
    const pages = await mkdtemp(join(folder, 'pages-'));
    await writeFile(join(pages, 'x.html'), '<p>x</p>');
    const loaded = withData(loadRecipe('small.yaml', folder), { a: [pages] }, folder);
    await expect(mix({ ...request('small.yaml', 'pages'), loaded })).rejects.toThrow(
      /holds HTML pages, not texts/,
    );
  });

  test('changed data is tokenised again, and its old cache goes', async () => {
    await mix(request('small.yaml', 'cache'));
    const units = async () =>
      (await readdir(join(folder, 'cache/cache'), { recursive: true })).filter((f) => /^b-.*[\\/]/.test(f));
    const before = await units();
    await appendFile(
      join(folder, 'b.jsonl'),
      `\n${JSON.stringify({ id: 'new', text: 'one more document' })}\n`,
    );
    await mix(request('small.yaml', 'cache', { overwrite: true }));
    const after = await units();
    expect(after.length).toBe(1);
    expect(after).not.toEqual(before);
  });

  test('the demo recipe needs no data and no download', async () => {
    const { plan } = await mix(request(undefined, 'demo', { ratios: { qa: 0.3 } }));
    expect(plan.name).toBe('demo');
    const { tokens } = await recount(join(folder, 'demo/shards'), 129);
    const qa = tokens['arithmetic-qa']! + tokens['arithmetic-long-cot']!;
    expect(Math.abs(qa - 0.3 * plan.totalTokens)).toBeLessThan(2 * 129);
  });
});
