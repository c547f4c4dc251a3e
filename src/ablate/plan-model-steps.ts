/** The steps of the model's side: the phases of training, chains that a model writes itself, GRPO, further evaluations. Pure. */
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { planGrpo } from '../../trainer/grpo/plan-grpo.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { isModulePath } from '../../trainer/rewards/user-reward.ts';
import { UserError } from '../core/errors.ts';
import { exemplarSets } from '../core/evaluation.ts';
import type { TrainingState } from '../report/ablation-data.ts';
import type { GridStep } from './grid.ts';
import { isPlain, type Plain } from './overlay.ts';
import { type DrawingSection, type ProblemsOf, section, type TrainSection, type Way } from './way.ts';
import { ownFile, type Reference, type WayContext } from './way-context.ts';

/** Optimizer steps of a phase, and how many sequences a step reads. */
function phaseSize(train: TrainSection, phase: 'stable' | 'decay'): { steps: number; sequences: number } {
  const sequences = train.micro_batch_size * train.gradient_accumulation_steps;
  const { steps, tokens } = train[phase]!;
  return { steps: steps ?? Math.ceil((tokens ?? 0) / (sequences * train.sequence_length)), sequences };
}

/** Sequences that the phases reading a mixture need: the decay phase reads on in the stable one's where it has none of its own. */
export function sequencesOf(way: Way, mixture: 'stable' | 'decay'): number {
  const { train, mix } = way;
  if (!train) return 0;
  const of = (phase: 'stable' | 'decay'): number => {
    if (!train[phase]) return 0;
    const { steps, sequences } = phaseSize(train, phase);
    return steps * sequences;
  };
  if (mixture === 'decay') return of('decay');
  return of('stable') + (mix.decay ? 0 : of('decay'));
}

export function planTraining(context: WayContext, phase: 'stable' | 'decay'): GridStep {
  const { way, seed } = context;
  const { train } = way;
  if (!train?.[phase])
    throw way.wrong(
      `train.${phase}`,
      'is missing',
      `add train: { ${phase}: { steps: ..., learning_rate: ... } }`,
    );
  const { steps: given, tokens } = train[phase];
  if ((given === undefined) === (tokens === undefined))
    throw way.wrong(`train.${phase}`, 'needs either steps or tokens', 'give one of them');
  const { stable: _stable, decay: _decay, init: _init, ...config } = section(way, 'train')!;
  const { from_step: fromStep, ...own } = section(way, 'train')![phase] as Plain;
  const { steps, sequences } = phaseSize(train, phase);
  const settings: Plain = { config, phase: own, data: { read: context.mix(phase).id } };
  if (phase === 'decay' && train.stable) {
    if (fromStep !== undefined) assertKept(way, fromStep as number);
    const stable = context.train('stable').id;
    settings.from = fromStep === undefined ? { read: stable } : { read: stable, step: fromStep };
  } else if (train.init !== undefined) settings.from = ownFile(context, train.init);
  else if (!train.model)
    throw way.wrong(
      'train',
      'has nothing to train',
      'give model: for a fresh model or init: for a model folder',
    );
  return context.step(`train-${phase}`, settings, {
    seed,
    work: { count: steps * sequences * train.sequence_length, unit: 'tokens' },
    shape: modelShape(way),
  });
}

/** What a model's speed depends on, as far as the config says it. */
function modelShape(way: Way): unknown {
  const { train, tokenizer, model } = way;
  if (!train) return { model };
  return {
    model: train.model ?? train.init,
    vocabulary: tokenizer && 'vocabSize' in tokenizer ? tokenizer.vocabSize : null,
    sequence: train.sequence_length,
    batch: [train.micro_batch_size, train.gradient_accumulation_steps],
    how: [train.precision, train.activation_checkpointing],
  };
}

/** A checkpoint in the midst of the stable phase must be one that is kept. */
function assertKept(way: Way, step: number): void {
  const train = way.train!;
  const { steps } = phaseSize(train, 'stable');
  const { checkpoint_every: every, keep_every: keep, keep_checkpoints: last } = train;
  if (step === steps) return;
  const written = step < steps && step % every === 0;
  if (written && (last === null || (keep !== null && step % keep === 0))) return;
  throw way.wrong(
    'train.decay.from_step',
    `the stable phase has ${steps} steps and keeps no checkpoint of step ${step}`,
    `set train.checkpoint_every and train.keep_every so that both divide ${step}, or give ${steps}`,
  );
}

export function stateOf({ train }: Way): TrainingState {
  if (!train) return 'not trained';
  const last = train.decay ?? train.stable;
  return last && last.decay !== 'constant' ? 'decayed' : 'constant rate';
}

export function planGrpoStep(context: WayContext): GridStep {
  const { way, seed } = context;
  const { grpo } = way;
  const given = section(way, 'grpo');
  if (grpo === undefined || given === undefined)
    throw way.wrong(
      'grpo',
      'is missing',
      'add grpo: { problems: train, eval_problems: heldout, steps: ... }',
    );
  const { problems, eval_problems: heldout, ...config } = given;
  checkGrpo(way, grpo);
  for (const key of ['reward', 'reward_funcs'] as const)
    if (config[key] !== undefined) config[key] = ownModules(context, config[key]);
  const settings: Plain = {
    config,
    model: context.checkpoint('base', 'grpo'),
    problems: context.problems(problems as ProblemsOf, 'grpo.problems'),
    eval_problems: heldoutSets(context, heldout),
  };
  const { schedule: _schedule, steps: _steps, signatures: _signatures, ...speed } = config;
  return context.step('grpo', settings, {
    seed,
    work: { count: grpo.steps * grpo.prompts_per_step * grpo.num_generations, unit: 'rollouts' },
    shape: { model: modelShape(way), speed },
  });
}

