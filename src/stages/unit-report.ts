/**
 * What a unit of work reports: its ledger, the histograms of its signals, what each rule would have dropped, a few examples per
 * reason, and what could not be read. Reports add up; the sum does not depend on the order or on who made them.
 */
import { count, emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { histogramBins } from '../filters/histogram.ts';

export interface SignalCounts {
  /** Documents per bin of the signal's histogram. */
  counts: number[];
  /** The kept ones among them. */
  keptCounts: number[];
}

export interface DocumentExample {
  id: string;
  url: string | null;
  excerpt: string;
  /** The signal that decided, its value and the bound, for documents dropped by a rule. */
  signal?: string;
  value?: number;
  bound?: number;
}

export interface Failure {
  file: string;
  place?: string;
  problem: string;
}

/** One output file, path relative to the run folder. */
export interface OutputFile {
  path: string;
  rows: number;
  bytes: number;
  sha256: string;
}

export interface UnitReport {
  ledger: Ledger;
  /** UTF-8 bytes of the texts as measured, of all documents and of the kept ones. */
  textBytes: number;
  keptTextBytes: number;
  /** The same in tokens; an estimate unless the pipeline names a tokenizer. */
  tokens: number;
  keptTokens: number;
  signals: Record<string, SignalCounts>;
  /** Per rule, in the order of the rules: documents that fail it, that fail it alone, and that fail it when formulas are not masked. */
  ruleFailures: { failing: number; alone: number; unmasked: number }[];
  /** Documents that pass all rules with formulas masked and would not without. */
  keptByMasking: number;
  /** By reason; `kept` for kept documents. */
  examples: Record<string, DocumentExample[]>;
  failures: Failure[];
  /** WARC records that are no documents, by kind. */
  skipped: Record<string, number>;
  /** Documents whose bytes were not UTF-8 and hold U+FFFD now. */
  repaired: number;
  /** False when part of the input was lost, so that a rerun tries this unit again. */
  complete: boolean;
}

export const examplesPerReason = 5;
/** Failures listed one by one; the ledger counts all. */
export const failuresListed = 100;

export function emptyReport(signals: readonly string[], rules: number): UnitReport {
  return {
    ledger: emptyLedger(),
    textBytes: 0,
    keptTextBytes: 0,
    tokens: 0,
    keptTokens: 0,
    signals: Object.fromEntries(
      signals.map((name) => [
        name,
        { counts: new Array(histogramBins).fill(0), keptCounts: new Array(histogramBins).fill(0) },
      ]),
    ),
    ruleFailures: Array.from({ length: rules }, () => ({ failing: 0, alone: 0, unmasked: 0 })),
    keptByMasking: 0,
    examples: {},
    failures: [],
    skipped: {},
    repaired: 0,
    complete: true,
  };
}

export function addExample(report: UnitReport, reason: string, example: DocumentExample): void {
  const list = (report.examples[reason] ??= []);
  if (list.length < examplesPerReason) list.push(example);
}

export function addFailure(report: UnitReport, failure: Failure): void {
  if (report.failures.length < failuresListed) report.failures.push(failure);
}

/** The sum of the reports, which must be in unit order (examples and failures are the first ones in that order). */
export function mergeReports(
  reports: readonly UnitReport[],
  signals: readonly string[],
  rules: number,
): UnitReport {
  const total = emptyReport(signals, rules);
  total.ledger = mergeLedgers(reports.map((report) => report.ledger));
  for (const report of reports) {
    total.textBytes += report.textBytes;
    total.keptTextBytes += report.keptTextBytes;
    total.tokens += report.tokens;
    total.keptTokens += report.keptTokens;
    for (const name of signals) {
      addInto(total.signals[name]!.counts, report.signals[name]!.counts);
      addInto(total.signals[name]!.keptCounts, report.signals[name]!.keptCounts);
    }
    report.ruleFailures.forEach((rule, i) => {
      total.ruleFailures[i]!.failing += rule.failing;
      total.ruleFailures[i]!.alone += rule.alone;
      total.ruleFailures[i]!.unmasked += rule.unmasked;
    });
    total.keptByMasking += report.keptByMasking;
    for (const [reason, examples] of Object.entries(report.examples)) {
      for (const example of examples) addExample(total, reason, example);
    }
    for (const failure of report.failures) addFailure(total, failure);
    for (const [kind, n] of Object.entries(report.skipped)) count(total.skipped, kind, n);
    total.repaired += report.repaired;
    total.complete &&= report.complete;
  }
  return total;
}

function addInto(total: number[], part: readonly number[]): void {
  for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
}
