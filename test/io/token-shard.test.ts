/**
 * Token shards byte for byte, against bytes written here by hand from the format's description, and read back.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, UserError } from '../../src/core/errors.ts';
import { metricTokens } from '../../src/io/metric-tokens.ts';
import { openTokenShard, provenancePath, TokenShardWriter } from '../../src/io/token-shard.ts';
import { readWhole, tableValues } from './parquet-rows.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
const hex = (path: string): string => readFileSync(path).toString('hex');

describe('TokenShardWriter', () => {
  it('writes uint16 tokens, uint64 ends, three lines and a loss byte per token', async () => {
    const path = join(folder, '00000_00000_shuffled.ds');
    const writer = new TokenShardWriter(path, { tokenizerName: 'gpt2', vocabSize: 50257, lossMask: true });
    await writer.add([1, 2, 50256], { docId: 'a', source: 'web', url: 'https://a' });
    await writer.add(Uint32Array.of(258), { docId: 'b', source: 'qa', loss: [0] });
    await writer.add([3, 4], { docId: 'c', source: 'qa', url: null, loss: [false, true] });
    const done = await writer.finish();
    expect(hex(path)).toBe('0100' + '0200' + '50c4' + '0201' + '0300' + '0400');
    expect(hex(`${path}.index`)).toBe('0300000000000000' + '0400000000000000' + '0600000000000000');
    expect(readFileSync(`${path}.metadata`, 'utf8')).toBe('gpt2|2\n6\n6.00 T');
    expect(hex(`${path}.loss`)).toBe('010101' + '00' + '0001');
    expect(done).toMatchObject({ tokens: 6, documents: 3, bytes: 12 });
    expect(Object.keys(done.files)).toEqual(['.ds', '.ds.index', '.ds.loss', '.provenance.parquet']);
    const { batches } = await readWhole(provenancePath(path));
    expect(tableValues(batches)).toEqual({
      start: ['0n', '3n', '4n'],
      end: ['3n', '4n', '6n'],
      id: ['a', 'b', 'c'],
      source: ['web', 'qa', 'qa'],
      url: ['https://a', null, null],
      offset: ['0n', '0n', '0n'],
      pass: [0, 0, 0],
    });
  });

  it('writes uint32 tokens for a vocabulary above 65,536 and uint16 for exactly that many', async () => {
    const path = join(folder, 'llama.ds');
    const writer = new TokenShardWriter(path, {
      tokenizerName: 'meta-llama/Llama-3.2-1B',
      vocabSize: 128_256,
    });
    await writer.add([128_000, 65_535], { docId: 'a', source: 'web' });
    await writer.finish();
    expect(hex(path)).toBe('00f40100' + 'ffff0000');
    expect(readFileSync(`${path}.metadata`, 'utf8')).toBe('meta-llama/Llama-3.2-1B|4\n2\n2.00 T');
    expect(existsSync(`${path}.loss`)).toBe(false);
    expect(
      new TokenShardWriter(join(folder, 'x.ds'), { tokenizerName: 't', vocabSize: 65_536 }).tokenBytes,
    ).toBe(2);
  });

  it('refuses tokens outside the vocabulary, empty documents and unusable names', async () => {
    const writer = new TokenShardWriter(join(folder, 'bad.ds'), { tokenizerName: 't', vocabSize: 100 });
    await expect(writer.add([100], { docId: 'a', source: 's' })).rejects.toThrow(
      /token 100, outside the vocabulary of 100/,
    );
    await expect(writer.add([-1], { docId: 'a', source: 's' })).rejects.toThrow(UserError);
    await expect(writer.add([], { docId: 'a', source: 's' })).rejects.toThrow(/no tokens/);
    await writer.abort();
    expect(() => new TokenShardWriter(join(folder, 'x.bin'), { tokenizerName: 't', vocabSize: 1 })).toThrow(
      UserError,
    );
    expect(() => new TokenShardWriter(join(folder, 'x.ds'), { tokenizerName: 'a|b', vocabSize: 1 })).toThrow(
      UserError,
    );
  });

  it('leaves no file under a final name when it is aborted', async () => {
    const writer = new TokenShardWriter(join(folder, 'aborted.ds'), { tokenizerName: 't', vocabSize: 10 });
    for (let i = 0; i < 100; i++)
      await writer.add(new Uint32Array(20_000).fill(i % 10), { docId: `${i}`, source: 's' });
    await writer.abort();
    expect(readdirSync(folder).filter((name) => name.startsWith('aborted'))).toEqual([]);
  });
});

describe('openTokenShard', () => {
  it('reads back any documents, from any place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(299), { minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (documents, wide) => {
          const path = join(folder, 'property.ds');
          const writer = new TokenShardWriter(path, {
            tokenizerName: 't',
            vocabSize: wide ? 70_000 : 300,
            lossMask: wide,
          });
          for (const [i, tokens] of documents.entries())
            await writer.add(tokens, { docId: `${i}`, source: 's' });
          await writer.finish();
          const shard = await openTokenShard(path);
          const all = documents.flat();
          expect(shard.tokenCount).toBe(all.length);
          expect(Array.from(await shard.read(0, all.length))).toEqual(all);
          const start = all.length >> 1;
          expect(Array.from(await shard.read(start, all.length - start))).toEqual(all.slice(start));
          expect(Array.from(await shard.readLoss(start, 1))).toEqual([1]);
          let end = 0;
          expect([...shard.documentEnds]).toEqual(documents.map((tokens) => (end += tokens.length)));
          await shard.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('says which part does not fit', async () => {
    const path = join(folder, 'parts.ds');
    const make = async (): Promise<void> => {
      const writer = new TokenShardWriter(path, { tokenizerName: 't', vocabSize: 10 });
      await writer.add([1, 2, 3], { docId: 'a', source: 's' });
      await writer.finish();
    };
    const damages: [string, Buffer, RegExp][] = [
      ['', Buffer.from([1, 0, 2]), /has 3 bytes; its metadata says 6/],
      ['.index', Buffer.alloc(7), /7 bytes, not a multiple of 8/],
      ['.index', Buffer.alloc(8), /the last document ends at token 0 of 3/],
      ['.metadata', Buffer.from('t\n3'), /is not "tokenizer\|bytes"/],
    ];
    for (const [suffix, bytes, pattern] of damages) {
      await make();
      writeFileSync(path + suffix, bytes);
      await expect(openTokenShard(path)).rejects.toThrow(pattern);
      await expect(openTokenShard(path)).rejects.toThrow(InputError);
    }
    await expect(openTokenShard(join(folder, 'none.ds'))).rejects.toThrow(InputError);
  });
});

describe('metricTokens', () => {
  it('writes what humanize.metric writes', () => {
    // Computed with humanize 4.17: humanize.metric(n, unit="T").
    const expected: [number, string][] = [
      [0, '0.00 T'],
      [5, '5.00 T'],
      [42, '42.0 T'],
      [800, '800 T'],
      [999, '999 T'],
      [1000, '1.00 kT'],
      [1500, '1.50 kT'],
      [12_250, '12.2 kT'],
      [100_500, '100 kT'],
      [101_500, '102 kT'],
      [9996, '10.0 kT'],
      [999_999, '1.00 MT'],
      [1_000_000, '1.00 MT'],
      [1_255_000, '1.25 MT'],
      [2_675_000, '2.67 MT'],
      [20_000_000_000, '20.0 GT'],
      [1_234_567_890_123, '1.23 TT'],
    ];
    for (const [n, text] of expected) expect(metricTokens(n)).toBe(text);
  });
});
