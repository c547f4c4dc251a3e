/**
 * Logged metrics as text -> runs: metrics.jsonl of this project, verl's file logger (`{"step", "data": {...}}`), TRL's trainer_state.json
 * (`log_history`), a JSON array of rows, what TRL and verl print (console-row.ts), CSV with a step column, and wandb's chart exports (columns `run - metric`,
 * several runs a file, one metric a file: give the files together). Rows of one step are merged. TRL prints no step: its lines are counted. Python's NaN
 * and Infinity, which are no JSON, are read as missing. Pure; a line that is no row is counted, never fatal.
 */
import { consoleLines, consoleRow, isConsoleLog } from './console-row.ts';
import { type LoggedRow, stepOf } from './read-row.ts';

export interface LoggedRun {
  name: string;
  /** One row a step, in order of step. */
  rows: LoggedRow[];
  /** The files that gave rows, as they were named to `add`. */
  files?: string[];
}

/** Collects the rows of any number of files, by run. */
export class LoggedRuns {
  private readonly runs = new Map<string, { rows: Map<number, LoggedRow>; files: Set<string> }>();
  /** Lines and rows that could not be read, over all files. */
  skipped = 0;
  /** Files whose rows have no step and are numbered in their order. */
  readonly numbered: string[] = [];

  private file: string | undefined;
  private taken = 0;

  /** `name` is the run's where the file does not say. Returns how many rows were taken from it. */
  add(text: string, name: string, file?: string): number {
    return this.counted(file, () => this.addText(text.replace(/^\ufeff/, ''), name));
  }

  /** The same for rows that were read already, such as those of an event file. */
  addAll(rows: Iterable<unknown>, name: string, file?: string): number {
    return this.counted(file, () => this.addRows(rows, name));
  }

  private counted(file: string | undefined, add: () => void): number {
    const before = this.taken;
    this.file = file;
    add();
    return this.taken - before;
  }

  private addText(text: string, name: string): void {
    const start = text.trimStart().slice(0, 1);
    const whole = start === '{' || start === '[' ? parsed(text) : undefined;
    if (whole !== undefined) this.addJson(whole, name);
    else if (isConsoleLog(text)) this.addConsole(text, name);
    else if (start === '{' || start === '[') for (const line of text.split('\n')) this.addLine(line, name);
    else this.addCsv(text, name);
  }

  /** Rows as they are; those without a step are counted as skipped. */
  private addRows(rows: Iterable<unknown>, name: string): void {
    for (const row of rows) {
      const inner =
        typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as LoggedRow) : undefined;
      const data = inner?.data;
      const flat = typeof data === 'object' && data !== null ? { ...inner, ...data } : inner;
      const step = flat === undefined ? undefined : stepOf(flat);
      if (flat === undefined || step === undefined) this.skipped++;
      else this.merge(name, step, flat);
    }
  }

  all(): LoggedRun[] {
    return [...this.runs].map(([name, { rows, files }]) => ({
      name,
      rows: [...rows].sort(([a], [b]) => a - b).map(([step, row]) => ({ ...row, step })),
      ...(files.size === 0 ? {} : { files: [...files] }),
    }));
  }

  private addJson(whole: unknown, name: string): void {
    const history = (whole as { log_history?: unknown }).log_history;
    if (Array.isArray(whole)) this.addRows(whole, name);
    else this.addRows(Array.isArray(history) ? history : [whole], name);
  }

  private addLine(line: string, name: string): void {
    if (line.trim() !== '') this.addRows([parsed(line)], name);
  }

  /** A printed log; lines of JSON among it count too, lines of anything else are not metrics and not counted. */
  private addConsole(text: string, name: string): void {
    let logged = 0;
    let numbered = false;
    for (const line of consoleLines(text)) {
      const row = consoleRow(line);
      if (row === undefined) {
        if (line.startsWith('{')) this.addLine(line, name);
        continue;
      }
      // The figures of the whole run, at its end.
      if (row.train_runtime !== undefined) continue;
      if (stepOf(row) !== undefined) this.addRows([row], name);
      else {
        const evaluation = Object.keys(row).some((key) => key.startsWith('eval_'));
        if (!evaluation) logged++;
        numbered = true;
        this.merge(name, logged, row);
      }
    }
    if (numbered) this.numbered.push(name);
  }

  private addCsv(text: string, name: string): void {
    const [header, ...rows] = csvRows(text);
    if (header === undefined) return;
    const columns = header.map((title) => {
      const at = title.lastIndexOf(' - ');
      return at === -1
        ? { run: name, metric: title }
        : { run: title.slice(0, at), metric: title.slice(at + 3) };
    });
    // With an x axis of their own (train/global_step), exports hold `run - _step` beside it, which is another count.
    const stepColumns = columns.flatMap(({ run, metric }, i) => (run === name ? [[metric, i] as const] : []));
    for (const cells of rows) {
      const number = (i: number): number => (cells[i]?.trim() ? Number(cells[i]) : Number.NaN);
      const step = stepOf(Object.fromEntries(stepColumns.map(([metric, i]) => [metric, number(i)])));
      if (step === undefined) {
        this.skipped++;
        continue;
      }
      for (const [i, { run, metric }] of columns.entries()) {
        // wandb adds the least and greatest of grouped runs.
        if (/^_step$|__(MIN|MAX)$/.test(metric) || !Number.isFinite(number(i))) continue;
        // The step column is no run's own where others name theirs.
        if (run === name && columns.some((other) => other.run !== name)) continue;
        this.merge(run, step, { [metric]: number(i) });
      }
    }
  }

  private merge(name: string, step: number, row: LoggedRow): void {
    this.taken++;
    let run = this.runs.get(name);
    if (run === undefined) this.runs.set(name, (run = { rows: new Map(), files: new Set() }));
    run.rows.set(step, { ...run.rows.get(step), ...row });
    if (this.file !== undefined) run.files.add(this.file);
  }
}

/** A string, or one of the numbers that Python writes and JSON does not have. */
const pythonNumbers = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!/\b(?:NaN|Infinity)\b/.test(text)) return undefined;
  }
  try {
    return JSON.parse(
      text.replace(pythonNumbers, (found) => (found.startsWith('"') ? found : 'null')),
    ) as unknown;
  } catch {
    return undefined;
  }
}

/** Comma-separated values with quotes (RFC 4180), lines without anything left out. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.some((value) => value !== '')) rows.push(row);
    row = [];
    cell = '';
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[i++]!;
      else quoted = false;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === ',') {
      row.push(cell);
      cell = '';
    } else if (c === '\n') endRow();
    else if (c !== '\r') cell += c;
  }
  endRow();
  return rows;
}
