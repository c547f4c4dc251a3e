/**
 * Sizes of sources from a sample: counted exactly where they are small, near the truth and within the error that is said where they are not,
 * whatever the format; card sizes, tokenizers that are not here, damage, stopping, and a main thread that stays free.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import type { SourceSize } from '../../mixtures/plan.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';
import { blockBytes, textsOfBlock } from '../../src/stages/sample-lines.ts';
import { type SizeDetail, type SizeOptions, sizeSources } from '../../src/stages/size-sources.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { scratchFolder } from '../io/scratch.ts';

const folder = scratchFolder();
const words =
  'the sum of two even numbers is always another even number since both can be halved 12 345 x^2 + y = 7'.split(
    ' ',
  );
/** Texts of very different lengths, in two kinds whose tokens per byte differ. */
function textOf(i: number): string {
  let state = (i * 2654435761 + 12345) >>> 0;
  const draw = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const count = 20 + draw(i % 7 === 0 ? 1200 : 160);
  if (i % 3 === 0) return Array.from({ length: count }, () => String(draw(100_000))).join(' ');
  return Array.from({ length: count }, () => words[draw(words.length)]).join(' ');
}
const many = 22_000;
let texts: string[];
let counts: number[];
const total = () => counts.reduce((a, b) => a + b, 0);
const jsonl = (list: readonly string[]): string =>
  list.map((text) => `${JSON.stringify({ text })}\n`).join('');

beforeAll(async () => {
  texts = Array.from({ length: many }, (_, i) => textOf(i));
  const trained = await trainBpe(texts.slice(0, 200), { vocabSize: 600 });
  mkdirSync(join(folder, 'tok'));
  await saveTokenizerFiles(trained.files, join(folder, 'tok'));
  const tokenizer = await tokenizerOf(trained.files, 'tok');
  counts = texts.map((text) => tokenizer.encode(text, { special: false }).length + 1);
  writeFileSync(join(folder, 'all.jsonl'), jsonl(texts));
  writeFileSync(join(folder, 'all.jsonl.gz'), gzipSync(jsonl(texts), { level: 1 }));
  mkdirSync(join(folder, 'many'));
  for (let f = 0; f < 40; f++)
    writeFileSync(
      join(folder, 'many', `${f}.jsonl`),
      jsonl(texts.slice((f * many) / 40, ((f + 1) * many) / 40)),
    );
  parquetWriteFile({
    filename: join(folder, 'all.parquet'),
    columnData: [{ name: 'text', data: texts, type: 'STRING' }],
    rowGroupSize: 500,
  });
  writeFileSync(join(folder, 'small.jsonl'), jsonl(texts.slice(0, 300)));
}, 60_000);

/** A recipe over `sources` (YAML of each), and what sizing it gives. */
async function sized(
  sources: Record<string, string>,
  { head = 'tokenizer: tok', ...options }: Partial<SizeOptions> & { head?: string } = {},
) {
  const file = join(folder, `recipe-${Object.keys(sources).join('-')}.yaml`);
  const weight = (1 / Object.keys(sources).length).toFixed(6);
  const lines = Object.entries(sources).map(([name, yaml]) => `  ${name}: { ${yaml}, weight: ${weight} }`);
  const text = `name: r\nsequenceLength: 64\nfill: ${Object.keys(sources)[0]}\n${head}\nsources:\n${lines.join('\n')}\n`;
  writeFileSync(file, text);
  const loaded = loadRecipe(file, folder);
  const seen: { name: string; size: SourceSize; detail: SizeDetail; final: boolean }[] = [];
  const notes: string[] = [];
  const sizes = await sizeSources(loaded, {
    cwd: folder,
    sampleBytes: 1.5e6,
    secondsPerSource: 30,
    onTokenizer: (note) => notes.push(note),
    ...options,
    onSize: (name, size, detail, final) => {
      seen.push({ name, size, detail, final });
      options.onSize?.(name, size, detail, final);
    },
  });
  const last = (name: string) => seen.filter((entry) => entry.name === name).at(-1)!;
  return { loaded, sizes, seen, last, notes };
}
const of = (file: string): string => `data: ${file}, role: web, template: text, columns: { text: text }`;

