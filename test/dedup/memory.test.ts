/** What dedup holds in memory: at most 32 bytes a document, whatever the number of duplicates, and a table that a plan bounds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { clusterDocuments } from '../../src/dedup/cluster-documents.ts';
import { type DocumentSigner, minHashSigner } from '../../src/dedup/document-signature.ts';
import { findEdges } from '../../src/dedup/find-edges.ts';
import { BestCopies } from '../../src/dedup/keep-best.ts';
import { minHashPresets } from '../../src/dedup/minhash-config.ts';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { SignatureWriter } from '../../src/dedup/signature-writer.ts';
import { newFolder, removeScratch } from './barrier.ts';

beforeAll(() => initHash64());
afterAll(removeScratch);

const held = (): number => process.memoryUsage().arrayBuffers;
const slack = 4 << 20;

describe('memory of dedup', () => {
  it('is 8 bytes a document for clusters', async () => {
    const documents = [1_000_000, 2_000_000];
    const folder = newFolder();
    const before = held();
    let most = 0;
    const outputs = documents.map((_, i) => join(folder, `${i}`));
    await clusterDocuments({ edgeFiles: [], documents, outputs }, () => {
      most = Math.max(most, held() - before);
    });
    // Less than it takes, since what was garbage before may go meanwhile; but the measurement must see the arrays.
    expect(most).toBeGreaterThanOrEqual(4 * 3_000_000);
    expect(most).toBeLessThanOrEqual(8 * 3_000_000 + slack);
  });

  it('is at most 32 bytes a document for the choice of copies, if all are in pairs', () => {
    const before = held();
    const best = new BestCopies(500_000);
    for (let i = 0; i < 1_000_000; i++) best.offer(i - (i % 2), 0, i, i % 2);
    expect(best.isBest(0, 0, 1)).toBe(true);
    expect(held() - before).toBeLessThanOrEqual(32_000_000);
  });

  it('is bounded by the plan for a part, even if one signature is everywhere', async () => {
    const signer: DocumentSigner = { bands: 1, tag: 't', sign: () => undefined };
    const writer = new SignatureWriter(signer);
    const count = 200_000;
    const words = Uint32Array.from([5, 6, 7]);
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      writer.add(i, words);
      pieces.push(...writer.drain());
    }
    const folder = newFolder();
    const file = join(folder, 's');
    writeFileSync(file, Buffer.concat([...pieces, ...writer.finish()]));
    const parts = planParts(count, 1, 100_000);
    const before = held();
    let most = 0;
    for (const [i, part] of parts.entries()) {
      const output = join(folder, `${i}`);
      const { edges } = await findEdges({ part, tag: 't', files: [file], documents: [count], output }, () => {
        most = Math.max(most, held() - before);
      });
      expect(edges).toBe(part.from <= 5 && part.to > 5 ? count - 1 : 0);
    }
    // A slice is at most one segment: 65536 entries of 16 bytes; several may wait for the garbage collector.
    expect(most).toBeLessThanOrEqual(16 << 20);
  });

  it('does not grow with the length of a text for a MinHash signature', () => {
    const signer = minHashSigner(minHashPresets.datatrove);
    signer.sign('a few words to begin with');
    const text = 'some words again and again, '.repeat(60_000);
    const before = held();
    signer.sign(text);
    signer.sign('x'.repeat(3_000_000));
    signer.sign('a few words to begin with');
    // The code units of the longest text may be kept (src/text/code-units.ts), and what it grew to until it is collected.
    expect(held() - before).toBeLessThanOrEqual(24 << 20);
  });
});
