/** The newest log of each element that has something left, or of those that are asked for. */
import { UserError } from '../core/errors.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import { elementLog, lastLines } from './element-logs.ts';
import { elementCount, leftByElement, ranksOf, type StageArrays } from './plan-arrays.ts';
import { SlurmFolder } from './slurm-folder.ts';

export interface LogRequest {
  /** By default the first stage with work left, or the last one. */
  stage: string | undefined;
  rank: number | undefined;
  /** Elements that are done too. */
  all: boolean;
  lines: number;
}

export interface ElementLog {
  stage: string;
  element: number;
  ranks: number[];
  /** Items. */
  left: number;
  /** Null: it wrote none so far. */
  path: string | null;
  attempt: number | null;
  lines: string[];
}

/** Throws a `UserError` for a stage or rank that there is not. */
export async function newestLogs(job: BatchJob, request: LogRequest): Promise<ElementLog[]> {
  const folder = new SlurmFolder(job.folder);
  const given = folder.stages(job.plan);
  const survey = await job.survey(new Map([...given].map(([name, { stage }]) => [name, stage])));
  const last = survey.passed.filter(({ name }) => given.has(name)).at(-1)?.name;
  const name = request.stage ?? survey.stage?.name ?? last;
  const arrays = name === undefined ? undefined : given.get(name);
  if (arrays === undefined) {
    if (request.stage === undefined && given.size === 0) return [];
    throw new UserError(`${job.folder}: stage ${name} was not given to Slurm`, {
      hint: `stages that were: ${[...given.keys()].join(', ') || 'none'}`,
    });
  }
  const left = name === survey.stage?.name ? leftByElement(arrays, survey.left) : new Map<number, string[]>();
  const submissions = folder.submissions(job.plan, arrays.stage.name);
  return elementsAsked(arrays, request, left, job.folder).map((element) => {
    const log = elementLog(folder, submissions, element);
    return {
      stage: arrays.stage.name,
      element,
      ranks: ranksOf(arrays, element),
      left: left.get(element)?.length ?? 0,
      path: log?.path ?? null,
      attempt: log?.attempt ?? null,
      lines: log === undefined ? [] : lastLines(log.path, request.lines),
    };
  });
}

function elementsAsked(
  arrays: StageArrays,
  { rank, all }: LogRequest,
  left: ReadonlyMap<number, unknown>,
  folder: string,
): number[] {
  if (rank !== undefined) {
    if (rank < arrays.ranks.length) return [Math.floor(rank / arrays.tasksPerJob)];
    throw new UserError(`${folder}: stage ${arrays.stage.name} has no rank ${rank}`, {
      hint: `its ranks are 0 to ${arrays.ranks.length - 1}`,
    });
  }
  return all ? Array.from({ length: elementCount(arrays) }, (_, element) => element) : [...left.keys()];
}
