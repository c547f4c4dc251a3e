/** What the subcommands of `classify` print for people. */
import { join } from 'node:path';
import type { ClassifierEvaluation, MeasuredSet, ShareInterval } from '../core/classifier-evaluation.ts';
import { printableLine } from '../core/printable.ts';
import type { ScoredCorpus } from '../jobs/score-corpus.ts';
import { exactThreshold } from '../report/classifier-page.ts';
import type { DrawnSample } from '../stages/classify-sample.ts';
import type { TrainedClassifier } from '../stages/classify-train.ts';
import type { Failure } from '../stages/unit-texts.ts';
import { percent, textOf } from './write-result.ts';

/** Rows of a table in text; the first column is words. */
function tableLines(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

const mostRows = 40;

export function sampleText(out: string, result: DrawnSample): string {
  const shown = result.strata.slice(0, mostRows);
  return textOf([
    ...tableLines(
      ['stratum', 'documents', 'drawn'],
      shown.map(({ stratum, size, drawn }) => [
        printableLine(stratum).slice(0, 60),
        String(size),
        String(drawn),
      ]),
    ),
    ...failureLines(result.failures),
    ...(result.strata.length > shown.length
      ? [`and ${result.strata.length - shown.length} more strata`]
      : []),
    '',
    `${out}: ${result.documents} of ${result.ledger.in} documents${countsText({ ...without(result.ledger.dropped, 'not_drawn'), ...result.ledger.failed })}`,
  ]);
}

/** `1 source`, `2 sources`. */
export function counted(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

function without(counts: Readonly<Record<string, number>>, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([key]) => key !== name));
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([reason, n]) => `${n} ${reason}`);
  return parts.length === 0 ? '' : ` (not taken: ${parts.join(', ')})`;
}

export function trainText(result: TrainedClassifier): string {
  const { record, folder, evaluation } = result;
  const { totals, sources, heldOutSources } = record.data;
  const of = (name: keyof typeof totals): string => `${totals[name].positive} + ${totals[name].negative}`;
  return textOf([
    ...failureLines(result.failures),
    `trained on ${of('train')} documents (positive + negative) of ${counted(sources.length, 'source', 'sources')}${record.result.loss === undefined ? '' : `, loss ${record.result.loss.toFixed(4)}`}`,
    `held out: ${of('in')} of the same sources, ${of('out')} of ${counted(heldOutSources.length, 'other', 'others')}${heldOutSources.length === 0 ? '' : ` (${heldOutSources.slice(0, 8).map(printableLine).join(', ')}${heldOutSources.length > 8 ? ', ...' : ''})`}`,
    ...(evaluation === undefined ? [] : ['', ...evaluationLines(evaluation)]),
    '',
    ...(evaluation === undefined ? [] : [`page: ${join(folder.path, 'evaluation.html')}`]),
    `${folder.path}: use it as --model <name>=${folder.path} of "midtrain filter", or with "midtrain classify score"`,
  ]);
}

export function evaluationText(evaluation: ClassifierEvaluation, page: string | undefined): string {
  const { documents, left } = evaluation.data;
  return textOf([
    ...evaluationLines(evaluation),
    ...(Object.keys(left).length === 0
      ? []
      : [
          '',
          `of ${counted(documents, 'labelled document', 'labelled documents')}${countsText(left).replace('not taken', 'not measured')}`,
        ]),
    ...(page === undefined ? [] : ['', `page: ${page}`]),
  ]);
}

const setNames: Record<MeasuredSet['distribution'], string> = {
  all: 'all',
  in: 'in distribution',
  out: 'out of distribution',
};

function evaluationLines(evaluation: ClassifierEvaluation): string[] {
  const { threshold, sets, sources } = evaluation;
  const number = (value: number | null): string => (value === null ? '-' : value.toFixed(4));
  const share = (value: ShareInterval | null): string =>
    value === null ? '-' : `${percent(value.value)} (${percent(value.low)} to ${percent(value.high)})`;
  const how = {
    given: 'as given',
    model: "the model's own",
    'max-f1': 'highest F1',
    recall: `recall of at least ${threshold.target}`,
    precision: `precision of at least ${threshold.target}`,
  }[threshold.by];
  return [
    `threshold ${exactThreshold(threshold.value)} (${how})`,
    ...tableLines(
      [
        '',
        'documents',
        'positive',
        'precision',
        'recall',
        'F1',
        'macro F1',
        'ROC AUC',
        'AP',
        'kept',
        'tokens kept',
      ],
      sets.map(({ distribution, documents, positives, chosen, rocAuc, averagePrecision }) => [
        setNames[distribution],
        String(documents),
        String(positives),
        number(chosen.precision),
        number(chosen.recall),
        number(chosen.f1),
        number(chosen.macroF1),
        number(rocAuc),
        number(averagePrecision),
        percent(chosen.keptDocuments),
        percent(chosen.keptTokens),
      ]),
    ),
    ...sets
      .filter(({ regression }) => regression !== null)
      .map(
        ({ distribution, regression }) =>
          `${setNames[distribution]}: int_score macro F1 ${regression!.intScoreMacroF1.toFixed(4)}, mean absolute error ${regression!.meanAbsoluteError.toFixed(4)}, Spearman ${number(regression!.spearman)}`,
      ),
    ...sets
      .filter(({ expectedCalibrationError }) => expectedCalibrationError !== null)
      .map(
        ({ distribution, expectedCalibrationError, brier }) =>
          `${setNames[distribution]}: expected calibration error ${number(expectedCalibrationError)}, Brier score ${number(brier)}`,
      ),
    '',
    ...tableLines(
      ['source', '', 'documents', 'positive', 'precision', 'recall', 'right'],
      sources
        .slice(0, mostRows)
        .map((source) => [
          printableLine(source.source).slice(0, 50),
          source.distribution === 'all' ? '' : source.distribution,
          String(source.documents),
          String(source.positives),
          share(source.precision),
          share(source.recall),
          share(source.accuracy),
        ]),
    ),
    ...(sources.length > mostRows ? [`and ${sources.length - mostRows} more sources`] : []),
  ];
}

const mostFailures = 10;

/** What could not be read, the first few. */
export function failureLines(failures: readonly Failure[]): string[] {
  const rest = failures.length - mostFailures;
  return [
    ...failures
      .slice(0, mostFailures)
      .map(({ file, place, problem }) =>
        printableLine(`${file}${place === undefined ? '' : ` (${place})`}: ${problem}`),
      ),
    ...(rest > 0 ? [`and ${counted(rest, 'more failure', 'more failures')}`] : []),
  ];
}

/** `threshold`: the classifier's own. */
export function scoreText(result: ScoredCorpus, column: string, threshold: number | null): string {
  const { folder, documents, units, reused, positive, ledger, failures } = result;
  return textOf([
    ...failureLines(failures),
    ...(positive === null || threshold === null || documents === 0
      ? []
      : [
          `${counted(positive, 'document scores', 'documents score')} at least ${exactThreshold(threshold)}, the classifier's threshold (${percent(positive / documents)})`,
        ]),
    `${folder}: ${counted(documents, 'document', 'documents')} with the column ${column}${countsText(ledger.failed)}; ${counted(units, 'unit', 'units')}${reused === 0 ? '' : `, ${reused} of them done before`}`,
  ]);
}
