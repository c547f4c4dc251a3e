/** Finds and reads what `midtrain diagnose` is given: run folders with their stored responses, and log files of several trainers. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { mergeRows, type RolloutRow } from '../report/report-run.ts';
import { LoggedRuns } from '../signatures/parse-log.ts';
import type { LoggedRow } from '../signatures/read-row.ts';
import { defaultSignatures, type SignaturesConfig, signaturesSchema } from '../signatures/rules.ts';
import { readReportRuns } from './report-runs.ts';

export interface RecordedRun {
  name: string;
  rows: readonly LoggedRow[];
  rollouts: readonly RolloutRow[];
  /** The run's own, else the defaults. */
  signatures: SignaturesConfig;
  /** Allowed length by the run's config, for rows that do not say. */
  cap?: number;
}

/** Larger logs than this are not text that anyone logged by the step. */
const mostBytes = 1 << 30;

/** Throws when nothing could be read; what was left out is in `warnings`. */
export async function readLogs(
  cwd: string,
  args: readonly string[],
): Promise<{ runs: RecordedRun[]; warnings: string[] }> {
  const runs: RecordedRun[] = [];
  const warnings: string[] = [];
  const logs = new LoggedRuns();
  for (const arg of args) {
    const path = resolve(cwd, arg);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined)
      throw new InputError(arg, 'there is no such file or folder', {
        hint: 'give a run folder, metrics.jsonl, trainer_state.json, a printed log or a CSV file',
      });
    if (stat.isDirectory()) runs.push(...readFolder(cwd, arg, warnings));
    else if (stat.size > mostBytes) throw new InputError(arg, `is larger than ${mostBytes >> 20} MiB`);
    else logs.add(readText(path, arg), nameOf(path));
  }
  for (const { name, rows } of logs.all())
    runs.push({ name, rows, rollouts: [], signatures: defaultSignatures });
  for (const name of logs.numbered)
    warnings.push(
      `${name}: its lines name no step; they are numbered in their order, so steps below are logged lines`,
    );
  if (logs.skipped > 0) warnings.push(`${logs.skipped} lines that are no metrics of a step are left out`);
  if (runs.length === 0)
    throw new UserError(`${args.join(', ')}: no metrics found`, {
      hint: 'rows need a step (step, global_step, _step or Step); TRL and verl logs as they are printed are read too',
    });
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

function readText(path: string, arg: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError(arg, `cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Logs are often all called the same; then the folder tells them apart. */
function nameOf(path: string): string {
  const file = basename(path).replace(/\.[^.]+$/, '');
  return /^(metrics|trainer_state|log|train|history)$/i.test(file) ? basename(dirname(path)) : file;
}
