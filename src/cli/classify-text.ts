/** What the subcommands of `classify` print for people. */
import type { ClassifierEvaluation, MeasuredSet, ShareInterval } from '../core/classifier-evaluation.ts';
import { printableLine } from '../core/printable.ts';
import type { ScoredCorpus } from '../jobs/score-corpus.ts';
import type { DrawnSample } from '../stages/classify-sample.ts';
import type { TrainedClassifier } from '../stages/classify-train.ts';
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
    ...(result.strata.length > shown.length
      ? [`and ${result.strata.length - shown.length} more strata`]
      : []),
    '',
    `${out}: ${result.documents} of ${result.ledger.in} documents${countsText({ ...without(result.ledger.dropped, 'not_drawn'), ...result.ledger.failed })}`,
  ]);
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
    `trained on ${of('train')} documents (positive + negative) of ${sources.length} sources${record.result.loss === undefined ? '' : `, loss ${record.result.loss.toFixed(4)}`}`,
    `held out: ${of('in')} of the same sources, ${of('out')} of ${heldOutSources.length} others${heldOutSources.length === 0 ? '' : ` (${heldOutSources.slice(0, 8).map(printableLine).join(', ')}${heldOutSources.length > 8 ? ', ...' : ''})`}`,
    ...(evaluation === undefined ? [] : ['', ...evaluationLines(evaluation)]),
    '',
    `${folder.path}: use it as --model <name>=${folder.path} of "midtrain filter", or with "midtrain classify score"`,
  ]);
}

export function evaluationText(evaluation: ClassifierEvaluation, page: string | undefined): string {
  return textOf([...evaluationLines(evaluation), ...(page === undefined ? [] : ['', `page: ${page}`])]);
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
    `threshold ${threshold.value.toFixed(4)} (${how})`,
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
          source.distribution,
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

export function scoreText(result: ScoredCorpus, column: string): string {
  const { folder, documents, units, reused, ledger, failures } = result;
  return textOf([
    ...failures
      .slice(0, 10)
      .map(({ file, place, problem }) => `${file}${place === undefined ? '' : ` (${place})`}: ${problem}`),
    `${folder}: ${documents} documents with the column ${column}${countsText(ledger.failed)}; ${units} units${reused === 0 ? '' : `, ${reused} of them done before`}`,
  ]);
}
