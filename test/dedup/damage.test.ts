/** Intermediate files cut short, grown, or with a bit flipped are refused by name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { initHash64 } from '../../src/core/hash64.ts';
import { clusterDocuments } from '../../src/dedup/cluster-documents.ts';
import { readClusterFile } from '../../src/dedup/cluster-file.ts';
import { exactSigner } from '../../src/dedup/document-signature.ts';
import { findEdges } from '../../src/dedup/find-edges.ts';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { viewClusters } from '../../src/dedup/view-clusters.ts';
import { type Barrier, newFolder, removeScratch, runBarrier } from './barrier.ts';

let whole: Barrier;
const units = [
  Array.from({ length: 200 }, (_, i) => `text ${i % 150}`),
  Array.from({ length: 30 }, (_, i) => `text ${i}`),
];
const documents = units.map((unit) => unit.length);

beforeAll(async () => {
  await initHash64();
  whole = await runBarrier(units, exactSigner(), { memoryBytes: 4000 });
});
afterAll(removeScratch);

/** Reads what a step of the barrier reads, with one of its files damaged; answers what it threw. */
async function readDamaged(kind: keyof typeof kinds, damage: (bytes: Buffer) => Buffer): Promise<unknown> {
  const folder = newFolder();
  const path = kinds[kind](whole);
  const copy = join(folder, basename(path));
  writeFileSync(copy, damage(readFileSync(path)));
  const files = whole[kind].map((file) => (file === path ? copy : file));
  try {
    if (kind === 'signatures') {
      const { tag, bands } = exactSigner();
      const parts = planParts(documents[0]! + documents[1]!, bands, 4000);
      for (const part of parts)
        await findEdges({ part, tag, files, documents, output: join(folder, 'edges') });
    } else if (kind === 'edges') {
      const outputs = units.map((_, i) => join(folder, `${i}.clusters`));
      await clusterDocuments({ edgeFiles: files, documents, outputs });
    } else {
      for (const file of files) readClusterFile(file);
      viewClusters(files);
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

const kinds = {
  signatures: (barrier: Barrier) => barrier.signatures[0]!,
  edges: (barrier: Barrier) => barrier.edges[1]!,
  clusters: (barrier: Barrier) => barrier.clusters[0]!,
};
const kindNames = Object.keys(kinds) as (keyof typeof kinds)[];

function expectRefused(error: unknown, path: string): void {
  expect(error).toBeInstanceOf(InputError);
  expect((error as InputError).message).toContain(basename(path));
  expect((error as InputError).hint).toMatch(/run again/);
}

describe('damaged intermediate files', () => {
  it.each(kindNames)('accepts %s that are whole', async (kind) => {
    expect(await readDamaged(kind, (bytes) => bytes)).toBeUndefined();
  });

  it.each(kindNames)('refuses %s with any bit flipped', async (kind) => {
    const path = kinds[kind](whole);
    const { length } = readFileSync(path);
    const step = Math.max(1, Math.floor(length / 80));
    for (let at = 0; at < length; at += step) {
      const error = await readDamaged(kind, (bytes) => {
        bytes[at]! ^= 1 << (at % 8);
        return bytes;
      });
      if (error === undefined) throw new Error(`byte ${at} of ${length} of ${path}`);
      expectRefused(error, path);
    }
  });

  it.each(kindNames)('refuses %s of any wrong size', async (kind) => {
    const path = kinds[kind](whole);
    const { length } = readFileSync(path);
    for (const size of [0, 1, 15, 16, 40, 159, 160, 200, length >> 1, length - 16, length - 8, length - 1]) {
      if (size >= length) continue;
      expectRefused(await readDamaged(kind, (bytes) => bytes.subarray(0, size)), path);
    }
    for (const more of [1, 8, 16, 160]) {
      expectRefused(await readDamaged(kind, (bytes) => Buffer.concat([bytes, Buffer.alloc(more)])), path);
    }
  });

  it('refuses signatures made with other settings, and says which', async () => {
    const task = {
      part: planParts(1, 1)[0]!,
      files: whole.signatures,
      documents,
      output: join(newFolder(), 'e'),
    };
    await expect(findEdges({ ...task, tag: 'minhash-1 other' })).rejects.toThrow(
      /"exact-1", expected "minhash-1 other"/,
    );
  });

  it('refuses a file that is not there, and numbers beyond the unit', async () => {
    const { tag } = exactSigner();
    const task = { part: planParts(1, 1)[0]!, tag, output: join(newFolder(), 'e') };
    await expect(findEdges({ ...task, files: [join(whole.folder, 'none')], documents })).rejects.toThrow(
      /none.*cannot be opened/,
    );
    await expect(findEdges({ ...task, files: whole.signatures, documents: [200, 29] })).rejects.toThrow(
      /document 29 of a unit of 29/,
    );
    const outputs = [join(newFolder(), 'c')];
    await expect(clusterDocuments({ edgeFiles: whole.edges, documents: [100], outputs })).rejects.toThrow(
      /edges: names document/,
    );
  });
});
