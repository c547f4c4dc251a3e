/**
 * Embeddings on disk, so that a text is embedded once however often a head is trained: by 16 bytes of the text's sha256, in a folder of one
 * encoder's fingerprint.
 *
 *     <folder>/<fingerprint>/000001.embeddings   records of 16 bytes key + dimensions x f32, appended batch by batch
 *
 * Each process writes a file of its own, so several may run at once. A file cut short by a kill loses its torn last record only; records
 * are taken as they are, since the fingerprint names the encoder. Memory: 60 bytes a text for the index.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const keyBytes = 16;

export class EmbeddingCache {
  private readonly folder: string;
  private readonly dimensions: number;
  /** Key to file number and record number. */
  private readonly places = new Map<string, [number, number]>();
  private readonly files: string[] = [];
  private readonly readers = new Map<number, number>();
  private writer: number | undefined;

  constructor(folder: string, fingerprint: string, dimensions: number) {
    this.folder = join(folder, fingerprint);
    this.dimensions = dimensions;
    mkdirSync(this.folder, { recursive: true });
    for (const name of readdirSync(this.folder)
      .filter((file) => file.endsWith('.embeddings'))
      .sort())
      this.index(join(this.folder, name));
  }

  private get recordBytes(): number {
    return keyBytes + 4 * this.dimensions;
  }

  private index(path: string): void {
    const file = this.files.push(path) - 1;
    const bytes = readFileSync(path);
    const records = Math.floor(bytes.length / this.recordBytes);
    for (let i = 0; i < records; i++) {
      const at = i * this.recordBytes;
      this.places.set(bytes.toString('latin1', at, at + keyBytes), [file, i]);
    }
  }

  static keyOf(text: string): string {
    return createHash('sha256').update(text).digest().toString('latin1', 0, keyBytes);
  }

  get size(): number {
    return this.places.size;
  }

  has(key: string): boolean {
    return this.places.has(key);
  }

  /** Copies the embedding of `key` to `out` at `at`; false when it is not here. */
  read(key: string, out: Float32Array, at: number): boolean {
    const place = this.places.get(key);
    if (place === undefined) return false;
    const [file, record] = place;
    let reader = this.readers.get(file);
    if (reader === undefined) this.readers.set(file, (reader = openSync(this.files[file]!, 'r')));
    const bytes = new Uint8Array(4 * this.dimensions);
    readSync(reader, bytes, 0, bytes.length, record * this.recordBytes + keyBytes);
    out.set(new Float32Array(bytes.buffer), at);
    return true;
  }

  /** Appends embeddings: `keys.length` x dimensions. They are on disk when this returns. */
  add(keys: readonly string[], embeddings: Float32Array): void {
    this.writer ??= this.create();
    const file = this.files.length - 1;
    const bytes = Buffer.alloc(keys.length * this.recordBytes);
    const first = statSync(this.files[file]!).size / this.recordBytes;
    for (const [i, key] of keys.entries()) {
      bytes.write(key, i * this.recordBytes, 'latin1');
      const values = embeddings.subarray(i * this.dimensions, (i + 1) * this.dimensions);
      bytes.set(
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        i * this.recordBytes + keyBytes,
      );
    }
    for (let at = 0; at < bytes.length; ) at += writeSync(this.writer, bytes, at);
    fsyncSync(this.writer);
    for (const [i, key] of keys.entries()) this.places.set(key, [file, first + i]);
  }

  private create(): number {
    for (let n = this.files.length + 1; ; n++) {
      const path = join(this.folder, `${String(n).padStart(6, '0')}.embeddings`);
      try {
        const handle = openSync(path, 'wx');
        this.files.push(path);
        return handle;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  close(): void {
    for (const handle of [...this.readers.values(), ...(this.writer === undefined ? [] : [this.writer])])
      closeSync(handle);
    this.readers.clear();
    this.writer = undefined;
  }
}