type Sized = Awaited<ReturnType<typeof sized>>;

describe('sizes of sources', () => {
  let all: Sized;
  beforeAll(async () => {
    writeFileSync(join(folder, 'broken.parquet'), 'PAR1 and nothing else');
    writeFileSync(
      join(folder, 'half.jsonl'),
      `${jsonl(texts.slice(0, 40))}{"text": \n${jsonl(texts.slice(40, 50))}`,
    );
    writeFileSync(join(folder, 'other.jsonl'), '{"body":"a"}\n{"body":"b"}\n');
    all = await sized(
      {
        plain: of('all.jsonl'),
        parquet: of('all.parquet'),
        many: of('many'),
        gz: of('all.jsonl.gz'),
        away: 'card: megamath-web-pro',
        broken: of('broken.parquet'),
        half: of('half.jsonl'),
        other: of('other.jsonl'),
        small: of('small.jsonl'),
        made: 'data: { generator: arithmetic, kind: qa, count: 700, seed: 3 }, role: qa',
      },
      { head: 'tokenizer: tok\nheldout: 0.1' },
    );
  }, 120_000);

  test('are near the truth and within their error, for lines, parquet and many files', () => {
    for (const name of ['plain', 'parquet', 'many']) {
      const { size, detail, final } = all.last(name);
      expect(final).toBe(true);
      expect(size.from).toBe('sampled');
      expect(detail.by).toBe('tokens');
      // A sample, not a count.
      expect(detail.sampledBytes).toBeLessThan(detail.bytes / 2);
      expect(detail.relativeError!).toBeGreaterThan(0.005);
      expect(detail.relativeError!).toBeLessThan(0.12);
      // A tenth is held out. The draw depends on the path of the temporary folder: 2.5 times the 95 % interval is five standard errors.
      const off = Math.abs(size.tokens! / (total() * 0.9) - 1);
      expect(off).toBeLessThan(2.5 * detail.relativeError!);
      expect(Math.abs(size.documents! / (many * 0.9) - 1)).toBeLessThan(0.12);
    }
  });

  test('come first for all of them, then better for each', () => {
    const order = all.seen
      .filter(({ name, detail }) => detail.by === 'tokens' && ['plain', 'parquet', 'many'].includes(name))
      .map(({ name, final }) => `${name} ${final}`);
    expect(order).toEqual([
      'plain false',
      'parquet false',
      'many false',
      'plain true',
      'parquet true',
      'many true',
    ]);
  });

  test('of a compressed file come from its beginning, thinned out, and their error is not known', () => {
    const { size, detail } = all.last('gz');
    expect(Math.abs(size.tokens! / (total() * 0.9) - 1)).toBeLessThan(0.1);
    expect(detail.relativeError).toBeUndefined();
  });

  test('are what a mixture counts where the source is small, held-out documents taken off', async () => {
    expect(all.last('small').detail.relativeError).toBe(0);
    const { small, made } = all.loaded.recipe.sources;
    const half = { weight: { value: 0.5, evidence: 'own' as const } };
    const recipe = {
      ...all.loaded.recipe,
      sources: { small: { ...small!, ...half }, made: { ...made!, ...half } },
      fill: 'small',
    };
    const loaded = { ...all.loaded, recipe };
    const { plan } = await planMix({ loaded, cwd: folder, output: join(folder, 'never') });
    expect(plan.sources.map(({ name }) => name)).toEqual(['small', 'made']);
    for (const { name, available } of plan.sources) expect(all.sizes[name]).toMatchObject(available);
  });

  test('are those of the card where the data is not here, told before anything is read', () => {
    expect(all.sizes.away).toMatchObject({ from: 'card', tokens: 15_100_000_000 });
    expect(all.last('away').final).toBe(true);
    expect(all.seen.slice(0, 10).map(({ size }) => size.from)).toEqual(
      Array.from({ length: 10 }, () => 'card'),
    );
  });

  test('survive files that are damaged or of other columns, and say what is wrong', () => {
    expect(all.last('broken')).toMatchObject({ size: { from: 'card', tokens: undefined }, final: true });
    expect(all.last('broken').detail.problem).toMatch(/broken\.parquet/);
    expect(all.sizes.half!.documents).toBeGreaterThanOrEqual(30);
    expect(all.last('other').detail.problem).toMatch(/none of 2 records gives a text.*body/);
  });

  test('say so where the tokenizer is to be trained or is not here', async () => {
    const trained = await sized(
      { small: of('small.jsonl') },
      { head: 'tokenizer: { train: { vocabSize: 600 } }' },
    );
    const real = counts.slice(0, 300).reduce((a, b) => a + b, 0);
    expect(trained.last('small')).toMatchObject({
      size: { from: 'sampled' },
      detail: { by: 'trained-on-sample' },
    });
    expect(Math.abs(trained.sizes.small!.tokens! / real - 1)).toBeLessThan(0.25);
    expect(trained.notes.join()).toMatch(/trained on a sample/);
    const absent = await sized({ small: of('small.jsonl') }, { head: 'tokenizer: owner/name' });
    expect(absent.last('small').detail.by).toBe('bytes');
    expect(absent.sizes.small!.from).toBe('sampled');
    expect(absent.notes.join()).toMatch(/owner\/name is not on this machine.*3\.6 bytes each/);
  });

  test('stop when told to', async () => {
    const controller = new AbortController();
    const start = performance.now();
    const running = sized(
      { plain: of('all.jsonl') },
      {
        sampleBytes: 1e9,
        signal: controller.signal,
        onSize: (_, size) => size.from === 'sampled' && controller.abort(),
      },
    );
    await expect(running).rejects.toThrow(/interrupted/i);
    expect(performance.now() - start).toBeLessThan(20_000);
    const aborted = AbortSignal.abort();
    await expect(sized({ plain: of('all.jsonl') }, { signal: aborted })).rejects.toThrow(/interrupted/i);
  });

  test('leave the main thread free', async () => {
    // The thread's own processor time between two turns: what others do to this machine does not count.
    const spent = (): number => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    };
    let [longest, before] = [0, spent()];
    const ticker = setInterval(() => {
      const now = spent();
      longest = Math.max(longest, now - before);
      before = now;
    }, 1);
    await sizeSources(all.loaded, { cwd: folder, sampleBytes: 5e5 });
    clearInterval(ticker);
    expect(longest).toBeLessThan(40);
  });
});

