/**
 * Logged metrics as text -> runs: metrics.jsonl of this project, verl's file logger (`{"step", "data": {...}}`), TRL's trainer_state.json
 * (`log_history`), a JSON array of rows, CSV with a step column, and wandb's chart exports (columns `run - metric`, several runs a file, one metric a
 * file: give the files together). Rows of one step are merged. Pure; a line that is no row is counted, never fatal.
 */
import { type LoggedRow, stepOf } from './read-row.ts';

export interface LoggedRun {
  name: string;
  /** One row a step, in order of step. */
  rows: LoggedRow[];
}

/** Collects the rows of any number of files, by run. */
export class LoggedRuns {
  private readonly runs = new Map<string, Map<number, Record<string, unknown>>>();
  /** Lines and rows that could not be read, over all files. */
  skipped = 0;

  /** `name` is the run's where the file does not say. */
  add(text: string, name: string): void {
    const start = text.trimStart().slice(0, 1);
    if (start === '{' || start === '[') this.addJson(text, name);
    else this.addCsv(text, name);
  }

  /** Rows as they are; those without a step are counted as skipped. */
  addRows(rows: Iterable<unknown>, name: string): void {
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
    return [...this.runs].map(([name, rows]) => ({
      name,
      rows: [...rows].sort(([a], [b]) => a - b).map(([step, row]) => ({ ...row, step })),
    }));
  }

  private addJson(text: string, name: string): void {
    const whole = parsed(text);
    const history = (whole as { log_history?: unknown } | undefined)?.log_history;
    if (Array.isArray(whole)) this.addRows(whole, name);
    else if (Array.isArray(history)) this.addRows(history, name);
    else for (const line of text.split('\n')) if (line.trim() !== '') this.addRows([parsed(line)], name);
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
    for (const cells of rows) {
      const number = (i: number): number => (cells[i]?.trim() ? Number(cells[i]) : Number.NaN);
      const shared = Object.fromEntries(columns.map(({ metric }, i) => [metric, number(i)] as const));
      const step = stepOf(shared);
      if (step === undefined) {
        this.skipped++;
        continue;
      }
      for (const [i, { run, metric }] of columns.entries()) {
        // wandb adds the least and greatest of grouped runs.
        if (/__(MIN|MAX)$/.test(metric) || !Number.isFinite(number(i))) continue;
        // The step column is no run's own where others name theirs.
        if (run === name && columns.some((other) => other.run !== name)) continue;
        this.merge(run, step, { [metric]: number(i) });
      }
    }
  }

  private merge(name: string, step: number, row: LoggedRow): void {
    let rows = this.runs.get(name);
    if (rows === undefined) this.runs.set(name, (rows = new Map()));
    rows.set(step, { ...rows.get(step), ...row });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Comma-separated values with quotes (RFC 4180), lines without anything left out. */
function csvRows(text: string): string[][] {
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
