/**
 * From labelled documents to a training set in two steps: the inputs are read once, prepared texts are hashed, so that the split can be planned
 * on numbers, and the documents are set aside on disk; then the training texts are written in fastText's line format, and the held-out rows,
 * and the hashes of what is trained on.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles } from '../../classifiers/model-folder.ts';
import { type Preparation, prepareText } from '../../classifiers/prepare-text.ts';
import { batchFromVectors, nullableFloat64Vector, utf8Vector } from '../core/batch.ts';
import { InterruptedError } from '../core/errors.ts';
import { hash64, initHash64 } from '../core/hash64.ts';
import { emptyLedger } from '../core/ledger.ts';
import { AtomicFile, writeFileAtomic } from '../io/atomic.ts';
import { ParquetOutput } from '../io/parquet-write.ts';
import type { DocumentTally } from './classify-documents.ts';
import { type LabelledDocument, type LabelledPlan, readLabelled } from './classify-labelled.ts';
import { fates, type SplitPlan, type SplitRows } from './classify-plan-split.ts';
import type { RegressorLine } from './classify-train-request.ts';
import type { SpoolPlace, TextSpool } from './text-spool.ts';

export interface LineSettings {
  prepare: Preparation;
  newline: 'space' | 'remove';
}

/**
 * The line that a fastText classifier is trained on and scores: prepared, without line ends, and without words that fastText would read as
 * labels (it skips them when it predicts).
 */
export function trainingLine(text: string, { prepare, newline }: LineSettings): string {
  const prepared = prepareText(text, prepare);
  const line = newline === 'remove' ? prepared.trim().replaceAll('\n', '') : prepared;
  return line.replace(/[\n\v\f\r\0]/g, ' ').replace(/(^|[ \t])__label__[^ \t]*/g, '$1');
}

interface PassOptions {
  signal?: AbortSignal | undefined;
  progress: (bytes: number) => void;
}

/** A labelled document as it is set aside. */
export type SpooledDocument = Omit<LabelledDocument, 'read'>;

export interface HashedDocuments {
  rows: SplitRows;
  tally: DocumentTally;
  /** Where each document lies in the spool. */
  places: SpoolPlace[];
}

/** First step: reads everything once. */
export async function hashLabelled(
  plan: LabelledPlan,
  how: LineSettings,
  spool: TextSpool<SpooledDocument>,
  options: PassOptions,
): Promise<HashedDocuments> {
  await initHash64();
  const tally: DocumentTally = { ledger: emptyLedger(), failures: [], columns: [] };
  const sources = new Map<string, number>();
  const hashes: bigint[] = [];
  const source: number[] = [];
  const positive: number[] = [];
  const places: SpoolPlace[] = [];
  for await (const document of readLabelled(plan, tally, options)) {
    hashes.push(hash64(Buffer.from(trainingLine(document.text, how))));
    let at = sources.get(document.source);
    if (at === undefined) {
      at = sources.size;
      sources.set(document.source, at);
    }
    source.push(at);
    positive.push(document.positive ? 1 : 0);
    const { read: _read, ...rest } = document;
    places.push(await spool.append(rest));
  }
  return {
    tally,
    places,
    rows: {
      hashes: BigUint64Array.from(hashes),
      source: Uint32Array.from(source),
      positive: Uint8Array.from(positive),
      sources: [...sources.keys()],
    },
  };
}

export interface TrainingFiles {
  /** fastText's lines, `__label__<label> text`, or JSON lines. */
  lines: string;
  /** Held-out rows that were written, by name. */
  heldOut: string[];
}

export interface TrainingFileOptions {
  signal?: AbortSignal | undefined;
  folder: string;
  /** Name of the file of lines in the folder. */
  linesName: string;
  labels: { positive: string; negative: string };
  /** fastText's lines, or JSON lines of texts and scores. */
  kind: 'fasttext' | 'regressor';
}

