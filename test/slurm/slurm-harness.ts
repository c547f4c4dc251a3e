/** A fake job on a scheduler in memory, with what the programs on the nodes would do. */

import { type AdvanceOptions, advance, type Outcome } from '../../src/slurm/advance.ts';
import { SlurmFolder } from '../../src/slurm/slurm-folder.ts';
import { parseSlurmOptions } from '../../src/slurm/slurm-options.ts';
import { workElement } from '../../src/slurm/work-element.ts';
import { FakeJob, type FakeStage } from './fake-job.ts';
import { MemoryScheduler, type MemoryTask } from './memory-scheduler.ts';

export class SlurmHarness {
  readonly job: FakeJob;
  readonly scheduler = new MemoryScheduler();
  readonly slurm: SlurmFolder;
  readonly said: string[] = [];
  /** What reconcile jobs answered. */
  readonly outcomes: Outcome[] = [];
  /** Called when a task begins; throws to kill it. */
  begins: (task: MemoryTask) => void = () => {};

  constructor(folder: string, stages: readonly FakeStage[], yaml = '') {
    this.job = new FakeJob(folder, stages);
    this.slurm = new SlurmFolder(folder);
    this.slurm.make();
    this.slurm.writeSettings({
      plan: this.job.plan,
      kind: 'filter',
      // Tests that are not about it do not wait.
      options: { ...parseSlurmOptions(yaml, 'slurm.yaml'), ...(/settle/.test(yaml) ? {} : { settle: 0 }) },
      node: '/usr/bin/node',
      main: '/opt/midtrain/main.js',
      cwd: '/home/somebody',
    });
  }

  advance(options: AdvanceOptions = {}): Promise<Outcome> {
    return advance(this.job, this.scheduler, {
      say: (line) => void this.said.push(line),
      patienceSeconds: 0,
      ...options,
    });
  }

  /** Lets the queue run: elements work, reconcile jobs move the job on. */
  pump(limit?: number): Promise<number> {
    return this.scheduler.pump(async (task) => {
      this.begins(task);
      if (task.index === undefined) {
        this.outcomes.push(await this.advance({ self: task.id }));
        return;
      }
      await workElement(this.job, {
        stage: task.stage,
        element: task.element,
        workers: 1,
        drain: new AbortController().signal,
        emit: () => {},
      });
    }, limit);
  }
}
