/**
 * The rewards that a config can name, and the combination it asks for. `reward: boxed` is one reward; `reward_funcs` with `reward_weights`
 * (TRL's names) is a weighted sum, whose entries are names from here or paths of modules (user-reward.ts).
 */
import { z } from 'zod';
import { nearest } from '../../src/core/config.ts';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { accuracyReward, cosineScaledReward, lengthReward, reasoningAccuracyReward } from './accuracy.ts';
import { boxedReward } from './boxed.ts';
import { combineRewards } from './combine.ts';
import {
  codeFormatReward,
  formatReward,
  reasoningStepsReward,
  tagCountReward,
  thinkFormatReward,
} from './format.ts';
import { repetitionPenaltyReward, softOverlongPunishment } from './length-and-repetition.ts';
import type { Reward, RewardPart } from './reward.ts';
import { isModulePath, moduleFile, UserReward } from './user-reward.ts';

/** Makes a part from its options, which its own schema checks. */
type MakePart = (options: never) => RewardPart;
const plain =
  (part: RewardPart): MakePart =>
  (options: Readonly<Record<string, unknown>>) => {
    z.strictObject({}).parse(options);
    return part;
  };

export const rewardParts: Readonly<Record<string, MakePart>> = {
  boxed: plain(boxedReward),
  accuracy_reward: accuracyReward,
  reasoning_accuracy_reward: reasoningAccuracyReward,
  cosine_scaled_reward: cosineScaledReward,
  len_reward: lengthReward,
  think_format_reward: plain(thinkFormatReward),
  format_reward: plain(formatReward),
  tag_count_reward: plain(tagCountReward),
  reasoning_steps_reward: plain(reasoningStepsReward),
  code_format_reward: codeFormatReward,
  repetition_penalty_reward: repetitionPenaltyReward,
  soft_overlong_punishment: softOverlongPunishment,
};

/** The keys of a config that say what is rewarded; spread it into the config's schema. */
export const rewardConfigShape = {
  /** One reward by name or module path; `reward_funcs` instead names several. */
  reward: z.string().default('boxed'),
  /** TRL's reward_funcs: names or module paths, added with reward_weights. */
  reward_funcs: z.array(z.string()).min(1).optional(),
  /** One for each of reward_funcs; 1 when left out. */
  reward_weights: z.array(z.number()).optional(),
  /** Options of rewards by their name. */
  reward_options: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** Seconds a reward module may take for one batch. */
  reward_timeout: z.number().positive().max(86_400).default(60),
};

export type RewardSpec = z.input<z.ZodObject<typeof rewardConfigShape>>;

/**
 * The reward a config asks for, its modules loaded. Throws `UserError` for unknown names, wrong options or weights, and modules that cannot
 * be used. `folder`: where relative paths of modules start.
 */
export async function makeReward(spec: string | RewardSpec, folder: string = process.cwd()): Promise<Reward> {
  const { given, names, weights } = settled(spec);
  const parts: RewardPart[] = [];
  try {
    for (const name of names) {
      const part = isModulePath(name)
        ? await UserReward.load(name, { folder, timeout: given.reward_timeout * 1000 })
        : builtIn(name, given.reward_options[name] ?? {});
      if (parts.some((other) => other.name === part.name))
        throw new UserError(`two rewards are called "${part.name}"`);
      parts.push(part);
    }
  } catch (error) {
    for (const part of parts) await part.close?.();
    throw error;
  }
  return combineRewards(
    names.join('+'),
    parts.map((part, i) => ({ part, weight: weights[i]! })),
  );
}

/** Rewards that hold completions against the reference answer. */
const grading = [
  'boxed',
  'accuracy_reward',
  'reasoning_accuracy_reward',
  'cosine_scaled_reward',
  'len_reward',
];

/** Whether a problem without a reference answer can be scored: modules and the rewards of shape need none. */
export function answersFor(spec: Pick<RewardSpec, 'reward' | 'reward_funcs'>): 'needed' | 'optional' {
  const names = spec.reward_funcs ?? [spec.reward ?? 'boxed'];
  return names.some((name) => grading.includes(name)) ? 'needed' : 'optional';
}

/** Throws what `makeReward` would throw of names, options, weights and missing modules; no module is loaded. */
export function checkRewards(spec: RewardSpec, folder: string = process.cwd()): void {
  const { given, names } = settled(spec);
  for (const name of names) {
    if (isModulePath(name)) moduleFile(name, folder);
    else builtIn(name, given.reward_options[name] ?? {});
  }
}

function settled(spec: string | RewardSpec): {
  given: z.output<z.ZodObject<typeof rewardConfigShape>>;
  names: string[];
  weights: number[];
} {
  const given = z.object(rewardConfigShape).parse(typeof spec === 'string' ? { reward: spec } : spec);
  const names = given.reward_funcs ?? [given.reward];
  const weights = given.reward_weights ?? names.map(() => 1);
  if (weights.length !== names.length)
    throw new UserError(
      `reward_weights has ${weights.length} numbers for ${names.length} rewards (${names.join(', ')})`,
    );
  for (const name of Object.keys(given.reward_options)) {
    if (!names.includes(name))
      throw new UserError(
        `reward_options names "${name}", which is not among the rewards ${names.join(', ')}`,
      );
  }
  return { given, names, weights };
}

function builtIn(name: string, options: Readonly<Record<string, unknown>>): RewardPart {
  const make = rewardParts[name];
  if (make === undefined) {
    const names = Object.keys(rewardParts);
    throw new UserError(`no reward "${name}"`, {
      hint: `known: ${names.join(', ')}${nearest(name, names) ? `; did you mean "${nearest(name, names)}"?` : ''}; or the path of a module`,
    });
  }
  try {
    return make(options as never);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const place = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
    throw new UserError(`reward_options of ${name}${place}: ${issue?.message ?? messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A built-in reward with its defaults, alone. */
export function findReward(name: string): Reward {
  return combineRewards(name, [{ part: builtIn(name, {}), weight: 1 }]);
}
