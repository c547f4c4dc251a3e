/**
 * The experiments whose small results lie under test/experiments: each holds together, says what its results.json says, is still the plan of the built-in
 * experiment of its name, and makes its report.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInExperiments, findExperiment } from '../../src/ablate/find-experiment.ts';
import { ownInputs } from '../../src/ablate/own-inputs.ts';
import { planGrid } from '../../src/ablate/plan-grid.ts';
import { readExport } from '../../src/ablate/read-export.ts';
import { readAblation } from '../../src/ablate/report-grid.ts';
import { resultsOf } from '../../src/ablate/results-file.ts';
import { renderAblation } from '../../src/report/ablation-report.ts';

const root = join(import.meta.dirname, '..', 'experiments');

describe.each(readdirSync(root))('%s', (name) => {
  const folder = join(root, name);

  test('has every step of the experiment of that name, so that a grid goes on from it', async () => {
    expect(builtInExperiments()).toContain(name);
    const { grid, steps, manifest } = await readExport(folder);
    const { experiment, file, folder: place } = findExperiment(name, '/');
    const planned = planGrid(experiment, file, ownInputs(place, file), { seeds: grid.seeds.map(Number) });
    expect(grid.steps.map(({ id }) => id)).toEqual(planned.steps.map(({ id }) => id));
    const done = steps.filter(({ record }) => record !== undefined).map(({ step }) => step.id);
    expect(new Set(done).size).toBe(manifest.steps ?? done.length);
    for (const cell of grid.cells) for (const id of cell.asked) expect(done).toContain(id);
  });

  test('gives the data of its results.json, at least three seeds an arm, and a report', async () => {
    const input = await readAblation(folder);
    const { data } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as { data: unknown };
    expect(JSON.parse(JSON.stringify(resultsOf(input).data))).toEqual(data);
    expect(input.seeds.length).toBeGreaterThanOrEqual(3);
    expect(input.cells.filter(({ status }) => status !== 'done')).toEqual([]);
    expect(input.calibration?.outcome).toBe('signal');
    const { html, markdown } = renderAblation(input);
    expect(Buffer.byteLength(html)).toBeLessThan(5e6);
    expect(html).toContain('<svg');
    expect(markdown).toContain(`# ${input.title}`);
  });
});
