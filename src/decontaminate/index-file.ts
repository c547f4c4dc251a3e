/**
 * An index of benchmark items as bytes, and back. The arrays of the file are used where they lie: opening costs the checksum and the names
 * of the items, and threads that are handed the same SharedArrayBuffer share one copy.
 *
 * Layout, little-endian: `MTDCX001`; CRC-32 of everything after it (4 bytes); length of the header (4 bytes); the header as JSON (options, names, counts,
 * and type, place and length of each array); the arrays, each on a multiple of 8 bytes. The same items and options give the same bytes.
 */
import { crc32 } from 'node:zlib';
import { InputError } from '../core/errors.ts';
import { ContaminationIndex } from './contamination-index.ts';
import type { ResolvedContaminationOptions } from './contamination-options.ts';
import type { BenchmarkCounts, IndexData } from './index-data.ts';
import type { NgramTable } from './ngram-table.ts';

const magic = 'MTDCX001';
const checksumBytes = 4;
const fixedBytes = magic.length + checksumBytes + 4;

const arrayNames = ['benchmarkOf', 'words', 'itemStart', 'problemWords', 'totals', 'nearTotals'] as const;
const tableNames = ['exact', 'near'] as const;
const tableArrays = ['directory', 'checks', 'places', 'present'] as const;

interface Header {
  options: ResolvedContaminationOptions;
  benchmarks: string[];
  items: string[];
  counts: BenchmarkCounts[];
  bits: Record<(typeof tableNames)[number], number>;
  /** Name, first byte after the header's end (rounded up to 8), and number of elements of each array. */
  arrays: [name: string, at: number, length: number][];
  bytes: number;
}

/** The bytes of an index. */
export function indexBytes(index: ContaminationIndex): Uint8Array<ArrayBuffer> {
  const { data } = index;
  const arrays: [string, Uint32Array][] = [
    ...arrayNames.map((name): [string, Uint32Array] => [name, data[name]]),
    ...tableNames.flatMap((table) =>
      tableArrays.map((name): [string, Uint32Array] => [`${table}.${name}`, data[table][name]]),
    ),
  ];
  let at = 0;
  const places = arrays.map(([name, array]): [string, number, number] => {
    const place = at;
    at += roundUp(array.byteLength);
    return [name, place, array.length];
  });
  const header: Header = {
    options: data.options,
    benchmarks: data.benchmarks,
    items: data.items,
    counts: data.counts,
    bits: { exact: data.exact.bits, near: data.near.bits },
    arrays: places,
    bytes: at,
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const first = roundUp(fixedBytes + json.length);
  const bytes = new Uint8Array(first + at);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(fixedBytes - 4, json.length, true);
  bytes.set(json, fixedBytes);
  arrays.forEach(([, array], i) => {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), first + places[i]![1]);
  });
  new DataView(bytes.buffer).setUint32(magic.length, checksum(bytes), true);
  return bytes;
}

/**
 * The index in `bytes`, which it keeps using (a copy when they do not begin on a multiple of 4); they may lie in a SharedArrayBuffer. `file` is for messages.
 * Throws an `InputError` when they are not a whole, undamaged index.
 */
export function readIndex(bytes: Uint8Array, file: string): ContaminationIndex {
  if (bytes.byteOffset % 4 !== 0) bytes = Uint8Array.from(bytes);
  const broken = (problem: string): InputError =>
    new InputError(file, problem, { hint: 'delete it: a run with the same benchmarks makes it again' });
  if (bytes.length < fixedBytes || text(bytes.subarray(0, magic.length)) !== magic)
    throw broken('is not an index of benchmark items (or of another version of midtrain)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(magic.length, true) !== checksum(bytes))
    throw broken('is damaged: its checksum does not match');
  const headerBytes = view.getUint32(fixedBytes - 4, true);
  const header = JSON.parse(text(bytes.subarray(fixedBytes, fixedBytes + headerBytes))) as Header;
  const first = roundUp(fixedBytes + headerBytes);
  const arrays = new Map(
    header.arrays.map(([name, at, length]) => [
      name,
      new Uint32Array(bytes.buffer, bytes.byteOffset + first + at, length),
    ]),
  );
  const array = (name: string): Uint32Array => {
    const found = arrays.get(name);
    if (found === undefined) throw broken(`has no array ${name}`);
    return found;
  };
  const table = (name: (typeof tableNames)[number]): NgramTable => ({
    bits: header.bits[name],
    directory: array(`${name}.directory`),
    checks: array(`${name}.checks`),
    places: array(`${name}.places`),
    present: array(`${name}.present`),
  });
  const { options, benchmarks, items, counts } = header;
  const data: IndexData = {
    options,
    benchmarks,
    items,
    counts,
    benchmarkOf: array('benchmarkOf'),
    words: array('words'),
    itemStart: array('itemStart'),
    problemWords: array('problemWords'),
    totals: array('totals'),
    nearTotals: array('nearTotals'),
    exact: table('exact'),
    near: table('near'),
  };
  return new ContaminationIndex(data);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** A copy is decoded: TextDecoder takes no shared memory. */
function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(magic.length + checksumBytes));
}
