/**
 * Our token shards and datatrove's are the same: recorded bytes that its writer made, and, where a Python with datatrove and torch is
 * found, its dataset classes reading our mixtures and its tokenizer and merger against our writer (test/oracles/datatrove-shards.py).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MixturePlan } from '../../mixtures/plan.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { openTokenShard, TokenShardWriter } from '../../src/io/token-shard.ts';
import { mix } from '../../src/stages/mix.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { writeByteTokenizer, writeTinyRecipe } from '../stages/tiny-mix.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
const script = join(packageRoot(), 'test/oracles/datatrove-shards.py');

/** The Python that has datatrove and torch, or why there is none. */
function findPython(): { python: string } | string {
  const named = process.env.MIDTRAIN_PEER_PYTHON ?? join(homedir(), '.cache/midtrain/peers/bin/python');
  const asked = spawnSync(named, ['-c', 'import datatrove, torch, tokenizers'], { encoding: 'utf8' });
  return asked.status === 0 ? { python: named } : `${named} cannot import datatrove, torch and tokenizers`;
}

const peer = findPython();
if (typeof peer === 'string') console.warn(`skipped: datatrove reading our shards (${peer})`);

function datatrove<T>(...args: string[]): T {
  const { python } = peer as { python: string };
  const done = spawnSync(python, [script, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as T;
}

interface Fixture {
  datatrove: string;
  cases: {
    name: string;
    vocabSize: number;
    documents: number[][];
    loss: number[][];
    files: Record<string, string>;
  }[];
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/datatrove-shards.json'), 'utf8'),
) as Fixture;

test.each(recorded.cases)(
  `the bytes for $name are those that datatrove ${recorded.datatrove} wrote`,
  async ({ name, vocabSize, documents, loss, files }) => {
    const own = mkdtempSync(join(folder, 'recorded-'));
    const writer = new TokenShardWriter(join(own, '00000.ds'), {
      tokenizerName: name,
      vocabSize,
      lossMask: true,
    });
    for (const [i, tokens] of documents.entries())
      await writer.add(tokens, { docId: String(i), source: 's', loss: loss[i] });
    await writer.finish();
    for (const [file, hex] of Object.entries(files))
      expect(readFileSync(join(own, file)).toString('hex')).toBe(hex);
  },
);

interface ReadBack {
  sequences: number;
  windows: number[][];
  positions: number[][];
  files: { name: string; sequences: number; windows: number[][]; loss: number[] | null }[];
}

describe.skipIf(typeof peer === 'string')('datatrove', () => {
  const cases = [
    { packing: 'concatenate', vocabSize: 257, width: 2 },
    { packing: 'best-fit', vocabSize: 257, width: 2 },
    { packing: 'concatenate', vocabSize: 70_000, width: 4 },
    { packing: 'best-fit', vocabSize: 70_000, width: 4 },
  ] as const;
  const mixed: { shards: string; plan: MixturePlan; read: ReadBack }[] = [];

  // One process for all: starting torch takes seconds.
  beforeAll(async () => {
    const made: Omit<(typeof mixed)[number], 'read'>[] = [];
    for (const { packing, vocabSize } of cases) {
      const own = mkdtempSync(join(folder, 'mix-'));
      await writeByteTokenizer(own, vocabSize);
      const lengths = (n: number, f: number) => Array.from({ length: n }, (_, i) => 2 + ((i * f) % 97));
      const loaded = writeTinyRecipe(own, {
        sequenceLength: 63,
        budget: 20_000,
        fill: 'web',
        sources: {
          web: { role: 'web', lengths: lengths(300, 37) },
          qa: { role: 'qa', weight: 0.3, lengths: lengths(150, 13) },
        },
      });
      const output = join(own, 'out');
      // Several shards: datatrove must go on from one to the next.
      const { plan } = await mix({ loaded, cwd: own, output, packing, shardTokens: 6400, workers: 1 });
      made.push({ shards: join(output, 'shards'), plan });
    }
    const asked = made.map(({ shards }, i) => `${shards}=${cases[i]!.width}`);
    const answers = datatrove<ReadBack[]>('read', '63', ...asked);
    mixed.push(...made.map((one, i) => ({ ...one, read: answers[i]! })));
  });

  test.each(cases.map((one, i) => ({ ...one, i })))(
    'opens a mixture ($packing, vocabulary of $vocabSize) and sees the same tokens, documents and padding',
    async ({ packing, width, i }) => {
      const { shards, plan, read } = mixed[i]!;
      expect(read.sequences).toBe(plan.sequences);
      const names = readdirSync(shards).filter((name) => name.endsWith('.ds'));
      expect(read.files.map((file) => file.name)).toEqual(names);
      expect(names.length).toBeGreaterThan(3);
      let window = 0;
      let padding = 0;
      for (const { name, sequences, windows, loss } of read.files) {
        const shard = await openTokenShard(join(shards, name));
        expect(shard.tokenBytes).toBe(width);
        expect(sequences).toBe(shard.tokenCount / 64);
        const masks = packing === 'best-fit' ? [...(await shard.readLoss(0, shard.tokenCount))] : null;
        expect(loss).toEqual(masks);
        padding += (loss ?? []).filter((x) => x === 0).length;
        const ends = new Set(shard.documentEnds);
        for (let s = 0; s < sequences; s++, window++) {
          const ours = [...(await shard.read(s * 64, 64))];
          expect(windows[s]).toEqual(ours);
          expect(read.windows[window]).toEqual(ours);
          // Positions as datatrove counts them: from 0 at the start of each entry of the index.
          let at = 0;
          const positions = ours.map((_, k) => {
            at = k === 0 || ends.has(s * 64 + k) ? 0 : at + 1;
            return at;
          });
          expect(read.positions[window]).toEqual(positions);
        }
        await shard.close();
      }
      expect(padding).toBe(plan.paddingTokens);
      expect(padding > 0).toBe(packing === 'best-fit');
    },
  );

  test('its tokenizer and merger write the bytes that ours write for the same documents', async () => {
    const own = mkdtempSync(join(folder, 'datatrove-'));
    await writeByteTokenizer(own);
    const json = join(own, 'byte-tokens/tokenizer.json');
    const texts = Array.from(
      { length: 101 },
      (_, i) => `Page ${i}: ${'π is 3.14, x² = y. '.repeat(i % 7)}\n`,
    );
    writeFileSync(join(own, 'docs.jsonl'), texts.map((text) => JSON.stringify({ text })).join('\n'));
    const { files } = datatrove<{ files: string[] }>(
      'tokenize',
      json,
      join(own, 'docs.jsonl'),
      join(own, 'out'),
    );
    expect(files).toContain('merged/000_merged.ds.index');
    const tokenizer = await loadTokenizer(json);
    const write = async (name: string, order: readonly string[]) => {
      const writer = new TokenShardWriter(join(own, name), {
        tokenizerName: json,
        vocabSize: tokenizer.vocabSize,
        lossMask: true,
      });
      for (const [i, text] of order.entries())
        await writer.add([...tokenizer.encode(text), tokenizer.eosId!], { docId: String(i), source: 's' });
      await writer.finish();
    };
    const rank = (r: number) => texts.filter((_, i) => i % 2 === r);
    await write('rank0.ds', rank(0));
    await write('rank1.ds', rank(1));
    await write('merged.ds', [...rank(0), ...rank(1)]);
    for (const [ours, theirs] of [
      ['rank0', 'ranks/00000_unshuffled'],
      ['rank1', 'ranks/00001_unshuffled'],
      ['merged', 'merged/000_merged'],
    ])
      for (const part of ['.ds', '.ds.index', '.ds.loss', '.ds.metadata'])
        expect(
          readFileSync(join(own, `${ours}${part}`)).equals(
            readFileSync(join(own, 'out', `${theirs}${part}`)),
          ),
        ).toBe(true);
  });
});
