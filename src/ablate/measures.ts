/**
 * What an experiment can measure: for each name the label, the unit, one sentence that says what exactly is taken of which run, and a pure function of a
 * cell's runs. Parameters are part of the name: `rl_accuracy@5` is the mean of the last five evaluations (as the paper's figures are), `steps_to_0.6`
 * the first evaluation at 60 % or above, `heldout_loss/web` that of one source. Further evaluations are `base_<name>` and `rl_<name>`.
 */
import { UserError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { signatureNames } from '../signatures/rule.ts';
import type { Grid } from './grid.ts';
import type { Measure, MeasureBody } from './measure.ts';
import { measurePatterns } from './pattern-measures.ts';
import { plainMeasures } from './plain-measures.ts';

/**
 * The measure of that name. `evaluations`: names of the experiment's further evaluations, `few-shot` being `base_few_shot` and `rl_few_shot`.
 * Throws a UserError with what was probably meant.
 */
export function measureNamed(name: string, evaluations: readonly string[] = []): Measure {
  const known = plainMeasures[name];
  if (known !== undefined && Object.hasOwn(plainMeasures, name)) return { name, ...known };
  for (const { pattern, make } of measurePatterns) {
    const match = pattern.exec(name);
    if (match !== null) return { name, ...make(match) };
  }
  for (const evaluation of evaluations) {
    for (const of of checkpoints)
      if (name === `${of}_${underscored(evaluation)}`) return { name, ...evaluationMeasure(evaluation, of) };
  }
  const all = measureNames(evaluations);
  const plainForms = all.map((shown) => shown.replace(/[[<].*$/, ''));
  const near = nearest(name, [...plainForms, ...signatureNames.map((s) => `fired_${s}`)]);
  throw new UserError(`there is no measure ${JSON.stringify(name)}`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}known: ${all.join(', ')}`,
  });
}

/**
 * The measure that a calibration starts from, for one that is taken at the end of RL: `base_accuracy` for `rl_accuracy@5`, `reward_start` for `reward_end`,
 * `base_few_shot` for `rl_few_shot`. Throws a UserError for a measure that has no start.
 */
export function startMeasureOf(name: string, evaluations: readonly string[] = []): string {
  measureNamed(name, evaluations); // one that is none gets its own message
  if (/^rl_accuracy(?:_max)?(?:@|$)/.test(name)) return 'base_accuracy';
  const end = /^(reward|training_length|entropy)(?:_end)?((?:@\d+)?)$/.exec(name);
  if (end !== null) return `${end[1]}_start${end[2]}`;
  const evaluation = evaluations.find((known) => name === `rl_${underscored(known)}`);
  if (evaluation !== undefined) return `base_${underscored(evaluation)}`;
  throw new UserError(
    `calibration: the measure ${name} has no value at the start of RL to be compared with`,
    {
      hint: 'calibrate on rl_accuracy, reward_end or an evaluation of rl that is also made of base',
    },
  );
}

/** All names, parameters in brackets. */
export function measureNames(evaluations: readonly string[] = []): string[] {
  return [
    ...Object.keys(plainMeasures),
    ...measurePatterns.map(({ shown }) => shown),
    ...evaluations.flatMap((name) => checkpoints.map((of) => `${of}_${underscored(name)}`)),
  ];
}

/** The evaluations of a plan, by name. */
export function evaluationNames(grid: Pick<Grid, 'cells'>): string[] {
  return [
    ...new Set(
      grid.cells.flatMap(({ evals }) => Object.keys(evals).map((key) => key.slice(0, key.lastIndexOf(' ')))),
    ),
  ];
}

/** What a report shows beside the primary measures where the file does not say. */
export const defaultSecondary: readonly string[] = [
  'base_accuracy',
  'rl_accuracy',
  'rl_accuracy_max',
  'rl_gain',
  'response_length',
  'response_length_correct',
  'truncated',
  'repetition_max',
  'boxed_first_max',
  'entropy',
  'collapse',
  'signatures_fired',
  'heldout_loss',
  'mid_training_tokens',
  'qa_share',
];

/** Checkpoints that an evaluation may be of: of a phase, the one RL starts from, the one it ends with. */
const checkpoints = ['base', 'rl', 'stable', 'decay'] as const;

function evaluationMeasure(name: string, of: (typeof checkpoints)[number]): MeasureBody {
  const key = `${name} ${of}`;
  const { whose, when } = {
    base: { whose: 'the checkpoint that RL starts from', when: 'before RL' },
    rl: { whose: 'the checkpoint that RL ends with', when: 'after RL' },
    stable: { whose: 'the last checkpoint of the stable phase', when: 'after the stable phase' },
    decay: { whose: 'the last checkpoint of the decay phase', when: 'after the decay phase' },
  }[of];
  return {
    label: `${name} accuracy ${when}`,
    unit: 'share',
    likeOnly: of !== 'rl',
    about: `Accuracy of ${whose} in the evaluation ${name} (mean over its problem sets).`,
    of: ({ evals }) => {
      const benchmarks = evals[key]?.record.summary.benchmarks as
        | Record<string, { accuracy?: { value?: unknown } }>
        | undefined;
      const values = Object.values(benchmarks ?? {}).map(({ accuracy }) => accuracy?.value);
      const right = values.filter((value) => typeof value === 'number');
      if (right.length === 0 || right.length < values.length)
        return { absent: `there is no evaluation ${name} of ${whose}` };
      return right.reduce((a, b) => a + b, 0) / right.length;
    },
  };
}

const underscored = (name: string): string => name.replaceAll(/[-. ]/g, '_');
