/** Clusters from signatures: against the plain definition, for any cutting into parts, any order and any number of units. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { clusterDocuments } from '../../src/dedup/cluster-documents.ts';
import { readClusterFile } from '../../src/dedup/cluster-file.ts';
import { type DocumentSigner, exactSigner } from '../../src/dedup/document-signature.ts';
import { findEdges } from '../../src/dedup/find-edges.ts';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { SignatureWriter } from '../../src/dedup/signature-writer.ts';
import { viewClusters } from '../../src/dedup/view-clusters.ts';
import { type Barrier, clustersOf, newFolder, removeScratch, runBarrier } from './barrier.ts';

beforeAll(() => initHash64());
afterAll(removeScratch);

/** Documents are words of three letters, one letter a band; `-` takes no part. Few letters, so that keys share their range. */
class LetterSigner implements DocumentSigner {
  readonly bands = 3;
  readonly tag = 'letters';

  sign(input: string): Uint32Array | undefined {
    if (input === '-') return undefined;
    // The two halves of a range, equal high words with different low ones, and checks alone different.
    return Uint32Array.from([...input].flatMap((letter) => keys[letter]!));
  }
}
const keys: Record<string, number[]> = {
  a: [0, 0, 0],
  b: [0, 1, 0],
  c: [0, 0, 1],
  d: [2 ** 32 - 1, 2 ** 32 - 1, 5],
  e: [2 ** 31, 7, 7],
  f: [2 ** 31 - 1, 7, 7],
};

/** Quadratic: any two documents that share a band are joined; a cluster has the number of its first document. */
function reference(units: readonly (readonly string[])[]): number[][] {
  const all = units.flat();
  const of = all.map((_, i) => i);
  const shares = (x: string, y: string): boolean =>
    x !== '-' && y !== '-' && [0, 1, 2].some((band) => x[band] === y[band]);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < all.length; i++) {
      for (let j = 0; j < all.length; j++) {
        if (of[i]! < of[j]! && shares(all[i]!, all[j]!)) {
          of[j] = of[i]!;
          changed = true;
        }
      }
    }
  }
  let at = 0;
  return units.map((unit) =>
    unit.map(() => {
      const cluster = of[at++]!;
      return of.filter((other) => other === cluster).length > 1 ? cluster : -1;
    }),
  );
}

const bytesOf = (barrier: Barrier): string[] =>
  barrier.clusters.map((path) => readFileSync(path).toString('hex'));

