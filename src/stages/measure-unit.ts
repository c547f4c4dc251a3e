/**
 * First pass over a unit: read, extract HTML, measure all signals, decide by the rules, and set the survivors aside.
 *
 * Writes, under the run folder, `signals/<unit>.parquet` (a row for every document that could be read), `work/<unit>.parquet` (documents
 * that no rule dropped), on request `dropped/<unit>.parquet` (the others, with the reason), the signatures that the dedup steps compare,
 * `dedup/<unit>.survivors` (a bit per document) and, with decontamination, `contamination/<unit>.jsonl`. Memory is one batch.
 * What cannot be read is counted: a bad record as one failed document, the lost rest of a file as one more, since its number of
 * documents is unknown; the unit is then not complete and a rerun tries it again.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DocumentBatch } from '../core/batch.ts';
import { InputError, InterruptedError, messageOf } from '../core/errors.ts';
import { initHash64 } from '../core/hash64.ts';
import { count } from '../core/ledger.ts';
import { AtomicFile } from '../io/atomic.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { BatchText } from './batch-text.ts';
import { BitList } from './bit-list.ts';
import { SignatureWriters, type StepSignatures } from './dedup-signatures.ts';
import { excerptOf } from './excerpt.ts';
import { type BegunDocument, DocumentMeasurer, type MeasuredDocument } from './measure-document.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { folders, survivorsPath } from './run-layout.ts';
import { ScoredRows } from './scored-rows.ts';
import { openTokenCounter, type TokenCounter } from './token-counter.ts';
import { transformText } from './transform-text.ts';
import { UnitOutput } from './unit-output.ts';
import type { UnitProgress } from './unit-progress.ts';
import { addExample, addFailure, emptyReport, type OutputFile, type UnitReport } from './unit-report.ts';

export interface MeasureTask {
  unit: ReadUnit;
  /** The unit's name in output paths. */
  name: string;
  /** The run folder. */
  folder: string;
  filter: ResolvedFilter;
  batchBytes?: number;
  /** Documents to read at most. */
  limit?: number;
}

export interface MeasuredUnit {
  report: UnitReport;
  /** Rows of `signals/`: documents that could be read. */
  documents: number;
  /** `work/` files. */
  candidates: OutputFile[];
  /** All else: `signals/`, `dropped/`, `contamination/`. */
  outputs: OutputFile[];
  signatures: StepSignatures[];
  survivors: OutputFile;
}

/** Files that the second pass reads and deletes: quick zstd, small row groups. */
const workFile = { level: 1, rowGroupBytes: 8 * 1024 * 1024 };
/** Row groups of `signals/`: wide rows of numbers, read column by column. */
const signalsRowGroupBytes = 8 * 1024 * 1024;
/** A batch's texts, signals and copies are in memory several times over, once per worker. */
const usualBatchBytes = 4 * 1024 * 1024;

/** `skip`: ordinals of documents that must not be touched (they killed a worker before), with the story. */
export async function measureUnit(
  task: MeasureTask,
  progress: UnitProgress,
  skip: Readonly<Record<number, string>> = {},
): Promise<MeasuredUnit> {
  await initHash64();
  const { folder, filter } = task;
  for (const sub of Object.values(folders)) await mkdir(join(folder, sub), { recursive: true });
  const { measurer, tokens } = await openInstruments(filter, folder);
  progress.beat();
  const pass = new MeasurePass(task, measurer, tokens, progress, skip);
  try {
    await pass.read();
    return await pass.finish();
  } catch (error) {
    await pass.abort();
    throw error;
  }
}

interface Instruments {
  measurer: DocumentMeasurer;
  tokens: TokenCounter;
}

/** Models, indexes and vocabularies are opened once a thread, not once a unit. */
let opened: { key: string; instruments: Promise<Instruments> } | undefined;

function openInstruments(filter: ResolvedFilter, folder: string): Promise<Instruments> {
  const key = JSON.stringify([folder, filter]);
  if (opened?.key !== key) {
    const open = async (): Promise<Instruments> => ({
      measurer: await DocumentMeasurer.open(filter, folder),
      tokens: await openTokenCounter(filter.tokenizer),
    });
    opened = { key, instruments: open() };
  }
  return opened.instruments;
}

/** A row with its text, measured as far as it can be by itself; `begun` is undefined for blank text. */
interface ReadDocument {
  row: number;
  text: string;
  url: string | null;
  begun: BegunDocument | undefined;
}

class MeasurePass {
  private readonly report: UnitReport;
  private readonly kept: UnitOutput;
  private readonly dropped: UnitOutput;
  private readonly signals: UnitOutput;
  private readonly signatures: SignatureWriters;
  private readonly survivors = new BitList();
  private readonly contamination: string[] = [];
  private readonly task: MeasureTask;
  private readonly measurer: DocumentMeasurer;
  private readonly tokens: TokenCounter;
  private readonly progress: UnitProgress;
  private readonly skip: Readonly<Record<number, string>>;

