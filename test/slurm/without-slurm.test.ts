/** Commands for Slurm where there is none, or where it cannot be asked any more: nothing is forgotten, and nothing is left that was never asked for. */
import './../jobs/compile-cache.ts';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../io/scratch.ts';
import { corpusConfig, writeCorpus } from '../jobs/corpus.ts';
import { cliInProcess } from './cli-in-process.ts';
import { FakeCluster } from './fake-cluster.ts';

const root = join(scratchFolder(), 'without');
mkdirSync(root);
const at = (name: string): string => join(root, name);
const cluster = new FakeCluster(at('cluster'));
const { PATH, FAKE_SLURM } = process.env;
const run = (...words: string[]) => cliInProcess(words, root);
const submit = (out: string, ...more: string[]) =>
  run('filter', 'pipeline.yaml', '--out', out, '--executor', 'slurm', ...more);
const withSlurm = (): void => {
  Object.assign(process.env, { PATH: cluster.env.PATH, FAKE_SLURM: cluster.env.FAKE_SLURM });
};
/** An empty PATH: also where Slurm is installed. */
const without = (): void => {
  process.env.PATH = at('nothing');
};

beforeAll(async () => {
  await writeCorpus(at('corpus'), 8);
  writeFileSync(at('pipeline.yaml'), JSON.stringify(corpusConfig(at('corpus'))));
});
afterAll(() => {
  process.env.PATH = PATH;
  if (FAKE_SLURM === undefined) delete process.env.FAKE_SLURM;
});

describe('without Slurm', () => {
  it('a launch fails with the cure, and leaves a folder that a local run takes without a word', async () => {
    without();
    const launch = await submit('bare');
    expect(launch.code).toBe(1);
    expect(launch.said).toContain('error: sbatch was not found');
    expect(launch.said).toContain('without --executor slurm');
    expect(existsSync(at('bare/slurm'))).toBe(false);
    const local = await run('filter', 'pipeline.yaml', '--out', 'bare', '--workers', '1');
    expect(local.code).toBe(0);
    expect(local.said).not.toContain('Slurm');
  });

  it('what was submitted is remembered: no fresh start, no other plan, and a cancel that says what it cannot do', async () => {
    withSlurm();
    expect((await submit('away')).code).toBe(0);
    without();
    const fresh = await submit('away', '--fresh');
    expect(fresh.code).toBe(1);
    expect(fresh.said).toMatch(
      /a fresh start is not possible while its jobs may be in the queue.*squeue was not found/,
    );
    expect(existsSync(at('away/slurm/measure.1.json'))).toBe(true);
    const cancel = await run('jobs', 'cancel', 'away');
    expect(cancel.code).toBe(1);
    expect(cancel.said).toMatch(
      /what is in the queue stays there.*squeue was not found[\s\S]*midtrain jobs cancel again/,
    );
    withSlurm();
    expect((await run('jobs', 'cancel', 'away')).out).toContain('cancelled: 1, 2');
  });

  it('logs and cancel of a folder that is not there say so', async () => {
    for (const command of ['logs', 'cancel'])
      expect((await run('jobs', command, 'nowhere')).said).toContain('nowhere: there is no such folder');
  });
});
