/** Whole jobs through the commands on a faked Slurm: the bytes of the local run, whatever is killed, told to stop, cancelled or lost on the way. */
import './../jobs/compile-cache.ts';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../io/scratch.ts';
import { corpusConfig, outputHashes, writeCorpus } from '../jobs/corpus.ts';
import { outputHashes as mixHashes, writeShareRecipe } from '../jobs/mix-shares.ts';
import { cliInProcess } from './cli-in-process.ts';
import { FakeCluster } from './fake-cluster.ts';

/** A space, for shells; a %, for sbatch. */
const root = join(scratchFolder(), 'a 50% folder');
mkdirSync(root);
const at = (name: string): string => join(root, name);
const cluster = new FakeCluster(at('cluster'), { maxArraySize: 2 });
const { PATH, FAKE_SLURM } = process.env;
const run = (...words: string[]) => cliInProcess(words, root);
/** The folder's data without what belongs to the way it was made. */
const dataOf = (folder: string) =>
  Object.fromEntries(Object.entries(outputHashes(folder)).filter(([path]) => !path.startsWith('slurm/')));
const statusOf = async (folder: string) =>
  JSON.parse((await run('jobs', 'status', folder, '--json')).out) as {
    state: string;
    stages: { name: string; items: number; done: number; submissions: number }[];
    missing: { element: number; left: string[]; tries: number }[];
  };

beforeAll(async () => {
  Object.assign(process.env, { PATH: cluster.env.PATH, FAKE_SLURM: cluster.env.FAKE_SLURM });
  await writeCorpus(at('corpus'), 12);
  writeFileSync(at('pipeline.yaml'), JSON.stringify(corpusConfig(at('corpus'))));
  writeFileSync(at('slurm.yaml'), 'ranks: 3\nmax_attempts: 2\npoll: 0.05\nsettle: 0\n');
  expect((await run('filter', 'pipeline.yaml', '--out', 'local', '--workers', '1')).code).toBe(0);
});
afterAll(() => {
  process.env.PATH = PATH;
  if (FAKE_SLURM === undefined) delete process.env.FAKE_SLURM;
});

const submit = (out: string, ...more: string[]) =>
  run('filter', 'pipeline.yaml', '--out', out, '--executor', 'slurm', '--slurm', 'slurm.yaml', ...more);