  constructor(
    task: MeasureTask,
    measurer: DocumentMeasurer,
    tokens: TokenCounter,
    progress: UnitProgress,
    skip: Readonly<Record<number, string>>,
  ) {
    this.task = task;
    this.measurer = measurer;
    this.tokens = tokens;
    this.progress = progress;
    this.skip = skip;
    const { folder, name, filter } = task;
    this.report = emptyReport(measurer.table.signals, filter.rules.length);
    const { rowGroupBytes } = filter;
    // Without dedup the work file becomes the output as it is.
    const work = filter.dedup.length > 0 ? workFile : { rowGroupBytes };
    this.kept = new UnitOutput(folder, join(folders.work, name), work);
    this.dropped = new UnitOutput(folder, join(folders.dropped, name), { rowGroupBytes });
    this.signals = new UnitOutput(folder, join(folders.signals, name), {
      rowGroupBytes: signalsRowGroupBytes,
    });
    this.signatures = new SignatureWriters(folder, name, filter.dedup);
  }

  /** Reads the unit to its end or its limit; what is lost of it is in the report. */
  async read(): Promise<void> {
    const { unit, batchBytes } = this.task;
    const stop = new AbortController();
    // Waiting for the Hub is bounded there; the pool is told that this thread lives, and a stop does not wait for the network.
    const beat = (): void => {
      this.progress.beat();
      if (this.progress.stopRequested) stop.abort(new InterruptedError());
    };
    try {
      const options = {
        tally: this.report,
        batchBytes: batchBytes ?? usualBatchBytes,
        hub: { beat, signal: stop.signal },
        once: true,
      };
      for await (const item of this.full ? [] : readUnit(unit, options)) {
        if (this.progress.stopRequested) throw new InterruptedError();
        if (item.kind === 'failed') {
          this.fail(item.reason, { file: item.file, place: item.place, problem: item.problem }, item.count);
          // A record that is not JSON stays so; a damaged row group may be a damaged download.
          if (unit.format === 'parquet' || unit.format === 'arrow') this.report.complete = false;
        } else await this.batch(item.batch);
        this.progress.beat();
        if (this.full) break;
      }
    } catch (error) {
      if (stop.signal.aborted) throw new InterruptedError();
      if (!(error instanceof InputError)) throw error;
      const place = error.place === undefined ? {} : { place: error.place };
      this.fail('unreadable', { file: error.file, ...place, problem: error.problem });
      this.report.complete = false;
    }
  }

  async finish(): Promise<MeasuredUnit> {
    const { folder, name } = this.task;
    const candidates = await this.kept.finish();
    const outputs = [...(await this.signals.finish()), ...(await this.dropped.finish())];
    if (this.contamination.length > 0) {
      const text = Buffer.from(`${this.contamination.join('\n')}\n`);
      outputs.push(await writeBytes(folder, join(folders.contamination, `${name}.jsonl`), text));
    }
    return {
      report: this.report,
      documents: this.survivors.length,
      candidates,
      outputs,
      signatures: await this.signatures.finish(),
      survivors: await writeBytes(folder, survivorsPath(name), this.survivors.encode()),
    };
  }

  async abort(): Promise<void> {
    for (const output of [this.kept, this.dropped, this.signals, this.signatures]) await output.abort();
  }

  private get full(): boolean {
    return this.report.ledger.in >= (this.task.limit ?? Number.POSITIVE_INFINITY);
  }

  private fail(
    reason: string,
    failure: { file: string; place?: string; problem: string },
    documents = 1,
  ): void {
    this.report.ledger.in += documents;
    if (documents > 0) count(this.report.ledger.failed, reason, documents);
    addFailure(this.report, failure);
  }

  private async batch(batch: DocumentBatch): Promise<void> {
    const texts = await BatchText.of(batch, this.task.filter.keepHtml, this.task.unit.format);
    const rows = new ScoredRows(this.measurer.table, texts, this.task.filter.dropped);
    const together = this.measurer.scoresTogether;
    const waiting: ReadDocument[] = [];
    const most = this.task.limit ?? Number.POSITIVE_INFINITY;
    for (let row = 0; row < batch.records.numRows; row++) {
      const ordinal = this.report.ledger.in + waiting.length;
      if (ordinal >= most) break;
      if (this.progress.stopRequested) throw new InterruptedError();
      this.progress.begin(ordinal);
      const story = this.skip[ordinal];
      if (story !== undefined) {
        this.fail('worker_died', failureAt(texts, row, story));
        continue;
      }
      const document = this.measure(texts, row);
      if (document === undefined) continue;
      if (together) waiting.push(document);
      else this.decide(texts, rows, document);
    }
    if (together) await this.decideTogether(texts, rows, waiting);
    const kept = rows.keptBatch();
    const dropped = rows.droppedBatch();
    const signals = rows.signalsBatch();
    if (kept !== undefined) await this.kept.write(kept);
    if (dropped !== undefined) await this.dropped.write(dropped);
    if (signals !== undefined) await this.signals.write(signals);
    await this.signatures.flush();
  }

