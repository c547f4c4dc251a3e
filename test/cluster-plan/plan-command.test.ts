/** `midtrain plan` as the command line runs it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { command } from '../../src/cli/plan.ts';
import type { ClusterPlan } from '../../src/cluster-plan/plan-cluster.ts';
import { exitCodes } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { changed, madeUpRates } from './made-up.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-plan-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
writeFileSync(join(root, 'rates.json'), JSON.stringify(madeUpRates));

async function run(options: Record<string, unknown>, cwd = root): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await command.run(
    {
      emit: () => {},
      signal: new AbortController().signal,
      write: (part) => {
        text += part;
      },
      json: options.json === true,
      cwd,
    },
    [],
    options,
  );
  return { code, text };
}

function describedAs(changes: Record<string, unknown>): string {
  writeFileSync(join(root, 'c.yaml'), stringify(changed(changes)));
  return 'c.yaml';
}

test('--example prints the description of the page, and it can be planned', async () => {
  const { code, text } = await run({ example: true });
  expect(code).toBe(exitCodes.done);
  expect(text).toBe(readFileSync(join(packageRoot(), 'docs/cluster.yaml'), 'utf8'));
  writeFileSync(join(root, 'example.yaml'), text);
  expect(await run({ cluster: 'example.yaml' })).toMatchObject({ code: exitCodes.done });
});

test('without a description it says how to begin', async () => {
  await expect(run({})).rejects.toThrow('plan: no description');
});

test('a file that is not there, and one that is not YAML', async () => {
  await expect(run({ cluster: 'none.yaml' })).rejects.toThrow(/none\.yaml: cannot be read/);
  writeFileSync(join(root, 'bad.yaml'), 'a: [');
  await expect(run({ cluster: 'bad.yaml' })).rejects.toThrow(/bad\.yaml.*not YAML/);
});

test('prints stages, training and what it rests on', async () => {
  const { code, text } = await run({ cluster: describedAs({}), rates: ['rates.json'] });
  expect(code).toBe(exitCodes.done);
  expect(text).toContain(
    'rates: made up, 2026-01-02, commit abc1234, 2 x a core, load 0.1 before and 0.2 after\n',
  );
  expect(text).toContain('corpus: 1M documents, 10 GB (2 GB stored), 4 GB of text, 15 units\n');
  expect(text).toMatch(/^measure +2 GB +1\.22 GB +100 MB +5\.56 +0\.694 {2}cores +2 +4\.17$/m);
  expect(text).toMatch(/^dedup .* one process +1 /m);
  expect(text).toMatch(/^stable +1B +239 +2\.78e19 /m);
  expect(text).toContain('MFU 50.0 %');
  expect(text).toMatch(/assumptions, 0 of them unknown or recalled; --explain lists them/);
  expect(text).not.toContain('\nassumptions\n');
});

test('--explain goes on with every formula', async () => {
  const { text } = await run({ cluster: describedAs({}), rates: ['rates.json'], explain: true });
  expect(text).toMatch(
    /core seconds of measure = bytes of the corpus \(10000000000\) x seconds a byte to measure \(0\.000002\) = 20000 s {3}\[/,
  );
  expect(text).toContain('\nassumptions\n[1] own: documents: 1000000\n');
});

test('--json is the plan, with every figure, its formula and its reasons', async () => {
  const { text } = await run({ cluster: describedAs({}), rates: ['rates.json'], json: true });
  const plan = JSON.parse(text) as ClusterPlan;
  expect(plan.stages[0]!.coreHours).toEqual({
    name: 'core hours of measure',
    value: 20_000 / 3600,
    unit: 'core h',
    formula: 'core seconds of measure (20000) / seconds an hour (3600) / efficiency (0.5) / core speed (2)',
    because: expect.arrayContaining(['corpus.documents', 'measure', 'efficiency', 'coreSpeed']),
  });
  expect(plan.assumptions.length).toBeGreaterThan(10);
});

test('a plan that cannot be carried out is printed, and ends with exit code 1', async () => {
  const { code, text } = await run({
    cluster: describedAs({ 'nodes.gpu.memory': '2 GB' }),
    rates: ['rates.json'],
  });
  expect(code).toBe(exitCodes.userError);
  expect(text).toMatch(/^problem: training does not fit/m);
  expect(text).toMatch(/DOES NOT FIT/);
});

test('--set changes one place, and the schema judges it', async () => {
  const cluster = describedAs({});
  const rates = ['rates.json'];
  const set = { 'nodes.gpu.count': '8', 'training.phases.0.tokens': '2B', 'storage.bandwidth': '9 GB/s' };
  const { text } = await run({ cluster, rates, set, json: true });
  const plan = JSON.parse(text) as ClusterPlan;
  expect(plan.training!.gpus.value).toBe(64);
  expect(plan.training!.phases[0]!.steps.value).toBe(477);
  expect(plan.assumptions.some(({ id }) => id === 'storage.bandwidth')).toBe(true);
  await expect(run({ cluster, rates, set: { 'nodes.gpu.cuont': '8' } })).rejects.toThrow(
    /"cuont" in nodes\.gpu; did you mean "count"/,
  );
  await expect(run({ cluster, rates, set: { 'name.first': 'x' } })).rejects.toThrow(
    /--set name\.first: it leads into "made up", which has no keys/,
  );
});

test('a model and a recipe that are not there are named', async () => {
  await expect(run({ cluster: describedAs({ 'training.model': 'Llama-3.2-3C' }) })).rejects.toThrow(
    /no model "Llama-3\.2-3C"; did you mean "Llama-3\.2-3B"/,
  );
  await expect(run({ cluster: describedAs({ 'training.phases.0.recipe': 'stabel' }) })).rejects.toThrow(
    /stabel/,
  );
});

test('training alone needs no data nodes', async () => {
  const changes = { corpus: undefined, filter: undefined, 'nodes.data': undefined };
  const { text } = await run({ cluster: describedAs(changes), rates: ['rates.json'] });
  expect(text).toMatch(/^stable /m);
  expect(text).not.toMatch(/^measure/m);
});

test('a corpus alone needs no GPUs and no prices', async () => {
  const changes = { training: undefined, 'nodes.gpu': undefined, 'nodes.data.pricePerHour': undefined };
  const { text } = await run({ cluster: describedAs(changes), rates: ['rates.json'] });
  expect(text).toMatch(/^measure .* cores +2$/m);
  expect(text).not.toMatch(/MFU/);
});