describe('a filter job on Slurm', () => {
  it('gives the bytes of the local run through all stages, and a second launch finds it done', async () => {
    const first = await submit('undisturbed');
    expect(first.code).toBe(0);
    expect(first.out).toContain('midtrain jobs status undisturbed');
    expect(await statusOf('undisturbed')).toMatchObject({ state: 'queued' });
    const ran = await cluster.pumpWith(async (words) => (await run(...words)).code);
    expect(ran.every(({ code }) => code === 0)).toBe(true);
    expect(dataOf(at('undisturbed'))).toEqual(dataOf(at('local')));
    const { state, stages } = await statusOf('undisturbed');
    expect(state).toBe('done');
    expect(stages.map(({ name, submissions }) => [name, submissions])).toEqual([
      ['measure', 1],
      ['compare', 1],
      ['dedup', 1],
      ['finish', 1],
      ['conclude', 1],
    ]);
    const again = await submit('undisturbed', '--wait');
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/documents in, .* kept/) });
    expect(cluster.names).toEqual([]);
  });

  it('submits only what a killed element left, gives up an element that fails every time, and goes on after a retry', async () => {
    await submit('killed');
    const kill =
      (index: number, name: RegExp) => (words: string[], task: { name: string; index: number | null }) =>
        name.test(task.name) && task.index === index
          ? Promise.resolve(137)
          : run(...words).then(({ code }) => code);
    // MaxArraySize 2: elements 0 and 1, then 2 with index 0 in an array of its own.
    const ran = await cluster.pumpWith(kill(0, /measure-\d(-w2)?$/));
    expect(
      ran.map(({ name, index, code }) => `${name.split('-').slice(2).join('-')} ${index} ${code}`),
    ).toEqual([
      'measure-1-w1 0 0',
      'measure-1-w1 1 0',
      'measure-1-w2 0 137',
      'measure-1-reconcile null 0',
      'measure-2 0 137',
      'measure-2-reconcile null 1',
    ]);
    const { state, missing } = await statusOf('killed');
    expect(state).toBe('failed');
    expect(missing).toMatchObject([{ element: 2, tries: 2 }]);
    const told = await run('jobs', 'status', 'killed');
    expect(told.code).toBe(1);
    expect(told.out).toContain('stage measure did not get through: an element was submitted 2 times');
    expect(told.out).toContain(missing[0]!.left[0]);
    expect(told.out).toContain('midtrain jobs retry killed');
    const reconcile = await run('jobs', 'reconcile', 'killed');
    expect(reconcile).toMatchObject({
      code: 1,
      said: expect.stringContaining('error: stage measure did not get through'),
    });
    expect(cluster.names).toEqual([]);
    expect((await run('jobs', 'retry', 'killed')).code).toBe(0);
    await cluster.pumpWith(async (words) => (await run(...words)).code, 2);
    const { stages } = await statusOf('killed');
    expect(stages[0]).toMatchObject({ name: 'measure', submissions: 3 });
    expect(stages[1]).toMatchObject({ name: 'compare', submissions: 1 });
    cluster.lose(() => true);
  });

  it('that was cancelled keeps what is done, and the same command goes on', async () => {
    await submit('cancelled');
    await cluster.pumpWith(async (words) => (await run(...words)).code, 1);
    const cancelled = await run('jobs', 'cancel', 'cancelled');
    expect(cancelled).toMatchObject({ code: 0, out: expect.stringMatching(/^cancelled: \d+, \d+, \d+\n/) });
    expect(cluster.names).toEqual([]);
    expect((await statusOf('cancelled')).state).toBe('cancelled');
    // One that Slurm began all the same does nothing.
    const late = await run(
      'jobs',
      'work',
      'cancelled',
      '--stage',
      'measure',
      '--submission',
      '1',
      '--element',
      '1',
    );
    expect(late).toMatchObject({ code: 130, out: expect.stringContaining('nothing is begun') });
    expect((await run('jobs', 'reconcile', 'cancelled')).out).toContain('nothing is submitted');
    expect((await submit('cancelled')).said).toContain('was cancelled: it goes on where it was');
    expect((await statusOf('cancelled')).missing.map(({ element }) => element)).toEqual([1, 2]);
    rmSync(at('cancelled/slurm'), { recursive: true });
    cluster.lose(() => true);
  });

  it('is waited for: a lost reconcile job and a controller that is away do not stop it, Ctrl-C leaves it there', async () => {
    const abort = new AbortController();
    let polls = 0;
    const end = await cliInProcess(
      [
        'filter',
        'pipeline.yaml',
        '--out',
        'waited',
        '--executor',
        'slurm',
        '--slurm',
        'slurm.yaml',
        '--wait',
      ],
      root,
      {
        signal: abort.signal,
        seen: (event) => {
          if (event.kind !== 'progress' || event.unit !== 'items') return;
          polls++;
          if (polls === 1) cluster.trouble('squeue', 'Unable to contact slurm controller', { times: 5 });
          if (polls === 2) cluster.lose((name) => name.endsWith('reconcile'));
          if (polls === 4) abort.abort();
        },
      },
    );
    expect(end.code).toBe(130);
    expect(end.said).toContain('Unable to contact slurm controller');
    expect(end.said).toContain('the jobs stay in the queue');
    expect(end.said).toContain('midtrain jobs cancel waited');
    expect(cluster.names.map((name) => name.split('-').slice(2).join('-'))).toEqual([
      'measure-1-w1',
      'measure-1-w2',
      'measure-1-reconcile-2',
    ]);
    cluster.lose(() => true);
  }, 120_000);

  it('keeps a local run and a fresh start out of its folder while it is in the queue', async () => {
    await submit('busy');
    const local = await run('filter', 'pipeline.yaml', '--out', 'busy');
    expect(local).toMatchObject({
      code: 1,
      said: expect.stringMatching(/local run is not possible .* \(\d+, \d+, \d+\)/),
    });
    expect(local.said).toContain('midtrain jobs cancel');
    expect(await submit('busy', '--fresh')).toMatchObject({
      code: 1,
      said: expect.stringContaining('a fresh start'),
    });
    cluster.lose(() => true);
    expect((await submit('busy', '--fresh')).code).toBe(0);
    cluster.lose(() => true);
  });

  it('shows with --dry-run what it would submit, and writes and submits nothing', async () => {
    const before = cluster.calls('sbatch').length;
    const plan = await submit('dry', '--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.out).toMatch(/next: stage measure: (\d+) of \1 items left, in 3 ranks/);
    expect(plan.out).toContain('3 array elements of up to 1 rank each, in 2 arrays (MaxArraySize 2)');
    expect(plan.out).toMatch(/measure-1-w2: --array=0, elements from 2 on\n/);
    expect(plan.out).toContain('#SBATCH --array=0-1\n');
    expect(existsSync(at('dry'))).toBe(false);
    expect(cluster.calls('sbatch')).toHaveLength(before);
  });

  it('finishes what it has in hand at SIGTERM, which reaches Node through the script, and the rest is submitted again', async () => {
    await submit('stopped');
    const [first] = await cluster.pump((_, child) => {
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        // The warning, and what Slurm says again at the time limit.
        if (text.includes('filter: start')) child.kill('SIGTERM');
        if (text.includes('stopping after the current step')) child.kill('SIGTERM');
      });
    }, 1);
    // Bash would have been ended by the signal, and Node without its own handler too: then there is no exit code.
    const left = (await statusOf('stopped')).missing.find(({ element }) => element === 0)?.left.length ?? 0;
    expect(first!.code).toBe(left === 0 ? 0 : 130);
    const log = await run('jobs', 'logs', 'stopped', '--rank', '0');
    expect(log.out).toContain('stopping after the current step');
    expect(log.out).toMatch(new RegExp(`\\d items done here, ${left} left`));
    cluster.lose(() => true);
  });
});

