/**
 * The rollouts of a step. Plainly: one round of `prompts_per_step` prompts. With dynamic sampling (DAPO, Yu et al. 2025; verl's `filter_groups`)
 * groups without variance are dropped and other prompts drawn until there are enough; a later round draws as many prompts as are missing at the
 * share kept so far, and what it gives too many is dropped. Rounds are capped: a problem set that is too easy or too hard ends the run with a message
 * (as in verl), and does not draw for ever.
 */
import { UserError } from '../../src/core/errors.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { groupsOf, isFlat } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import type { Rollout } from './rollout.ts';

export interface DrawnBatch {
  /** Group after group. */
  rollouts: Rollout[];
  /** Prompts taken from the order of problems. */
  promptsDrawn: number;
  rounds: number;
  /** Groups drawn, and how many of them varied. */
  groups: number;
  varied: number;
}

/** `problemAt(i)`: the i-th prompt of this step; `draw`: its group of rollouts, for each prompt of a round. */
export async function drawBatch(
  config: GrpoConfig,
  problemAt: (index: number) => Problem,
  draw: (problems: readonly Problem[], round: number) => Promise<Rollout[]>,
): Promise<DrawnBatch> {
  const { prompts_per_step: wanted, num_generations: size, filter_groups: filter } = config;
  const kept: Rollout[][] = [];
  const seen = new Map<string, number>();
  const batch: DrawnBatch = { rollouts: [], promptsDrawn: 0, rounds: 0, groups: 0, varied: 0 };
  let count = wanted;
  for (;;) {
    const problems = Array.from({ length: count }, (_, i) => again(problemAt(batch.promptsDrawn + i), seen));
    const groups = groupsOf(await draw(problems, batch.rounds), size);
    batch.promptsDrawn += count;
    batch.rounds++;
    batch.groups += groups.length;
    const varied = groups.filter((group) => !isFlat(judged(group, filter?.metric ?? 'score')));
    batch.varied += varied.length;
    kept.push(...(filter?.enable ? varied : groups));
    if (kept.length >= wanted) return { ...batch, rollouts: kept.slice(0, wanted).flat() };
    if (batch.rounds >= filter!.max_num_gen_batches) throw tooFlat(config, batch);
    const share = Math.max(batch.varied, 1) / batch.groups;
    count = Math.min(wanted, Math.ceil((wanted - kept.length) / share));
  }
}

/**
 * A problem's id decides the seeds of its samples, so one that comes up twice in a step (a small set, or the turn of an epoch) goes by another
 * id the second time: the same samples once more would teach nothing new.
 */
function again(problem: Problem, seen: Map<string, number>): Problem {
  const times = (seen.get(problem.id) ?? 0) + 1;
  seen.set(problem.id, times);
  return times === 1 ? problem : { ...problem, id: `${problem.id}~draw${times}` };
}

function judged(group: readonly Rollout[], metric: 'score' | 'acc'): (number | null)[] {
  return group.map(({ reward, correct }) =>
    metric === 'score' ? reward : correct === null ? null : Number(correct),
  );
}

function tooFlat(config: GrpoConfig, { rounds, groups, varied }: DrawnBatch): UserError {
  return new UserError(
    `filter_groups: of ${groups} groups in ${rounds} rounds only ${varied} had rewards that differ, and a step needs ${config.prompts_per_step}`,
    {
      hint: 'take problems that the model solves now and then, more num_generations, or a higher filter_groups.max_num_gen_batches',
    },
  );
}
