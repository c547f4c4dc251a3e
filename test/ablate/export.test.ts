/** Small results out of a store and into another: the same data, nothing private, and nothing that does not fit. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collectAblation } from '../../src/ablate/collect.ts';
import { contentHash, sha256 } from '../../src/ablate/export-file.ts';
import { exportResults } from '../../src/ablate/export-results.ts';
import type { Grid } from '../../src/ablate/grid.ts';
import { importResults } from '../../src/ablate/import-results.ts';
import { columnsOfRows, rowsOfColumns } from '../../src/ablate/metric-columns.ts';
import { readExport } from '../../src/ablate/read-export.ts';
import { readAblation, reportGrid } from '../../src/ablate/report-grid.ts';
import { resultsOf } from '../../src/ablate/results-file.ts';
import { storeSource } from '../../src/ablate/step-source.ts';
import { StepStore } from '../../src/ablate/store.ts';
import { type MadeUp, makeUp } from './made-up-grid.ts';

let base: string;
let root: string;
let made: MadeUp;
/** A copy of one export, for each test its own. */
let out: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'midtrain-export-'));
  made = makeUp(join(base, 'store'), { failing: ['plain 3'] });
  const request = { grid: made.grid, experiment: 'name: made-up\n', source: storeSource(made.store) };
  const rerun = ['midtrain ablate made-up.yaml --store /home/somebody/store'];
  const exported = await exportResults(
    { ...request, folder: join(base, 'export') },
    { rerun, commit: 'abc' },
  );
  expect(exported).toMatchObject({ done: 24, failed: 1, planned: 25 });
});
beforeEach(() => {
  root = mkdtempSync(join(base, 'test-'));
  out = join(root, 'export');
  cpSync(join(base, 'export'), out, { recursive: true });
});
afterAll(() => rmSync(base, { recursive: true }));

const dataOf = (grid: Grid, store: StepStore) => collectAblation(grid, storeSource(store));
/** Without what only says that steps were imported and how files were called. */
const comparable = ({ steps, arms, ...rest }: ReturnType<typeof dataOf>) => ({
  ...rest,
  arms: arms.map(({ differences: _, ...arm }) => arm),
  steps: steps.map(({ imported: _, ...step }) => step),
});

describe('an export', () => {
  test('imported into another store gives equal data, runs and all', async () => {
    const before = dataOf(made.grid, made.store);
    const elsewhere = new StepStore(join(root, 'elsewhere'));
    expect(await importResults(out, elsewhere)).toEqual({
      name: 'made-up',
      imported: 24,
      present: 0,
      failed: 1,
    });
    const after = dataOf(made.grid, elsewhere);
    expect(comparable(after)).toEqual(comparable(before));
    expect(JSON.stringify(resultsOf(after).data)).toBe(JSON.stringify(resultsOf(before).data));
    expect(after.steps.filter(({ imported }) => imported)).toHaveLength(24);
    expect(await importResults(out, elsewhere)).toMatchObject({ imported: 0, present: 24 });
  });

  test('read where it lies gives equal data, and its own results.json says the same', async () => {
    const read = await readExport(out);
    const input = collectAblation(read.grid, read.source);
    expect(comparable(input)).toEqual(comparable(dataOf(made.grid, made.store)));
    const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as ReturnType<
      typeof resultsOf
    >;
    expect(results.data).toEqual(JSON.parse(JSON.stringify(resultsOf(input).data)));
    expect(await readAblation(out)).toMatchObject({
      rerun: ['midtrain ablate made-up.yaml --store store'],
      commit: 'abc',
    });
  });

  test('of an imported store is the same export again', async () => {
    const elsewhere = new StepStore(join(root, 'elsewhere'));
    await importResults(out, elsewhere);
    const second = join(root, 'second');
    const { grid, experiment } = await readExport(out);
    await exportResults({ grid, experiment, source: storeSource(elsewhere), folder: second });
    expect(stepsText(second)).toBe(stepsText(out));
  });

  test('holds no weights, no place and no time of day', async () => {
    const files = readdirSync(out).sort();
    expect(files).toEqual(['experiment.yaml', 'export.json', 'grid.json', 'results.json', 'steps.jsonl.gz']);
    const all = files
      .map((name) => (name.endsWith('.gz') ? stepsText(out) : readFileSync(join(out, name), 'utf8')))
      .join('\n');
    for (const hidden of [base, '/home/', 'somebody', '2026-01-01', 'commandLine', 'maxBufferSize'])
      expect(all).not.toContain(hidden);
  });

  test('is refused while nothing is done', async () => {
    const empty = new StepStore(join(root, 'empty'));
    const attempt = exportResults({
      grid: made.grid,
      experiment: '',
      source: storeSource(empty),
      folder: out,
    });
    await expect(attempt).rejects.toThrow('nothing to export');
    expect(existsSync(join(root, 'none'))).toBe(false);
  });
});