test('blocks of a file of lines give each line once', async () => {
  const path = join(folder, 'lines.jsonl');
  // Lines of all lengths, one longer than two blocks, one that ends where a block ends, no line break at the end.
  const lines = [...texts.slice(0, 400), 'y'.repeat(2.5 * blockBytes), ...texts.slice(400, 500)];
  let body = lines.map((text, id) => JSON.stringify({ id, text })).join('\n');
  const next = (Math.ceil(body.length / blockBytes) + 1) * blockBytes;
  body += `\n${JSON.stringify({ id: 501, text: '' })}`;
  body = `${body.slice(0, -2)}${'z'.repeat(next - body.length - 1)}"}\n${JSON.stringify({ id: 502, text: 'last' })}`;
  expect(body[next - 1]).toBe('\n');
  writeFileSync(path, body);
  const ids: string[] = [];
  const tally = { ledger: { in: 0, kept: 0, dropped: {}, failed: {} }, failures: [], columns: [] };
  const source = {
    name: 's',
    template: 'text' as const,
    columns: { text: 'text', id: 'id' },
    where: undefined,
  };
  for (let block = 0; block * blockBytes < body.length; block++)
    for await (const { id } of textsOfBlock(source, path, block, tally, undefined)) ids.push(id);
  expect(ids).toEqual(Array.from({ length: 503 }, (_, i) => String(i)));
  expect(tally.ledger.failed).toEqual({});
});
