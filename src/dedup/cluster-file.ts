/**
 * The clusters of one unit on disk: for each document that has a duplicate somewhere its index, the size of its cluster and the cluster's
 * number, which is the number (document-numbers.ts) of the cluster's first document. Ascending by index. The file also says how many
 * documents the unit has, so the files alone, in unit order, give every number its unit and index.
 */
import { invariant } from '../core/errors.ts';
import { type RecordKind, readRecords } from './record-file.ts';

export const clusterFile: RecordKind = { magic: 'mtclus1\n', recordBytes: 16, name: 'cluster file' };

export interface UnitClusters {
  /** Documents of the unit, with duplicates or without. */
  documents: number;
  /** Of those with duplicates: which document of the unit, ascending. */
  index: Uint32Array;
  /** Number of the first document of its cluster. */
  cluster: Float64Array;
  /** Documents in the cluster, itself included; 2 or more. */
  size: Uint32Array;
}

/** Reads a unit's clusters whole. Throws an InputError on damage. Needs `initHash64` awaited. */
export function readClusterFile(path: string): UnitClusters {
  const chunks: { words: Uint32Array; doubles: Float64Array }[] = [];
  const { records, number } = readRecords(path, clusterFile, (words, doubles) => {
    chunks.push({ words: words.slice(), doubles: doubles.slice() });
  });
  const found = {
    documents: number,
    index: new Uint32Array(records),
    cluster: new Float64Array(records),
    size: new Uint32Array(records),
  };
  let at = 0;
  for (const { words, doubles } of chunks) {
    for (let k = 0; k < words.length; k += 4, at++) {
      found.index[at] = words[k]!;
      found.size[at] = words[k + 1]!;
      found.cluster[at] = doubles[k / 2 + 1]!;
    }
  }
  invariant(at === records, 'a cluster file gives as many records as it has');
  return found;
}
