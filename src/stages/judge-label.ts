/**
 * `midtrain classify label` as a function: grades the documents of the inputs and writes them, each with its score or the reason why it has
 * none, to `labels.parquet` of the output folder, in the order of the inputs.
 *
 * Columns: id, text, url, date, source, group, score (null without one), reason (`scored`, or why not), justification, judged_characters (of the text,
 * what the judge saw), rubric, model, prompt_tokens, completion_tokens, answers. The same bytes whatever the concurrency and however
 * often the run was stopped. (journal and record: judge-job.ts)
 */
import { join } from 'node:path';
import type { CountTokens } from '../../classifiers/judge/chat-types.ts';
import { type Judgement, judgeDocuments, judgeQuestion } from '../../classifiers/judge/judge-documents.ts';
import type { Rubric } from '../../classifiers/judge/rubric.ts';
import {
  batchFromVectors,
  constantUtf8Vector,
  int32Vector,
  nullableFloat64Vector,
  utf8Vector,
} from '../core/batch.ts';
import { count } from '../core/ledger.ts';
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
import { cellAsText, cellOf, type JudgeDocument, judgeDocumentsOf } from './judge-reader.ts';

export interface LabelJob extends ChatJob {
  rubric: Rubric;
  /** Further questions after an answer without a score; default 2. */
  maxRepairs?: number | undefined;
  /** Column that becomes `group`; default: `group`, else the year of `date`. */
  group?: string | undefined;
}

export interface LabelSummary extends OutcomeTotals, Record<string, unknown> {
  file: string;
  rows: number;
  /** Documents by score. */
  scores: Record<string, number>;
  /** Documents of which the judge saw the beginning alone. */
  cropped: number;
  /** Documents that took more than one answer. */
  repaired: number;
  estimate: ChatEstimate;
}

/** Tokens of an answer: a justification of at most 100 words and a line. */
const expectedAnswer = 160;
const rowsPerBatch = 512;
const charactersPerBatch = 4 * 1024 * 1024;

/** What the run would ask for. Reads the inputs; writes nothing. */
export async function estimateLabels(job: LabelJob): Promise<ChatEstimate> {
  limitsOf(job);
  const count = await tokenCounterOf(job.tokenizer);
  return estimateChat(job, questionsOf(job, count), count);
}

/** Runs the job to its end or to its budget. The caller holds the folder's lock. Throws what `judgeDocuments` throws. */
export async function labelFiles(job: LabelJob): Promise<LabelSummary> {
  const countTokens = await tokenCounterOf(job.tokenizer);
  const config = {
    maxCharacters: job.maxCharacters ?? null,
    maxTextTokens: job.maxTextTokens ?? null,
    maxRepairs: job.maxRepairs ?? null,
    range: [job.rubric.min, job.rubric.max],
  };
  const task = {
    task: 'label',
    prompt: job.rubric,
    questions: questionsOf(job, countTokens),
    countTokens,
    config,
  } as const;
  return runChat(job, task, async (run) => {
    const file = join(job.out, 'labels.parquet');
    const rows = new LabelRows(file, run.endpoint.model, job);
    const tally = new OutcomeTally('scored');
    const scores: Record<string, number> = {};
    let [cropped, repaired] = [0, 0];
    const documents = judgeDocumentsOf(run.plan, run.reading, job);
    const judgements = judgeDocuments(documents, { ...job, ...run, limits: limitsOf(job) });
    try {
      for await (const judgement of judgements) {
        tally.add(judgement);
        if (judgement.score !== null) count(scores, String(judgement.score));
        if (judgement.answers > 1) repaired++;
        if (
          judgement.judgedCharacters > 0 &&
          judgement.judgedCharacters < judgement.document.text.trim().length
        )
          cropped++;
        await rows.add(judgement);
        run.done();
      }
      const totals = tally.totals(run.reading.unreadable, job.prices, 'the labels');
      return {
        ...totals,
        file,
        rows: await rows.finish(),
        scores: Object.fromEntries(Object.entries(scores).sort(([a], [b]) => Number(a) - Number(b))),
        cropped,
        repaired,
        estimate: run.estimate,
      };
    } catch (error) {
      await rows.abort();
      throw error;
    }
  });
}

function questionsOf(job: LabelJob, countTokens: CountTokens | undefined): FirstQuestions {
  return ({ text }) => [
    { messages: judgeQuestion(text, { ...job, countTokens }).messages, expected: expectedAnswer },
  ];
}

/** Rows of `labels.parquet`, in batches cut by rows and characters alone. */
class LabelRows {
  private readonly file: string;
  private readonly model: string;
  private readonly job: LabelJob;
  private output: ParquetOutput | undefined;
  private pending: Judgement<JudgeDocument>[] = [];
  private characters = 0;

  constructor(file: string, model: string, job: LabelJob) {
    this.file = file;
    this.model = model;
    this.job = job;
  }

  async add(judgement: Judgement<JudgeDocument>): Promise<void> {
    this.pending.push(judgement);
    this.characters += judgement.document.text.length;
    if (this.pending.length >= rowsPerBatch || this.characters >= charactersPerBatch) await this.flush();
  }

  async finish(): Promise<number> {
    await this.flush();
    const { rows } = await this.output!.finish();
    return rows;
  }

  async abort(): Promise<void> {
    await this.output?.abort();
  }

  private async flush(): Promise<void> {
    const all = this.pending;
    if (all.length === 0 && this.output !== undefined) return;
    const texts = (of: (judgement: Judgement<JudgeDocument>) => string | null) => utf8Vector(all.map(of));
    const cells = (column: string) => texts(({ document }) => cellOf(document, column));
    const scores = all.map(({ score }) => score ?? 0);
    const records = batchFromVectors({
      id: texts(({ id }) => id),
      text: texts(({ document }) => document.text),
      url: cells('url'),
      date: cells('date'),
      source: cells('source'),
      group: texts(({ document }) => groupOf(document, this.job.group)),
      score: nullableFloat64Vector(scores, (row) => all[row]!.score !== null),
      reason: texts(({ outcome }) => outcome),
      justification: texts(({ justification }) => justification),
      judged_characters: int32Vector(all.map(({ judgedCharacters }) => judgedCharacters)),
      rubric: constantUtf8Vector(this.job.rubric.name, all.length),
      model: constantUtf8Vector(this.model, all.length),
      prompt_tokens: int32Vector(all.map(({ usage }) => usage.prompt_tokens)),
      completion_tokens: int32Vector(all.map(({ usage }) => usage.completion_tokens)),
      answers: int32Vector(all.map(({ answers }) => answers)),
    });
    this.output ??= new ParquetOutput(this.file, records.schema);
    await this.output.write(records);
    this.pending = [];
    this.characters = 0;
  }
}

/** What the documents are stratified by: the named column, else `group`, else the year that `date` begins with. */
function groupOf(document: JudgeDocument, column: string | undefined): string | null {
  const named = cellAsText(document, column ?? 'group');
  if (named !== null || column !== undefined) return named;
  return /^\d{4}/.exec(cellOf(document, 'date') ?? '')?.[0] ?? null;
}
