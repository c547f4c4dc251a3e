/** What `--executor slurm` and the commands of jobs on Slurm refuse, and why. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../io/scratch.ts';
import { cliInProcess } from '../slurm/cli-in-process.ts';

const scratch = scratchFolder();
mkdirSync(join(scratch, 'plain'));
writeFileSync(join(scratch, 'wrong.yaml'), 'rank: 3\n');
const filter = ['filter', 'math-web', '--input', 'pages', '--out', 'out'];

it.each([
  [[...filter, '--wait'], '--wait is for --executor slurm', 'add --executor slurm'],
  [[...filter, '--slurm', 'slurm.yaml'], '--slurm is for --executor slurm', 'add --executor slurm'],
  [
    [...filter, '--executor', 'slurm', '--limit', '5'],
    '--limit cannot be given with --executor slurm: a limit counts',
    'leave out --limit',
  ],
  [[...filter, '--executor', 'slurm', '--rank', '0/2'], '--rank cannot be given', 'leave out --rank'],
  [[...filter, '--executor', 'slurm', '--workers', '2'], 'cpus in slurm.yaml', 'leave out --workers'],
  [[...filter, '--executor', 'slurms'], 'slurms', 'slurm'],
  [
    [...filter, '--executor', 'slurm', '--slurm', 'none.yaml'],
    'none.yaml: cannot be read',
    'check the path given to --slurm',
  ],
  [
    [...filter, '--executor', 'slurm', '--slurm', 'wrong.yaml'],
    'wrong.yaml: unknown key "rank"; did you mean "ranks"?',
    'mend this key',
  ],
  [
    ['filter', 'megamath-web-pro-max', '--input', 'pages', '--executor', 'slurm'],
    'has steps',
    'leave out --executor slurm',
  ],
  [
    ['mix', 'demo', '--executor', 'slurm', '--download'],
    '--download cannot be given',
    'leave out --download',
  ],
  [['jobs', 'cancel', 'plain'], 'jobs cancel is for jobs on Slurm', 'Ctrl-C'],
  [['jobs', 'logs', 'plain'], 'jobs logs is for jobs on Slurm', 'midtrain jobs status'],
  [['jobs', 'work', 'plain', '--element', '0'], '--stage is missing', 'for example --stage measure'],
  [['jobs', 'reconcile', 'plain'], 'plain', '--out'],
])('%j is refused with the reason and the cure', async (words, reason, cure) => {
  const { code, said, out } = await cliInProcess(words, scratch);
  expect(code).toBe(1);
  expect(said).toContain(reason);
  expect(said.slice(said.indexOf('hint: '))).toContain(cure);
  expect(out).toBe('');
});
