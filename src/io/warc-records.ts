/**
 * The records of a WARC file, from its bytes in pieces: header fields and block, with the byte where the record can be found.
 *
 * A record whose block nobody wants is stepped over; one that is too long or damaged is reported, and reading goes on at the next gzip
 * member (or, in a file that is not compressed, at the next line that begins a record). A lying Content-Length cannot swallow the
 * records behind it: where a member begins with `WARC/`, a record begins.
 * Source: ISO 28500:2017 (WARC 1.1); the leniences (bare line feeds, missing blank lines) are warcio's.
 */
import { InputError } from '../core/errors.ts';
import { readFileBytes } from './byte-stream.ts';
import { gzipMembers } from './gzip-members.ts';

export interface WarcHeader {
  /** `response`, `conversion`, ... in lower case. */
  type: string;
  /** Field names in lower case; the first of several values. */
  fields: ReadonlyMap<string, string>;
  /** Bytes of the block. */
  length: number;
}

export type WarcItem =
  /** `block` holds at most as many bytes as were asked for. */
  | { kind: 'record'; header: WarcHeader; block: Buffer; at: number }
  | { kind: 'failed'; header: WarcHeader | undefined; problem: string; at: number }
  /** A place where the file can be cut: everything before is whole, and a record begins here. */
  | { kind: 'cut'; at: number };

export interface WarcOptions {
  compression?: 'gzip' | 'zstd' | undefined;
  start?: number;
  end?: number;
  /** Bytes of the block to hold: 0 steps over it, fewer than it has gives its beginning. */
  wanted: (header: WarcHeader) => number;
}

const maxHeaderBytes = 64 * 1024;
const beginning = Buffer.from('WARC/');

/** All records of a file, or of a range of it that begins and ends at cuts. Throws an `InputError` behind the last whole record of a file cut short. */
export async function* warcRecords(path: string, options: WarcOptions): AsyncGenerator<WarcItem> {
  const { compression, start = 0, end } = options;
  const range = { start, ...(end === undefined ? {} : { end }) };
  const parser = new WarcParser(options.wanted, compression === 'gzip', start);
  if (compression !== 'gzip') {
    for await (const bytes of readFileBytes(path, { compression, ...range })) {
      parser.push(bytes);
      yield* parser.take();
    }
    parser.finish(path);
    yield* parser.take();
    return;
  }
  for await (const event of gzipMembers(path, { ...range, looksRight: isBeginning })) {
    if (event.kind === 'start') parser.member(event.at);
    else if (event.kind === 'bytes') {
      parser.push(event.bytes);
      yield* parser.take();
    } else if (event.kind === 'damaged') {
      if (event.next === undefined)
        throw new InputError(path, event.problem, {
          place: `byte ${event.at}, record ${parser.records}`,
          hint: 'download or write the file again',
        });
      parser.damaged(event.problem, event.at);
      yield* parser.take();
    }
  }
  parser.finish(path);
  yield* parser.take();
}

function isBeginning(head: Buffer): boolean {
  return head.length >= 5 && head.subarray(0, 5).equals(beginning);
}

/** Takes bytes, gives records. */
class WarcParser {
  /** Records begun so far in this range. */
  records = 0;
  private readonly wanted: WarcOptions['wanted'];
  private readonly members: boolean;
  private items: WarcItem[] = [];
  private state: 'between' | 'header' | 'block' | 'lost' = 'between';
  /** Bytes not taken yet: never more than a header. */
  private held: Buffer = Buffer.alloc(0);
  private header: WarcHeader | undefined;
  private block: Buffer[] = [];
  private wantedLeft = 0;
  private left = 0;
  /** File byte where the current record begins (of a compressed file: its member). */
  private at: number;
  /** File byte of the next piece (of a gzip file: of its member), and of the bytes being looked at. */
  private offset: number;
  private base = 0;
  private atMember = false;
  private afterDamage = false;

  constructor(wanted: WarcOptions['wanted'], members: boolean, start: number) {
    this.wanted = wanted;
    this.members = members;
    this.offset = start;
    this.at = start;
  }

  take(): WarcItem[] {
    const { items } = this;
    this.items = [];
    return items;
  }

  /** A gzip member begins at this byte of the file. */
  member(at: number): void {
    this.offset = at;
    this.atMember = true;
  }

  /** The member that the last bytes came from is damaged. */
  damaged(problem: string, at: number): void {
    // Damage in the blank lines behind a whole record costs nothing.
    if (this.state !== 'between' || this.atMember) this.fail(problem, at);
    this.state = 'between';
    this.held = Buffer.alloc(0);
    this.atMember = false;
    this.afterDamage = true;
  }

  private fail(problem: string, at = this.at): void {
    if (this.state !== 'lost') this.items.push({ kind: 'failed', header: this.header, problem, at });
    this.header = undefined;
    this.block = [];
    this.state = 'lost';
  }

  push(piece: Buffer): void {
    let bytes = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    if (this.atMember) {
      this.atMember = false;
      if (this.state !== 'between' && isBeginning(piece)) {
        // The record before did not end with its member.
        this.fail('the record ends before its Content-Length');
        bytes = piece;
        this.state = 'between';
      }
      if (this.state === 'between' && this.held.length === 0 && isBeginning(piece)) this.offerCut();
    }
    this.base = this.offset - (bytes.length - piece.length);
    this.held = Buffer.alloc(0);
    for (let at = 0; at < bytes.length; ) at = this.step(bytes, at);
    if (!this.members) this.offset += piece.length;
  }

