/** Finds and reads what `midtrain diagnose` is given: run folders with their stored responses, and log files of several trainers. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { mergeRows, type RolloutRow } from '../report/report-run.ts';
import type { LoggedRow } from '../signatures/read-row.ts';
import { defaultSignatures, type SignaturesConfig, signaturesSchema } from '../signatures/rules.ts';
import { findLogFiles, type LogFile, readLogFiles } from './log-files.ts';
import { holdsRuns, readReportRuns } from './report-runs.ts';

export interface RecordedRun {
  name: string;
  rows: readonly LoggedRow[];
  rollouts: readonly RolloutRow[];
  /** The run's own, else the defaults. */
  signatures: SignaturesConfig;
  /** Allowed length by the run's config, for rows that do not say. */
  cap?: number;
}

/** Throws when nothing could be read; what was left out is in `warnings`. */
export async function readLogs(
  cwd: string,
  args: readonly string[],
): Promise<{ runs: RecordedRun[]; warnings: string[] }> {
  const runs: RecordedRun[] = [];
  const warnings: string[] = [];
  const files: LogFile[] = [];
  for (const arg of args) {
    const path = resolve(cwd, arg);
    const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    const found = folder && holdsRuns(path) ? [] : await findLogFiles(cwd, arg);
    if (folder && found.length === 0) runs.push(...readFolder(cwd, arg, warnings));
    files.push(...found);
  }
  const logs = readLogFiles(files);
  for (const { name, rows } of logs.runs)
    runs.push({ name, rows, rollouts: [], signatures: defaultSignatures });
  if (runs.length === 0)
    throw (
      logs.failures[0] ??
      new UserError(`${args.join(', ')}: no metrics found`, {
        hint: 'rows need a step (step, global_step, _step or Step); TRL and verl logs as they are printed are read too',
      })
    );
  warnings.push(...logs.failures.map(({ message }) => `left out: ${message}`), ...logs.warnings);
  return { runs, warnings };
}

function readFolder(cwd: string, arg: string, warnings: string[]): RecordedRun[] {
  const read = readReportRuns(cwd, [arg], false);
  warnings.push(...read.failures, ...read.warnings);
  const grpo = read.runs.filter(({ record }) => record.command === 'grpo');
  if (grpo.length === 0)
    throw new UserError(`${arg}: holds no run of \`midtrain grpo\``, {
      hint: 'give the folder of a GRPO run, or a log file',
    });
  return grpo.map(({ id, folder, record, metrics, rollouts }) => {
    const config = (record.config ?? {}) as Record<string, unknown>;
    const own = signaturesSchema.safeParse(config.signatures ?? {});
    const cap = config.max_completion_length;
    return {
      name: folder ?? id,
      rows: mergeRows(metrics),
      rollouts: rollouts ?? [],
      signatures: own.success ? own.data : defaultSignatures,
      ...(typeof cap === 'number' ? { cap } : {}),
    };
  });
}
