/**
 * Every foreign file under ../shared/data/{parquet,arrow,warc} through the reader that `filter` uses: how many are read, read in part or refused,
 * why, how long the slowest takes and how much memory a folder needs. Exits with 1 when a file takes longer than 5 s, a folder more than
 * 512 MB, or anything but an InputError comes out.
 * Usage: node test/oracles/hostile-files.ts [--verbose]
 *
 * Each folder is read by a process of its own, so that a crash or a hang is seen, counted, and does not end the others.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { InputError, UserError } from '../../src/core/errors.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { sharedFolder } from './shared-folder.ts';

const limitMs = 5000;
const limitMb = 512;
const hangMs = 30_000;
const folders = [
  'parquet/apache-bad',
  'parquet/apache-data',
  'parquet/fuzz',
  'parquet/hyparquet',
  'arrow/fuzz',
  'arrow/integration-1.0.0-littleendian',
  'warc/warcio',
  'warc/whirlwind',
  'warc/jwarc',
];

interface Outcome {
  name: string;
  rows: number;
  failed: number;
  problems: string[];
  bug: string | undefined;
  ms: number;
  /** Peak of the process so far. */
  mb: number;
}

/** Files that are data and not the expectation beside it. */
function dataFiles(folder: string): string[] {
  return readdirSync(join(sharedFolder, folder))
    .filter((name) => !/\.json(\.gz)?$|\.md$|\.txt$/.test(name))
    .sort();
}

async function readFile(folder: string, name: string): Promise<Outcome> {
  const outcome: Outcome = { name, rows: 0, failed: 0, problems: [], bug: undefined, ms: 0, mb: 0 };
  const began = performance.now();
  try {
    const path = join(sharedFolder, folder, name);
    // Fuzzed files have no endings; the user says what they are.
    const format = folder.startsWith('arrow') ? 'arrow' : folder.startsWith('parquet') ? 'parquet' : 'auto';
    const plan = await planRead([{ path, format }]);
    outcome.problems.push(...plan.failures.map(({ problem }) => problem), ...plan.warnings);
    for (const unit of plan.units) {
      try {
        for await (const item of readUnit(unit)) {
          if (item.kind === 'batch') outcome.rows += item.batch.records.numRows;
          else {
            outcome.failed += item.count;
            outcome.problems.push(item.problem);
          }
        }
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        outcome.problems.push(error.problem);
      }
    }
  } catch (error) {
    const { message, stack } = error as Error;
    if (error instanceof UserError) outcome.problems.push(message);
    else outcome.bug = stack ?? message;
  }
  outcome.ms = performance.now() - began;
  outcome.mb = process.resourceUsage().maxRSS / 1024;
  return outcome;
}

/** In the child: one line of JSON for each file. */
async function child(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) process.stdout.write(`${JSON.stringify(await readFile(folder, name))}\n`);
}

async function readFolder(folder: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let left = dataFiles(folder);
  while (left.length > 0) {
    const worker = spawn(process.execPath, [import.meta.filename, '--child', folder, ...left], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let timer = setTimeout(() => worker.kill('SIGKILL'), hangMs);
    for await (const line of createInterface({ input: worker.stdout })) {
      clearTimeout(timer);
      timer = setTimeout(() => worker.kill('SIGKILL'), hangMs);
      outcomes.push(JSON.parse(line) as Outcome);
      left = left.slice(1);
    }
    clearTimeout(timer);
    if (left.length > 0) {
      outcomes.push({
        name: left[0]!,
        rows: 0,
        failed: 0,
        problems: [],
        bug: 'the process hung or died',
        ms: hangMs,
        mb: 0,
      });
      left = left.slice(1);
    }
  }
  return outcomes;
}

/** The same problem of several files once: without numbers and names. */
function kindOf(problem: string): string {
  return problem
    .replace(/^.*?\): /, '')
    .replace(/"[^"]*"/g, '"…"')
    .replace(/-?\d[\d,.]*/g, 'N')
    .slice(0, 90);
}

async function main(verbose: boolean): Promise<void> {
  let bad = 0;
  process.stdout.write(
    '| folder | files | read | in part | refused | slowest ms | peak MB |\n|---|---|---|---|---|---|---|\n',
  );
  const reasons: string[] = [];
  for (const folder of folders) {
    const outcomes = await readFolder(folder);
    const whole = outcomes.filter(({ problems, bug }) => problems.length === 0 && bug === undefined);
    const part = outcomes.filter(({ problems, rows }) => problems.length > 0 && rows > 0);
    const refused = outcomes.filter(({ problems, rows }) => problems.length > 0 && rows === 0);
    const slowest = outcomes.reduce((a, b) => (a.ms > b.ms ? a : b));
    const mb = Math.max(...outcomes.map((outcome) => outcome.mb));
    const bugs = outcomes.filter(({ bug }) => bug !== undefined);
    bad += bugs.length + (slowest.ms > limitMs ? 1 : 0) + (mb > limitMb ? 1 : 0);
    process.stdout.write(
      `| ${folder} | ${outcomes.length} | ${whole.length} | ${part.length} | ${refused.length} | ${slowest.ms.toFixed(0)} | ${mb.toFixed(0)} |\n`,
    );
    for (const { name, bug } of bugs) reasons.push(`${folder}/${name}: NOT CLEAN: ${bug}`);
    const counts = new Map<string, number>();
    for (const { problems } of outcomes)
      for (const kind of new Set(problems.map(kindOf))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const [kind, n] of [...counts].sort((a, b) => b[1] - a[1]))
      reasons.push(`${folder}: ${n} x ${kind}`);
    if (verbose)
      for (const { name, rows, failed, problems, ms } of outcomes)
        reasons.push(
          `  ${folder}/${name}: ${rows} rows, ${failed} failed, ${ms.toFixed(0)} ms ${problems[0] ?? ''}`,
        );
  }
  process.stdout.write(`\n${reasons.join('\n')}\n`);
  process.exitCode = bad > 0 ? 1 : 0;
}

const [flag, folder, ...names] = process.argv.slice(2);
if (flag === '--child') await child(folder!, names);
else await main(flag === '--verbose');
