/** slurm.yaml: what it means, and what it says when it is wrong. */
import { describe, expect, it } from 'vitest';
import {
  parseSlurmOptions,
  reconcileResources,
  resourcesOf,
  secondsOf,
} from '../../src/slurm/slurm-options.ts';

const parse = (text: string) => parseSlurmOptions(text, 'slurm.yaml');
const problem = (text: string): string => {
  try {
    parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('slurm.yaml', () => {
  it('may be empty: what the cluster has a default for is not asked for', () => {
    const options = parse('');
    expect(options).toMatchObject({
      cpus: 1,
      ranks: 64,
      tasks_per_job: 1,
      max_attempts: 3,
      grace: 120,
      settle: 60,
      poll: 15,
    });
    expect(resourcesOf(options, 'measure')).toEqual({
      partition: undefined,
      account: undefined,
      time: undefined,
      memory: undefined,
      cpus: 1,
      extra: [],
    });
  });

  it('gives a kind of stage its own values, and adds its extra lines to the common ones', () => {
    const options = parse(`
partition: cpu
account: maths
time: 04:00:00
memory: 8G
cpus: 16
extra: ['--qos=low']
stages:
  tokenise: { time: 1-00:00:00, cpus: 32 }
  write: { memory: 64G, partition: big, extra: ['#SBATCH --exclude=node7'] }
`);
    const common = {
      partition: 'cpu',
      account: 'maths',
      time: '04:00:00',
      memory: '8G',
      cpus: 16,
      extra: ['--qos=low'],
    };
    expect(resourcesOf(options, 'measure')).toEqual(common);
    expect(resourcesOf(options, 'tokenise')).toEqual({ ...common, time: '1-00:00:00', cpus: 32 });
    expect(resourcesOf(options, 'write')).toEqual({
      ...common,
      memory: '64G',
      partition: 'big',
      extra: ['--qos=low', '--exclude=node7'],
    });
  });

  it('gives reconcile jobs one thread and half an hour, or the time of an element if that is shorter', () => {
    expect(reconcileResources(parse('{ cpus: 16, memory: 8G, partition: cpu }'))).toMatchObject({
      cpus: 1,
      memory: undefined,
      partition: 'cpu',
      time: '00:30:00',
    });
    expect(reconcileResources(parse('time: 00:10:00')).time).toBe('00:10:00');
    expect(reconcileResources(parse('{ time: 00:10:00, reconcile: { time: 01:00:00 } }')).time).toBe(
      '01:00:00',
    );
  });

  it('counts the seconds of a time', () => {
    expect(['00:00:01', '01:02:03', '100:00:00', '2-01:00:00'].map(secondsOf)).toEqual([
      1, 3723, 360_000, 176_400,
    ]);
  });

  it.each([
    ['partitions: cpu', 'unknown key "partitions"; did you mean "partition"?'],
    ['stages: { messure: {} }', 'did you mean "measure"?'],
    ['stages: { measure: { rank: 3 } }', 'unknown key "rank" in stages.measure'],
    ['time: 90', 'time: expected HH:MM:SS'],
    ['time: 1:30', 'such as 04:00:00 (found "1:30")'],
    ['time: 00:00:00', 'a time of nothing'],
    ['memory: 4096', 'memory: expected a number with its unit, such as 4G'],
    ['memory: 4 GB', 'such as 4G or 800M (found "4 GB")'],
    ['ranks: 0', 'ranks'],
    ['time: 00:03:00', 'time: not longer than grace (120 s) and the 60 s that Slurm may warn earlier'],
    [
      '{ grace: 30, stages: { dedup: { time: 00:00:30 } } }',
      'stages.dedup.time: not longer than grace (30 s)',
    ],
    ["extra: ['--array=0-3']", 'extra.0: --array cannot be given here: the arrays follow from ranks'],
    ["extra: ['#SBATCH -J mine']", '-J cannot be given here: jobs are found again by their names'],
    ["extra: ['--mem-per-cpu=1G']", '--mem-per-cpu cannot be given here: write memory: 4G'],
    ["extra: ['--job-nam=x']", '--job-nam cannot be given here: jobs are found again by their names'],
    ["extra: ['-t 10']", '-t cannot be given here: write time: HH:MM:SS'],
    ['extra: [qos=high]', 'expected an option of sbatch, such as --qos=high'],
    ['partition: a b', 'partition: expected a name'],
    ['setup: module load x', 'setup'],
    ['setup: ["a\\nb"]', 'setup.0: one line each'],
  ])('%s is refused with the key and the cure', (text, said) => {
    expect(problem(text)).toContain(said);
    expect(problem(text)).toContain('slurm.yaml');
  });

  it('a time of another form is told once', () => {
    for (const text of ['time: 1-00', 'time: 120:00']) expect(problem(text)).not.toMatch(/nothing|grace/);
  });

  it('that is not YAML says so', () => {
    expect(problem('time: [')).toContain('slurm.yaml: is not YAML');
  });
});