describe('an import', () => {
  test('leaves a step that the store has done itself as it is', async () => {
    const own = makeUp(join(root, 'own'), { failing: ['plain 3'] });
    const kept = own.grid.steps.find(({ kind }) => kind === 'grpo')!;
    for (const step of own.grid.steps)
      if (step !== kept) rmSync(own.store.folder(step.id), { recursive: true });
    const before = readFileSync(join(own.store.folder(kept.id), 'step.json'), 'utf8');
    expect(await importResults(out, own.store)).toMatchObject({ imported: 23, present: 1 });
    expect(readFileSync(join(own.store.folder(kept.id), 'step.json'), 'utf8')).toBe(before);
    expect(existsSync(join(own.store.folder(kept.id), 'imported'))).toBe(false);
  });

  const damages: [string, (lines: Line[], grid: GridText) => void, RegExp][] = [
    [
      'a value that was changed',
      (lines) => void (lines[3]!.done!.seconds = 1),
      /steps\.jsonl\.gz \(line 4\): its sha256/,
    ],
    [
      'a step outside the store',
      (lines) => rehash(lines[0]!, { id: '../../outside' }),
      /\(line 1\).*not the id of a step/,
    ],
    ['an absolute id', (lines) => rehash(lines[0]!, { id: '/etc/grpo-0123456789abcdef' }), /\(line 1\)/],
    [
      'a step that is not planned',
      (lines) => rehash(lines[0]!, { id: 'grpo-0123456789abcdef' }),
      /is not in grid\.json/,
    ],
    ['a step that stands twice', (lines) => void lines.push(structuredClone(lines[0]!)), /stands here twice/],
    [
      'columns that do not fit',
      (lines) => rehashMetrics(lines),
      /\(line \d+\): metrics: .* values for .* rows/,
    ],
    [
      'a plan with a path for an id',
      (_, grid) => void (grid.steps[0]!.id = '../x'),
      /grid\.json.*not the id of a step/s,
    ],
    [
      'a plan whose settings were changed',
      (_, grid) => void (grid.steps[0]!.settings.more = 1),
      /grid\.json \(steps\.0\): the step filter-[0-9a-f]{16} has settings/,
    ],
    [
      'a cell with a step that is not there',
      (_, grid) => void (grid.cells[0]!.asked = ['grpo-0123456789abcdef']),
      /grid\.json \(cells\.0\): there is no step/,
    ],
    [
      'a plan with an unknown key',
      (_, grid) => void Object.assign(grid, { weights: 1 }),
      /grid\.json.*weights/s,
    ],
  ];
  test.each(damages)('refuses %s, writing nothing', async (_, damage, message) => {
    const lines = stepsText(out)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const grid = JSON.parse(readFileSync(join(out, 'grid.json'), 'utf8')) as GridText;
    damage(lines, grid);
    rewrite({
      'steps.jsonl.gz': lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      'grid.json': JSON.stringify(grid),
    });
    const store = new StepStore(join(root, 'deep', 'elsewhere'));
    await expect(importResults(out, store)).rejects.toThrow(message);
    expect(existsSync(join(root, 'deep'))).toBe(false);
    expect(existsSync(join(root, 'outside'))).toBe(false);
  });

  test.each([
    ['experiment.yaml', 'name: other\n', /experiment\.yaml: is not what export\.json says/],
    ['steps.jsonl.gz', '{"sha256":', /steps\.jsonl\.gz: cannot be read/],
    ['export.json', '{"version":2}', /export\.json/],
  ])('refuses a %s that was changed', async (name, text, message) => {
    writeFileSync(join(out, name), text);
    await expect(importResults(out, new StepStore(join(root, 'elsewhere')))).rejects.toThrow(message);
  });

  test('refuses a file that unpacks without end', async () => {
    writeFileSync(join(out, 'steps.jsonl.gz'), gzipSync(Buffer.alloc(65 * 2 ** 20)));
    await expect(readExport(out)).rejects.toThrow(/steps\.jsonl\.gz: cannot be read/);
  });

  test('names the folder that is no export', async () => {
    await expect(readExport(base)).rejects.toThrow(/export\.json/);
  });
});