/** Second step: in the order of the split. */
export async function writeTrainingFiles(
  { rows, places }: HashedDocuments,
  spool: TextSpool<SpooledDocument>,
  split: SplitPlan,
  how: LineSettings,
  options: TrainingFileOptions,
): Promise<TrainingFiles> {
  const { folder, labels, kind, signal } = options;
  const heldOut = join(folder, modelFiles.heldOut);
  await mkdir(heldOut, { recursive: true });
  const lines = join(folder, options.linesName);
  const file = await AtomicFile.create(lines);
  const outputs = {
    in: new LabelledRows(join(heldOut, 'in-distribution.parquet')),
    out: new LabelledRows(join(heldOut, 'out-of-distribution.parquet')),
  };
  const lineOf = (document: SpooledDocument): string => {
    if (kind === 'fasttext') {
      const label = document.positive ? labels.positive : labels.negative;
      return `__label__${label} ${trainingLine(document.text, how)}\n`;
    }
    const score = document.score ?? (document.positive ? 5 : 0);
    return `${JSON.stringify({ text: document.text, score } satisfies RegressorLine)}\n`;
  };
  let pending: string[] = [];
  let pendingLength = 0;
  const flush = async (): Promise<void> => {
    await file.write(Buffer.from(pending.join('')));
    pending = [];
    pendingLength = 0;
  };
  try {
    for (const row of split.heldOut) {
      if (signal?.aborted) throw new InterruptedError();
      const fate = fates[split.fate[row]!] as 'in' | 'out';
      await outputs[fate].add(await spool.read(places[row]!));
    }
    for (const row of split.training) {
      if (signal?.aborted) throw new InterruptedError();
      const document = await spool.read(places[row]!);
      const line = lineOf(document);
      pending.push(line);
      pendingLength += line.length;
      if (pendingLength > 1 << 20) await flush();
    }
    await flush();
    await file.commit();
    const written: string[] = [];
    for (const output of Object.values(outputs)) if (await output.finish()) written.push(output.path);
    const sorted = BigUint64Array.from(new Set(split.training), (row) => rows.hashes[row]!).sort();
    await writeFileAtomic(join(folder, modelFiles.seen), new Uint8Array(sorted.buffer));
    return { lines, heldOut: written };
  } catch (error) {
    await file.abort();
    for (const output of Object.values(outputs)) await output.abort();
    throw error;
  }
}

/** Labelled rows to Parquet: id, text, url, source, group, score, label. A file without rows is not written. */
class LabelledRows {
  readonly path: string;
  private output: ParquetOutput | undefined;
  private held: SpooledDocument[] = [];
  private heldLength = 0;

  constructor(path: string) {
    this.path = path;
  }

  async add(document: SpooledDocument): Promise<void> {
    this.held.push(document);
    this.heldLength += document.text.length;
    if (this.heldLength > 2 * 1024 * 1024) await this.flush();
  }

  /** Whether there is a file. */
  async finish(): Promise<boolean> {
    await this.flush();
    await this.output?.finish();
    return this.output !== undefined;
  }

  async abort(): Promise<void> {
    await this.output?.abort();
  }

  private async flush(): Promise<void> {
    const { held } = this;
    if (held.length === 0) return;
    const text = (value: (document: SpooledDocument) => string | null) => utf8Vector(held.map(value));
    const records = batchFromVectors({
      id: text(({ id }) => id),
      text: text((document) => document.text),
      url: text(({ url }) => url),
      source: text(({ source }) => source),
      group: text(({ group }) => group),
      score: nullableFloat64Vector(
        held.map(({ score }) => score ?? 0),
        (row) => held[row]!.score !== null,
      ),
      label: text(({ positive }) => (positive ? 'positive' : 'negative')),
    });
    this.output ??= new ParquetOutput(this.path, records.schema);
    await this.output.write(records);
    this.held = [];
    this.heldLength = 0;
  }
}
