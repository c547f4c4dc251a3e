/**
 * First pass over a unit: read, extract HTML, measure all signals, decide by the rules, and set the survivors aside.
 *
 * Writes, under the run folder, `work/<unit>.parquet` (documents that no rule dropped, with their signals), its
 * `dedup/<unit>.signatures`, and on request `dropped/<unit>.parquet` (the others, with the reason). Memory is one batch.
 * What cannot be read is counted: a bad record as one failed document, the lost rest of a file as one more, since its number of
 * documents is unknown; the unit is then not complete and a rerun tries it again.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DocumentBatch } from '../core/batch.ts';
import { InputError, InterruptedError, messageOf } from '../core/errors.ts';
import { initHash64 } from '../core/hash64.ts';
import { count } from '../core/ledger.ts';
import { type ExactSignature, exactSignature, signatureText } from '../dedup/exact-signature.ts';
import { SignatureList } from '../dedup/signature-file.ts';
import { AtomicFile } from '../io/atomic.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { BatchText } from './batch-text.ts';
import { excerptOf } from './excerpt.ts';
import type { ResolvedFilter } from './filter-config.ts';
import { DocumentMeasurer } from './measure-document.ts';
import { ScoredRows } from './scored-rows.ts';
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
  candidates: OutputFile[];
  dropped: OutputFile[];
  signatures: OutputFile;
}

export const candidatesFolder = 'work';
export const signaturesFolder = 'dedup';

/** `skip`: ordinals of documents that must not be touched (they killed a worker before), with the story. */
export async function measureUnit(
  task: MeasureTask,
  progress: UnitProgress,
  skip: Readonly<Record<number, string>> = {},
): Promise<MeasuredUnit> {
  await initHash64();
  const { folder, name, filter } = task;
  for (const sub of [candidatesFolder, signaturesFolder, 'dropped'])
    await mkdir(join(folder, sub), { recursive: true });
  const measurer = new DocumentMeasurer(filter);
  const pass = new MeasurePass(task, measurer, progress, skip);
  try {
    try {
      const options = task.batchBytes === undefined ? {} : { batchBytes: task.batchBytes };
      for await (const item of pass.full ? [] : readUnit(task.unit, options)) {
        if (progress.stopRequested) throw new InterruptedError();
        if (item.kind === 'failed') {
          pass.fail(item.reason, { file: item.file, place: item.place, problem: item.problem }, item.count);
          // A record that is not JSON stays so; a damaged row group may be a damaged download.
          if (task.unit.format === 'parquet') pass.report.complete = false;
        } else await pass.batch(item.batch);
        progress.beat();
        if (pass.full) break;
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const place = error.place === undefined ? {} : { place: error.place };
      pass.fail('unreadable', { file: error.file, ...place, problem: error.problem });
      pass.report.complete = false;
    }
    const candidates = await pass.kept.finish();
    const dropped = await pass.dropped.finish();
    const signatures = await writeBytes(
      folder,
      join(signaturesFolder, `${name}.signatures`),
      pass.signatures.encode(),
    );
    return { report: pass.report, candidates, dropped, signatures };
  } catch (error) {
    await pass.kept.abort();
    await pass.dropped.abort();
    throw error;
  }
}

class MeasurePass {
  readonly report: UnitReport;
  readonly kept: UnitOutput;
  readonly dropped: UnitOutput;
  readonly signatures = new SignatureList();
  private readonly task: MeasureTask;
  private readonly measurer: DocumentMeasurer;
  private readonly progress: UnitProgress;
  private readonly skip: Readonly<Record<number, string>>;

  constructor(
    task: MeasureTask,
    measurer: DocumentMeasurer,
    progress: UnitProgress,
    skip: Readonly<Record<number, string>>,
  ) {
    this.task = task;
    this.measurer = measurer;
    this.progress = progress;
    this.skip = skip;
    this.report = emptyReport(measurer.signals, measurer.rules.length);
    const { folder, name, filter } = task;
    this.kept = new UnitOutput(folder, join(candidatesFolder, name), filter.rowGroupBytes);
    this.dropped = new UnitOutput(folder, join('dropped', name), filter.rowGroupBytes);
  }

  get full(): boolean {
    return this.report.ledger.in >= (this.task.limit ?? Number.POSITIVE_INFINITY);
  }

  fail(reason: string, failure: { file: string; place?: string; problem: string }, documents = 1): void {
    this.report.ledger.in += documents;
    if (documents > 0) count(this.report.ledger.failed, reason, documents);
    addFailure(this.report, failure);
  }

  async batch(batch: DocumentBatch): Promise<void> {
    const texts = await BatchText.of(batch, this.task.filter.keepHtml, this.task.unit.format);
    const rows = new ScoredRows(this.measurer, texts, this.task.filter.dropped);
    for (let row = 0; row < batch.records.numRows && !this.full; row++) {
      if (this.progress.stopRequested) throw new InterruptedError();
      const ordinal = this.report.ledger.in;
      this.progress.begin(ordinal);
      const story = this.skip[ordinal];
      if (story !== undefined) this.fail('worker_died', this.failureAt(texts, row, story));
      else this.document(texts, rows, row);
    }
    const kept = rows.keptBatch();
    const dropped = rows.droppedBatch();
    if (kept !== undefined) await this.kept.write(kept);
    if (dropped !== undefined) await this.dropped.write(dropped);
  }

  private document(texts: BatchText, rows: ScoredRows, row: number): void {
    const { report, measurer } = this;
    let text: string;
    try {
      text = texts.textAt(row);
    } catch (error) {
      this.fail('extraction_failed', this.failureAt(texts, row, messageOf(error)));
      this.progress.end(0, false);
      return;
    }
    report.ledger.in++;
    report.textBytes += text.length;
    const blank = text.trim() === '';
    const values = blank ? undefined : measurer.measure(text);
    const signature: ExactSignature | undefined = blank ? undefined : exactSignature(text);
    const failing = values === undefined ? -1 : measurer.decide(values);
    const rule = measurer.rules[failing];
    const reason = blank ? 'empty_text' : rule?.reason;
    if (values !== undefined) measurer.tally(report, values, reason === undefined);
    const example = { id: texts.idAt(row), url: texts.urlAt(row), excerpt: excerptOf(text) };
    if (reason === undefined) {
      report.ledger.kept++;
      report.keptTextBytes += text.length;
      this.signatures.add(signature!, this.kept.rows + rows.keptCount);
      addExample(report, 'kept', example);
    } else {
      count(report.ledger.dropped, reason);
      const decided =
        rule === undefined
          ? {}
          : {
              signal: rule.signal,
              value: values![measurer.signals.indexOf(rule.signal)]!,
              bound: rule.bound,
            };
      addExample(report, reason, { ...example, ...decided });
    }
    rows.add(row, values, signature === undefined ? null : signatureText(signature), reason, rule);
    this.progress.end(text.length, reason === undefined);
  }

  private failureAt(
    texts: BatchText,
    row: number,
    problem: string,
  ): { file: string; place: string; problem: string } {
    const { file, firstRow } = texts.batch.origin;
    return { file, place: `document ${texts.idAt(row)}, row ${firstRow + row}`, problem };
  }
}

async function writeBytes(folder: string, path: string, data: Uint8Array): Promise<OutputFile> {
  const file = await AtomicFile.create(join(folder, path));
  await file.write(data);
  return { path, rows: 0, ...(await file.commit()) };
}
