/**
 * `npm run bench:filter [-- --quick]`: MB of UTF-8 text per CPU second of what a filter job does, beside datatrove on the same
 * documents in the same run.
 *
 * Rows
 *   cascade                text in memory through gopher-quality, gopher-repetition, c4, fineweb, math density and PII, all signals
 *                          measured, formulas masked; datatrove: its filters of those names and PIIFormatter, each called on every
 *                          document (it has no math density)
 *   cascade, math plain    the same with formulas as they are; the words of the slice are known by then
 *   cascade with stopping  a document goes no further than the first family whose rules drop it, on both sides
 *   minhash                14 x 8 signatures of 5-grams into signature files; datatrove: MinhashDedupSignature
 *   parquet read, write    documents as strings from and to a file; datatrove: ParquetReader and ParquetWriter (snappy, its
 *                          default, and zstd, as ours)
 *   language               lid.176.ftz; the peer is fastText itself, called as datatrove does
 *   extract                MB of HTML; datatrove: Trafilatura (which drops formulas)
 *
 * Method: CPU seconds of the process, so that other work on the machine counts little. The first documents are cut into slices of
 * equal size, one a round; a round measures every row on its slice, ours and then the peer's, so `cascade` never sees a document
 * twice. The compiler is warmed up on documents behind the slices, the peer on one slice. The figure is the median of rounds. Where
 * datatrove is not installed (peer.ts) the peer is the floor that data-engine.md 2.3 gives for heuristic filters: 0.65 MB/s per core.
 *
 * One core means one core: the collector works in the thread it works for (`--single-threaded-gc`), where Node would have it take
 * others and a third of the time of reading with them. Python has no such helpers; what its libraries do in other threads counts.
 *
 * `--only=parquet` measures the rows whose name begins so; `--profile` prints instead where the time of `cascade` goes.
 */
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { packageRoot } from '../../src/io/package-root.ts';
import { benchCorpus, benchPages } from './corpus.ts';
import { filterRows, type MeasuredRow } from './filter-rows.ts';
import { findPeer, Peer } from './peer.ts';
import { profileCascade } from './profile-cascade.ts';
import { type BenchRow, benchRow, median, printBench } from './report.ts';

setFlagsFromString('--single-threaded-gc');

const floor = { value: 0.65, name: 'floor: NeMo Curator, CPU' };
const quick = process.argv.includes('--quick');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const rounds = quick ? 3 : 5;
const warmUpBytes = quick ? 1_500_000 : 4_000_000;
const sliceBytes = quick ? 120_000 : 800_000;
const fileBytes = quick ? 8e6 : 24e6;
const pageBytes = quick ? 200_000 : 1_500_000;

