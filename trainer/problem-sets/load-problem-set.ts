/**
 * Problem sets by name or path, for RL and evaluation: a data card's name, `card=path`, a file, a folder, a pattern or `hf://`.
 *
 * For evaluation a name means the benchmark first (`gsm8k` is the card gsm8k-test, `MATH500` is math-500); for training a benchmark card is
 * refused, since a model must not learn from what it is measured on. Ids are made unique (`7`, `7~2`): a problem's id decides its seeds, so two
 * of one id would draw the same samples. Rows are read through src/io, bounded and safe.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { builtInCards, loadCard } from '../../mixtures/load.ts';
import { type DataCard, isBenchmark } from '../../src/core/card.ts';
import { nearest } from '../../src/core/config.ts';
import { InputError, UserError } from '../../src/core/errors.ts';
import type { Evaluation } from '../../src/core/evaluation.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { inputsOfCard } from '../../src/io/card-input.ts';
import { pinnedDataset } from '../../src/io/hub-model.ts';
import { isPattern } from '../../src/io/path-pattern.ts';
import { isSelected } from '../../src/tokens/row-selection.ts';
import type { Problem } from './problem.ts';
import { type Row, readRows } from './read-rows.ts';
import { levelTest, type ProblemSpec, type Problems } from './selection.ts';
import { type Answers, type ProblemColumns, type ProblemFields, toProblem } from './to-problem.ts';

export interface ProblemSet {
  /** The card's name, or that of the file. */
  name: string;
  problems: Problem[];
  /** What was read. */
  paths: string[];
  /** Records that the selection left out. */
  leftOut: number;
  card: DataCard | undefined;
  /** How the card says it is evaluated. */
  evaluation: Evaluation | undefined;
  evidence: Evidence;
  warnings: string[];
}

export interface LoadOptions {
  cwd?: string;
  /** `train` refuses benchmarks; default `eval`. */
  use?: 'train' | 'eval';
  signal?: AbortSignal | undefined;
  /** Whether every problem must have an answer; default `needed`. */
  answers?: Answers;
}

/** Where a spec's records lie and by which card they are read; nothing is opened. */
export function locateProblems(
  set: string,
  { cwd = process.cwd(), use = 'eval' }: LoadOptions = {},
): { name: string; paths: string[]; card: DataCard | undefined } {
  const at = set.indexOf('=');
  if (at > 0 && !existsSync(resolve(cwd, set)) && !set.startsWith('hf://')) {
    const card = cardNamed(set.slice(0, at), cwd, use);
    if (card === undefined) throw noSuchSet(set.slice(0, at), use);
    return { name: card.name, paths: [located(set.slice(at + 1), cwd)], card };
  }
  if (isPath(set, cwd)) return { name: nameOfPath(set), paths: [located(set, cwd)], card: undefined };
  const card = cardNamed(set, cwd, use);
  if (card === undefined) throw noSuchSet(set, use);
  return {
    name: card.name,
    paths: inputsOfCard(card, { columns: { text: '' } }).map(({ path }) => path),
    card,
  };
}

/** Reads a problem set whole. Throws an error naming file, place and cure for anything that is not a problem. */
export async function loadProblemSet(problems: Problems, options: LoadOptions = {}): Promise<ProblemSet> {
  const spec: ProblemSpec = typeof problems === 'string' ? { set: problems } : problems;
  const { name, paths: named, card } = locateProblems(spec.set, options);
  const hub = options.signal === undefined ? {} : { signal: options.signal };
  const paths: string[] = [];
  // A data set of the Hub at the commit of now, which is what records name.
  for (const path of named) paths.push(path.startsWith('hf://') ? await pinnedDataset(path, hub) : path);
  const columns: ProblemColumns | undefined =
    card === undefined
      ? undefined
      : { columns: card.project.columns, evaluation: card.project.evaluation ?? {} };
  const wanted = spec.levels === undefined ? undefined : levelTest(spec.levels);
  const subjects = spec.subjects?.map((subject) => subject.toLowerCase());
  const ids = new Map<string, number>();
  const found: Problem[] = [];
  let leftOut = 0;
  let renamed = 0;
  let sawLevel = false;
  let total = 0;
  reading: for (const path of paths) {
    for await (const { row, file, place } of readRows(path, options.signal)) {
      if (found.length === spec.count) break reading;
      const number = total++;
      const read = (column: string): unknown => (Object.hasOwn(row, column) ? row[column] : undefined);
      if (!isSelected(read, card?.project.where) || !isSelected(read, spec.where)) {
        leftOut++;
        continue;
      }
      const result = toProblem(row, columns, options.answers);
      if ('problem' in result) throw new InputError(file, result.problem, { place, hint: result.hint });
      const { fields } = result;
      sawLevel ||= fields.level !== undefined;
      if (wanted?.(fields.level) === false || !isOneOf(fields.subject, subjects)) {
        leftOut++;
        continue;
      }
      const id = fields.id ?? String(number);
      const before = ids.get(id) ?? 0;
      ids.set(id, before + 1);
      if (before > 0) renamed++;
      found.push(problemOf(uniqueId(id, before, ids), fields, row));
    }
  }
  if (found.length === 0) throw nothingFound(spec, paths, total, sawLevel);
  return {
    name,
    problems: found,
    paths,
    leftOut,
    card,
    evaluation: card?.project.evaluation,
    evidence: card?.project.evaluation?.evidence ?? 'own',
    warnings:
      renamed === 0
        ? []
        : [`${name}: ${renamed} problems have an id that an earlier one has; they are called id~2, id~3 ...`],
  };
}