test('the report of a grid is written beside it and collected again from there', async () => {
  const folder = join(root, 'grid');
  mkdirSync(folder);
  writeFileSync(join(folder, 'grid.json'), JSON.stringify(made.grid));
  const { grid, store } = makeUp(join(root, 'store'), { failing: ['plain 3'] });
  const first = await reportGrid({ grid, folder, store }, { rerun: ['again'] });
  const { data, made: how } = JSON.parse(readFileSync(first.results, 'utf8')) as ReturnType<typeof resultsOf>;
  expect(how.store).toBe('../store');
  expect(data.cells).toHaveLength(6);
  expect(readFileSync(first.html, 'utf8')).toContain('<!doctype html>');
  expect(readFileSync(first.markdown, 'utf8')).toContain('# Made up');
  expect(await readAblation(folder)).toEqual(first.input);
  rmSync(store.root, { recursive: true });
  await expect(readAblation(folder)).rejects.toThrow('its store of steps');
});

test('metric rows survive being columns: gaps, words, no numbers', () => {
  const rows = [
    { step: 0, phase: 'a', eval: 1 },
    { step: 1, phase: 'a', loss: Number.NaN },
    { step: 2, phase: 'a', loss: 0.5, note: 'x' },
    { step: 3, phase: 'a', loss: Number.NEGATIVE_INFINITY },
  ];
  const columns = columnsOfRows(rows);
  expect(columns.columns.phase).toEqual({ all: 'a' });
  expect(columns.columns.eval).toEqual({ at: [0], values: [1] });
  expect(rowsOfColumns(JSON.parse(JSON.stringify(columns)) as typeof columns)).toEqual(rows);
  expect(rowsOfColumns(columnsOfRows([]))).toEqual([]);
  expect(() => rowsOfColumns({ rows: 1, columns: { step: { at: [4], values: [1] } } })).toThrow('row 4 of 1');
  expect(() => rowsOfColumns({ rows: 1, columns: { loss: [1] } })).toThrow('has no step');
});

interface Line {
  sha256: string;
  id: string;
  done?: { seconds: number };
  run?: { metrics: { rows: number; columns: Record<string, unknown> } };
}
type GridText = Grid & { steps: { id: string; settings: Record<string, unknown> }[] };

function stepsText(folder: string): string {
  return gunzipSync(readFileSync(join(folder, 'steps.jsonl.gz'))).toString();
}

/** A change whose hash was made to fit. */
function rehash(line: Line, change: Partial<Line>): void {
  Object.assign(line, change);
  const { sha256: _, ...content } = line;
  line.sha256 = contentHash(content);
}

function rehashMetrics(lines: Line[]): void {
  const line = lines.find(({ run }) => (run?.metrics.rows ?? 0) > 0)!;
  line.run!.metrics.columns.step = [1];
  rehash(line, {});
}

/** Files whose sha256 in export.json was made to fit. */
function rewrite(texts: Record<string, string>): void {
  const path = join(out, 'export.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { sha256: Record<string, string> };
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(out, name), name.endsWith('.gz') ? gzipSync(text) : text);
    manifest.sha256[name] = sha256(text);
  }
  writeFileSync(path, JSON.stringify(manifest));
}
