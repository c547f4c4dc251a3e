/**
 * Best-fit packing: whole documents put together in windows, the rest padded (Ding et al. 2024, "Fewer Truncations Improve Language
 * Modeling", arXiv 2404.10830, section 3). A document longer than a window is first cut into full windows, which stay together and in
 * order; its remainder and all shorter documents are packed by best-fit decreasing: from the longest to the shortest, each into the
 * window with the least room that still takes it. So a document is cut only where no window could hold it.
 *
 * The paper packs the whole corpus at once. Here a block of documents is packed at a time, so memory does not grow with the source:
 * the next `blockDocuments` of a pass, of which only lengths are held, and never documents of two passes (a window would else hold
 * copies of one document, which all have one length). The emptiest window of a block is packed again with the next block. What that
 * costs: blocks of 16,384 pad at most 0.04 points more of the tokens than packing 200,000 documents at once (EXPERIMENTS.md).
 *
 * Windows of a block come out shuffled, and pieces stand in a window in reading order, so length decides neither. Whoever wants so many
 * tokens says so: no more documents are packed than hold them, else of the last block only parts of documents would be taken.
 * Same seed and tokens, same windows.
 */
import { Random } from '../core/random.ts';
import { FreeSpace } from './free-space.ts';
import {
  markedDocuments,
  type PackedWindow,
  type PackMark,
  type PackOptions,
  type PassLengths,
  type Piece,
} from './pack.ts';

/** Before the first window of a block. Plain data. */
export interface BlockMark extends PackMark {
  /** Number of the block in its pass. */
  block: number;
  /** Tokens read before it. */
  read: number;
  /** What the block before left over. */
  carried: Item[];
}

export interface BestFitOptions extends PackOptions<BlockMark> {
  /** Documents packed at a time; default 16,384. */
  blockDocuments?: number;
  /** Documents are read until they hold this many tokens and a window more; then the stream ends. Left out: without end. */
  tokens?: number;
}

interface PackedDocument {
  number: number;
  pass: number;
  length: number;
  /** A piece of it has come out. */
  seen: boolean;
}

/** What is shuffled: some full windows of one long document, or one window of several pieces. */
type Unit = { document: PackedDocument; windows: number } | PackedItems;

interface PackedItems {
  items: Item[];
  padding: number;
}

/** A document, or what is left of it behind its full windows. */
interface Item {
  document: PackedDocument;
  start: number;
  length: number;
}

/** Windows pass after pass, until `tokens` are surely among them; ends early only where a pass has no tokens at all. */
export function* bestFit(source: PassLengths, options: BestFitOptions): Generator<PackedWindow> {
  const { windowTokens, seed, blockDocuments = markedDocuments, tokens = Number.POSITIVE_INFINITY } = options;
  const { from, onMark } = options;
  const enough = tokens + windowTokens;
  // Its documents are written to (`seen`), and the mark may be used again.
  let carried: Item[] = structuredClone(from?.carried ?? []);
  let read = from?.read ?? 0;
  let window = from?.window ?? 0;
  let block = from?.block ?? 0;
  let place = from?.place ?? 0;
  // Where a mark was given there are tokens.
  let any = from !== undefined;
  for (let pass = from?.pass ?? 0; ; pass++) {
    let documents: PackedDocument[] = [];
    const packBlock = function* (): Generator<PackedWindow> {
      const { units, emptiest } = pack(documents, carried, windowTokens);
      documents = [];
      carried = emptiest?.items ?? [];
      new Random(`pack:${seed}:${pass}:${block++}`).shuffle(units);
      if (emptiest !== undefined && read >= enough) units.push(emptiest);
      for (const unit of units) {
        window += 'windows' in unit ? unit.windows : 1;
        yield* windowsOf(unit, windowTokens);
      }
      // Of what is carried on, the first windows have come out by now.
      if (read < enough) onMark?.({ window, pass, place, block, read, carried: structuredClone(carried) });
    };
    for (const number of source.order(seed, pass, place)) {
      const length = source.length(number);
      place++;
      if (length === 0) continue;
      any = true;
      read += length;
      documents.push({ number, pass, length, seen: false });
      if (documents.length === blockDocuments || read >= enough) yield* packBlock();
      if (read >= enough) return;
    }
    if (!any) return;
    if (documents.length > 0) yield* packBlock();
    any = false;
    block = 0;
    place = 0;
  }
}

/** Packs one block and what was left of the one before. The emptiest window is apart, unless all are full. */
function pack(
  documents: readonly PackedDocument[],
  carried: readonly Item[],
  windowTokens: number,
): { units: Unit[]; emptiest: PackedItems | undefined } {
  const units: Unit[] = [];
  const items = [...carried];
  for (const document of documents) {
    const windows = Math.floor(document.length / windowTokens);
    const start = windows * windowTokens;
    if (windows > 0) units.push({ document, windows });
    if (start < document.length) items.push({ document, start, length: document.length - start });
  }
  const { bins, binOf, free } = bestFitDecreasing(
    items.map((item) => item.length),
    windowTokens,
  );
  const packed = Array.from({ length: bins }, (_, bin): PackedItems => ({ items: [], padding: free[bin]! }));
  for (const [i, item] of items.entries()) packed[binOf[i]!]!.items.push(item);
  let emptiest: PackedItems | undefined;
  // The last of equals: what was carried into this block comes first, and must not wait again.
  for (const bin of packed) if (bin.padding > 0 && bin.padding >= (emptiest?.padding ?? 0)) emptiest = bin;
  for (const bin of packed) if (bin !== emptiest) units.push(bin);
  return { units, emptiest };
}

/**
 * Best-fit decreasing: lengths from 1 to `capacity` into bins of `capacity`, from the longest to the shortest (equal ones in the order
 * given), each into the bin with the least room that takes it, or a new one. O(n log n). At most one bin is less than half full.
 */
export function bestFitDecreasing(
  lengths: readonly number[],
  capacity: number,
): { bins: number; binOf: Int32Array; free: Int32Array } {
  const n = lengths.length;
  // Sorted as numbers: longest first, then by place. Exact up to 2^53: capacity below 2^32, n below 2^21.
  const keys = Float64Array.from(lengths, (length, i) => (capacity - length) * n + i).sort();
  const binOf = new Int32Array(n);
  const free = new Int32Array(n);
  const space = new FreeSpace(capacity, n);
  let bins = 0;
  for (const key of keys) {
    const i = key % n;
    const length = lengths[i]!;
    const found = space.take(length);
    const bin = found?.bin ?? bins++;
    free[bin] = (found?.free ?? capacity) - length;
    if (free[bin]! > 0) space.add(bin, free[bin]!);
    binOf[i] = bin;
  }
  return { bins, binOf, free: free.subarray(0, bins) };
}

function* windowsOf(unit: Unit, windowTokens: number): Generator<PackedWindow> {
  if ('items' in unit) {
    yield { pieces: unit.items.map(pieceOf), padding: unit.padding };
    return;
  }
  for (let i = 0; i < unit.windows; i++) {
    const item = { document: unit.document, start: i * windowTokens, length: windowTokens };
    yield { pieces: [pieceOf(item)], padding: 0 };
  }
}

function pieceOf({ document, start, length }: Item): Piece {
  const first = !document.seen;
  document.seen = true;
  return {
    document: document.number,
    pass: document.pass,
    start,
    length,
    whole: length === document.length,
    first,
  };
}
