/** `midtrain filter --executor slurm`: the same plan as a local run, as job arrays. */
import { exitCodes, UserError } from '../core/errors.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import type { FilterOptions } from '../jobs/filter-options.ts';
import type { FilterSummary } from '../jobs/summary.ts';
import type { SlurmOptions } from '../slurm/slurm-options.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import type { CommandContext } from './command.ts';
import { reportFilter } from './describe-filter.ts';

/** Returns the exit code. */
export async function filterOnSlurm(
  context: CommandContext,
  config: FilterConfig,
  options: FilterOptions & { fresh: boolean },
  { slurm, dryRun, wait }: { slurm: SlurmOptions | undefined; dryRun: boolean; wait: boolean },
): Promise<number> {
  const { out, fresh } = options;
  if (dryRun) {
    const [{ planCorpus }, { surveyFilter }, { dryRunOnSlurm }] = await Promise.all([
      import('../jobs/plan-corpus.ts'),
      import('../jobs/survey-filter.ts'),
      import('./slurm-dry-run.ts'),
    ]);
    const plan = await planCorpus(config, options);
    const code = await dryRunOnSlurm(
      context,
      {
        kind: 'filter',
        name: plan.name,
        folder: out,
        plan: plan.hash,
        survey: (stages) => surveyFilter(out, plan, stages),
      },
      slurm,
    );
    return code === exitCodes.done && plan.unreadable.length > 0 ? exitCodes.someInputsFailed : code;
  }
  const [{ prepareFilterBatch }, { launchOnSlurm }] = await Promise.all([
    import('../jobs/batch-filter.ts'),
    import('./slurm-launch.ts'),
  ]);
  const launch = {
    out,
    fresh,
    prepare: async () => {
      try {
        return await prepareFilterBatch(config, options);
      } catch (error) {
        // A stage that has the folder for itself is at work. The same job need not be made ready again.
        const same = error instanceof UserError && !fresh ? await openIfSame(config, options) : undefined;
        if (same === undefined) throw error;
        return same;
      }
    },
    report: () => reportFromFolder(context, out),
  };
  return launchOnSlurm(context, launch, slurm, wait);
}

/** The job in the folder when one of its own jobs works alone in it, and it has the plan that these options give. */
async function openIfSame(config: FilterConfig, options: FilterOptions): Promise<BatchJob | undefined> {
  const [{ SlurmFolder }, { holdersOf }] = await Promise.all([
    import('../slurm/slurm-folder.ts'),
    import('../jobs/job-locks.ts'),
  ]);
  if (!new SlurmFolder(options.out).exists) return undefined;
  if (!holdersOf(options.out).some(({ lock, job }) => lock === 'job.lock' && job !== undefined))
    return undefined;
  const [{ planCorpus }, { openBatchJob }] = await Promise.all([
    import('../jobs/plan-corpus.ts'),
    import('../jobs/open-batch-job.ts'),
  ]);
  const job = await openBatchJob(options.out);
  return (await planCorpus(config, options)).hash === job.plan ? job : undefined;
}

/** What a local run would say at its end, from the record that the last stage wrote. */
async function reportFromFolder(context: CommandContext, out: string): Promise<void> {
  const { readRecord } = await import('../io/run-record.ts');
  reportFilter(context, out, readRecord(out).summary as unknown as FilterSummary);
}
