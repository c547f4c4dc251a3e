/** A share of a source's units in worker threads: drained in the middle, gone on with, judged by nobody; generated chunks one after the other. */
import '../jobs/compile-cache.ts';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { silent } from '../../src/core/events.ts';
import { type PreparedSource, prepareSource } from '../../src/stages/source-texts.ts';
import { type TokeniseRequest, tokeniseSources, tokeniseUnits } from '../../src/stages/tokenise-sources.ts';
import type { QueuedSource } from '../../src/stages/unit-queue.ts';
import type { SourceUnit } from '../../src/stages/unit-texts.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import { scratchFolder } from '../io/scratch.ts';
import { tinyText, writeByteTokenizer } from './tiny-mix.ts';

const scratch = scratchFolder();
const heldout = { share: 0.05, seed: 7 };
let tokenizer: Tokenizer;

const text = { name: 'web', template: 'text' as const, columns: { text: 'text' } };
const queued = (
  source: QueuedSource['source'],
  kind: QueuedSource['kind'],
  units: SourceUnit[],
): QueuedSource => ({
  source,
  kind,
  bytes: 0,
  async *parcels() {
    yield { units, inputs: [], failures: [] };
  },
});
const request = (
  source: QueuedSource,
  output: string,
  more: Partial<Omit<TokeniseRequest, 'part'>> = {},
) => ({
  sources: [source],
  needs: [undefined],
  tokenizer,
  heldout,
  output,
  part: true as const,
  emit: silent,
  ...more,
});

function prepareLines(lines: string[]): Promise<PreparedSource> {
  const path = join(scratch, 'web.jsonl');
  writeFileSync(path, lines.join('\n'));
  const data = { kind: 'files' as const, paths: [path] };
  return prepareSource({ ...text, role: 'web', format: 'auto', card: undefined, data }, { unitBytes: 4000 });
}

/** What lies in the cache, by name. */
function cached(output: string): Map<string, string> {
  const folder = join(output, 'cache');
  const [own] = readdirSync(folder);
  return new Map(
    readdirSync(join(folder, own!))
      .sort()
      .map((name) => [name, readFileSync(join(folder, own!, name), 'latin1')]),
  );
}

beforeAll(async () => {
  await writeByteTokenizer(scratch);
  tokenizer = await loadTokenizer(join(scratch, 'byte-tokens'));
});

describe('a share of units', () => {
  let units: SourceUnit[];
  beforeAll(async () => {
    // More than a thousand records: as many as judge a source.
    const line = (i: number): string =>
      JSON.stringify({ id: `d${i}`, text: tinyText('web', i, 20 + (i % 40)) });
    const prepared = await prepareLines(Array.from({ length: 1200 }, (_, i) => line(i)));
    units = (await prepared.parcels().next()).value!.units;
    await tokeniseSources({ ...request(prepared, join(scratch, 'whole'), { workers: 1 }), part: false });
    expect(units.length).toBeGreaterThan(12);
  });

  test('leaves whole files only when it is drained, by one thread and by two; others do the rest', async () => {
    const whole = cached(join(scratch, 'whole'));
    for (const workers of [1, 2]) {
      const output = join(scratch, `drained-${workers}`);
      const drain = new AbortController();
      const emit: TokeniseRequest['emit'] = (event) => {
        if (event.kind === 'progress' && (event.numbers?.tokens ?? 0) > 0) drain.abort();
      };
      const first = request(queued(text, 'files', units.slice(0, 12)), output, {
        workers,
        inPlaceBytes: 0,
        emit,
        drain: drain.signal,
      });
      await tokeniseUnits(first);
      const half = cached(output);
      expect(half.size).toBeGreaterThan(0);
      expect(half.size).toBeLessThan(12);
      for (const [name, bytes] of half) expect(bytes).toBe(whole.get(name));
      // What another share may be about to finish.
      const [own] = readdirSync(join(output, 'cache'));
      writeFileSync(join(output, 'cache', own!, 'other.tokens.tmp-1-0-0'), 'half');
      await tokeniseUnits(request(queued(text, 'files', units.slice(12)), output, { workers }));
      await tokeniseUnits(request(queued(text, 'files', units.slice(0, 12)), output, { workers }));
      const { 'other.tokens.tmp-1-0-0': left, ...rest } = Object.fromEntries(cached(output));
      expect(left).toBe('half');
      expect(rest).toEqual(Object.fromEntries(whole));
    }
  });

  test('begins nothing when it was drained before', async () => {
    const output = join(scratch, 'never');
    await tokeniseUnits(
      request(queued(text, 'files', units), output, { drain: AbortSignal.abort(), workers: 1 }),
    );
    expect(() => readdirSync(join(output, 'cache'))).toThrow();
  });

  test('without any text is no error: the source may have some elsewhere', async () => {
    const wordless = queued({ ...text, columns: { text: 'words' } }, 'files', units);
    const output = join(scratch, 'wordless');
    await tokeniseUnits(request(wordless, output, { workers: 1 }));
    expect(cached(output).size).toBe(units.length);
    await expect(tokeniseSources({ ...request(wordless, output), part: false })).rejects.toThrow(
      'gives a text',
    );
  });
});

test('chunks of a generator are made as far as they are needed', async () => {
  const made = {
    name: 'made',
    template: 'question-answer' as const,
    columns: { question: 'question', answer: 'response' },
  };
  const chunk = (first: number): SourceUnit => ({
    id: `generated#${first}`,
    key: `${first}`.padStart(16, '0'),
    bytes: 0,
    generate: { generator: 'arithmetic', kind: 'qa', count: 200, seed: 3 },
    first,
    count: 50,
  });
  const chunks = [0, 50, 100, 150].map(chunk);
  const source = queued(made, 'generated', chunks);
  await tokeniseUnits(request(source, join(scratch, 'made-all'), { workers: 1 }));
  const all = cached(join(scratch, 'made-all'));
  expect(all.size).toBe(4);
  for (const workers of [1, 2]) {
    const output = join(scratch, `made-${workers}`);
    await tokeniseUnits(request(source, output, { workers, inPlaceBytes: 0, needs: [2000] }));
    const enough = cached(output);
    expect([...enough.keys()].map((name) => name.split('-')[0])).toEqual(['generated#0', 'generated#50']);
    for (const [name, bytes] of enough) expect(bytes).toBe(all.get(name));
  }
});
