/** A job of two or more stages whose items are files: done when the file is there. What one item does can be told. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { BatchJob, BatchShare, BatchStage, BatchSurvey } from '../../src/jobs/batch-job.ts';

export interface FakeStage {
  name: string;
  kind?: string;
  items: number;
  alone?: boolean;
}

export class FakeJob implements BatchJob {
  readonly kind = 'filter';
  readonly name = 'fake';
  readonly folder: string;
  readonly plan: string;
  private readonly plans: BatchStage[];
  /** Called before an item is done; throws to fail it. */
  before: (stage: string, item: string) => void = () => {};
  losses: BatchSurvey['losses'] = [];
  /** Thrown by `survey`. */
  problem: UserError | undefined;
  /** Every item that was done, in order. */
  readonly log: string[] = [];

  constructor(folder: string, stages: readonly FakeStage[], plan = 'plan-of-the-fake') {
    this.folder = folder;
    this.plan = plan;
    this.plans = stages.map(({ name, kind, items, alone }) => ({
      name,
      kind: kind ?? name,
      alone: alone ?? false,
      items: Array.from({ length: items }, (_, i) => ({ id: `${name}-${i}`, weight: 1 + (i % 3) })),
    }));
    mkdirSync(join(folder, 'done'), { recursive: true });
  }

  isDone(item: string): boolean {
    return existsSync(join(this.folder, 'done', item));
  }

  get done(): string[] {
    return readdirSync(join(this.folder, 'done')).sort();
  }

  get everything(): string[] {
    return this.plans.flatMap(({ items }) => items.map(({ id }) => id)).sort();
  }

  async survey(stages: ReadonlyMap<string, BatchStage>): Promise<BatchSurvey> {
    if (this.problem !== undefined) throw this.problem;
    const passed: BatchSurvey['passed'] = [];
    for (const stage of this.plans) {
      const given = stages.get(stage.name) ?? stage;
      const left = given.items.flatMap(({ id }) => (this.isDone(id) ? [] : [id]));
      if (left.length > 0) return { stage: given, left, passed, ledger: undefined, losses: this.losses };
      passed.push({ name: stage.name, items: given.items.length });
    }
    return { stage: undefined, left: [], passed, ledger: undefined, losses: this.losses };
  }

  async work({ stage, items, drain }: BatchShare): Promise<{ done: number; left: number }> {
    const known = this.plans.find(({ name }) => name === stage);
    if (known === undefined) throw new UserError(`there is no stage ${stage}`);
    let done = 0;
    for (const item of items) {
      if (drain.aborted) break;
      if (this.isDone(item)) continue;
      this.before(stage, item);
      writeFileSync(join(this.folder, 'done', item), '');
      this.log.push(item);
      done++;
    }
    return { done, left: items.filter((item) => !this.isDone(item)).length };
  }
}
