/**
 * A source in pieces that can be read in any order and stopped in the middle, so that a look at some of them says something about all:
 * what size-source.ts extrapolates from and sample-source.ts shows documents of.
 *
 * Files here are cut as for reading (source-texts.ts), only smaller; of many files some are chosen by hash. Large JSON-lines files
 * are not scanned for that: blocks of them are read (sample-lines.ts). Pieces come by hash of their names.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import type { GeneratedData } from '../core/card.ts';
import { invariant, UserError } from '../core/errors.ts';
import { hash32 } from '../core/random.ts';
import { compressionOf } from '../io/byte-stream.ts';
import { formatOf, formatsFor, headOf } from '../io/input-format.ts';
import { isPattern, patternMatcher, splitPattern } from '../io/path-pattern.ts';
import { walkFolder } from '../io/walk-folder.ts';
import type { ChatTemplate } from '../tokens/chat-template.ts';
import { inHashOrder } from './order-units.ts';
import { blockBytes, textsOfBlock, textsOfCompressed } from './sample-lines.ts';
import { prepareSource } from './source-texts.ts';
import type { Parcel } from './source-units.ts';
import { type Failure, type SourceText, textsOfUnit, type UnitTally } from './unit-texts.ts';

export interface Piece {
  name: string;
  /** The file it is from. */
  file: string;
  /** Bytes as stored; of generated records their number. */
  bytes: number;
  texts(tally: UnitTally, chat: ChatTemplate | undefined): AsyncGenerator<SourceText>;
  /** How much of the piece is behind the last text that was given, 0 to 1. */
  share(): number;
}

/** Pieces of one kind, so that their texts per byte can be compared. */
export interface Stratum {
  bytes: number;
  /** Files, and those of them that the pieces come from: of many some are chosen. */
  files: number;
  chosenFiles: number;
  /** How many pieces there are. */
  count: number;
  pieces: Generator<Piece>;
  /** Whether the pieces, read to their ends, are the whole source and each document once. */
  whole: boolean;
}

export interface SourcePieces {
  strata: Stratum[];
  /** Files that could not be planned. */
  failures: Failure[];
  files: number;
}

/** Files looked into, of a source that has more: opening a plain one costs nothing, others have a footer or a beginning. */
const mostFiles = { plain: 5000, compressed: 32, planned: 32 } as const;
/** JSON-lines files are read as a mixture reads them, in full, while they have no more bytes than this together. */
const smallLines = { plain: 16 * 1024 * 1024, compressed: 3 * 1024 * 1024 } as const;
const pieceBytes = 64 * 1024;
const pieceRecords = 500;

/** Throws a `UserError` when nothing can be read. `data` of the source is files or generated. */
export async function openPieces(
  source: ResolvedSource,
  { seed = 0, signal }: { seed?: number; signal?: AbortSignal } = {},
): Promise<SourcePieces> {
  if (source.data.kind === 'generated') return generatedPieces(source, source.data.spec);
  invariant(source.data.kind === 'files', `data of ${source.name} is present`);
  const files = await listFiles(source, source.data.paths);
  const bytesOf = (some: readonly { bytes: number }[]) => some.reduce((n, file) => n + file.bytes, 0);
  const strata: Stratum[] = [];
  const failures: Failure[] = [];
  const linesBytes = {
    plain: bytesOf(files.filter(({ lines }) => lines === 'plain')),
    compressed: bytesOf(files.filter(({ lines }) => lines === 'compressed')),
  };
  const kindOf = ({ lines }: DataFile): 'plain' | 'compressed' | 'planned' =>
    lines !== undefined && linesBytes[lines] > smallLines[lines] ? lines : 'planned';
  for (const kind of ['plain', 'compressed', 'planned'] as const) {
    const own = files.filter((file) => kindOf(file) === kind);
    if (own.length === 0) continue;
    const chosen = inHashOrder(own, seed, ({ path }) => path).slice(0, mostFiles[kind]);
    const all = { bytes: bytesOf(own), files: own.length, chosenFiles: chosen.length, whole: false };
    if (kind === 'plain') strata.push({ ...all, ...plainPieces(source, chosen, seed) });
    else if (kind === 'compressed') strata.push({ ...all, ...compressedPieces(source, chosen) });
    else {
      const planned = await plannedPieces(source, chosen, seed, signal);
      failures.push(...planned.failures);
      // What was planned is measured as the plan measures it; what was not chosen counts by the size of its files.
      const unchosen = all.bytes / Math.max(1, bytesOf(chosen));
      strata.push({
        ...all,
        ...planned,
        bytes: planned.bytes * unchosen,
        whole: chosen.length === own.length,
      });
    }
  }
  return { strata, failures, files: files.length };
}

interface DataFile {
  path: string;
  bytes: number;
  /** Of a file of JSON lines. */
  lines: 'plain' | 'compressed' | undefined;
}

