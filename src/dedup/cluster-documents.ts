/**
 * From edges to clusters: union-find over document numbers, then one `.clusters` file a unit.
 *
 * A root is always the smallest number of its set, so that the result depends neither on the order of edges nor on which edges connect
 * a set: any cutting into parts and any number of workers give the same bytes. Finding halves the path; n documents and m edges
 * cost O((n + m) log n) at worst, nearly linear in practice. Memory: 8 bytes a document (parent and size), everything else on disk. Source:
 * Tarjan and van Leeuwen 1984 (path halving).
 */
import { clusterFile } from './cluster-file.ts';
import { firstNumbers } from './document-numbers.ts';
import { edgeFile } from './find-edges.ts';
import { RecordWriter, readRecords, type WrittenRecords } from './record-file.ts';
import { damaged } from './signature-reader.ts';

export interface ClusterTask {
  /** In any order. */
  edgeFiles: readonly string[];
  /** Documents of each unit. */
  documents: readonly number[];
  /** Path of each unit's cluster file. */
  outputs: readonly string[];
}

export interface ClusterSummary {
  /** Clusters of two or more documents. */
  clusters: number;
  /** Documents in them. */
  members: number;
  /** Documents in the largest, 0 without any. */
  largest: number;
  /** One file a unit. */
  files: WrittenRecords[];
}

/** Writes the cluster files. `onFile` is called after each file read or written. Needs `initHash64` awaited. */
export async function clusterDocuments(task: ClusterTask, onFile?: () => void): Promise<ClusterSummary> {
  const first = firstNumbers(task.documents);
  const total = first[task.documents.length]!;
  const parent = new Uint32Array(total);
  for (let i = 0; i < total; i++) parent[i] = i;
  for (const path of task.edgeFiles) {
    readRecords(path, edgeFile, (words) => {
      for (let at = 0; at < words.length; at += 2) {
        if (words[at]! >= total || words[at + 1]! >= total) {
          throw damaged(path, `names document ${Math.max(words[at]!, words[at + 1]!)} of ${total}`);
        }
        unite(parent, words[at]!, words[at + 1]!);
      }
    });
    onFile?.();
  }
  const sizes = new Uint32Array(total);
  for (let i = 0; i < total; i++) sizes[rootOf(parent, i)]!++;
  const summary: ClusterSummary = { clusters: 0, members: 0, largest: 0, files: [] };
  for (const size of sizes) {
    if (size < 2) continue;
    summary.clusters++;
    summary.members += size;
    summary.largest = Math.max(summary.largest, size);
  }
  for (const [unit, path] of task.outputs.entries()) {
    const offset = first[unit]!;
    const writer = await RecordWriter.create(path, clusterFile, task.documents[unit]!);
    try {
      for (let index = 0; index < task.documents[unit]!; index++) {
        const root = rootOf(parent, offset + index);
        if (sizes[root]! < 2) continue;
        writer.addTriple(index, sizes[root]!, root);
        if (writer.full) await writer.flush();
      }
      summary.files.push(await writer.commit());
    } catch (error) {
      await writer.abort();
      throw error;
    }
    onFile?.();
  }
  return summary;
}

function rootOf(parent: Uint32Array, document: number): number {
  let at = document;
  for (;;) {
    const up = parent[at]!;
    if (up === at) return at;
    const above = parent[up]!;
    parent[at] = above;
    at = above;
  }
}

function unite(parent: Uint32Array, a: number, b: number): void {
  const [rootA, rootB] = [rootOf(parent, a), rootOf(parent, b)];
  if (rootA < rootB) parent[rootB] = rootA;
  else parent[rootA] = rootB;
}
