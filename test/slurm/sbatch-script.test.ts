/** Batch scripts: what they ask for, and that a shell hands over the words as they are. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arrayScript, reconcileScript, type ScriptPlace } from '../../src/slurm/sbatch-script.ts';
import { parseSlurmOptions } from '../../src/slurm/slurm-options.ts';
import type { Submission } from '../../src/slurm/submission.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();
const place = (
  yaml: string,
  change: Partial<ScriptPlace['settings']> = {},
  run = '/data/run',
): ScriptPlace => ({
  run,
  logs: `${run}/slurm/logs`,
  settings: {
    plan: 'p',
    kind: 'filter',
    options: parseSlurmOptions(yaml, 'slurm.yaml'),
    node: '/opt/node',
    main: '/opt/midtrain/main.js',
    cwd: '/home/me',
    ...change,
  },
});
const submission: Submission = {
  plan: 'p',
  stage: 'measure',
  attempt: 2,
  fresh: false,
  delay: 0,
  left: {},
  arrays: [{ name: 'midtrain-1-measure-2', offset: 0, indexes: [2, 5, 6], id: null }],
  reconciles: [],
  ended: false,
};

describe('the script of an array', () => {
  it('is this, word for word', () => {
    const yaml = `
partition: cpu
account: maths
time: 04:00:00
memory: 8G
cpus: 16
concurrency: 20
extra: ['--qos=low']
setup: ['module load node/24']
`;
    expect(arrayScript(place(yaml), 'measure', submission, 0)).toBe(`#!/bin/bash
# midtrain filter: stage measure, submission 2, 3 elements from 2 on
#SBATCH --job-name=midtrain-1-measure-2
#SBATCH --array=2,5-6%20
#SBATCH --output=/data/run/slurm/logs/measure.2.%a.log
#SBATCH --open-mode=append
#SBATCH --chdir=/home/me
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --mem=8G
#SBATCH --partition=cpu
#SBATCH --account=maths
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
#SBATCH --qos=low

module load node/24
export NODE_ENV=production
exec /opt/node /opt/midtrain/main.js jobs work /data/run --stage measure --submission 2 --element "$((0 + SLURM_ARRAY_TASK_ID))" --workers "\${SLURM_CPUS_PER_TASK:-16}"
`);
  });

  it('asks for nothing that slurm.yaml does not name', () => {
    const options = arrayScript(place(''), 'measure', submission, 0).match(/^#SBATCH --[\w-]+/gm);
    expect(options?.map((option) => option.slice(10))).toEqual([
      'job-name',
      'array',
      'output',
      'open-mode',
      'chdir',
      'nodes',
      'ntasks',
      'cpus-per-task',
      'requeue',
      'signal',
    ]);
  });

  it('adds the offset of its window, and says the window in the names', () => {
    const windows = {
      ...submission,
      arrays: [
        { name: 'n-w1', offset: 0, indexes: [0], id: null },
        { name: 'n-w2', offset: 1001, indexes: [0, 3], id: null },
      ],
    };
    const script = arrayScript(place(''), 'measure', windows, 1);
    expect(script).toContain('#SBATCH --output=/data/run/slurm/logs/measure.2.w2.%a.log\n');
    expect(script).toContain('--element "$((1001 + SLURM_ARRAY_TASK_ID))"');
  });

  it('keeps paths with spaces, quotes, % and $ whole, for sbatch and for the shell', () => {
    const run = `/data/it's "100%" $HOME/run`;
    // printf stands for node: it prints each word on a line.
    const tricky = place('', { node: '/usr/bin/printf', main: '%s\\n', cwd: '/home/a b' }, run);
    const script = arrayScript(tricky, 'measure', submission, 0);
    expect(script).toContain(
      `#SBATCH --output="/data/it's \\"100%%\\" $HOME/run/slurm/logs/measure.2.%a.log"\n`,
    );
    expect(script).toContain('#SBATCH --chdir="/home/a b"\n');
    const file = join(scratch, 'script.sh');
    writeFileSync(file, script);
    const env = { ...process.env, SLURM_ARRAY_TASK_ID: '6', SLURM_CPUS_PER_TASK: '3' };
    expect(execFileSync('bash', [file], { env, encoding: 'utf8' }).trim().split('\n')).toEqual([
      'jobs',
      'work',
      run,
      '--stage',
      'measure',
      '--submission',
      '2',
      '--element',
      '6',
      '--workers',
      '3',
    ]);
  });

  it.each([
    ['/data/a\nb', 'a line break'],
    ['/data/a\\b', 'backslash'],
  ])('of a run in %j is refused', (run, said) => {
    expect(() => arrayScript(place('', {}, run), 'measure', submission, 0)).toThrow(said);
  });
});

it('the script of a reconcile job runs jobs reconcile with its own resources', () => {
  const yaml = '{ time: 10:00:00, memory: 64G, cpus: 32, reconcile: { memory: 2G, partition: small } }';
  const script = reconcileScript(place(yaml), submission, 'midtrain-1-measure-2-reconcile');
  for (const line of [
    '--job-name=midtrain-1-measure-2-reconcile',
    '--output=/data/run/slurm/logs/measure.2.reconcile.%j.log',
    '--cpus-per-task=1',
    '--time=00:30:00',
    '--mem=2G',
    '--partition=small',
  ])
    expect(script).toContain(`#SBATCH ${line}\n`);
  expect(script).toMatch(/\nexec \/opt\/node \/opt\/midtrain\/main\.js jobs reconcile \/data\/run\n$/);
});
