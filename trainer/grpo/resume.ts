/**
 * Whether a GRPO run may go on with the config as it is now. As in training (trainer/training/config-changes.ts): what does not decide weights may
 * change freely, what decides the course needs to be allowed by name and is recorded, and what was decided when the run began (the start model,
 * the problems that its first accuracy was measured on) is refused.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import type { TrainingState } from '../learner/checkpoint.ts';
import { learningRateAt } from '../learner/schedule.ts';
import { isModulePath } from '../rewards/user-reward.ts';
import { allowedBy, type ConfigChange, differences, refusalOf } from '../training/config-changes.ts';
import { type GrpoConfig, grpoConfigKeys, grpoConfigSchema } from './config.ts';

/** What a run is recorded by: its config, and the content of the reward modules it names. */
export type GrpoSettings = GrpoConfig & { reward_modules?: Record<string, string> };

const harmless =
  /^(preset|name|out|eval_every|eval_start_prompts|checkpoint_every|keep_checkpoints|log_rollouts|tensorboard|activation_checkpointing|reward_timeout|rollback|signatures\..*)$/;
const startOnly = /^(model|eval_(problems|count|temperature)(\..*)?)$/;
const schedule = /^(steps|schedule\..*)$/;

/** `folder`: where relative paths of reward modules start. */
export function grpoSettings(config: GrpoConfig, folder: string): GrpoSettings {
  const names = (config.reward_funcs ?? [config.reward]).filter(isModulePath);
  const contents = names.flatMap((name) => {
    const file = path.resolve(folder, name.replace(/#\w+$/, ''));
    return existsSync(file) ? [[name, fingerprint(readFileSync(file, 'utf8'))]] : [];
  });
  return contents.length === 0 ? config : { ...config, reward_modules: Object.fromEntries(contents) };
}

/** Of settings: rollbacks and what watches for failures say when to change a run, not what it computes until then. */
export function courseOf(settings: GrpoSettings): string {
  return fingerprint({ ...settings, rollback: undefined, signatures: undefined });
}

export function grpoChanges(before: GrpoSettings, now: GrpoSettings, stepsDone: number): ConfigChange[] {
  const least = { name: 'x', out: 'x', model: 'x', problems: 'x', eval_problems: 'x', steps: 1 };
  const changes = differences(before, now, grpoConfigSchema.parse(least), (key) =>
    harmless.test(key) ? 'harmless' : startOnly.test(key) ? 'start' : 'course',
  );
  for (const change of changes) {
    // Alone or together with the others of the schedule.
    const alone = { ...before, ...(change.key === 'steps' ? { steps: now.steps } : {}) };
    if (
      schedule.test(change.key) &&
      [alone, now].some((other) => sameRates(before, other, change, stepsDone))
    )
      change.effect = 'harmless';
  }
  return changes;
}

/** Whether every step done so far would have had the rate it had. */
function sameRates(before: GrpoSettings, other: GrpoSettings, { key }: ConfigChange, done: number): boolean {
  if (other !== before && key !== 'steps' && other.schedule === before.schedule) return false;
  for (let step = 0; step < done; step++)
    if (
      learningRateAt(before.schedule, step, before.steps) !==
      learningRateAt(other.schedule, step, other.steps)
    )
      return false;
  return true;
}

/** The state to go on with, and what has changed. Throws a `UserError` naming every key that is not let pass. */
export function resumeState(
  runFolder: string,
  found: TrainingState,
  settings: GrpoSettings,
  dataFingerprint: string,
  allow: readonly string[],
): { state: TrainingState; changes: ConfigChange[] } {
  const allowed = allowedBy(allow, ['data', 'reward_modules', ...grpoConfigKeys], 'a GRPO config');
  const before = found.config as GrpoSettings | undefined;
  const now = courseOf(settings);
  const changes = before === undefined ? [] : grpoChanges(before, settings, found.step);
  if (before === undefined && found.configFingerprint !== now)
    changes.push({ key: 'all', from: found.configFingerprint, to: now, effect: 'course' });
  const { fingerprint: from } = found.data;
  if (from !== dataFingerprint)
    changes.push({
      key: 'data',
      from: `problems ${from}`,
      to: `problems ${dataFingerprint}`,
      effect: 'course',
    });
  const refused = changes.filter(
    ({ key, effect }) => effect === 'start' || (effect === 'course' && !allowed(key)),
  );
  if (refused.length > 0) throw refusalOf(runFolder, found.step, refused, allow);
  if (settings.steps < found.step) {
    throw new UserError(
      `${runFolder} has done ${found.step} steps, more than the ${settings.steps} of the config`,
      { hint: `give ${found.step} steps or more, or change \`out\` to begin anew` },
    );
  }
  const noted = changes.map(({ key, from, to }) => ({ step: found.step, key, from, to }));
  return {
    changes,
    state: {
      ...found,
      data: { ...found.data, fingerprint: dataFingerprint },
      config: settings,
      configFingerprint: now,
      ...(noted.length === 0 ? {} : { changes: [...(found.changes ?? []), ...noted] }),
    },
  };
}