  /** File byte of the bytes being looked at (decompressed byte, of a zstd file); of a gzip file, of their member. */
  private place(at: number): number {
    return this.members ? this.offset : this.base + at;
  }

  /** Only behind a whole member: a cut that was found by looking for the next record could lie inside the damaged one. */
  private offerCut(): void {
    if (!this.afterDamage) this.items.push({ kind: 'cut', at: this.offset });
    this.afterDamage = false;
  }

  /** Goes on from `bytes[at]`; returns where it got. */
  private step(bytes: Buffer, at: number): number {
    switch (this.state) {
      case 'between':
        return this.between(bytes, at);
      case 'header':
        return this.readHeader(bytes, at);
      case 'block':
        return this.readBlock(bytes, at);
      case 'lost':
        return this.resynchronise(bytes, at);
    }
  }

  private between(bytes: Buffer, start: number): number {
    let at = start;
    while (at < bytes.length && (bytes[at] === 13 || bytes[at] === 10)) at++;
    if (at === bytes.length) return at;
    this.at = this.place(at);
    if (!this.members) this.items.push({ kind: 'cut', at: this.at });
    this.state = 'header';
    return at;
  }

  private readHeader(bytes: Buffer, start: number): number {
    const end = headerEnd(bytes, start);
    if (end < 0 && bytes.length - start <= maxHeaderBytes && startsRight(bytes, start)) {
      this.held = Buffer.from(bytes.subarray(start));
      return bytes.length;
    }
    this.records++;
    const parsed =
      end < 0
        ? 'it does not begin with WARC/, or its header is longer than 64 KiB'
        : parseHeader(bytes.subarray(start, end));
    if (typeof parsed === 'string') {
      this.fail(parsed);
      return start + 1;
    }
    this.header = parsed;
    this.left = parsed.length;
    this.wantedLeft = Math.min(parsed.length, this.wanted(parsed));
    this.state = 'block';
    if (this.left === 0) this.finishRecord();
    return end;
  }

  private readBlock(bytes: Buffer, start: number): number {
    const n = Math.min(this.left, bytes.length - start);
    const kept = Math.min(this.wantedLeft, n);
    if (kept > 0) this.block.push(bytes.subarray(start, start + kept));
    this.wantedLeft -= kept;
    this.left -= n;
    if (this.left === 0) this.finishRecord();
    return start + n;
  }

  private finishRecord(): void {
    const block = this.block.length === 1 ? this.block[0]! : Buffer.concat(this.block);
    this.items.push({ kind: 'record', header: this.header!, block, at: this.at });
    this.header = undefined;
    this.block = [];
    this.state = 'between';
  }

  /** To the next line that begins like a record; a gzip member that does so comes first. */
  private resynchronise(bytes: Buffer, start: number): number {
    const found = bytes.indexOf('\nWARC/', Math.max(0, start - 1));
    if (found < 0) {
      // The mark may be cut in two.
      this.held = Buffer.from(bytes.subarray(Math.max(start, bytes.length - 5)));
      return bytes.length;
    }
    this.state = 'between';
    return found + 1;
  }

  /** At the end of the range. */
  finish(path: string): void {
    if (this.state === 'between' || this.state === 'lost') return;
    const { type, length } = this.header ?? { type: 'record', length: undefined };
    throw new InputError(
      path,
      length === undefined
        ? 'the file is cut short in the header of a record'
        : `the file is cut short in a ${type} record: ${this.left} of its ${length} bytes are missing`,
      {
        place: `byte ${this.at}, record ${Math.max(0, this.records - 1)}`,
        hint: 'download or write the file again',
      },
    );
  }
}

/** Whether these bytes can still become `WARC/`. */
function startsRight(bytes: Buffer, start: number): boolean {
  const n = Math.min(5, bytes.length - start);
  return bytes.subarray(start, start + n).equals(beginning.subarray(0, n));
}

/** The byte behind the empty line that ends a header, or -1. */
function headerEnd(bytes: Buffer, start: number): number {
  const limit = Math.min(bytes.length, start + maxHeaderBytes);
  for (let at = bytes.indexOf(10, start); at >= 0 && at < limit; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return -1;
}

/** The fields of a header, or what is wrong with it. */
function parseHeader(bytes: Buffer): WarcHeader | string {
  const [first = '', ...lines] = bytes.toString('utf8').split(/\r?\n/);
  if (!/^WARC\/\d\.\d+\s*$/.test(first))
    return `a record begins with "WARC/1.0" or "WARC/1.1", this one with ${JSON.stringify(first.slice(0, 40))}`;
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines) {
    if (line === '') continue;
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields.set(last, `${fields.get(last)!} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    last = line.slice(0, colon).trim().toLowerCase();
    if (!fields.has(last)) fields.set(last, line.slice(colon + 1).trim());
  }
  const length = fields.get('content-length');
  if (length === undefined || !/^\d{1,15}$/.test(length))
    return `the record has the Content-Length ${length === undefined ? 'of none' : JSON.stringify(length.slice(0, 40))}`;
  return { type: (fields.get('warc-type') ?? '').toLowerCase(), fields, length: Number(length) };
}
