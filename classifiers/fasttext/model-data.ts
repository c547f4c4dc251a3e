/**
 * A fastText model in memory: settings as plain numbers, and one block of bytes with everything else in it.
 *
 * Plain data on purpose: it can be posted to worker threads as it is. With `shared: true` the block is shared memory, so each
 * worker opens the same bytes (`openFastText(data)`) and a model of several GB exists once. The block is a WebAssembly memory because
 * the row kernels run over it; it is not written to after loading.
 */

/** Where a typed array lies in the block: byte offset (a multiple of 16) and length in elements. */
export interface Section {
  offset: number;
  length: number;
}

/** float32 [rows, columns], row after row. */
export interface DenseMatrixData {
  kind: 'dense';
  rows: number;
  columns: number;
  weights: Section;
  /** float32 [rows]: products with row i are multiplied by norms[i] afterwards (a quantised output matrix, unpacked). */
  norms?: Section;
}

/** Product-quantised rows (Jegou et al. 2011): each row is `parts` codes of one byte, each naming one of 256 centroids. */
export interface QuantisedMatrixData {
  kind: 'quantised';
  rows: number;
  columns: number;
  parts: number;
  /** Floats of a part; the last part may be shorter. */
  partSize: number;
  lastSize: number;
  /** uint8 [rows, parts]. */
  codes: Section;
  /** float32 [parts, 256, partSize], the last part packed closer. */
  centroids: Section;
  /** With `qnorm`: uint8 [rows] and float32 [256]; the row is multiplied by normCentroids[normCodes[row]]. */
  normCodes?: Section;
  normCentroids?: Section;
}

/** Longest word n-gram and subword accepted. Published models use up to 5 and 6. */
export const longestNgram = 100;
/** Longest vector accepted. */
export const longestVector = 65_536;

export type Loss = 'hierarchical-softmax' | 'negative-sampling' | 'softmax' | 'one-vs-all';

export interface FastTextSettings {
  /** Size of a word vector. */
  dim: number;
  /** Longest word n-gram. */
  wordNgrams: number;
  loss: Loss;
  /** Rows that word n-grams and subwords are hashed into. */
  bucket: number;
  /** Shortest and longest subword in characters; 0 = no subwords. */
  minn: number;
  maxn: number;
}

export interface FastTextData {
  /** The file it was read from, for messages. */
  path: string;
  settings: FastTextSettings;
  words: number;
  labels: number;
  /** Number of hashed features kept, or -1 when nothing was pruned. */
  pruned: number;
  memory: WebAssembly.Memory;
  /** The memory has 64-bit addresses (above 4 GiB). */
  wide: boolean;
  dictionary: {
    /** UTF-8 bytes of all entries, words first, then labels. */
    bytes: Section;
    /** int32 [4 * power of two]: open addressing, (hash, entry or -1, start in `bytes`, length). */
    table: Section;
    /** uint32 [labels + 1]: where each label starts in `bytes`. */
    labelStarts: Section;
    /** float64 [labels]: how often each label occurred in training. */
    labelCounts: Section;
    /** int32 [2 * power of two]: open addressing, (bucket, row) or (-1, -1); empty when nothing was pruned. */
    kept: Section;
  };
  input: DenseMatrixData | QuantisedMatrixData;
  output: DenseMatrixData;
}

/** Views of sections of the block. */
export function floats(memory: WebAssembly.Memory, section: Section): Float32Array {
  return new Float32Array(memory.buffer, section.offset, section.length);
}
export function doubles(memory: WebAssembly.Memory, section: Section): Float64Array {
  return new Float64Array(memory.buffer, section.offset, section.length);
}
export function int32s(memory: WebAssembly.Memory, section: Section): Int32Array {
  return new Int32Array(memory.buffer, section.offset, section.length);
}
export function uint32s(memory: WebAssembly.Memory, section: Section): Uint32Array {
  return new Uint32Array(memory.buffer, section.offset, section.length);
}
export function bytesOf(memory: WebAssembly.Memory, section: Section): Uint8Array {
  return new Uint8Array(memory.buffer, section.offset, section.length);
}

/** fastText's hash of a word: FNV-1a over 32 bits, with each byte as a signed char. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = hashStart;
  for (let at = from; at < to; at++) hash = hashByte(hash, bytes[at]!);
  return hash >>> 0;
}

export const hashStart = 0x811c9dc5 | 0;

/** One step of the hash; the result is a signed 32-bit number. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ ((byte << 24) >> 24), 0x01000193);
}

/** Whether bytes [start, end) equal those of `others` from `from` on. */
export function sameBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  others: Uint8Array,
  from: number,
): boolean {
  for (let at = start, other = from; at < end; at++, other++) {
    if (bytes[at] !== others[other]) return false;
  }
  return true;
}
