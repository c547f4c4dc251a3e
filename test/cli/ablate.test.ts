/** `midtrain ablate` on the command line: plans without writing, says what is wrong with its flags, runs, reports, exits with 2 where an arm failed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { findExperiment } from '../../src/ablate/find-experiment.ts';
import { ownInputs } from '../../src/ablate/own-inputs.ts';
import { planGrid } from '../../src/ablate/plan-grid.ts';
import { tinyExperiment } from '../ablate/grid-experiment.ts';
import { runLine } from './run-line.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = mkdtempSync(join(tmpdir(), 'midtrain-ablate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** An arm whose mixture wants more of a source than its repeats allow. */
const broken = { set: { mix: { decay: { repeatLimit: 1, sources: { web: { data: { count: 2 } } } } } } };
writeFileSync(join(root, 'tiny.yaml'), JSON.stringify(tinyExperiment({ arms: { 'qa-30': null, broken } })));

test('--dry-run says what is shared and how much there is, and writes nothing', async () => {
  const { code, out } = await runLine(root, 'midtrain ablate tiny.yaml --dry-run --no-probe --seeds 1,2');
  expect(code).toBe(0);
  expect(out).toContain('2 arms x 2 seeds (1, 2), size cpu');
  expect(out).toContain('mix.decay.sources.web.data.count: 200 -> 2');
  expect(out).toMatch(/train-stable +2 +2 +3\.07k tokens +unknown/);
  expect(out).toMatch(/train-stable-[0-9a-f]{16} \(to do\): qa-0, broken of seed 1\n/);
  expect(out).toMatch(/tokenizer-[0-9a-f]{16} \(to do\): qa-0, broken of seeds 1, 2\n/);
  expect(readdirSync(root)).toEqual(['tiny.yaml']);
  const { out: json } = await runLine(root, 'midtrain ablate tiny.yaml --dry-run --no-probe --json');
  expect(JSON.parse(json)).toMatchObject({ name: 'tiny', tokens: 3 * 768 + 768, rollouts: 96 });
});

test('a probe tells the minutes of every kind of step, and is kept', async () => {
  const { out } = await runLine(root, 'midtrain ablate tiny.yaml --dry-run --json --store probed');
  const outlook = JSON.parse(out) as {
    seconds: number;
    adapter: string;
    kinds: { kind: string; seconds: number; sources: string[] }[];
  };
  expect(outlook.seconds).toBeGreaterThan(0);
  for (const kind of outlook.kinds) expect(kind).toMatchObject({ sources: ['probe'] });
  expect(readdirSync(join(root, 'probed'))).toEqual(['probe.json']);
  const before = readFileSync(join(root, 'probed', 'probe.json'), 'utf8');
  const again = await runLine(root, 'midtrain ablate tiny.yaml --dry-run --json --store probed');
  expect(JSON.parse(again.out)).toEqual(outlook);
  expect(readFileSync(join(root, 'probed', 'probe.json'), 'utf8')).toBe(before);
});

test('runs, reports, and exits with 2 because an arm failed; given again it does only what failed', async () => {
  const line = 'midtrain ablate tiny.yaml --json';
  const { code, out, warnings } = await runLine(root, line);
  expect(code).toBe(2);
  const result = JSON.parse(out) as {
    done: number;
    failed: { what: string; error: string }[];
    skipped: number;
    html: string;
  };
  expect(result).toMatchObject({ skipped: 2, failed: [{ what: 'mix broken seed 1' }] });
  expect(warnings.some((text) => text.startsWith('mix broken seed 1 failed: '))).toBe(true);
  const folder = join(root, 'runs/ablate/tiny');
  expect(readdirSync(folder).sort()).toEqual([
    'experiment.yaml',
    'grid.json',
    'report.html',
    'report.md',
    'results.json',
  ]);
  expect(result.html).toBe(join(folder, 'report.html'));
  const { data } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as {
    data: { cells: { arm: string; status: string }[] };
  };
  expect(data.cells.map(({ arm, status }) => [arm, status])).toEqual([
    ['qa-0', 'done'],
    ['broken', 'failed'],
  ]);
  const again = await runLine(root, line);
  expect([again.code, (JSON.parse(again.out) as { done: number }).done]).toEqual([2, 0]);
  const { out: text } = await runLine(root, 'midtrain ablate tiny.yaml --arms qa-0');
  expect(text).toContain('Report: runs/ablate/tiny/report.html');

  const exported = await runLine(root, 'midtrain ablate tiny.yaml --export small --json');
  expect(JSON.parse(exported.out)).toMatchObject({ failed: 1 });
  const elsewhere = await runLine(
    root,
    'midtrain ablate tiny.yaml --arms qa-0 --import small --store other --out other-out --json',
  );
  expect([elsewhere.code, JSON.parse(elsewhere.out)]).toMatchObject([0, { done: 0 }]);
  expect(existsSync(join(root, 'other-out', 'report.html'))).toBe(true);
});

test('refuses what it cannot do', async () => {
  await expect(runLine(root, 'midtrain ablate')).rejects.toThrow('no experiment is given');
  await expect(runLine(root, 'midtrain ablate absent.yaml')).rejects.toThrow('no such experiment file');
  await expect(runLine(root, 'midtrain ablate tiny.yaml --seeds 1,x')).rejects.toThrow(
    'a seed is a whole number',
  );
  await expect(runLine(root, 'midtrain ablate tiny.yaml --arms qa-1')).rejects.toThrow('did you mean "qa-0"');
  await expect(runLine(root, 'midtrain ablate tiny.yaml --dry-run --import small')).rejects.toThrow(
    '--dry-run writes nothing',
  );
});

test('every built-in experiment can be planned, at every size', async () => {
  const { out } = await runLine(root, 'midtrain ablate --list --json');
  for (const { name } of JSON.parse(out) as { name: string }[]) {
    const { experiment, file, folder } = findExperiment(name, root);
    expect(experiment.name).toBe(name);
    for (const size of ['cpu', ...Object.keys(experiment.sizes)])
      expect(planGrid(experiment, file, ownInputs(folder, file), { size }).cells.length).toBeGreaterThan(1);
  }
});
