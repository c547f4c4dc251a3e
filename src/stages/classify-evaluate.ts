/**
 * `classify evaluate`: a classifier on labelled documents that it was not trained on: measures over all thresholds, calibration, each source,
 * and the errors that were most certain. Documents that training saw are left out and counted; a source that training saw is in distribution.
 *
 * Held in memory per document: score, label, tokens, source and id (some 100 bytes), not its text.
 */
import type {
  ClassifierEvaluation,
  Confusion,
  MeasuredSet,
  SourceMeasures,
  WorstError,
} from '../core/classifier-evaluation.ts';
import { UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { assertBalanced, count, emptyLedger, type Ledger } from '../core/ledger.ts';
import { wilsonInterval } from '../core/wilson-interval.ts';
import { packageVersions } from '../io/package-root.ts';
import {
  brierScore,
  expectedCalibrationError,
  regressionMeasures,
  reliabilityBins,
  scoreHistogram,
} from './classify-calibration.ts';
import type { DocumentTally } from './classify-documents.ts';
import { type SeenLabels, scoreWarnings } from './classify-label-advice.ts';
import { type LabelledRequest, planLabelled, readLabelled } from './classify-labelled.ts';
import {
  averagePrecision,
  chooseThreshold,
  pointAt,
  precisionRecallCurve,
  rankScores,
  ratesOf,
  rocAuc,
  type ThresholdRule,
} from './classify-ranking.ts';
import { openScorer, type ScorerSpec } from './classify-scorer.ts';
import { readTrainedOn, trainedOnNothing } from './classify-seen.ts';
import { trainingLine } from './classify-training-files.ts';
import { excerptOf } from './excerpt.ts';
import { openTokenCounter } from './token-counter.ts';

export interface EvaluateRequest {
  scorer: ScorerSpec;
  labelled: LabelledRequest;
  rule: ThresholdRule;
  /** Which documents the threshold is chosen on; `in` falls back to all where there are none. */
  chooseOn: 'in' | 'all';
  /** A tokenizer.json to count tokens with; null: UTF-8 bytes / 4. */
  tokenizer: string | null;
  emit: Emit;
  signal?: AbortSignal | undefined;
}

export interface Evaluated {
  evaluation: ClassifierEvaluation;
  ledger: Ledger;
  failures: DocumentTally['failures'];
}

/** Scores from 0 to 1 of fastText, 0 to 5 of a regressor. */
export function scoreRange(kind: ScorerSpec['kind']): { from: number; to: number } {
  return { from: 0, to: kind === 'fasttext' ? 1 : 5 };
}

/** One scored document. */
interface Row {
  id: string;
  url: string | null;
  source: string;
  out: boolean;
  score: number;
  positive: boolean;
  annotated: number;
  tokens: number;
}

const worstErrors = 12;
const sweepSteps = 100;

export async function evaluateClassifier(request: EvaluateRequest): Promise<Evaluated> {
  const { scorer, labelled, emit, signal } = request;
  const plan = await planLabelled(labelled, { emit, ...(signal === undefined ? {} : { signal }) });
  const trained = scorer.folder === null ? trainedOnNothing : await readTrainedOn(scorer.folder);
  const opened = await openScorer(scorer);
  const counter = await openTokenCounter(request.tokenizer);
  const tally: DocumentTally = { ledger: emptyLedger(), failures: [], columns: [] };
  const rows: Row[] = [];
  const worst = new WorstList();
  let [documents, seen] = [0, 0];
  const started = performance.now();
  emit({ kind: 'start', task: 'evaluate', total: plan.bytes, unit: 'bytes' });
  let batch: { row: Row; text: string }[] = [];
  const flush = async (): Promise<void> => {
    const scores = await opened.score(batch.map(({ text }) => text));
    for (const [i, { row, text }] of batch.entries()) {
      row.score = scores[i]!;
      rows.push(row);
      worst.consider(row, text);
    }
    batch = [];
  };
  try {
    const progress = (done: number): void => {
      emit({ kind: 'progress', task: 'evaluate', done, total: plan.bytes, unit: 'bytes' });
    };
    for await (const document of readLabelled(plan, tally, { signal, progress })) {
      documents++;
      if (trained.recorded && trained.saw(trainingLine(document.text, scorer))) {
        seen++;
        continue;
      }
      const { id, url, source, positive, score, text } = document;
      const tokens = counter.count(text, Buffer.byteLength(text));
      const out = !trained.knows(source);
      batch.push({
        row: { id, url, source, out, score: Number.NaN, positive, annotated: score ?? Number.NaN, tokens },
        text,
      });
      if (batch.length >= opened.batchSize) await flush();
    }
    await flush();
  } finally {
    await opened.close();
  }
  assertBalanced(tally.ledger, 'the evaluation');
  const seconds = (performance.now() - started) / 1000;
  emit({ kind: 'end', task: 'evaluate', done: plan.bytes, unit: 'bytes', seconds });
  const left: Record<string, number> = { ...tally.ledger.dropped, ...tally.ledger.failed };
  if (seen > 0) count(left, 'trained_on', seen);
  if (rows.length === 0) {
    throw new UserError(
      seen > 0
        ? `all ${seen} labelled documents are in the training set of ${scorer.name}`
        : `no labelled document could be evaluated (${describeCounts(left)})`,
      { hint: 'give documents that the classifier was not trained on, with a score or a label each' },
    );
  }
  return {
    evaluation: assemble(
      request,
      rows,
      worst,
      {
        files: plan.files.map(({ path, bytes, fingerprint }) => ({ path, bytes, fingerprint })),
        documents,
        left,
        tokens: request.tokenizer ?? 'UTF-8 bytes / 4',
        recorded: trained.recorded,
      },
      plan.seen,
    ),
    ledger: tally.ledger,
    failures: tally.failures,
  };
}

function assemble(
  request: EvaluateRequest,
  rows: readonly Row[],
  worst: WorstList,
  data: ClassifierEvaluation['data'] & { recorded: boolean },
  seen: SeenLabels,
): ClassifierEvaluation {
  const { scorer, labelled } = request;
  const { recorded, ...known } = data;
  const inside = rows.filter(({ out }) => !out);
  const outside = rows.filter(({ out }) => out);
  const both = recorded && inside.length > 0 && outside.length > 0;
  const basis = request.chooseOn === 'in' && inside.some(({ positive }) => positive) ? inside : rows;
  const threshold = chooseThreshold(rankingOf(basis), request.rule);
  const setOf = (distribution: MeasuredSet['distribution'], of: readonly Row[]): MeasuredSet =>
    measureSet(distribution, of, threshold.value, scorer);
  const sets = [setOf('all', rows)];
  if (both) sets.push(setOf('in', inside), setOf('out', outside));
  else if (recorded) sets[0]!.distribution = inside.length > 0 ? 'in' : 'out';
  const { name, kind, label, sha256 } = scorer;
  return {
    version: 1,
    classifier: { name, kind, label, sha256 },
    positiveMin: labelled.positiveMin,
    threshold,
    data: known,
    sets,
    sources: sourceMeasures(rows, threshold.value, recorded),
    worst: worst.above(threshold.value),
    warnings: [
      ...scoreWarnings(seen),
      ...warningsOf(rows, basis === rows ? 'all' : 'in', request.rule, recorded),
      ...sets.flatMap(fewWarnings),
    ],
    versions: packageVersions(),
  };
}

function rankingOf(rows: readonly Row[]): ReturnType<typeof rankScores> {
  return rankScores(
    Float64Array.from(rows, ({ score }) => score),
    Uint8Array.from(rows, ({ positive }) => (positive ? 1 : 0)),
    Float64Array.from(rows, ({ tokens }) => tokens),
  );
}

function measureSet(
  distribution: MeasuredSet['distribution'],
  rows: readonly Row[],
  threshold: number,
  { kind }: ScorerSpec,
): MeasuredSet {
  const scores = Float64Array.from(rows, ({ score }) => score);
  const labels = Uint8Array.from(rows, ({ positive }) => (positive ? 1 : 0));
  const annotated = Float64Array.from(rows, (row) => row.annotated);
  const ranking = rankingOf(rows);
  const range = scoreRange(kind);
  const regressor = kind === 'regressor';
  const observed = regressor ? annotated : Float64Array.from(labels);
  const bins = reliabilityBins(scores, observed, { ...range, bins: 10 });
  const sweep = Array.from({ length: sweepSteps + 1 }, (_, i) =>
    pointAt(ranking, range.from + ((range.to - range.from) * i) / sweepSteps),
  );
  return {
    distribution,
    documents: rows.length,
    positives: ranking.positives,
    tokens: ranking.allTokens,
    rocAuc: rocAuc(ranking),
    averagePrecision: averagePrecision(ranking),
    chosen: pointAt(ranking, threshold),
    sweep,
    curve: precisionRecallCurve(ranking, 400),
    bins,
    expectedCalibrationError: regressor ? null : expectedCalibrationError(bins),
    brier: regressor ? null : brierScore(scores, labels),
    histogram: scoreHistogram(scores, labels, { ...range, bins: 40 }),
    regression: regressor ? regressionMeasures(scores, annotated) : null,
  };
}

function sourceMeasures(rows: readonly Row[], threshold: number, recorded: boolean): SourceMeasures[] {
  const bySource = new Map<string, Row[]>();
  for (const row of rows) {
    const of = bySource.get(row.source);
    if (of === undefined) bySource.set(row.source, [row]);
    else of.push(row);
  }
  const names = [...bySource.keys()].sort();
  const measured = names.map((source): SourceMeasures => {
    const of = bySource.get(source)!;
    const confusion: Confusion = { tp: 0, fp: 0, fn: 0, tn: 0 };
    for (const { score, positive } of of) {
      if (score >= threshold) confusion[positive ? 'tp' : 'fp']++;
      else confusion[positive ? 'fn' : 'tn']++;
    }
    const { tp, fp, fn, tn } = confusion;
    return {
      source,
      distribution: recorded ? (of[0]!.out ? 'out' : 'in') : 'all',
      documents: of.length,
      positives: tp + fn,
      tokens: of.reduce((sum, { tokens }) => sum + tokens, 0),
      ...confusion,
      // Of one class alone the share of positives among what is found says nothing.
      precision: tp + fn === 0 || tp + fn === of.length ? null : interval(tp, tp + fp),
      recall: interval(tp, tp + fn),
      accuracy: interval(tp + tn, of.length)!,
      f1: ratesOf(confusion).f1,
      meanScore: of.reduce((sum, { score }) => sum + score, 0) / of.length,
    };
  });
  return measured.sort((a, b) => (a.distribution === b.distribution ? 0 : a.distribution === 'in' ? -1 : 1));
}

/** Fewer documents of a class than this say little about a rate of it. */
const fewOfClass = 20;

function fewWarnings({ distribution, documents, positives }: MeasuredSet): string[] {
  const fewest = Math.min(positives, documents - positives);
  if (distribution === 'all' || fewest === 0 || fewest >= fewOfClass) return [];
  const which = positives === fewest ? 'positive' : 'negative';
  const what = which === 'positive' ? 'precision, recall and F1' : 'precision and the rates of negatives';
  return [
    `only ${fewest} ${which} ${fewest === 1 ? 'document' : 'documents'} ${distribution === 'in' ? 'in' : 'out of'} distribution: ${what} there say little`,
  ];
}

function interval(part: number, whole: number): SourceMeasures['precision'] {
  if (whole === 0) return null;
  const [low, high] = wilsonInterval(part, whole);
  return { value: part / whole, low, high };
}

function warningsOf(
  rows: readonly Row[],
  chosenOn: 'in' | 'all',
  rule: ThresholdRule,
  recorded: boolean,
): string[] {
  const warnings: string[] = [];
  const positives = rows.reduce((sum, { positive }) => sum + (positive ? 1 : 0), 0);
  if (positives === 0 || positives === rows.length)
    warnings.push(
      `all documents are ${positives === 0 ? 'negative' : 'positive'}: most measures need both classes`,
    );
  if (!recorded)
    warnings.push(
      'the classifier has no training record: whether it was trained on these documents is not known',
    );
  else if (!rows.some(({ out }) => out))
    warnings.push('no source is new to the classifier: how it does out of distribution is not measured');
  if (rule.by !== 'given' && rule.by !== 'model')
    warnings.push(
      `the threshold was chosen on ${chosenOn === 'in' ? 'the documents in distribution' : 'these documents'}, so measures at it are slightly too good there`,
    );
  if (rows.length < 500) warnings.push(`only ${rows.length} documents: the intervals are wide`);
  return warnings;
}

/** The most certain errors of each kind whatever the threshold will be: candidates are the extreme scores of each class. */
class WorstList {
  /** Highest scores of negatives, and lowest of positives. */
  private readonly high: WorstError[] = [];
  private readonly low: WorstError[] = [];

  consider(row: Row, text: string): void {
    const list = row.positive ? this.low : this.high;
    const better = (a: number, b: number): boolean => (row.positive ? a < b : a > b);
    if (list.length === worstErrors && !better(row.score, list.at(-1)!.score)) return;
    const { id, source, url, score } = row;
    let at = list.length;
    while (at > 0 && better(score, list[at - 1]!.score)) at--;
    list.splice(at, 0, { id, source, url, score, excerpt: excerptOf(text) });
    if (list.length > worstErrors) list.pop();
  }

  above(threshold: number): ClassifierEvaluation['worst'] {
    return {
      falsePositives: this.high.filter(({ score }) => score >= threshold),
      falseNegatives: this.low.filter(({ score }) => score < threshold),
    };
  }
}

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([reason, n]) => `${n} ${reason}`);
  return parts.length === 0 ? 'there are none' : parts.join(', ');
}
