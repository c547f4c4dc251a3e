/** `--executor slurm --dry-run`: the next stage as it would be submitted, with its first script. Nothing is written or submitted. */
import { exitCodes } from '../core/errors.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import type { SlurmOptions } from '../slurm/slurm-options.ts';
import type { CommandContext } from './command.ts';
import { count } from './describe-ledger.ts';

/** What follows the stage that is shown, as far as it can be told. */
const later: Readonly<Record<BatchJob['kind'], string>> = {
  filter:
    'stages: measure, then with dedup steps compare and dedup, then finish and conclude; each is submitted when the one before is through',
  mix: 'stages: tokenise-1 and as many more as it takes until every source has enough, then arrange, shards and write; each is submitted when the one before is through',
};

/** Returns the exit code. */
export async function dryRunOnSlurm(
  context: CommandContext,
  job: Omit<BatchJob, 'work'>,
  fromFile: SlurmOptions | undefined,
): Promise<number> {
  const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
  const { SlurmScheduler } = await import('../slurm/slurm-scheduler.ts');
  const { ownProgram } = await import('../slurm/own-program.ts');
  const { arrayExpression, leftByElement, planStageArrays } = await import('../slurm/plan-arrays.ts');
  const { namePrefix, newSubmission } = await import('../slurm/submission.ts');
  const { arrayScript } = await import('../slurm/sbatch-script.ts');
  const { defaultSlurmOptions } = await import('../slurm/slurm-options.ts');
  const folder = new SlurmFolder(job.folder);
  const options = fromFile ?? (folder.exists ? folder.settings().options : defaultSlurmOptions());
  const given = folder.stages(job.plan);
  const survey = await job.survey(new Map([...given].map(([name, { stage }]) => [name, stage])));
  const { stage, left } = survey;
  if (stage === undefined) {
    context.write(
      context.json
        ? `${JSON.stringify({ folder: job.folder, state: 'done' }, null, 2)}\n`
        : `${job.folder}: the job is done; nothing would be submitted\n`,
    );
    return exitCodes.done;
  }
  const arrays = given.get(stage.name) ?? planStageArrays(stage, options.ranks, options.tasks_per_job);
  const { size, assumed } = await new SlurmScheduler({ waits: [] }).maxArraySize();
  const attempt = folder.submissions(job.plan, stage.name).length + 1;
  const about = { plan: job.plan, attempt, fresh: false, delay: 0, maxArraySize: size };
  const elements = leftByElement(arrays, left);
  const submission = newSubmission(namePrefix(job.plan, job.folder), arrays, about, elements);
  const program = ownProgram();
  const place = {
    run: job.folder,
    logs: folder.logs,
    settings: {
      plan: job.plan,
      kind: job.kind,
      options,
      node: options.node ?? program.node,
      main: program.main,
      cwd: context.cwd,
    },
  };
  const script = arrayScript(place, stage.kind, submission, 0);
  const windows = submission.arrays.map(({ name, offset, indexes }) => ({
    name,
    offset,
    array: arrayExpression(indexes, options.concurrency),
  }));
  if (context.json) {
    const plan = {
      folder: job.folder,
      plan: job.plan,
      stage: stage.name,
      items: stage.items,
      ranks: arrays.ranks,
    };
    context.write(
      `${JSON.stringify({ ...plan, tasksPerJob: arrays.tasksPerJob, left: left.length, maxArraySize: size, assumed: assumed ?? null, windows, script }, null, 2)}\n`,
    );
    return exitCodes.done;
  }
  const weights = new Map(stage.items.map(({ id, weight }) => [id, weight]));
  const loads = arrays.ranks.map((ids) => ids.reduce((sum, id) => sum + weights.get(id)!, 0));
  const heaviest = Math.max(...loads);
  const mean = loads.reduce((a, b) => a + b, 0) / loads.length;
  context.write(
    [
      `${job.kind} ${job.name} in ${job.folder} (plan ${job.plan})`,
      later[job.kind],
      `next: stage ${stage.name}: ${count(left.length)} of ${count(stage.items.length)} items left, in ${count(arrays.ranks.length)} ranks, the heaviest ${(heaviest / mean).toFixed(2)} of the mean`,
      `${count(elements.size)} array element${elements.size === 1 ? '' : 's'} of up to ${arrays.tasksPerJob} rank${arrays.tasksPerJob === 1 ? '' : 's'} each, in ${windows.length} array${windows.length === 1 ? '' : 's'} (MaxArraySize ${size}${assumed === undefined ? '' : `, assumed: ${assumed}`}):`,
      ...windows
        .slice(0, 10)
        .map(
          ({ name, offset, array }) =>
            `  ${name}: --array=${array}${offset === 0 ? '' : `, elements from ${offset} on`}`,
        ),
      ...(windows.length > 10 ? [`  and ${count(windows.length - 10)} more arrays`] : []),
      'the first script:',
      script,
    ].join('\n'),
  );
  return exitCodes.done;
}