const corpus = benchCorpus(fileBytes);
if (process.argv.includes('--profile')) {
  profileCascade(corpus.texts);
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'midtrain-bench-'));
  try {
    await bench(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function bench(scratch: string): Promise<void> {
  const slices = cut(corpus.texts, sliceBytes, rounds);
  const used = slices.reduce((sum, slice) => sum + slice.length, 0);
  const warmUp = cut(corpus.texts.slice(used), warmUpBytes, 1)[0] ?? [];
  const pages = benchPages(pageBytes);
  const model = join(packageRoot(), '..', 'shared', 'data', 'models', 'lid.176.ftz');
  const rows = (
    await filterRows({ scratch, texts: corpus.texts, slices: [...slices, warmUp], pages })
  ).filter((row) => only === undefined || row.name.startsWith(only));
  const found = findPeer();
  const peer =
    typeof found === 'string'
      ? undefined
      : new Peer(found.python, [scratch, ...(existsSync(model) ? [model] : [])]);
  const notes = [
    `${corpus.source}; ${rounds} rounds of ${(sliceBytes / 1e6).toFixed(2)} MB, files of ${(corpus.bytes / 1e6).toFixed(0)} MB, median of CPU seconds`,
  ];
  if (typeof found === 'string') notes.push(`datatrove is not installed: ${found}`);
  if (peer !== undefined) await writeDocuments(scratch, slices, pages);
  const ours = new Map<MeasuredRow, number[]>();
  const theirs = new Map<MeasuredRow, number[]>();
  const failed = new Set<MeasuredRow>();
  const measureRound = async (group: readonly MeasuredRow[], round: number): Promise<void> => {
    // Two rows may stand beside one step of the peer.
    const answers = new Map<string, number | string>();
    for (const row of group) {
      const repeats = row.repeats ?? 1;
      let bytes = 0;
      let seconds = 0;
      for (let repeat = 0; repeat < repeats; repeat++) {
        row.prepare?.();
        const before = process.cpuUsage();
        bytes += await row.run(round);
        const used = process.cpuUsage(before);
        seconds += (used.user + used.system) / 1e6;
      }
      push(ours, row, bytes / 1e6 / seconds);
      if (peer === undefined || row.peer === undefined || failed.has(row)) continue;
      const answer = answers.get(row.peer) ?? (await peerSeconds(peer, row.peer, round, repeats));
      answers.set(row.peer, answer);
      if (typeof answer === 'number') push(theirs, row, bytes / 1e6 / answer);
      else {
        failed.add(row);
        notes.push(`${row.name}: no peer, ${answer}`);
      }
    }
  };
  // Files first: every page read makes the collector look at the heap, and what other rows left there would be charged to them.
  for (const group of [rows.filter(isFileRow), rows.filter((row) => !isFileRow(row))]) {
    for (const row of group) await row.run(slices.length); // behind the slices
    for (let round = 0; round < rounds; round++) await measureRound(group, round);
  }
  peer?.close();
  const report = rows.map((row): BenchRow => {
    const measured = theirs.get(row);
    const against =
      measured !== undefined
        ? { value: median(measured), name: row.peerName ?? (found as { name: string }).name }
        : peer === undefined && row.floor
          ? floor
          : undefined;
    return benchRow(row.name, 'MB/s per core', median(ours.get(row) ?? []), against);
  });
  printBench('filter', report, notes);
}

async function peerSeconds(
  peer: Peer,
  row: string,
  round: number,
  repeats: number,
): Promise<number | string> {
  let sum = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const seconds = await peer.run(row, round);
    if (typeof seconds === 'string') return seconds;
    sum += seconds;
  }
  return sum;
}

function isFileRow(row: MeasuredRow): boolean {
  return row.name.startsWith('parquet');
}

function push(map: Map<MeasuredRow, number[]>, row: MeasuredRow, value: number): void {
  const values = map.get(row) ?? [];
  values.push(value);
  map.set(row, values);
}

/** The first documents, `count` groups of at least `bytes`. */
function cut(texts: readonly string[], bytes: number, count: number): string[][] {
  const slices: string[][] = [];
  let slice: string[] = [];
  let size = 0;
  for (const text of texts) {
    if (slices.length === count) break;
    slice.push(text);
    size += Buffer.byteLength(text);
    if (size < bytes) continue;
    slices.push(slice);
    slice = [];
    size = 0;
  }
  return slices;
}

async function writeDocuments(
  scratch: string,
  slices: readonly string[][],
  pages: readonly string[],
): Promise<void> {
  mkdirSync(scratch, { recursive: true });
  const lines = (texts: readonly string[]): string =>
    texts.map((text) => `${JSON.stringify({ text })}\n`).join('');
  for (const [i, slice] of slices.entries()) writeFileSync(join(scratch, `slice-${i}.jsonl`), lines(slice));
  writeFileSync(join(scratch, 'pages.jsonl'), lines(pages));
  const all = createWriteStream(join(scratch, 'all.jsonl'));
  for (const text of corpus.texts) all.write(`${JSON.stringify({ text })}\n`);
  all.end();
  await finished(all);
}
