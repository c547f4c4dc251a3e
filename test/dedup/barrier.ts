/** The whole dedup path over documents in memory: sign, write files, compare in parts, cluster, read back. For tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterDocuments } from '../../src/dedup/cluster-documents.ts';
import { readClusterFile } from '../../src/dedup/cluster-file.ts';
import type { DocumentSigner } from '../../src/dedup/document-signature.ts';
import { findEdges } from '../../src/dedup/find-edges.ts';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { SignatureWriter } from '../../src/dedup/signature-writer.ts';

export const scratch = mkdtempSync(join(tmpdir(), 'midtrain-dedup-'));
export const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
let runs = 0;

export interface Barrier {
  folder: string;
  signatures: string[];
  edges: string[];
  clusters: string[];
  parts: number;
}

/** Names of the files that a run over `units` units would have. */
export function pathsIn(folder: string, units: number): { signatures: string[]; clusters: string[] } {
  const of = (end: string): string[] => Array.from({ length: units }, (_, i) => join(folder, `${i}.${end}`));
  return { signatures: of('signatures'), clusters: of('clusters') };
}

export function newFolder(): string {
  return mkdtempSync(join(scratch, `${runs++}-`));
}

/** `order`: in which order parts are worked on and edge files read. */
export async function runBarrier(
  units: readonly (readonly string[])[],
  signer: DocumentSigner,
  options: { memoryBytes?: number; order?: 'forward' | 'backward'; drain?: boolean } = {},
): Promise<Barrier> {
  const folder = newFolder();
  const { signatures, clusters } = pathsIn(folder, units.length);
  for (const [i, texts] of units.entries()) {
    const writer = new SignatureWriter(signer);
    const pieces: Uint8Array[] = [];
    texts.forEach((text, index) => {
      const words = signer.sign(text);
      if (words !== undefined) writer.add(index, words);
      if (options.drain === true) pieces.push(...writer.drain());
    });
    writeFileSync(signatures[i]!, Buffer.concat([...pieces, ...writer.finish()]));
  }
  const documents = units.map((texts) => texts.length);
  const parts = planParts(
    documents.reduce((a, b) => a + b, 0),
    signer.bands,
    options.memoryBytes,
  );
  if (options.order === 'backward') parts.reverse();
  const edges: string[] = [];
  for (const [i, part] of parts.entries()) {
    const output = join(folder, `${i}.edges`);
    await findEdges({ part, tag: signer.tag, files: signatures, documents, output });
    edges.push(output);
  }
  await clusterDocuments({ edgeFiles: edges, documents, outputs: clusters });
  return { folder, signatures, edges, clusters, parts: parts.length };
}

/** For each unit and document the cluster it is in, -1 if in none. */
export function clustersOf(barrier: Barrier): number[][] {
  return barrier.clusters.map((path) => {
    const { documents, index, cluster } = readClusterFile(path);
    const found = new Array<number>(documents).fill(-1);
    index.forEach((document, at) => {
      found[document] = cluster[at]!;
    });
    return found;
  });
}
