/** What `midtrain ablate` says when a grid has ended: what was done, the answer with its evidence, where the report is. */
import { relative } from 'node:path';
import type { GridReport } from '../ablate/report-grid.ts';
import { type GridResult, stepText } from '../ablate/run-grid.ts';
import { ablationAnswers } from './report-ablation.ts';

export async function endedText(
  { done, found, failed, skipped, calibration, stopped }: GridResult,
  { input, results, html, markdown }: GridReport,
  cwd: string,
): Promise<{ facts: Record<string, unknown>; text: string }> {
  const [answers] = await ablationAnswers([input]);
  const failures = failed.map(({ step, error }) => ({ step: step.id, what: stepText(step), error }));
  const facts = {
    done,
    found,
    failed: failures,
    skipped,
    calibration,
    stopped,
    ...answers,
    results,
    html,
    markdown,
  };
  const lines = [
    `${done} steps done, ${found} were there${failed.length === 0 ? '' : `, ${failed.length} failed, ${skipped} wait for them`}`,
    ...failures.map(({ what, error }) => `failed: ${what}: ${error}`),
    ...(calibration === undefined ? [] : [calibration.text]),
    ...(stopped ? ['The other arms were not run; --without-signal runs them all the same.'] : []),
    ...(answers === undefined ? [] : answers.claims.map(({ text }) => text)),
    `Report: ${relative(cwd, html)}`,
  ];
  return { facts, text: lines.map((line) => `${line}\n`).join('') };
}
