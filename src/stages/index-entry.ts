/** An entry of the index of a unit's tokens (unit-tokens-file.ts): where a document lies, how long it is, and its checksum. */
import { readSync } from 'node:fs';

export const entryBytes = 24;

export interface IndexEntry {
  offset: number;
  tokens: number;
  crc: number;
  idBytes: number;
  urlBytes: number;
}

/** Bytes of a document in the file, without the filling. */
export function documentBytes(entry: IndexEntry, width: number): number {
  return entry.tokens * width + entry.idBytes + entry.urlBytes;
}

/** Fills `into` from the file; false when the file ends before. */
export function readAt(fd: number, into: Uint8Array, position: number): boolean {
  for (let done = 0; done < into.length; ) {
    const n = readSync(fd, into, done, into.length - done, position + done);
    if (n === 0) return false;
    done += n;
  }
  return true;
}

export function writeEntry(into: Buffer, at: number, entry: IndexEntry): void {
  into.writeDoubleLE(entry.offset, at);
  into.writeUInt32LE(entry.tokens, at + 8);
  into.writeUInt32LE(entry.crc, at + 12);
  into.writeUInt32LE(entry.idBytes, at + 16);
  into.writeUInt32LE(entry.urlBytes, at + 20);
}

export function readEntry(from: Buffer, at: number): IndexEntry {
  return {
    offset: from.readDoubleLE(at),
    tokens: from.readUInt32LE(at + 8),
    crc: from.readUInt32LE(at + 12),
    idBytes: from.readUInt32LE(at + 16),
    urlBytes: from.readUInt32LE(at + 20),
  };
}