it('a mixture on Slurm gives the bytes of the local run', async () => {
  mkdirSync(at('mixture'));
  await writeShareRecipe(at('mixture'));
  const words = ['mix', at('mixture/shares.yaml'), '--out'];
  expect((await run(...words, 'mix-local', '--workers', '1')).code).toBe(0);
  const dry = await run(...words, 'mix-slurm', '--executor', 'slurm', '--dry-run');
  expect(dry.out).toMatch(/next: stage tokenise-1: .* items left/);
  expect(existsSync(at('mix-slurm'))).toBe(false);
  expect((await run(...words, 'mix-slurm', '--executor', 'slurm', '--slurm', 'slurm.yaml')).code).toBe(0);
  const ran = await cluster.pumpWith(async (line) => (await run(...line)).code);
  expect(ran.every(({ code }) => code === 0)).toBe(true);
  expect(mixHashes(at('mix-slurm'))).toEqual(mixHashes(at('mix-local')));
  const { stages } = await statusOf('mix-slurm');
  expect(stages.at(-1)).toMatchObject({ name: 'write', items: 1, done: 1 });
  const again = await run(...words, 'mix-slurm', '--executor', 'slurm', '--wait');
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('written: ') });
  // Without --slurm the values of the first launch hold.
  expect(readFileSync(at('mix-slurm/slurm/options.json'), 'utf8')).toContain('"ranks":3');
});
