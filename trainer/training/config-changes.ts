/**
 * What differs between the config a run was made with and the one it is to go on with, key by key, and whether that matters. Pure.
 *
 * A change is harmless when the run that goes on with it ends with the same weights as a run that had it from its beginning: where files
 * lie, how often is saved and evaluated, and a schedule that gives every step done so far the rate it had (more steps at a constant rate).
 * All else changes the course of training and needs to be allowed by name; what only mattered at the start (the model's shape, the seed) can
 * have no effect any more and is refused.
 */
import path from 'node:path';
import { nearest, stableJson } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import { withAddresses } from '../../src/io/hub-model.ts';
import { learningRateAt } from '../learner/schedule.ts';
import { type PhaseConfig, type TrainConfig, trainConfigSchema } from './train-config.ts';

/** The part of a config that one phase runs by; recorded in its checkpoints. */
export type PhaseSettings = Omit<TrainConfig, 'stable' | 'decay' | 'branches' | 'autotune'> & {
  phase: PhaseConfig;
  /** Folder the weights came from; null for a fresh model. */
  from: string | null;
};

export interface ConfigChange {
  /** Such as `optimizer.weight_decay`, `phase.learning_rate`, `data`. */
  key: string;
  from: unknown;
  to: unknown;
  effect: 'harmless' | 'course' | 'start';
}

const harmless =
  /^(name|out|data|phase\.data|phase\.evidence|checkpoint_every|keep_checkpoints|keep_every|eval_every|eval_sequences|samples|samples\..*|tensorboard|activation_checkpointing)$/;
const startOnly = /^(model\..*|model|init|seed|from)$/;
const schedule = /^phase\.(steps|tokens|learning_rate|warmup_steps|decay|min_lr_ratio)$/;

export function phaseSettings(
  config: TrainConfig,
  phase: PhaseConfig,
  from: string | undefined,
): PhaseSettings {
  // Tuning only chooses among kernels, and those that were chosen are recorded by themselves.
  const { stable: _stable, decay: _decay, branches: _branches, autotune: _autotune, ...rest } = config;
  // A run folder that was moved whole is the same run.
  const inside = from === undefined ? undefined : path.relative(path.resolve(config.out), path.resolve(from));
  const place =
    inside === undefined || inside.startsWith('..') || path.isAbsolute(inside) ? from : `<out>/${inside}`;
  return { ...rest, phase, from: place ?? null };
}

/** Steps of a phase. */
function stepsOf(settings: PhaseSettings): number {
  const { steps, tokens } = settings.phase;
  const perStep = settings.sequence_length * settings.micro_batch_size * settings.gradient_accumulation_steps;
  return steps ?? Math.ceil(tokens! / perStep);
}

/** Keys whose values differ, in order of the keys; `stepsDone` decides whether another schedule matters. */
export function configChanges(before: PhaseSettings, now: PhaseSettings, stepsDone: number): ConfigChange[] {
  const defaults = trainConfigSchema.parse({ name: 'x', out: 'x', sequence_length: 1, micro_batch_size: 1 });
  const changes = differences(before, now, defaults, (key) =>
    harmless.test(key) ? 'harmless' : startOnly.test(key) ? 'start' : 'course',
  );
  if (changes.some(({ key }) => schedule.test(key)) && sameRates(before, now, stepsDone)) {
    for (const change of changes) if (schedule.test(change.key)) change.effect = 'harmless';
  }
  return changes;
}

/** The keys whose values differ, in their order. A key that an older version did not know had its default. */
export function differences(
  before: object,
  now: object,
  defaults: object,
  effectOf: (key: string) => ConfigChange['effect'],
): ConfigChange[] {
  // What came from the Hub is the same wherever this machine's cache holds it.
  const [old, current, usual] = [flat(withAddresses(before)), flat(withAddresses(now)), flat(defaults)];
  return [...new Set([...old.keys(), ...current.keys()])].sort().flatMap((key) => {
    const [from, to] = [old.get(key) ?? usual.get(key) ?? null, current.get(key) ?? usual.get(key) ?? null];
    return stableJson(from) === stableJson(to) ? [] : [{ key, from, to, effect: effectOf(key) }];
  });
}

function sameRates(before: PhaseSettings, now: PhaseSettings, stepsDone: number): boolean {
  const [a, b] = [stepsOf(before), stepsOf(now)];
  for (let step = 0; step < stepsDone; step++)
    if (learningRateAt(before.phase, step, a) !== learningRateAt(now.phase, step, b)) return false;
  return true;
}

function flat(value: object): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (prefix: string, inner: object): void => {
    for (const [key, v] of Object.entries(inner)) {
      if (v === undefined) continue;
      if (v !== null && typeof v === 'object' && !Array.isArray(v)) visit(`${prefix}${key}.`, v as object);
      else found.set(`${prefix}${key}`, v);
    }
  };
  visit('', value);
  return found;
}

/**
 * What `--allow-changes` lets pass: keys as they stand in the refusal, a group of them (`optimizer`), or `all`. Throws for a word that is no
 * key of a config.
 */
export function allowedBy(
  words: readonly string[],
  keys: readonly string[] = ['data', 'phase', ...Object.keys(trainConfigSchema.shape)],
  of = 'a training config',
): (key: string) => boolean {
  const known = new Set(['all', ...keys]);
  for (const word of words) {
    const [head] = word.split('.');
    if (known.has(head!)) continue;
    const near = nearest(head!, [...known]);
    throw new UserError(`--allow-changes ${word}: no key of ${of}`, {
      hint:
        near === undefined
          ? 'give the keys that the refusal named, or all'
          : `did you mean ${[near, ...word.split('.').slice(1)].join('.')}?`,
    });
  }
  return (key) => words.some((word) => word === 'all' || word === key || key.startsWith(`${word}.`));
}

/** The refusal of changes: each of them, and what lets it pass. */
export function refusalOf(
  runFolder: string,
  step: number,
  refused: readonly ConfigChange[],
  allow: readonly string[],
): UserError {
  const start = refused.filter(({ effect }) => effect === 'start');
  const course = refused.filter(({ effect }) => effect === 'course').map(({ key }) => key);
  const what = refused.every(({ key }) => key === 'data') ? 'data' : 'config';
  const lines = refused.map(
    (change) =>
      `  - ${changeText(change)}${change.effect === 'start' ? ' (decided when the run began)' : ''}`,
  );
  const anew = `change \`out\` to train anew, or delete ${runFolder}`;
  const back =
    start.length === 0 ? '' : `set ${start.map(({ key }) => key).join(', ')} back to go on with this run; `;
  const words = [...allow, ...course].join(',');
  const flag =
    course.length === 0
      ? ''
      : `--allow-changes ${words} goes on from step ${step} with the new value${course.length === 1 ? '' : 's'}, which run.json and the checkpoints then record; `;
  return new UserError(`${runFolder} holds a run with other ${what}:\n${lines.join('\n')}`, {
    hint: `${back}${flag}${anew}`,
  });
}

/** `optimizer.weight_decay: 0.1 -> 0.05`. */
export function changeText({ key, from, to }: Pick<ConfigChange, 'key' | 'from' | 'to'>): string {
  const show = (value: unknown): string => (value === null ? 'not set' : JSON.stringify(value));
  return `${key}: ${show(from)} -> ${show(to)}`;
}
