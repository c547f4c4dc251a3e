/**
 * `midtrain classify refine` as a function: rewrites the documents of the inputs and writes those that came out well to `kept/` of the output
 * folder, one Parquet file per unit of reading, with their columns and the new text; `kept/` makes the folder an input of every command
 * that reads a filter run. The others are in `dropped.parquet`: id, source, reason, message, length_ratio, original_text_hash.
 *
 * Added columns: original_text_hash (sha256 of the UTF-8 text), original_characters, length_ratio, refined_by (model), refined_with (prompt),
 * refine_pieces, prompt_tokens, completion_tokens. Files are written to `kept-unfinished/`, which takes the place of `kept/` when all
 * are whole. The same bytes whatever the concurrency and however often the run was stopped. (journal and record: judge-job.ts)
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CountTokens, estimateTokens } from '../../classifiers/judge/chat-types.ts';
import type { RefineLimits } from '../../classifiers/judge/check-refined.ts';
import {
  type Refinement,
  refineDocuments,
  refinePieces,
  refineQuestion,
} from '../../classifiers/judge/refine-documents.ts';
import type { RefinePrompt } from '../../classifiers/judge/refine-prompt.ts';
import {
  batchFromVectors,
  constantUtf8Vector,
  float64Vector,
  gatherRows,
  int32Vector,
  nullableFloat64Vector,
  utf8Vector,
  withColumns,
} from '../core/batch.ts';
import { ParquetOutput } from '../io/parquet-write.ts';
import {
  type ChatEstimate,
  type ChatJob,
  estimateChat,
  type FirstQuestions,
  limitsOf,
  runChat,
  tokenCounterOf,
} from './judge-job.ts';
import { OutcomeTally, type OutcomeTotals } from './judge-outcome.ts';
import { cellOf, type JudgeBatch, type JudgeDocument, judgeDocumentsOf } from './judge-reader.ts';
import { folders } from './run-layout.ts';

export interface RefineJob extends ChatJob {
  prompt: RefinePrompt;
  checks?: Partial<RefineLimits> | undefined;
}

export interface RefineSummary extends OutcomeTotals, Record<string, unknown> {
  /** Files in kept/. */
  files: number;
  /** Characters of the kept documents, before and after. */
  charactersIn: number;
  charactersOut: number;
  estimate: ChatEstimate;
}

/** What the run would ask for. Reads the inputs; writes nothing. */
export async function estimateRefinement(job: RefineJob): Promise<ChatEstimate> {
  limitsOf(job);
  const countTokens = await tokenCounterOf(job.tokenizer);
  return estimateChat(job, questionsOf(job, countTokens), countTokens);
}

/** Runs the job to its end or to its budget. The caller holds the folder's lock. Throws what `refineDocuments` throws. */
export async function refineFiles(job: RefineJob): Promise<RefineSummary> {
  const countTokens = await tokenCounterOf(job.tokenizer);
  const config = {
    maxCharacters: job.maxCharacters ?? null,
    maxTextTokens: job.maxTextTokens ?? null,
    checks: job.checks ?? {},
  };
  const questions = questionsOf(job, countTokens);
  return runChat(job, { task: 'refine', prompt: job.prompt, questions, countTokens, config }, async (run) => {
    const tally = new OutcomeTally('refined');
    let [charactersIn, charactersOut] = [0, 0];
    const rows = new RefinedRows(job.out, run.endpoint.model, job.prompt.name);
    const documents = judgeDocumentsOf(run.plan, run.reading, job);
    try {
      for await (const refinement of refineDocuments(documents, { ...job, ...run, limits: limitsOf(job) })) {
        tally.add(refinement);
        if (refinement.text !== null) {
          charactersIn += refinement.document.text.length;
          charactersOut += refinement.text.length;
        }
        await rows.add(refinement);
        run.done();
      }
      const totals = tally.totals(run.reading.unreadable, job.prices, 'the refined documents');
      return { ...totals, files: await rows.finish(), charactersIn, charactersOut, estimate: run.estimate };
    } catch (error) {
      await rows.abort();
      throw error;
    }
  });
}

/** The model keeps the length as far as it can, so an answer has about the tokens of its piece. */
function questionsOf(job: RefineJob, countTokens: CountTokens | undefined): FirstQuestions {
  const tokensOf = countTokens ?? estimateTokens;
  return ({ text }) =>
    refinePieces(text, { ...job, countTokens }).map((piece) => ({
      messages: refineQuestion(piece, job.prompt),
      expected: tokensOf(piece),
    }));
}

const rowsPerBatch = 512;

