/**
 * Run records -> one self-contained HTML page and a Markdown text. Pure: the caller reads the runs from disk (src/cli/report.ts
 * does) and writes the results; the same runs give the same bytes.
 */
import { UserError } from '../core/errors.ts';
import { type ReportData, type ReportOptions, reportData } from './report-data.ts';
import type { ReportRun } from './report-run.ts';

export type { ReportData, ReportOptions } from './report-data.ts';
export type { ReportRun, RolloutRow } from './report-run.ts';

export interface Report {
  html: string;
  markdown: string;
  /** What both were made from: facts, verdicts, key numbers. */
  data: ReportData;
}

/** Makes the report of one run or several, of one way or of arms and seeds side by side. The chart library is loaded on first use. */
export async function renderReport(runs: readonly ReportRun[], options: ReportOptions = {}): Promise<Report> {
  if (runs.length === 0)
    throw new UserError('a report needs at least one run', { hint: 'give one or more run folders' });
  const data = reportData(runs, options);
  const [{ htmlReport }, { markdownReport }] = await Promise.all([
    import('./html-report.ts'),
    import('./markdown-report.ts'),
  ]);
  return { html: htmlReport(data), markdown: markdownReport(data), data };
}