function problemOf(id: string, fields: ProblemFields, row: Row): Problem {
  const { id: _own, ...rest } = fields;
  return { ...rest, id, row };
}

function uniqueId(id: string, before: number, ids: Map<string, number>): string {
  if (before === 0) return id;
  let n = before + 1;
  while (ids.has(`${id}~${n}`)) n++;
  ids.set(`${id}~${n}`, 1);
  return `${id}~${n}`;
}

function isOneOf(subject: string | undefined, subjects: readonly string[] | undefined): boolean {
  return subjects === undefined || (subject !== undefined && subjects.includes(subject.toLowerCase()));
}

function nothingFound(
  spec: ProblemSpec,
  paths: readonly string[],
  total: number,
  sawLevel: boolean,
): UserError {
  const place = paths.join(', ');
  if (total === 0)
    return new InputError(place, 'holds no problems', { hint: 'give a file with one problem a record' });
  const asked = [
    ...(spec.levels === undefined ? [] : [`levels ${spec.levels}`]),
    ...(spec.subjects === undefined ? [] : [`subjects ${spec.subjects.join(', ')}`]),
    ...(spec.where === undefined ? [] : [`where ${JSON.stringify(spec.where)}`]),
  ].join('; ');
  return new InputError(place, `none of its ${total} records is taken (${asked || "the card's where"})`, {
    hint:
      spec.levels !== undefined && !sawLevel
        ? 'its records have no level; take levels out'
        : 'loosen the selection, or look at the columns of the file',
  });
}

/** A benchmark or data card; for evaluation `x` may mean `x-test`, and case, dots and dashes do not matter. */
function cardNamed(asked: string, cwd: string, use: 'train' | 'eval'): DataCard | undefined {
  if (asked.endsWith('.md')) return checked(loadCard(asked, cwd), use);
  const names = builtInCards();
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(asked);
  const candidates = use === 'eval' ? [`${wanted}test`, wanted] : [wanted];
  const found = candidates.flatMap((candidate) => names.filter((name) => plain(name) === candidate))[0];
  return found === undefined ? undefined : checked(loadCard(found, cwd), use);
}

function checked(card: DataCard, use: 'train' | 'eval'): DataCard {
  if (use === 'train' && isBenchmark(card)) {
    throw new UserError(
      `${card.name} is a benchmark: it is compared with and evaluated on, never trained on`,
      {
        hint: 'name training data, such as gsm8k (the training part), or a file of your own',
      },
    );
  }
  return card;
}

/** The benchmarks that `eval` knows by name. */
export function benchmarkNames(): string[] {
  return builtInCards().filter((name) => isBenchmark(loadCard(name, '.')));
}

/** The benchmarks of a published suite; none where there is no such suite. */
export function suiteOf(suite: string): string[] {
  return benchmarkNames().filter((name) => loadCard(name, '.').project.suites?.some((one) => one === suite));
}

function noSuchSet(asked: string, use: 'train' | 'eval'): UserError {
  const names =
    use === 'eval' ? benchmarkNames() : builtInCards().filter((name) => !benchmarkNames().includes(name));
  const near = nearest(asked, [...names, ...names.map((name) => name.replace(/-test$/, ''))]);
  return new UserError(`no problem set "${asked}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
    hint: `there is no such file, and the ${use === 'eval' ? 'benchmarks' : 'data cards'} are ${names.join(', ')}`,
  });
}

function isPath(set: string, cwd: string): boolean {
  return (
    set.startsWith('hf://') ||
    existsSync(resolve(cwd, set)) ||
    isPattern(set) ||
    /[\\/]/.test(set) ||
    (/\.(?:jsonl?|parquet|arrow|gz|zst|feather|ipc)$/i.test(set) && !set.endsWith('.md'))
  );
}

function located(path: string, cwd: string): string {
  return path.startsWith('hf://') ? path : resolve(cwd, path);
}

function nameOfPath(path: string): string {
  const parts = path.split(/[\\/]+/).filter((part) => part !== '' && !isPattern(part));
  return (parts.at(-1) ?? 'problems').replace(/\.(?:jsonl?|parquet|arrow)(?:\.(?:gz|zst))?$/i, '');
}
