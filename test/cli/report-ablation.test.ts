/** `midtrain report` on experiments: a grid's folder and an export of it give one page, two are compared, and nothing else goes beside them. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportResults } from '../../src/ablate/export-results.ts';
import { reportGrid } from '../../src/ablate/report-grid.ts';
import { storeSource } from '../../src/ablate/step-source.ts';
import { makeUp } from '../ablate/made-up-grid.ts';
import { runLine } from './run-line.ts';

let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'midtrain-report-ablation-'));
  const { grid, store } = makeUp(join(cwd, 'store'));
  mkdirSync(join(cwd, 'grid'));
  writeFileSync(join(cwd, 'grid', 'grid.json'), JSON.stringify(grid));
  const options = { rerun: ['midtrain ablate made-up.yaml'] };
  await reportGrid({ grid, folder: join(cwd, 'grid'), store }, options);
  const request = {
    grid,
    experiment: 'name: made-up\n',
    source: storeSource(store),
    folder: join(cwd, 'export'),
  };
  await exportResults(request, options);
});
afterAll(() => rmSync(cwd, { recursive: true }));

const read = (name: string): string => readFileSync(join(cwd, name), 'utf8');

test('makes the page that the experiment made, from its folder and from an export', async () => {
  const { code, out } = await runLine(cwd, 'midtrain report grid --out again.html --markdown');
  expect(code).toBe(0);
  expect(out).toContain(
    'made-up\n  RL accuracy is higher with mixed than with plain: +18.3 points (95 % interval',
  );
  expect(read('again.html')).toBe(read('grid/report.html'));
  expect(read('again.md')).toBe(read('grid/report.md'));
  await runLine(cwd, 'midtrain report export --out exported.html --markdown');
  // All but the time a step took and where files lay, which an export does not say.
  const tables = (text: string): string[] => text.split('\n').filter((line) => /points|\| RL/.test(line));
  expect(tables(read('exported.md'))).toEqual(tables(read('again.md')));
  expect(tables(read('again.md')).length).toBeGreaterThan(2);
});

test('says the answer and the claims as JSON', async () => {
  const { out } = await runLine(cwd, 'midtrain report export --json --title Other --out other.html');
  const { experiments } = JSON.parse(out) as {
    experiments: { name: string; answer: string[]; claims: object[] }[];
  };
  expect(experiments).toHaveLength(1);
  expect(experiments[0]!.answer).toHaveLength(3);
  expect(experiments[0]!.claims).toMatchObject([
    { measure: 'rl_accuracy', first: 'plain', second: 'mixed', verdict: 'higher' },
  ]);
  expect(read('other.html')).toContain('<title>Other');
});

test('puts two experiments on one page', async () => {
  const { out } = await runLine(cwd, 'midtrain report grid export --out both.html');
  expect(out.match(/^made-up$/gm)).toHaveLength(2);
  expect(read('both.html').length).toBeGreaterThan(1000);
});

test.each([
  ['grid export grid', '3 experiments were given'],
  ['grid store', 'store is not the folder of an experiment'],
  ['.', '. holds experiments: export, grid'],
  ['grid --follow-parents', '--follow-parents is for runs and logs'],
])('refuses %s', async (args, message) => {
  await expect(runLine(cwd, `midtrain report ${args}`)).rejects.toThrow(message);
});

test('says what is wrong with a plan that was changed', async () => {
  cpSync(join(cwd, 'grid'), join(cwd, 'changed'), { recursive: true });
  const path = join(cwd, 'changed', 'grid.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"seeds"', '"seed"'));
  await expect(runLine(cwd, 'midtrain report changed')).rejects.toThrow(/grid\.json/);
});
