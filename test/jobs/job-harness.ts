/**
 * Filter jobs for tests that need many of them: planned once, on threads that are started once. What `filterCorpus` does between the
 * lock and the summary, so there is no run.json, ledger.json or contamination.jsonl.
 */
import './compile-cache.ts';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { DedupBarrier } from '../../src/jobs/dedup-barrier.ts';
import { FilterJob } from '../../src/jobs/filter-job.ts';
import { prepareFolder } from '../../src/jobs/job-folder.ts';
import { type MeasuredMarker, readMarker } from '../../src/jobs/markers.ts';
import { planCorpus } from '../../src/jobs/plan-corpus.ts';
import type { Rank } from '../../src/jobs/rank.ts';
import type { JobEvents } from '../../src/jobs/unit-passes.ts';
import type { FilterConfig } from '../../src/stages/filter-config.ts';
import { LocalPool, type PoolOptions } from '../../src/stages/local-pool.ts';
import type { FilterPlan } from '../../src/stages/plan-filter.ts';
import { writeBenchmarkIndex } from '../../src/stages/prepare-benchmarks.ts';
import type { SharedModels } from '../../src/stages/shared-model.ts';
import { readSharedModels } from '../../src/stages/shared-models.ts';

const quiet: JobEvents = { measured: () => {}, failed: () => {} };

export class JobHarness {
  readonly config: FilterConfig;
  readonly plan: FilterPlan;
  /** Of the threads; may be changed between jobs. */
  readonly options: PoolOptions;
  private readonly pool: LocalPool;

  private constructor(config: FilterConfig, plan: FilterPlan, entry: URL, shared: SharedModels) {
    this.config = config;
    this.plan = plan;
    const signal = new AbortController().signal;
    this.options = { entry, workers: 1, stallSeconds: 60, memoryMegabytes: 1024, signal, shared };
    this.pool = new LocalPool(this.options);
  }

  static async open(
    config: FilterConfig,
    entry = new URL('../../src/jobs/unit-worker.ts', import.meta.url),
  ): Promise<JobHarness> {
    const plan = await planCorpus(config);
    return new JobHarness(config, plan, entry, await readSharedModels(plan.filter));
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /** Does what is left of the job in `out`, or of one rank's share. */
  async run(out: string, { workers = 1, rank }: { workers?: number; rank?: Rank } = {}): Promise<void> {
    this.options.workers = workers;
    await this.prepare(out, rank !== undefined);
    const job = new FilterJob(out, this.plan, this.pool, quiet);
    if (rank === undefined) await job.run();
    else await job.runRank(rank);
  }

  /** The job in `out` up to the end of its first pass. */
  async measure(out: string): Promise<void> {
    await this.run(out, { rank: { rank: 0, ranks: 1 } });
  }

  /** The job in `out`, through its first pass, up to the end of the barrier. */
  async dedup(out: string): Promise<void> {
    const measured = this.plan.units.map(
      ({ name }) => readMarker<MeasuredMarker>(`${out}/units/${name}.measured.json`, this.plan.hash)!,
    );
    await new DedupBarrier(out, this.plan, this.pool).run(measured);
  }

  private async prepare(out: string, shared: boolean): Promise<void> {
    mkdirSync(out, { recursive: true });
    await prepareFolder(out, this.plan, this.config, {}, shared);
    await writeBenchmarkIndex(out, this.plan);
  }
}

/** A fresh copy of a folder. */
export function copyOf(folder: string, to: string): string {
  rmSync(to, { recursive: true, force: true });
  cpSync(folder, to, { recursive: true });
  return to;
}