  /** Models that want many texts at a time see the documents of one batch of the input: what they are does not depend on workers. */
  private async decideTogether(
    texts: BatchText,
    rows: ScoredRows,
    documents: readonly ReadDocument[],
  ): Promise<void> {
    const begun = documents.flatMap((document) => document.begun ?? []);
    // No single document is in hand from here on.
    this.progress.beat();
    await this.measurer.scoreTogether(begun, () => {
      if (this.progress.stopRequested) throw new InterruptedError();
      this.progress.beat();
    });
    for (const document of documents) this.decide(texts, rows, document);
  }

  /** Text and signals of a row; undefined when its text cannot be extracted, which is counted. */
  private measure(texts: BatchText, row: number): ReadDocument | undefined {
    let text: string;
    try {
      text = texts.textAt(row);
    } catch (error) {
      this.fail('extraction_failed', failureAt(texts, row, messageOf(error)));
      this.progress.end(0, false);
      return undefined;
    }
    const url = texts.urlAt(row);
    const begun =
      text.trim() === '' ? undefined : this.measurer.begin(text, url, (name) => texts.numberAt(name, row));
    return { row, text, url, begun };
  }

  private decide(texts: BatchText, rows: ScoredRows, { row, text, url, begun }: ReadDocument): void {
    const { report, measurer } = this;
    const { table } = measurer;
    const id = texts.idAt(row);
    const bytes = begun === undefined ? 0 : Buffer.byteLength(text);
    const tokens = begun === undefined ? 0 : this.tokens.count(text, bytes);
    const measured = begun === undefined ? undefined : measurer.finish(begun);
    const rule = table.rules[measured?.failing ?? -1];
    const reason = measured === undefined ? 'empty_text' : rule?.reason;
    const index = this.survivors.length;
    report.ledger.in++;
    report.textBytes += bytes;
    report.tokens += tokens;
    if (measured !== undefined) {
      table.tally(report, measured.values, reason === undefined, measured.unmasked);
      this.signatures.add(index, text, url);
      this.noteContamination(measured, id, index);
    }
    const excerpt = excerptOf(text);
    const example = { id, url, excerpt };
    this.survivors.push(reason === undefined);
    if (reason === undefined) {
      report.ledger.kept++;
      report.keptTextBytes += bytes;
      report.keptTokens += tokens;
      addExample(report, 'kept', example);
    } else {
      count(report.ledger.dropped, reason);
      const decided =
        rule === undefined || measured === undefined
          ? {}
          : {
              signal: rule.signal,
              value: measured.values[table.signals.indexOf(rule.signal)]!,
              bound: rule.bound,
            };
      addExample(report, reason, { ...example, ...decided });
    }
    rows.add({
      row,
      id,
      url,
      values: measured?.values ?? new Float64Array(table.signals.length).fill(Number.NaN),
      measured: measured?.measured ?? 0,
      labels: measured?.labels ?? [],
      bytes,
      tokens,
      excerpt,
      text: this.ownText(texts, text, reason === undefined),
      reason,
      rule,
    });
    this.progress.end(bytes, reason === undefined);
  }

  /** The text to write, where it is not the input's column as it is. Dropped documents keep theirs as it was measured. */
  private ownText(texts: BatchText, text: string, kept: boolean): string | undefined {
    const { transform } = this.task.filter;
    if (transform.length > 0) return kept ? transformText(text, transform) : text;
    return texts.extracts ? text : undefined;
  }

  private noteContamination({ contamination }: MeasuredDocument, id: string, index: number): void {
    for (const row of contamination) {
      this.contamination.push(JSON.stringify({ id, unit: this.task.name, index, ...row }));
    }
  }
}

function failureAt(
  texts: BatchText,
  row: number,
  problem: string,
): { file: string; place: string; problem: string } {
  const { file, firstRow } = texts.batch.origin;
  return { file, place: `document ${texts.idAt(row)}, row ${firstRow + row}`, problem };
}

async function writeBytes(folder: string, path: string, data: Uint8Array): Promise<OutputFile> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  const file = await AtomicFile.create(join(folder, path));
  await file.write(data);
  return { path, rows: 0, ...(await file.commit()) };
}
