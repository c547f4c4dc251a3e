/**
 * Index entries of a unit being written, in the order added: in memory up to 4 MB, then in a temporary file beside the target, so that a
 * unit of millions of documents (one large gzip stream) costs no memory for them.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { temporaryName } from '../io/atomic.ts';
import { entryBytes, type IndexEntry, readAt, writeEntry } from './index-entry.ts';

const blockEntries = 4096;
const spillBytes = 4 << 20;

export class IndexSpool {
  private readonly path: string;
  private blocks: Buffer[] = [];
  private used = 0;
  private fd: number | undefined;
  private spilled = 0;

  /** `target`: the file that the entries will stand in; the temporary name is one that `removeLeftovers` knows. */
  constructor(target: string) {
    this.path = temporaryName(target);
  }

  add(entry: IndexEntry): void {
    if (this.used === this.blocks.length * blockEntries) {
      if (this.blocks.length * blockEntries * entryBytes >= spillBytes) this.spill();
      this.blocks.push(Buffer.allocUnsafe(blockEntries * entryBytes));
    }
    writeEntry(this.blocks.at(-1)!, (this.used % blockEntries) * entryBytes, entry);
    this.used++;
  }

  /** All entries in pieces. */
  *chunks(): Generator<Buffer> {
    const piece = Buffer.allocUnsafe(Math.min(1 << 20, this.spilled));
    for (let at = 0; at < this.spilled; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, this.spilled - at));
      readAt(this.fd!, part, at);
      yield part;
    }
    for (const [i, block] of this.blocks.entries())
      yield block.subarray(0, Math.min(blockEntries, this.used - i * blockEntries) * entryBytes);
  }

  close(): void {
    if (this.fd === undefined) return;
    closeSync(this.fd);
    rmSync(this.path, { force: true });
    this.fd = undefined;
  }

  private spill(): void {
    this.fd ??= openSync(this.path, 'w+');
    for (const block of this.blocks) {
      for (let at = 0; at < block.length; ) at += writeSync(this.fd, block, at);
      this.spilled += block.length;
    }
    this.blocks = [];
    this.used = 0;
  }
}
