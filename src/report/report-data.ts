/**
 * Everything a report says, computed once from the runs and shared by the HTML page and the Markdown text: facts of each part, the
 * groups of ways for the flow picture, the headline, and what is missing.
 */
import { type BenchmarkFacts, benchmarkFacts } from './benchmark-facts.ts';
import { type EvalFacts, evalFacts } from './eval-facts.ts';
import { type FilterFacts, filterFacts } from './filter-facts.ts';
import { type GrpoFacts, grpoFacts } from './grpo-facts.ts';
import { type Headline, headlineOf } from './headline.ts';
import { missingInLogs } from './logged-run.ts';
import { type MixFacts, mixFacts } from './mix-facts.ts';
import { type PreparedRun, prepareRuns, type ReportRun } from './report-run.ts';
import { type TrainFacts, trainFacts } from './train-facts.ts';
import { findWays, groupWays, type Way, type WayGroup } from './ways.ts';

export interface ReportData {
  title: string;
  runs: PreparedRun[];
  ways: Way[];
  groups: WayGroup[];
  filters: FilterFacts[];
  mixes: MixFacts[];
  train: TrainFacts | undefined;
  grpos: GrpoFacts[];
  /** Of runs that were followed on named problem sets, or by other tools. */
  benchmarks: BenchmarkFacts | undefined;
  evals: EvalFacts | undefined;
  headline: Headline;
  /** What a reader might look for and will not find, in full sentences. */
  missing: string[];
  /** How this report was made, for the last section. */
  command: string | undefined;
}

export interface ReportOptions {
  title?: string;
  /** The command line that makes this report again. */
  command?: string;
  /** What the caller could not read, in full sentences; listed under what is not here. */
  notes?: readonly string[];
}

export function reportData(input: readonly ReportRun[], options: ReportOptions = {}): ReportData {
  const runs = prepareRuns(input);
  const ways = findWays(runs);
  const of = (kind: PreparedRun['kind']): PreparedRun[] => runs.filter((run) => run.kind === kind);
  const parts = {
    filters: of('filter').map(filterFacts),
    mixes: of('mix').map(mixFacts),
    train: trainFacts(ways),
    grpos: of('grpo').map(grpoFacts),
  };
  const evals = evalFacts(runs);
  return {
    title: options.title ?? titleOf(runs),
    runs,
    ways,
    groups: groupWays(ways),
    ...parts,
    benchmarks: benchmarkFacts(parts.grpos),
    evals,
    headline: headlineOf(runs, parts),
    missing: [
      ...missingParts(runs, ways, evals?.runs ?? []),
      ...missingInLogs(runs),
      ...(options.notes ?? []),
    ],
    command: options.command,
  };
}

/** What the runs lead from and to: "From pages to reward". */
function titleOf(runs: readonly PreparedRun[]): string {
  if (runs.length === 1) return `Run ${runs[0]!.label}`;
  const names = { filter: 'pages', mix: 'mixture', train: 'model', grpo: 'reward' } as const;
  const given = (Object.keys(names) as (keyof typeof names)[]).filter((kind) =>
    runs.some((run) => run.kind === kind),
  );
  if (given.length === 0) return `${runs.length} runs`;
  const others = runs.some((run) => run.kind === 'other');
  if (given.length === 1) return `${runs.length} ${others ? '' : `${given[0]} `}runs side by side`;
  return `From ${names[given[0]!]} to ${names[given.at(-1)!]}`;
}

function missingParts(
  runs: readonly PreparedRun[],
  ways: readonly Way[],
  shown: readonly PreparedRun[],
): string[] {
  const out: string[] = [];
  const names = {
    filter: 'filtering',
    mix: 'mixing',
    train: 'training',
    grpo: 'reinforcement learning',
  } as const;
  const absent = (Object.keys(names) as (keyof typeof names)[]).filter(
    (kind) => !runs.some((run) => run.kind === kind),
  );
  if (absent.length > 0 && absent.length < 4) {
    out.push(
      `No run of ${absent.map((kind) => names[kind]).join(', ')} was given, so that part is not shown.`,
    );
  }
  const parents = [...new Set(runs.flatMap((run) => run.absentParents))];
  if (parents.length > 0) {
    out.push(
      `Runs that these were made from are not in this report: ${parents.join(', ')}. Add their folders, or use --follow-parents.`,
    );
  }
  if (ways.some((way) => way.assumed)) {
    out.push(
      'These runs do not name each other as parents (folders may have been moved); they are shown as one way because there is one of each kind.',
    );
  }
  const other = runs.filter((run) => run.kind === 'other' && !shown.includes(run));
  if (other.length > 0) {
    out.push(
      `No charts for ${other.map((run) => `${run.label} (${run.record.command})`).join(', ')}: see the last section for what was recorded.`,
    );
  }
  for (const run of runs) {
    if (run.record.status !== 'done')
      out.push(`Run ${run.label} is ${run.record.status}: its numbers are those written so far.`);
  }
  return out;
}