/** The files that an input means, as src/io/plan-folder.ts chooses them. */
async function listFiles(source: ResolvedSource, paths: readonly string[]): Promise<DataFile[]> {
  const found: { path: string; bytes: number }[] = [];
  for (const given of paths) {
    const kept = join(given, 'kept');
    const path = existsSync(join(given, 'run.json')) && existsSync(kept) ? kept : given;
    if (!existsSync(path) && isPattern(path)) {
      const { base, pattern } = splitPattern(path.replaceAll('\\', '/'));
      const matches = patternMatcher(pattern);
      found.push(
        ...(await walkFolder(base)).files
          .filter((file) => matches(file.path))
          .map((file) => ({ ...file, path: join(base, file.path) })),
      );
      continue;
    }
    const info = await stat(path).catch(() => undefined);
    if (info === undefined) throw new UserError(`source ${source.name}: there is nothing at ${path}`);
    if (!info.isDirectory()) {
      found.push({ path, bytes: info.size });
      continue;
    }
    const listing = await walkFolder(path);
    const formats = formatsFor(source.format, listing);
    const chosen = listing.files.filter((file) => formats.includes(formatOf(file.path)!));
    const files = chosen.length === 0 && source.format !== 'auto' ? listing.files : chosen;
    found.push(...files.map((file) => ({ ...file, path: join(path, file.path) })));
  }
  if (found.length === 0) throw new UserError(`source ${source.name}: no files to read`);
  const isLines = (path: string): boolean =>
    source.format === 'jsonl' || (source.format === 'auto' && formatOf(path) === 'jsonl');
  const files: DataFile[] = [];
  for (const file of found) {
    const compressed = /\.(gz|gzip|zst|zstd)$/i.test(file.path);
    files.push({
      ...file,
      lines: isLines(file.path) ? (compressed ? 'compressed' : 'plain') : undefined,
    });
  }
  return files;
}

async function plannedPieces(
  source: ResolvedSource,
  files: readonly DataFile[],
  seed: number,
  signal: AbortSignal | undefined,
): Promise<Pick<Stratum, 'bytes' | 'count' | 'pieces'> & { failures: Failure[] }> {
  const prepared = await prepareSource(
    { ...source, data: { kind: 'files', paths: files.map(({ path }) => path) } },
    { seed, unitBytes: pieceBytes, signal },
  );
  const parcels: Parcel[] = [];
  for await (const parcel of prepared.parcels()) parcels.push(parcel);
  const units = parcels.flatMap((parcel) => parcel.units);
  const pieces = function* (): Generator<Piece> {
    for (const unit of units) {
      const rows = 'read' in unit ? unit.read.rows : undefined;
      let seen = 0;
      let ended = false;
      yield {
        name: unit.id,
        file: 'read' in unit ? unit.read.file : unit.id,
        bytes: unit.bytes,
        // Rows seen, kept or not, of those that the plan knows of.
        share: () => (ended ? 1 : rows === undefined ? 0 : Math.min(1, seen / rows)),
        async *texts(tally, chat) {
          const before = tally.ledger.in;
          for await (const batch of textsOfUnit(source, unit, tally, { chat })) {
            for (const text of batch) {
              seen = tally.ledger.in - before;
              yield text;
            }
          }
          ended = true;
        },
      };
    }
  };
  return {
    bytes: prepared.bytes,
    count: units.length,
    pieces: pieces(),
    failures: parcels.flatMap((parcel) => parcel.failures),
  };
}

function plainPieces(
  source: ResolvedSource,
  files: readonly DataFile[],
  seed: number,
): Pick<Stratum, 'count' | 'pieces'> {
  const counts = files.map(({ bytes }) => Math.ceil(bytes / blockBytes));
  const total = counts.reduce((a, b) => a + b, 0);
  return { count: total, pieces: blocks(source, files, counts, total, seed) };
}

function* blocks(
  source: ResolvedSource,
  files: readonly DataFile[],
  counts: readonly number[],
  total: number,
  seed: number,
): Generator<Piece> {
  const drawn = new Set<number>();
  for (let i = 0; drawn.size < total; i++) {
    // Draws repeat more and more, and nobody reads all of a large file this way: half of it is the end.
    if (drawn.size > total / 2) return;
    let block = hash32(`block:${seed}:${i}`) % total;
    if (drawn.has(block)) continue;
    drawn.add(block);
    let file = 0;
    while (block >= counts[file]!) block -= counts[file++]!;
    const { path, bytes } = files[file]!;
    let ended = false;
    yield {
      name: `${path}#${block}`,
      file: path,
      bytes: Math.min(blockBytes, bytes - block * blockBytes),
      share: () => (ended ? 1 : 0),
      async *texts(tally, chat) {
        yield* textsOfBlock(source, path, block, tally, chat);
        ended = true;
      },
    };
  }
}

function compressedPieces(
  source: ResolvedSource,
  files: readonly DataFile[],
): Pick<Stratum, 'count' | 'pieces'> {
  return { count: files.length, pieces: beginnings(source, files) };
}

function* beginnings(source: ResolvedSource, files: readonly DataFile[]): Generator<Piece> {
  for (const { path, bytes } of files) {
    let done = 0;
    let ended = false;
    yield {
      name: path,
      file: path,
      bytes,
      share: () => (ended ? 1 : done / bytes),
      async *texts(tally, chat) {
        const compression = compressionOf(await headOf(path)) ?? 'gzip';
        yield* textsOfCompressed(source, path, compression, tally, chat, (n) => (done = n));
        ended = true;
      },
    };
  }
}

/** A generator cannot start in the middle; what it makes is alike from beginning to end. */
function generatedPieces(source: ResolvedSource, spec: GeneratedData): SourcePieces {
  const pieces = function* (): Generator<Piece> {
    for (let first = 0; first < spec.count; first += pieceRecords) {
      const count = Math.min(pieceRecords, spec.count - first);
      const name = `generated#${first}`;
      let seen = 0;
      yield {
        name,
        file: 'generated',
        bytes: count,
        share: () => seen / count,
        async *texts(tally, chat) {
          const unit = { id: name, key: name, bytes: 0, generate: spec, first, count };
          for await (const batch of textsOfUnit(source, unit, tally, { chat })) {
            for (const text of batch) {
              seen++;
              yield text;
            }
          }
          seen = count;
        },
      };
    }
  };
  return {
    strata: [
      {
        bytes: spec.count,
        files: 1,
        chosenFiles: 1,
        count: Math.ceil(spec.count / pieceRecords),
        pieces: pieces(),
        whole: true,
      },
    ],
    failures: [],
    files: 0,
  };
}