describe('dedup barrier', () => {
  it('agrees with the definition, whatever the parts and their order', async () => {
    const document = fc.oneof(
      {
        weight: 9,
        arbitrary: fc.string({
          unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
          minLength: 3,
          maxLength: 3,
        }),
      },
      { weight: 1, arbitrary: fc.constant('-') },
    );
    const units = fc.array(fc.array(document, { maxLength: 6 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(units, fc.constantFrom(32, 70, 1 << 20), async (list, memoryBytes) => {
        const signer = new LetterSigner();
        const barrier = await runBarrier(list, signer, { memoryBytes, order: 'backward' });
        expect(clustersOf(barrier)).toEqual(reference(list));
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('writes the same bytes for one part and many, in any order, drained or not', async () => {
    const units = Array.from({ length: 7 }, (_, u) =>
      Array.from({ length: 40 * u }, (_, i) => `text ${(i * i + u * 31) % 97}`),
    );
    const signer = exactSigner();
    const one = await runBarrier(units, signer);
    const many = await runBarrier(units, signer, { memoryBytes: 500, order: 'backward', drain: true });
    expect([one.parts, many.parts]).toEqual([1, 54]);
    expect(bytesOf(many)).toEqual(bytesOf(one));
    for (const [i, path] of one.signatures.entries()) {
      expect(readFileSync(many.signatures[i]!).equals(readFileSync(path))).toBe(true);
    }
  });

  it('does not depend on how documents are cut into units, but for where they are written', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `text ${(i * 7919) % 83}`);
    const signer = exactSigner();
    const whole = clustersOf(await runBarrier([texts], signer))[0]!;
    const cut = clustersOf(
      await runBarrier([texts.slice(0, 1), [], texts.slice(1, 200), texts.slice(200)], signer),
    );
    expect(cut.flat()).toEqual(whole);
  });

  it('keeps exactness across segments, and gives out a segment as soon as it is full', async () => {
    // 70000 documents of which each has one copy 35000 later, but for the last.
    const signer: DocumentSigner = { bands: 1, tag: 't', sign: () => undefined };
    const writer = new SignatureWriter(signer);
    const count = 70_001;
    const pieces: Uint8Array[] = [];
    const words = new Uint32Array(3);
    let drained = 0;
    for (let i = 0; i < count; i++) {
      const same = i % 35_000;
      words.set([Math.imul(same, 0x9e3779b1) >>> 0, same, 0]);
      if (i === 70_000) words.set([1, 2, 3]);
      writer.add(i, words);
      const out = writer.drain();
      if (out.length > 0) drained = i;
      pieces.push(...out);
    }
    expect(drained).toBe(65_536);
    pieces.push(...writer.finish());
    expect(pieces.length).toBe(2);
    const folder = newFolder();
    const [file, output] = [join(folder, 's'), join(folder, 'c')];
    writeFileSync(file, Buffer.concat(pieces));
    const documents = [count];
    const parts = planParts(count, 1, 1 << 20);
    expect(parts.length).toBe(3);
    const edgeFiles: string[] = [];
    for (const [i, part] of parts.entries()) {
      edgeFiles.push(join(folder, `${i}.edges`));
      await findEdges({ part, tag: 't', files: [file], documents, output: edgeFiles[i]! });
    }
    const summary = await clusterDocuments({ edgeFiles, documents, outputs: [output] });
    expect(summary).toMatchObject({ clusters: 35_000, members: 70_000, largest: 2 });
    const { cluster, index, size } = readClusterFile(output);
    expect(index.length).toBe(70_000);
    expect(index.every((document, k) => cluster[k] === document % 35_000 && size[k] === 2)).toBe(true);
  });

  it('sees empty units and no units at all', async () => {
    expect(clustersOf(await runBarrier([], exactSigner()))).toEqual([]);
    expect(clustersOf(await runBarrier([[], [' ']], exactSigner()))).toEqual([[], [-1]]);
  });

  it('refuses more documents than numbers', async () => {
    const task = { edgeFiles: [], documents: [2 ** 31, 2 ** 31], outputs: [] };
    await expect(clusterDocuments(task)).rejects.toThrow(/4294967296 documents/);
  });
});

describe('planParts', () => {
  it('covers every key of every band once', () => {
    for (const [documents, bands, memory] of [
      [0, 1, 64],
      [1000, 3, 640],
      [1e9, 14, 1 << 26],
      [1e9, 1, 1 << 20],
    ] as const) {
      const parts = planParts(documents, bands, memory);
      for (let band = 0; band < bands; band++) {
        const own = parts.filter((part) => part.band === band);
        expect(own[0]!.from).toBe(0);
        expect(own.at(-1)!.to).toBe(2 ** 32);
        expect(own.every((part, i) => part.to > part.from && (i === 0 || part.from === own[i - 1]!.to))).toBe(
          true,
        );
      }
      expect(parts.length).toBe(bands * Math.max(1, Math.ceil((documents * 32) / memory)));
    }
  });

  it('makes parts small enough for a cache while they are few', () => {
    expect(planParts(60_000, 14).length).toBe(14);
    expect(planParts(1_000_000, 14).length).toBe(14 * 16);
    expect(planParts(50_000_000, 14).length).toBe(14 * 32);
    expect(planParts(1_000_000_000, 1).length).toBe(477);
  });
});

describe('viewClusters', () => {
  it('shows the largest clusters first, with their documents, a page at a time', async () => {
    const units = [['a', 'b', 'c', 'd', 'd'], ['c', 'x', 'b', 'c', 'y'], [], ['c', 'd', 'y']];
    const { clusters } = await runBarrier(units, exactSigner());
    const members = (pairs: [number, number][]) => pairs.map(([unit, index]) => ({ unit, index }));
    const all = [
      {
        cluster: 2,
        size: 4,
        members: members([
          [0, 2],
          [1, 0],
          [1, 3],
          [3, 0],
        ]),
      },
      {
        cluster: 3,
        size: 3,
        members: members([
          [0, 3],
          [0, 4],
          [3, 1],
        ]),
      },
      {
        cluster: 1,
        size: 2,
        members: members([
          [0, 1],
          [1, 2],
        ]),
      },
      {
        cluster: 9,
        size: 2,
        members: members([
          [1, 4],
          [3, 2],
        ]),
      },
    ];
    expect(viewClusters(clusters)).toEqual(all);
    expect(viewClusters(clusters, { skip: 1, limit: 2 })).toEqual(all.slice(1, 3));
    expect(viewClusters(clusters, { limit: 1, members: 2 })).toEqual([
      { ...all[0], members: all[0]!.members.slice(0, 2) },
    ]);
    expect(viewClusters(clusters, { limit: 0 })).toEqual([]);
    expect(viewClusters([])).toEqual([]);
  });

  it('orders any sizes as a sort does', async () => {
    const texts = Array.from({ length: 60 }, (_, k) =>
      Array.from({ length: (k * 37) % 11 }, () => `t${k}`),
    ).flat();
    const { clusters } = await runBarrier([texts], exactSigner());
    const all = viewClusters(clusters, { limit: 1000 });
    const sorted = all.toSorted((a, b) => b.size - a.size || a.cluster - b.cluster);
    expect(all).toEqual(sorted);
    for (let limit = 1; limit < 30; limit += 7)
      expect(viewClusters(clusters, { limit })).toEqual(all.slice(0, limit));
  });
});