/** Writes what comes back: a batch's kept rows when the last of its documents is through. */
class RefinedRows {
  private readonly out: string;
  private readonly unfinished: string;
  private readonly model: string;
  private readonly prompt: string;
  private batch: JudgeBatch | undefined;
  private held: Refinement<JudgeDocument>[] = [];
  private output: { unit: number; file: ParquetOutput } | undefined;
  private files = 0;
  private dropped: ParquetOutput | undefined;
  private lost: Refinement<JudgeDocument>[] = [];

  constructor(out: string, model: string, prompt: string) {
    this.out = out;
    this.model = model;
    this.prompt = prompt;
    this.unfinished = join(out, `${folders.kept}-unfinished`);
    rmSync(this.unfinished, { recursive: true, force: true });
    mkdirSync(this.unfinished, { recursive: true });
  }

  async add(refinement: Refinement<JudgeDocument>): Promise<void> {
    const { batch } = refinement.document;
    if (batch !== this.batch) await this.endBatch();
    this.batch = batch;
    if (refinement.outcome === 'refined') this.held.push(refinement);
    else {
      this.lost.push(refinement);
      if (this.lost.length >= rowsPerBatch) await this.writeDropped();
    }
  }

  /** Puts the finished files into their places; returns how many are in kept/. */
  async finish(): Promise<number> {
    await this.endBatch();
    await this.output?.file.finish();
    await this.writeDropped();
    await this.dropped!.finish();
    const kept = join(this.out, folders.kept);
    const before = join(this.out, `${folders.kept}-before`);
    // A kill between the two renames leaves no kept/: the next run makes it again from the journal.
    rmSync(before, { recursive: true, force: true });
    if (existsSync(kept)) renameSync(kept, before);
    renameSync(this.unfinished, kept);
    rmSync(before, { recursive: true, force: true });
    return this.files;
  }

  async abort(): Promise<void> {
    await this.output?.file.abort();
    await this.dropped?.abort();
    rmSync(this.unfinished, { recursive: true, force: true });
  }

  private async endBatch(): Promise<void> {
    const { batch, held } = this;
    this.held = [];
    if (batch === undefined || held.length === 0) return;
    const rows = gatherRows(
      batch.records,
      held.map(({ document }) => document.row),
    );
    const texts = (of: (refinement: Refinement<JudgeDocument>) => string) => utf8Vector(held.map(of));
    const numbers = (of: (refinement: Refinement<JudgeDocument>) => number) => int32Vector(held.map(of));
    const records = withColumns(rows, [
      { name: 'id', vector: texts(({ id }) => id) },
      { name: 'text', vector: texts(({ text }) => text!) },
      { name: 'original_text_hash', vector: texts(({ document }) => textHash(document.text)) },
      { name: 'original_characters', vector: numbers(({ document }) => document.text.length) },
      { name: 'length_ratio', vector: float64Vector(held.map((one) => one.lengthRatio ?? Number.NaN)) },
      { name: 'refined_by', vector: constantUtf8Vector(this.model, held.length) },
      { name: 'refined_with', vector: constantUtf8Vector(this.prompt, held.length) },
      { name: 'refine_pieces', vector: numbers(({ pieces }) => pieces) },
      { name: 'prompt_tokens', vector: numbers(({ usage }) => usage.prompt_tokens) },
      { name: 'completion_tokens', vector: numbers(({ usage }) => usage.completion_tokens) },
    ]);
    if (this.output?.unit !== batch.unitNumber) {
      await this.output?.file.finish();
      // A unit's id may name row groups after `#`, which in a path other tools take for the end of it.
      const id = batch.unit.id.replace(/[^\w.-]+/g, '-');
      const name = `${String(batch.unitNumber).padStart(4, '0')}-${id}.parquet`;
      this.output = {
        unit: batch.unitNumber,
        file: new ParquetOutput(join(this.unfinished, name), records.schema),
      };
      this.files++;
    }
    await this.output.file.write(records);
  }

  private async writeDropped(): Promise<void> {
    const all = this.lost;
    this.lost = [];
    const texts = (of: (refinement: Refinement<JudgeDocument>) => string | null) => utf8Vector(all.map(of));
    const records = batchFromVectors({
      id: texts(({ id }) => id),
      source: texts(({ document }) => cellOf(document, 'source')),
      reason: texts(({ outcome }) => outcome),
      message: texts(({ message }) => message ?? null),
      length_ratio: nullableFloat64Vector(
        all.map((one) => one.lengthRatio ?? 0),
        (row) => all[row]!.lengthRatio !== null,
      ),
      original_text_hash: texts(({ document }) => textHash(document.text)),
    });
    this.dropped ??= new ParquetOutput(join(this.out, 'dropped.parquet'), records.schema);
    await this.dropped.write(records);
  }
}

/** sha256 of the UTF-8 bytes, in hexadecimal. */
function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
