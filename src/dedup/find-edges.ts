/**
 * One part of the comparison: reads the signatures of a band and key range from every unit and writes an edge for every document whose
 * key (64 bits and the check) an earlier document has: (its number, the number of the first such document), 4 bytes each.
 *
 * Units are read in order and documents of a block lie in order, so the table needs to hold only the first document of each key, and edges
 * form stars around it: k equal documents give k - 1 edges. Memory: 16 bytes a place of the table, sized for the plan (plan-parts.ts)
 * and doubled if need be, and one segment's slice. Linear in the entries.
 */

import { firstNumbers } from './document-numbers.ts';
import type { DedupPart } from './plan-parts.ts';
import { type RecordKind, RecordWriter } from './record-file.ts';
import { entryWords } from './signature-layout.ts';
import { damaged, readSignatures } from './signature-reader.ts';

export const edgeFile: RecordKind = { magic: 'mtedge1\n', recordBytes: 8, name: 'edge file' };

export interface FindEdgesTask {
  part: DedupPart;
  /** What the signatures must mean (`DocumentSigner.tag`). */
  tag: string;
  /** Signature files in unit order. */
  files: readonly string[];
  /** Documents of each unit, with or without a signature. */
  documents: readonly number[];
  /** Path of the edge file. */
  output: string;
}

/** Writes the part's edge file. `onFile` is called after each signature file. Needs `initHash64` awaited. */
export async function findEdges(
  task: FindEdgesTask,
  onFile?: () => void,
): Promise<{ edges: number; bytes: number; sha256: string }> {
  const { part, tag, files, documents } = task;
  const first = firstNumbers(documents);
  const share = (part.to - part.from) / 2 ** 32;
  const table = new FirstOfKey(first[documents.length]! * share);
  const writer = await RecordWriter.create(task.output, edgeFile, 0);
  try {
    for (const [unit, path] of files.entries()) {
      const offset = first[unit]!;
      for (const entries of readSignatures(path, tag, part)) {
        for (let at = 0; at < entries.length; at += entryWords) {
          const high = entries[at]!;
          if (high < part.from || high >= part.to) continue;
          const index = entries[at + 3]!;
          if (index >= documents[unit]!) {
            throw damaged(path, `names document ${index} of a unit of ${documents[unit]} documents`);
          }
          const known = table.enter(high, entries[at + 1]!, entries[at + 2]!, offset + index);
          if (known === offset + index) continue;
          writer.addPair(offset + index, known);
          if (writer.full) await writer.flush();
        }
      }
      onFile?.();
    }
    const { entries, bytes, sha256 } = await writer.commit();
    return { edges: entries, bytes, sha256 };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** The first document of each key: open addressing, four words a place. */
class FirstOfKey {
  private words: Uint32Array;
  private places: number;
  private used = 0;

  constructor(expected: number) {
    this.places = 1024;
    while (this.places < expected * 2 && this.places < 2 ** 26) this.places *= 2;
    this.words = new Uint32Array(4 * this.places);
  }

  /** The document that has this key already, or `document` itself, which then has it. */
  enter(high: number, low: number, check: number, document: number): number {
    if (this.used * 4 > this.places * 3) this.grow();
    const at = this.find(high, low, check);
    const { words } = this;
    if (words[at + 3] !== 0) return words[at + 3]! - 1;
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = check;
    words[at + 3] = document + 1; // 0: free
    this.used++;
    return document;
  }

  private find(high: number, low: number, check: number): number {
    const { words } = this;
    // The high word is much the same in all of a part, so the low one picks the place.
    let place = (low ^ Math.imul(high, 0x9e3779b1)) & (this.places - 1);
    for (;;) {
      const at = 4 * place;
      if (words[at + 3] === 0) return at;
      if (words[at] === high && words[at + 1] === low && words[at + 2] === check) return at;
      place = (place + 1) & (this.places - 1);
    }
  }

  private grow(): void {
    const old = this.words;
    this.places *= 2;
    this.words = new Uint32Array(4 * this.places);
    for (let from = 0; from < old.length; from += 4) {
      if (old[from + 3] !== 0)
        this.words.set(old.subarray(from, from + 4), this.find(old[from]!, old[from + 1]!, old[from + 2]!));
    }
  }
}
