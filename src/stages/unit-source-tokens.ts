/**
 * A counted source as `SourceTokens`: its documents by number, read from the files of its units without being held in memory.
 *
 * Numbers 0 .. documents - 1 are the training documents, unit after unit; the held-out ones follow. A table of the units is in memory,
 * the index of the documents is not: a read costs two reads of a file, one where the index is small enough to be kept (4 MB a source).
 * At most 256 files of all sources are open at a time. A document whose checksum is wrong is an error, and its file is removed, so that
 * the next run makes it again.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { invariant, UserError } from '../core/errors.ts';
import type { CountedSource } from './counted-source.ts';
import { permutedNumbers } from './document-permutation.ts';
import { documentBytes, entryBytes, type IndexEntry, readAt, readEntry } from './index-entry.ts';
import type { SourceTokens, TokenisedDocument } from './source-tokens.ts';
import { readUnitTokens } from './unit-tokens-file.ts';

const keptIndexBytes = 4 << 20;
const mostOpen = 256;

/** What is needed of a counted source to read it. */
export type CountedTokens = Pick<CountedSource, 'name' | 'key' | 'totals' | 'units'>;

interface UnitTable {
  path: string;
  /** First byte of the entries of training and of held-out documents. */
  trainIndex: number;
  heldoutIndex: number;
  width: number;
}

export class UnitSourceTokens implements SourceTokens {
  readonly key: string;
  readonly documents: number;
  readonly tokens: number;
  readonly heldout: { documents: number; tokens: number };
  private readonly name: string;
  private readonly units: UnitTable[];
  /** Number of the first training document of each unit, and of the first held-out one; one more for the end. */
  private readonly trainStarts: Float64Array;
  private readonly heldoutStarts: Float64Array;
  /** The training document that is held out because none is by its share; its number among all. */
  private readonly exception: number | undefined;
  private readonly index: Map<number, Buffer> | undefined;
  private readonly files: OpenFiles;
  private readonly entry = Buffer.alloc(entryBytes);
  private scratch = new ArrayBuffer(1 << 16);

  private constructor(source: CountedTokens, files: OpenFiles) {
    const { totals } = source;
    this.key = source.key;
    this.name = source.name;
    this.documents = totals.documents;
    this.tokens = totals.tokens;
    this.heldout = totals.heldout;
    this.files = files;
    this.trainStarts = new Float64Array(source.units.length + 1);
    this.heldoutStarts = new Float64Array(source.units.length + 1);
    this.units = source.units.map(({ path, summary }, i) => {
      this.trainStarts[i + 1] = this.trainStarts[i]! + summary.documents;
      this.heldoutStarts[i + 1] = this.heldoutStarts[i]! + summary.heldout.documents;
      const layout = readUnitTokens(path);
      if (layout === undefined) throw damaged(path);
      return { path, ...layout };
    });
    this.exception =
      totals.exception === undefined
        ? undefined
        : this.trainStarts[totals.exception.unit]! + totals.exception.number;
    const all = this.trainStarts.at(-1)! + this.heldoutStarts.at(-1)!;
    this.index = all * entryBytes <= keptIndexBytes ? new Map() : undefined;
  }

  /** Opens what a run that wrote has counted. Throws a `UserError` when a file has been damaged since. */
  static open(source: CountedTokens, files: OpenFiles): UnitSourceTokens {
    return new UnitSourceTokens(source, files);
  }

  order(seed: number, pass: number, from?: number): Generator<number> {
    return permutedNumbers(this.documents, `order:${this.name}:${seed}:${pass}`, from);
  }

  *heldoutOrder(): Generator<number> {
    for (const number of permutedNumbers(this.heldout.documents, `heldout:${this.name}`))
      yield this.documents + number;
  }

  length(number: number): number {
    return this.entryOf(number).entry.tokens;
  }

  read(number: number): TokenisedDocument {
    const { unit, entry } = this.entryOf(number);
    const { path, width } = this.units[unit]!;
    const size = documentBytes(entry, width);
    if (size > this.scratch.byteLength) this.scratch = new ArrayBuffer(2 ** Math.ceil(Math.log2(size)));
    const bytes = Buffer.from(this.scratch, 0, size);
    if (!readAt(this.files.open(path), bytes, entry.offset) || crc32(bytes) !== entry.crc)
      throw damaged(path, this.files);
    const tokens =
      width === 2
        ? new Uint32Array(new Uint16Array(this.scratch, 0, entry.tokens))
        : new Uint32Array(this.scratch, 0, entry.tokens).slice();
    const idAt = entry.tokens * width;
    const urlAt = idAt + entry.idBytes;
    return { id: bytes.toString('utf8', idAt, urlAt), url: bytes.toString('utf8', urlAt, size), tokens };
  }

  close(): void {
    this.index?.clear();
    for (const { path } of this.units) this.files.close(path);
  }

  private entryOf(number: number): { unit: number; entry: IndexEntry } {
    const isTrain = number < this.documents;
    invariant(number >= 0 && number < this.documents + this.heldout.documents, `document ${number} is there`);
    const { exception } = this;
    let at = isTrain ? number : number - this.documents;
    let starts = isTrain ? this.trainStarts : this.heldoutStarts;
    if (exception !== undefined) {
      // It stands among the training documents of its unit, and is the only one held out.
      starts = this.trainStarts;
      at = isTrain ? (number < exception ? number : number + 1) : exception;
    }
    const inTrain = starts === this.trainStarts;
    const unit = unitAt(starts, at);
    const { path, trainIndex, heldoutIndex } = this.units[unit]!;
    const place = (inTrain ? trainIndex : heldoutIndex) + (at - starts[unit]!) * entryBytes;
    if (this.index === undefined) {
      if (!readAt(this.files.open(path), this.entry, place)) throw damaged(path, this.files);
      return { unit, entry: readEntry(this.entry, 0) };
    }
    let kept = this.index.get(unit);
    if (kept === undefined) {
      const train = this.trainStarts[unit + 1]! - this.trainStarts[unit]!;
      const heldout = this.heldoutStarts[unit + 1]! - this.heldoutStarts[unit]!;
      kept = Buffer.alloc((train + heldout) * entryBytes);
      if (!readAt(this.files.open(path), kept, trainIndex)) throw damaged(path, this.files);
      this.index.set(unit, kept);
    }
    return { unit, entry: readEntry(kept, place - trainIndex) };
  }
}

/** The unit whose numbers hold `number`: the last that starts at or before it. */
function unitAt(starts: Float64Array, number: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= number) low = middle;
    else high = middle;
  }
  return low;
}

function damaged(path: string, files?: OpenFiles): UserError {
  files?.close(path);
  rmSync(path, { force: true });
  return new UserError(`${path} is damaged and was removed`, {
    hint: 'run again: it is made again, and everything else is kept; if it happens twice, check the disk',
  });
}

/** Files kept open for reading, the least recently used closed first. */
export class OpenFiles {
  private readonly descriptors = new Map<string, number>();

  open(path: string): number {
    let fd = this.descriptors.get(path);
    if (fd !== undefined) {
      if (this.descriptors.size >= mostOpen / 2) {
        this.descriptors.delete(path);
        this.descriptors.set(path, fd);
      }
      return fd;
    }
    if (this.descriptors.size >= mostOpen) this.close(this.descriptors.keys().next().value!);
    fd = openSync(path, 'r');
    this.descriptors.set(path, fd);
    return fd;
  }

  close(path: string): void {
    const fd = this.descriptors.get(path);
    if (fd === undefined) return;
    this.descriptors.delete(path);
    closeSync(fd);
  }
}