/** What GRPO's config and the model's positions decide alone is told now, not after the training before it. */
function checkGrpo(way: Way, config: GrpoConfig): void {
  const positions = way.train?.model?.max_position_embeddings;
  if (positions === undefined) return;
  try {
    // Of the model nothing else is looked at before it is there.
    planGrpo({ ...config, model: 'the trained model' }, { maxPositions: positions } as ModelConfig);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw way.wrong('grpo', error.message, error.hint ?? 'mend it and run again');
  }
}

/** Rewards that are modules of the user's own, by their content. */
function ownModules(context: WayContext, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => ownModules(context, one));
  if (typeof value !== 'string' || !isModulePath(value)) return value;
  if (value.includes('#'))
    throw context.way.wrong(
      'grpo.reward',
      `${value}: a grid takes the default export of a module`,
      'leave the part behind # out',
    );
  return ownFile(context, value);
}

/** One set, or several by name, each perhaps with a prompt of its own. */
function heldoutSets(context: WayContext, given: unknown): unknown {
  const place = 'grpo.eval_problems';
  if (given === undefined)
    throw context.way.wrong(place, 'is missing', 'name a problem set that no problem of training is in');
  if (typeof given === 'string' || (isPlain(given) && typeof given.set === 'string'))
    return context.problems(given as ProblemsOf, place);
  return Object.fromEntries(
    Object.entries(given as Plain).map(([name, one]) => {
      const at = `${place}.${name}`;
      if (isPlain(one) && 'problems' in one)
        return [name, { ...one, problems: context.problems(one.problems as ProblemsOf, at) }];
      return [name, context.problems(one as ProblemsOf, at)];
    }),
  );
}

/** Chains of thought from a checkpoint on problems of the train split. */
export function planChains(context: WayContext): GridStep {
  const { way, seed } = context;
  const chains = way.chains;
  if (!chains)
    throw way.wrong('chains', 'is missing', 'add chains: { from: stable, problems: train, samples: 4 }');
  const { from, arm, problems: _problems, count: _count, ...drawing } = chains;
  const place = 'chains';
  const settings = {
    ...drawing,
    ...drawn(context, chains, place),
    model: context.checkpoint(from, place, arm),
  };
  return context.step('chains', settings, {
    seed,
    work: { count: problemCount(way, chains) * chains.samples, unit: 'samples' },
    shape: { model: modelShape(way), tokens: chains.max_tokens },
  });
}

export function planEvaluation(
  context: WayContext,
  name: string,
  of: 'stable' | 'decay' | 'base' | 'rl',
): GridStep {
  const { way, seed } = context;
  const evaluation = way.evaluate[name]!;
  const { of: _of, problems: _problems, count: _count, ...drawing } = evaluation;
  const place = `evaluate.${name}`;
  const settings = {
    ...drawing,
    ...drawn(context, evaluation, place),
    model: context.checkpoint(of, place),
  };
  return context.step('eval', settings, {
    seed,
    work: { count: problemCount(way, evaluation) * evaluation.samples, unit: 'samples' },
    shape: { model: modelShape(way), tokens: evaluation.max_tokens },
  });
}

/** The problems and worked examples of something drawn. */
function drawn(context: WayContext, drawing: DrawingSection, place: string): Plain {
  const { problems, count, exemplars } = drawing;
  const selection = typeof problems === 'string' ? { set: problems } : problems;
  const of = count === undefined ? problems : { ...selection, count };
  const own = exemplars !== undefined && !(exemplarSets as readonly string[]).includes(exemplars);
  return {
    problems: context.problems(of, `${place}.problems`),
    ...(own ? { exemplars: context.problems(exemplars, `${place}.exemplars`) } : {}),
  };
}

function problemCount(way: Way, { problems, count }: DrawingSection): number {
  const spec = way.problems[typeof problems === 'string' ? problems : problems.set];
  const all = spec !== undefined && 'count' in spec ? spec.count : Number.POSITIVE_INFINITY;
  const least = Math.min(all, count ?? all, typeof problems === 'string' ? all : (problems.count ?? all));
  return Number.isFinite(least) ? least : 0;
}

export function checkpointOf(
  context: WayContext,
  name: 'stable' | 'decay' | 'base' | 'rl',
  place: string,
): Reference {
  const { way } = context;
  switch (name) {
    case 'rl':
      return { read: context.grpo().id };
    case 'stable':
    case 'decay':
      return { read: context.train(name).id };
    case 'base':
      if (way.train) return { read: context.train(way.train.decay ? 'decay' : 'stable').id };
      if (way.model !== undefined) return ownFile(context, way.model);
      throw way.wrong(place, 'has no checkpoint to start from', 'add train:, or model: <folder>');
  }
}
