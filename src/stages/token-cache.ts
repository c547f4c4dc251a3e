/**
 * A source's documents as token ids on disk, so that the mix can read them in any order, any number of times, without holding them:
 * per document three lengths, id, url and tokens. The index in memory is 21 bytes a document.
 *
 * Written under `<output>/cache/` and kept: another ratio of the same sources does not tokenise again. A file is only used if its name's
 * key (tokenizer, input content, columns, template) matches, and it only gets its name when it is whole.
 *
 *   header of a document: tokens u32, id bytes u32, url bytes u32; then id, url (UTF-8), tokens (u32 each)
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { AtomicFile, writeFileAtomic } from '../io/atomic.ts';
import type { Failure } from './source-texts.ts';

const headerBytes = 12;

/** What is stored beside the tokens: the counts that a rerun must not lose. */
export interface CacheSummary {
  documents: number;
  tokens: number;
  ledger: Ledger;
  failures: Failure[];
}

export class TokenCacheWriter {
  private readonly file: AtomicFile;
  private readonly path: string;
  private chunks: Uint8Array[] = [];
  private pending = 0;
  private documents = 0;
  private tokens = 0;

  private constructor(file: AtomicFile, path: string) {
    this.file = file;
    this.path = path;
  }

  static async create(path: string): Promise<TokenCacheWriter> {
    return new TokenCacheWriter(await AtomicFile.create(path), path);
  }

  async add(id: string, url: string, tokens: Uint32Array): Promise<void> {
    const idBytes = Buffer.from(id);
    const urlBytes = Buffer.from(url);
    const header = Buffer.from(Uint32Array.of(tokens.length, idBytes.length, urlBytes.length).buffer);
    this.chunks.push(
      header,
      idBytes,
      urlBytes,
      new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength),
    );
    this.pending += headerBytes + idBytes.length + urlBytes.length + tokens.byteLength;
    this.documents++;
    this.tokens += tokens.length;
    if (this.pending > 4 << 20) await this.flush();
  }

  /** The summary goes last: a cache without one is not used. */
  async finish(ledger: Ledger, failures: Failure[]): Promise<CacheSummary> {
    await this.flush();
    await this.file.commit();
    const summary = { documents: this.documents, tokens: this.tokens, ledger, failures };
    await writeFileAtomic(`${this.path}.json`, `${JSON.stringify(summary)}\n`);
    return summary;
  }

  abort(): Promise<void> {
    return this.file.abort();
  }

  private async flush(): Promise<void> {
    await this.file.write(Buffer.concat(this.chunks));
    this.chunks = [];
    this.pending = 0;
  }
}

export interface CachedDocument {
  id: string;
  url: string;
  tokens: Uint32Array;
}

/** Random access to the documents of a finished cache. */
export class TokenCache {
  readonly summary: CacheSummary;
  private readonly fd: number;
  private readonly offsets: Float64Array;
  /** Tokens of each document, the end token included. */
  readonly lengths: Uint32Array;
  /** hash32 of each document's id: what order and held-out draws are made from. */
  readonly idHashes: Uint32Array;

  private constructor(
    fd: number,
    summary: CacheSummary,
    offsets: Float64Array,
    lengths: Uint32Array,
    idHashes: Uint32Array,
  ) {
    this.fd = fd;
    this.summary = summary;
    this.offsets = offsets;
    this.lengths = lengths;
    this.idHashes = idHashes;
  }

  /** Opens a cache, or `undefined` if there is no whole one at `path`; then it is made anew. */
  static async open(path: string): Promise<TokenCache | undefined> {
    let summary: CacheSummary;
    let fd: number;
    try {
      summary = JSON.parse(await readFile(`${path}.json`, 'utf8')) as CacheSummary;
      fd = openSync(path, 'r');
    } catch {
      return undefined;
    }
    const n = summary.documents;
    const offsets = new Float64Array(n);
    const lengths = new Uint32Array(n);
    const idHashes = new Uint32Array(n);
    const file = new SequentialReader(fd);
    let at = 0;
    for (let i = 0; i < n; i++) {
      const header = file.at(at, headerBytes);
      const tokens = header.readUInt32LE(0);
      const idLength = header.readUInt32LE(4);
      const urlLength = header.readUInt32LE(8);
      offsets[i] = at;
      lengths[i] = tokens;
      idHashes[i] = hash32(file.at(at + headerBytes, idLength).toString('utf8'));
      at += headerBytes + idLength + urlLength + tokens * 4;
    }
    if (fstatSync(fd).size !== at) {
      closeSync(fd);
      return undefined;
    }
    return new TokenCache(fd, summary, offsets, lengths, idHashes);
  }

  get documents(): number {
    return this.lengths.length;
  }

  read(i: number): CachedDocument {
    const end = i + 1 < this.documents ? this.offsets[i + 1]! : undefined;
    const size = end === undefined ? this.sizeOf(i) : end - this.offsets[i]!;
    const bytes = Buffer.alloc(size);
    readFully(this.fd, bytes, this.offsets[i]!);
    const idLength = bytes.readUInt32LE(4);
    const urlLength = bytes.readUInt32LE(8);
    const at = headerBytes + idLength + urlLength;
    const tokens = new Uint32Array(this.lengths[i]!);
    new Uint8Array(tokens.buffer).set(bytes.subarray(at));
    return {
      id: bytes.toString('utf8', headerBytes, headerBytes + idLength),
      url: bytes.toString('utf8', headerBytes + idLength, at),
      tokens,
    };
  }

  close(): void {
    closeSync(this.fd);
  }

  private sizeOf(i: number): number {
    const header = Buffer.alloc(headerBytes);
    readFully(this.fd, header, this.offsets[i]!);
    return headerBytes + header.readUInt32LE(4) + header.readUInt32LE(8) + this.lengths[i]! * 4;
  }
}

/** Reads a file front to back through one buffer; small steps cost no system call. */
class SequentialReader {
  private readonly fd: number;
  private buffer: Buffer = Buffer.alloc(1 << 20);
  private start = 0;
  private end = 0;

  constructor(fd: number) {
    this.fd = fd;
  }

  at(position: number, length: number): Buffer {
    if (position < this.start || position + length > this.end) {
      if (length > this.buffer.length) this.buffer = Buffer.alloc(length);
      this.start = position;
      this.end = position;
      while (this.end - position < length) {
        const n = readSync(
          this.fd,
          this.buffer,
          this.end - position,
          this.buffer.length - (this.end - position),
          this.end,
        );
        if (n === 0) throw new Error(`token cache ends at byte ${this.end}`);
        this.end += n;
      }
    }
    return this.buffer.subarray(position - this.start, position - this.start + length);
  }
}

function readFully(fd: number, into: Buffer, position: number): void {
  for (let done = 0; done < into.length; ) {
    const n = readSync(fd, into, done, into.length - done, position + done);
    if (n === 0) throw new Error(`token cache ends ${into.length - done} bytes early`);
    done += n;
  }
}

/** Where the cache of a source lies. */
export async function cachePath(output: string, source: string, key: string): Promise<string> {
  const folder = join(output, 'cache');
  await mkdir(folder, { recursive: true });
  return join(folder, `${source}-${key}.tokens`);
}
