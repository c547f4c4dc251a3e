/** A job on a scheduler in memory, moved on by its markers through kills, losses and full queues. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { cancelJobs } from '../../src/slurm/cancel.ts';
import { SchedulerError } from '../../src/slurm/scheduler-error.ts';
import { scratchFolder } from '../io/scratch.ts';
import { SlurmHarness } from './slurm-harness.ts';

const scratch = scratchFolder();
const stages = [
  { name: 'measure', items: 7 },
  { name: 'compare', items: 3 },
  { name: 'conclude', items: 1, alone: true },
];
const make = (yaml = 'ranks: 4', plan = stages): SlurmHarness =>
  new SlurmHarness(mkdtempSync(join(scratch, 'run-')), plan, yaml);
const arrays = (h: SlurmHarness): [string, string | undefined][] =>
  h.scheduler.submitted
    .filter(({ array }) => array !== undefined)
    .map(({ name, array }) => [name.split('-').slice(2).join('-'), array]);

describe('an undisturbed job', () => {
  it('submits one array set per stage, each followed by one reconcile job that submits the next', async () => {
    const h = make();
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: true });
    expect(h.scheduler.names).toHaveLength(2);
    expect(h.job.done).toEqual([]);
    await h.pump();
    expect(arrays(h)).toEqual([
      ['measure-1', '0-3'],
      ['compare-1', '0-2'],
      ['conclude-1', '0'],
    ]);
    expect(h.scheduler.submitted.map(({ after }) => after)).toEqual([[], ['1'], [], ['3'], [], ['5']]);
    expect(h.job.done).toEqual(h.job.everything);
    expect(h.outcomes.map(({ kind }) => kind)).toEqual(['waiting', 'waiting', 'done']);
    expect(await h.advance()).toMatchObject({ kind: 'done' });
    expect(h.scheduler.submitted).toHaveLength(6);
  });

  it('waits without submitting anything when it is asked again', async () => {
    const h = make();
    await h.advance();
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: false });
    expect(h.scheduler.submitted).toHaveLength(2);
  });

  it('takes elements out of the queue that Slurm could not start and holds', async () => {
    const h = make('ranks: 1', [{ name: 'measure', items: 3 }]);
    await h.advance();
    h.scheduler.stranded.add('1_0');
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: true });
    expect(h.scheduler.cancelled).toEqual(['1_0']);
    expect(arrays(h).map(([name]) => name)).toEqual(['measure-1', 'measure-2']);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('cuts a stage into arrays below MaxArraySize, and one reconcile job waits for all of them', async () => {
    const h = make('ranks: 7');
    h.scheduler.size = 3;
    await h.advance();
    expect(arrays(h)).toEqual([
      ['measure-1-w1', '0-2'],
      ['measure-1-w2', '0-2'],
      ['measure-1-w3', '0'],
    ]);
    expect(h.scheduler.submitted.at(-1)!.after).toEqual(['1', '2', '3']);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('lets only one of several arrays run at a time when concurrency is limited', async () => {
    const h = make('{ ranks: 7, concurrency: 2 }');
    h.scheduler.size = 3;
    await h.advance();
    expect(h.scheduler.submitted.slice(0, 3).map(({ after }) => after)).toEqual([[], ['1'], ['2']]);
    expect(h.scheduler.scripts.get(h.scheduler.submitted[0]!.name)).toContain('#SBATCH --array=0-2%2\n');
  });

  it('does not begin a stage while an array of the stage before is still ending', async () => {
    const h = make();
    await h.advance();
    await h.pump(3);
    for (const id of h.job.everything)
      if (id.startsWith('measure')) writeFileSync(join(h.job.folder, 'done', id), '');
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: false });
    expect(arrays(h)).toHaveLength(1);
  });
});

describe('what is lost', () => {
  it('is submitted again: the missing elements alone', async () => {
    const h = make();
    const killed: number[] = [];
    h.begins = ({ stage, element, submission }) => {
      if (stage !== 'measure' || submission !== 1 || element === 1 || element === 2) return;
      killed.push(element);
      throw new Error('killed');
    };
    await h.advance();
    await h.pump();
    expect(killed).toEqual([0, 3]);
    expect(arrays(h).slice(0, 2)).toEqual([
      ['measure-1', '0-3'],
      ['measure-2', '0,3'],
    ]);
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('is given up after max_attempts submissions without progress, when the others are through', async () => {
    const h = make();
    h.begins = ({ stage, element, submission }) => {
      if (stage === 'measure' && (element === 1 || (element === 2 && submission === 1)))
        throw new Error('killed');
    };
    await h.advance();
    writeFileSync(join(h.slurm.logs, 'measure.2.1.log'), 'older\n');
    writeFileSync(join(h.slurm.logs, 'measure.3.1.log'), 'out of memory\n');
    await h.pump();
    expect(arrays(h)).toEqual([
      ['measure-1', '0-3'],
      ['measure-2', '1-2'],
      ['measure-3', '1'],
    ]);
    const outcome = h.outcomes.at(-1)!;
    expect(outcome).toMatchObject({ kind: 'failed', failure: { stage: 'measure' } });
    const { failure } = outcome as Extract<typeof outcome, { kind: 'failed' }>;
    expect(failure.reason).toMatch(/stage measure .*3 times/);
    expect(failure.elements).toMatchObject([
      { element: 1, ranks: [1], tries: 3, log: join(h.slurm.logs, 'measure.3.1.log') },
    ]);
    expect(failure.elements[0]!.left.every((id) => !h.job.isDone(id))).toBe(true);
    // Nothing goes on by itself, until a person says so; then its tries are counted anew.
    expect(await h.advance()).toMatchObject({ kind: 'failed' });
    expect(h.scheduler.names).toEqual([]);
    h.begins = () => {};
    expect(await h.advance({ fresh: true })).toMatchObject({ kind: 'waiting', submitted: true });
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('that got nothing done is tried again after a while, one that got further at once', async () => {
    const h = make('{ ranks: 1, settle: 7, max_attempts: 9 }', [{ name: 'measure', items: 4 }]);
    h.begins = ({ submission, index }) => {
      if (index !== undefined && submission === 1) throw new Error('killed');
    };
    let done = 0;
    h.job.before = () => {
      if (++done === 2) throw new Error('killed'); // in its second submission, behind one item
    };
    await h.advance();
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
    const delays = h.slurm.submissions(h.job.plan).map(({ delay }) => delay);
    expect(delays).toEqual([0, 7, 0]);
    const script = (n: number): string => readFileSync(join(h.slurm.path, `measure.${n}.sbatch`), 'utf8');
    expect([1, 2, 3].map((n) => /--begin=(.*)/.exec(script(n))?.[1])).toEqual([
      undefined,
      'now+7',
      undefined,
    ]);
  });

  it('is not given up when its markers show a little later', async () => {
    const h = make('{ ranks: 1, settle: 1, max_attempts: 1 }', [{ name: 'measure', items: 2 }]);
    const before = await h.job.survey(new Map());
    await h.advance();
    let stale = 0;
    h.begins = ({ index }) => {
      // What a reconcile job on another node sees of a network file system.
      if (index === undefined && stale++ === 0) vi.spyOn(h.job, 'survey').mockResolvedValueOnce(before);
    };
    await h.pump();
    expect(stale).toBe(1);
    expect(h.outcomes.map(({ kind }) => kind)).toEqual(['done']);
    expect(h.said.join()).toMatch(/once more in 1 s/);
  });

  it('that got something done each time is never given up', async () => {
    const h = make('{ ranks: 1, max_attempts: 2 }', [{ name: 'measure', items: 9 }]);
    let here = 0;
    h.begins = () => {
      here = 0;
    };
    // Its time is up after one item.
    h.job.before = () => {
      if (here++ === 1) throw new Error('killed');
    };
    await h.advance();
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
    expect(arrays(h)).toHaveLength(9);
  });

  it('by the controller counts as ended: whoever asks next submits it again', async () => {
    const h = make();
    await h.advance();
    await h.pump(2);
    h.scheduler.lose(() => true);
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: true });
    expect(arrays(h).at(-1)).toEqual(['measure-2', '2-3']);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('of a reconcile job is replaced while the arrays are in the queue', async () => {
    const h = make();
    await h.advance();
    h.scheduler.lose(({ name }) => name.endsWith('reconcile'));
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: false });
    expect(h.scheduler.submitted.at(-1)).toMatchObject({
      name: expect.stringMatching(/-measure-1-reconcile-2$/),
      after: ['1'],
    });
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('makes a stage that was through begin again when its files turn out damaged', async () => {
    const h = make();
    h.begins = ({ stage, submission }) => {
      if (stage !== 'compare' || submission !== 1) return;
      rmSync(join(h.job.folder, 'done', 'measure-3'), { force: true });
      throw new Error('a file of measure-3 is damaged');
    };
    await h.advance();
    await h.pump();
    const element = h.slurm.stage('measure', h.job.plan)!.ranks.findIndex((ids) => ids.includes('measure-3'));
    expect(arrays(h).map(([name, array]) => `${name} ${array}`)).toEqual([
      'measure-1 0-3',
      'compare-1 0-2',
      `measure-2 ${element}`,
      'compare-2 0-2',
      'conclude-1 0',
    ]);
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('is not left to a reconcile job that finds the arrays still ending: it submits another', async () => {
    const h = make();
    await h.advance();
    expect(await h.advance({ self: '2' })).toMatchObject({ kind: 'waiting', submitted: false });
    expect(h.scheduler.submitted.at(-1)).toMatchObject({
      name: expect.stringMatching(/-reconcile-2$/),
      after: ['1'],
    });
  });

  it('when a reconcile job is killed is nothing: the next caller goes on', async () => {
    const h = make();
    h.begins = ({ index }) => {
      if (index === undefined) throw new Error('killed');
    };
    await h.advance();
    await h.pump();
    expect(h.scheduler.names).toEqual([]);
    for (let i = 0; i < 2; i++) {
      expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: true });
      await h.pump();
    }
    expect(await h.advance()).toMatchObject({ kind: 'done' });
  });
});

describe('a submission that was cut short', () => {
  it('before sbatch is made again under the same name', async () => {
    const h = make();
    h.scheduler.beforeCall = (call) => {
      if (call === 'submit') throw new Error('killed');
    };
    await expect(h.advance()).rejects.toThrow('killed');
    expect(h.slurm.submissions(h.job.plan)).toMatchObject([{ attempt: 1, arrays: [{ id: null }] }]);
    h.scheduler.beforeCall = () => {};
    expect(await h.advance()).toMatchObject({ submitted: true, submission: { attempt: 1 } });
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
    expect(arrays(h)).toHaveLength(3);
  });

  it('after sbatch took it is found in the queue by its name', async () => {
    const h = make();
    h.scheduler.afterSubmit = () => {
      throw new Error('killed');
    };
    await expect(h.advance()).rejects.toThrow('killed');
    h.scheduler.afterSubmit = () => {};
    expect(await h.advance()).toMatchObject({ kind: 'waiting', submitted: false });
    expect(h.slurm.submissions(h.job.plan)).toMatchObject([
      { arrays: [{ id: '1' }], reconciles: [{ id: '2' }] },
    ]);
    expect(arrays(h)).toHaveLength(1);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('between two arrays is completed', async () => {
    const h = make('ranks: 7');
    h.scheduler.size = 3;
    h.scheduler.beforeCall = (call, name) => {
      if (call === 'submit' && name.endsWith('w2')) throw new Error('killed');
    };
    await expect(h.advance()).rejects.toThrow('killed');
    h.scheduler.beforeCall = () => {};
    await h.advance();
    expect(arrays(h).map(([name]) => name)).toEqual(['measure-1-w1', 'measure-1-w2', 'measure-1-w3']);
    expect(h.scheduler.submitted.at(-1)!.after).toEqual(['1', '2', '3']);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('by a full queue goes on with what was taken, and the reconcile job submits the rest', async () => {
    const h = make('ranks: 7');
    h.scheduler.size = 3;
    let room = 1;
    h.scheduler.beforeCall = (call, name) => {
      if (call === 'submit' && !name.includes('reconcile') && room-- <= 0)
        throw new SchedulerError('limit', 'sbatch: error: AssocMaxSubmitJobLimit', 'wait');
    };
    await h.advance();
    expect(arrays(h)).toEqual([['measure-1-w1', '0-2']]);
    expect(h.said.join('\n')).toContain('AssocMaxSubmitJobLimit');
    // One who waits does not add reconcile jobs.
    await h.advance();
    expect(h.scheduler.submitted).toHaveLength(2);
    room = 100;
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('that sbatch refuses is told, and another slurm.yaml mends it', async () => {
    const h = make();
    h.scheduler.beforeCall = (call) => {
      if (call === 'submit')
        throw new SchedulerError('refused', 'invalid partition specified: gpu', 'set partition');
    };
    await expect(h.advance()).rejects.toMatchObject({ trouble: 'refused' });
    h.scheduler.beforeCall = () => {};
    const settings = h.slurm.settings();
    h.slurm.writeSettings({ ...settings, options: { ...settings.options, partition: 'cpu' } });
    await h.advance();
    expect([...h.scheduler.scripts.values()].every((script) => script.includes('--partition=cpu\n'))).toBe(
      true,
    );
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });
});

describe('the end', () => {
  it('is failed when the ledger does not balance: it is written down and told', async () => {
    const h = make();
    await h.advance();
    h.job.problem = new UserError('ledger of unit 3: 10 in, 9 accounted for', { hint: 'report it' });
    await h.pump();
    expect(h.slurm.failure(h.job.plan)).toMatchObject({
      reason: expect.stringContaining('10 in, 9'),
      stage: null,
    });
    h.job.problem = undefined;
    expect(await h.advance()).toMatchObject({ kind: 'failed' });
    expect(await h.advance({ fresh: true })).toMatchObject({ kind: 'waiting' });
  });

  it('of a cancelled job is only undone by a person', async () => {
    const h = make();
    await h.advance();
    await h.pump(1);
    expect(await cancelJobs(h.slurm, h.job.plan, h.scheduler)).toEqual(['1', '2']);
    // The end of the arrays would have started the reconcile job.
    expect(h.scheduler.cancelled).toEqual(['2', '1']);
    expect(await h.advance()).toEqual({ kind: 'cancelled' });
    expect(h.scheduler.submitted).toHaveLength(2);
    expect(h.job.log.length).toBeGreaterThan(0);
    await h.advance({ fresh: true });
    expect(arrays(h).at(-1)).toEqual(['measure-2', '1-3']);
    await h.pump();
    expect(h.job.done).toEqual(h.job.everything);
  });

  it('cannot be told from a damaged submission, which says what to do', async () => {
    const h = make();
    await h.advance();
    const path = h.slurm.file('measure.1.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"id":"1"', '"id":"9"'));
    await expect(h.advance()).rejects.toMatchObject({
      message: expect.stringContaining(path),
      hint: expect.stringContaining('squeue --me'),
    });
  });
});

it('whatever is killed or lost, and whenever, every item gets done once somebody keeps asking', async () => {
  const event = fc.record({
    kind: fc.constantFrom('kill', 'lose', 'cut', 'deaf', 'none' as const),
    after: fc.nat(6),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 12 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      async (events, ranks, size, perJob) => {
        const folder = mkdtempSync(join(scratch, 'any-'));
        const h = new SlurmHarness(
          folder,
          stages,
          `{ ranks: ${ranks}, max_attempts: 1000, tasks_per_job: ${perJob} }`,
        );
        h.scheduler.size = size;
        for (const { kind, after } of events) {
          let calls = 0;
          const strike = (): void => {
            if (calls++ === after) throw new Error(kind);
          };
          h.begins = kind === 'kill' ? strike : () => {};
          h.job.before = kind === 'kill' ? strike : () => {};
          h.scheduler.beforeCall = kind === 'cut' ? strike : () => {};
          h.scheduler.afterSubmit = kind === 'deaf' ? strike : () => {};
          await h.advance().catch(() => {});
          await h.pump(after + 1);
          if (kind === 'lose') h.scheduler.lose(({ id }) => Number(id) % 2 === after % 2);
        }
        h.begins = () => {};
        h.job.before = () => {};
        h.scheduler.beforeCall = () => {};
        h.scheduler.afterSubmit = () => {};
        for (let i = 0; i < 20 && (await h.advance()).kind !== 'done'; i++) await h.pump();
        expect(h.job.done).toEqual(h.job.everything);
        expect(new Set(h.job.log).size).toBe(h.job.log.length);
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 15 },
  );
});
