/**
 * The schema of an experiment file: a question, the way that every arm goes (`base`), and what each arm changes in it. The way itself is checked arm by
 * arm after its changes are laid over it (way.ts), since a part of it may be right only together with them.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { nearest } from '../core/config.ts';
import { InputError, UserError } from '../core/errors.ts';
import { parseYaml } from '../core/parse-yaml.ts';
import { changeAt, overlay, type Plain } from './overlay.ts';

const name = z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'letters, digits, "_", "." and "-" only');
const plain = z.record(z.string(), z.unknown());
const seeds = z
  .array(z.int().min(0))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'names a seed twice');

const experimentSchema = z.strictObject({
  name,
  title: z.string().min(1),
  question: z.string().min(1),
  /** What the paper found, shown beside the answer. */
  paper: z.string().min(1).optional(),
  /** What a reader should know of how this came to be as it is. */
  notes: z.array(z.string()).default([]),
  seeds,
  /** The way of every arm. */
  base: plain,
  arms: z.record(
    name,
    z.strictObject({
      describe: z.string().optional(),
      /** Laid over the base: keys are merged at every depth, lists replace, null takes away. */
      set: plain.default({}),
    }),
  ),
  /** Run first, over all seeds: the end of its RL must lie above its start, or the experiment has no signal and the other arms are not run. */
  calibration: z.strictObject({ arm: name, measure: z.string().default('rl_accuracy') }).optional(),
  /** All comparisons are corrected together. */
  compare: z
    .union([
      z.strictObject({ against: name }),
      z.strictObject({ pairs: z.array(z.tuple([name, name])).min(1) }),
    ])
    .optional(),
  measures: z
    .strictObject({
      primary: z.array(z.string()).min(1).default(['rl_accuracy']),
      /** Differences that matter, by measure. */
      smallest: z.record(z.string(), z.number().positive()).default({}),
    })
    .prefault({}),
  /** Other sizes: what `--size gpu` lays over the base before the arms' changes. The file itself is size cpu. */
  sizes: z.record(name, z.strictObject({ base: plain.default({}), seeds: seeds.optional() })).default({}),
  /** What the file's writer measured: seconds a step of each kind, shown where nothing better is known. */
  expected: z
    .strictObject({ adapter: z.string(), seconds: z.record(z.string(), z.number().positive()) })
    .optional(),
});
export type Experiment = z.output<typeof experimentSchema>;

/** Reads an experiment's YAML text. `file` is for messages. */
export function parseExperiment(text: string, file: string): Experiment {
  const experiment = parseYaml(experimentSchema, text, file);
  checkArms(experiment, file);
  return experiment;
}

function checkArms({ arms, compare, calibration }: Experiment, file: string): void {
  const names = Object.keys(arms);
  if (names.length === 0)
    throw new InputError(file, 'has no arms', { place: 'arms', hint: 'add one: { control: {} }' });
  const known = (arm: string, place: string): void => {
    if (!names.includes(arm))
      throw new InputError(file, `there is no arm "${arm}"${meant(arm, names)}`, {
        place,
        hint: `the arms are ${names.join(', ')}`,
      });
  };
  if (calibration !== undefined) known(calibration.arm, 'calibration.arm');
  if (compare === undefined) return;
  if ('against' in compare) known(compare.against, 'compare.against');
  else {
    for (const [i, [first, second]] of compare.pairs.entries()) {
      known(first, `compare.pairs.${i}`);
      known(second, `compare.pairs.${i}`);
      if (first === second)
        throw new InputError(file, `compares ${first} with itself`, {
          place: `compare.pairs.${i}`,
          hint: 'name two arms',
        });
    }
  }
}

export function meant(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** What a caller may choose of an experiment. */
export interface Choice {
  seeds?: readonly number[];
  arms?: readonly string[];
  size?: string;
  /** `path=value`, laid over the base behind the size; the value is YAML. */
  changes?: readonly string[];
}

interface ChosenArm {
  name: string;
  describe?: string;
  /** The base with the arm's changes, not yet checked. */
  way: Plain;
  /** Among the arms that were asked for; others may still give a checkpoint to one that is. */
  asked: boolean;
}

export interface Chosen {
  experiment: Experiment;
  file: string;
  size: string;
  changes: string[];
  seeds: number[];
  base: Plain;
  arms: ChosenArm[];
}

/** The base at the size that was asked for and the arms over it. Throws a `UserError` for a size, an arm or a change that is none. */
export function choose(experiment: Experiment, file: string, choice: Choice = {}): Chosen {
  const size = choice.size ?? 'cpu';
  const other = experiment.sizes[size];
  if (other === undefined && size !== 'cpu') {
    const sizes = ['cpu', ...Object.keys(experiment.sizes)];
    throw new UserError(`--size ${size}: ${file} has no such size${meant(size, sizes)}`, {
      hint: `its sizes are ${sizes.join(', ')}`,
    });
  }
  let base = overlay(experiment.base, other?.base ?? {});
  for (const change of choice.changes ?? []) base = overlay(base, readChange(base, change));
  const names = Object.keys(experiment.arms);
  for (const arm of choice.arms ?? []) {
    if (!names.includes(arm))
      throw new UserError(`--arms ${arm}: ${file} has no such arm${meant(arm, names)}`, {
        hint: `its arms are ${names.join(', ')}`,
      });
  }
  const arms = names.map((arm): ChosenArm => {
    const { describe, set } = experiment.arms[arm]!;
    const asked = choice.arms?.includes(arm) ?? true;
    return { name: arm, way: overlay(base, set), asked, ...(describe === undefined ? {} : { describe }) };
  });
  const seeds = [...(choice.seeds ?? other?.seeds ?? experiment.seeds)];
  return { experiment, file, size, changes: [...(choice.changes ?? [])], seeds, base, arms };
}

function readChange(base: Plain, change: string): Plain {
  const at = change.indexOf('=');
  const path = change.slice(0, at);
  if (at < 1 || path.startsWith('.') || path.endsWith('.'))
    throw new UserError(`--set ${change}: expected path=value`, {
      hint: 'the path starts in the base: --set grpo.steps=20',
    });
  const document = parseDocument(change.slice(at + 1));
  if (document.errors.length > 0)
    throw new UserError(`--set ${change}: the value is not YAML`, {
      hint: 'put texts with special characters in quotes',
    });
  return changeAt(base, path, document.toJS());
}
