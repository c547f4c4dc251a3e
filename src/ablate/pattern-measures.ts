/**
 * Measures with parameters in their names: the end of a column of evaluations or of training steps (`rl_accuracy@5`, `repetition_max@10`), steps to an
 * accuracy, single signatures and single sources. Pure.
 */
import type { MeasureUnit } from '../report/ablation-data.ts';
import { signatureNames } from '../signatures/rule.ts';
import {
  endMean,
  extremeMean,
  findingsOf,
  fromColumn,
  isAbsent,
  lossOf,
  maximum,
  noRl,
  startMean,
} from './cell-runs.ts';
import { asTheyAre, evaluated, type MeasureBody } from './measure.ts';
import { plainMeasures } from './plain-measures.ts';

export interface MeasurePattern {
  /** As lists and messages show it. */
  shown: string;
  pattern: RegExp;
  make: (match: RegExpExecArray) => MeasureBody;
}

/** Evaluations that the end of a run is the mean of, and training steps. */
const lastEvaluations = 3;
const lastSteps = 5;

interface ColumnMeasure {
  name: string;
  column: string;
  label: string;
  unit: MeasureUnit;
  what: string;
}

/** Columns of training steps: the end, the start and the extreme of each. */
const stepColumns: readonly ColumnMeasure[] = [
  {
    name: 'reward',
    column: 'reward',
    label: 'reward',
    unit: 'number',
    what: 'mean reward of the responses drawn for training',
  },
  {
    name: 'truncated',
    column: 'completions/clipped_ratio',
    label: 'share of responses cut off',
    unit: 'share',
    what: 'share of the responses drawn for training that were cut off at the allowed length',
  },
  {
    name: 'repetition',
    column: 'completions/repetition_ratio',
    label: 'share of responses stuck in repetition',
    unit: 'share',
    what: 'share of the responses drawn for training that run into a repetition',
  },
  {
    name: 'boxed_first',
    column: 'completions/answer_first_ratio',
    label: 'share of responses that answer first',
    unit: 'share',
    what: 'share of the responses drawn for training that begin with the boxed answer',
  },
  {
    name: 'entropy',
    column: 'entropy',
    label: 'entropy',
    unit: 'nats',
    what: 'mean entropy a token of the responses drawn for training',
  },
  {
    name: 'training_length',
    column: 'completions/mean_length',
    label: 'length of training responses',
    unit: 'tokens',
    what: 'mean length of the responses drawn for training',
  },
  {
    name: 'flat_groups',
    column: 'frac_reward_zero_std',
    label: 'share of groups without a signal',
    unit: 'share',
    what: 'share of problems whose responses all got the same reward',
  },
];

/** Columns of evaluations during RL: their end. */
const evalColumns: readonly ColumnMeasure[] = [
  {
    name: 'rl_accuracy',
    column: 'eval_accuracy',
    label: 'RL accuracy',
    unit: 'share',
    what: 'share of held-out problems answered rightly',
  },
  {
    name: 'response_length',
    column: 'eval_completions/mean_length',
    label: 'response length',
    unit: 'tokens',
    what: 'mean length of the responses to held-out problems',
  },
  {
    name: 'response_length_correct',
    column: 'eval_completions/mean_correct_length',
    label: 'length of correct responses',
    unit: 'tokens',
    what: 'mean length of the correct responses to held-out problems',
  },
  {
    name: 'eval_truncated',
    column: 'eval_completions/clipped_ratio',
    label: 'share of evaluation responses cut off',
    unit: 'share',
    what: 'share of the responses to held-out problems that were cut off at the allowed length',
  },
];

export const measurePatterns: readonly MeasurePattern[] = [
  ...evalColumns.map(
    ({ name, column, label, unit, what }): MeasurePattern => ({
      shown: `${name}[@<evaluations>]`,
      pattern: new RegExp(`^${name}(?:@([1-9]\\d*))?$`),
      make: ([, count]) => {
        const k = Number(count ?? lastEvaluations);
        return {
          label: `${label}${count === undefined ? '' : ` (last ${k})`}`,
          unit,
          likeOnly: false,
          about: `${capital(what)}, mean of the last ${times(k, 'evaluation')} of the RL run. ${asTheyAre}`,
          of: evaluated(column, endMean(k, 'evaluations')),
        };
      },
    }),
  ),
  {
    shown: 'rl_gain[@<evaluations>]',
    pattern: /^rl_gain(?:@([1-9]\d*))?$/,
    make: ([, count]) => {
      const k = Number(count ?? lastEvaluations);
      return {
        label: `gain by RL${count === undefined ? '' : ` (last ${k})`}`,
        unit: 'points',
        likeOnly: false,
        about: `Mean accuracy of the last ${times(k, 'evaluation')} of the RL run less that at step 0. ${asTheyAre}`,
        of: (runs) => {
          const end = evaluated('eval_accuracy', endMean(k, 'evaluations'))(runs);
          const start = plainMeasures.base_accuracy!.of(runs);
          return isAbsent(end) ? end : isAbsent(start) ? start : end - start;
        },
      };
    },
  },
  {
    shown: 'steps_to_<accuracy>',
    pattern: /^steps_to_(0?\.\d+|1(?:\.0+)?)$/,
    make: ([, share]) => ({
      label: `RL steps to ${Number((100 * Number(share)).toPrecision(6))} % accuracy`,
      unit: 'steps',
      likeOnly: false,
      about: `The first RL step whose evaluation stands at an accuracy of ${Number(share)} or above; runs that never get there have no value, which takes their seed out of the comparison.`,
      of: evaluated(
        'eval_accuracy',
        (points) =>
          points.find(({ value }) => value >= Number(share))?.step ?? {
            absent: `accuracy ${Number(share)} was never reached in ${points.at(-1)!.step} steps (at most ${maximum(points).value.toFixed(3)})`,
          },
      ),
    }),
  },
  ...stepColumns.map(
    ({ name, column, label, unit, what }): MeasurePattern => ({
      shown: `${name}[_end|_start|_max|_min][@<steps>]`,
      pattern: new RegExp(`^${name}(_end|_start|_max|_min)?(?:@([1-9]\\d*))?$`),
      make: ([, part = '_end', count]) => {
        const k = Number(count ?? lastSteps);
        const [words, head, take] = {
          _end: [`the last ${times(k, 'step')}`, `${label} at the end`, endMean(k, 'steps')] as const,
          _start: [`the first ${times(k, 'step')}`, `${label} at the start`, startMean(k, 'steps')] as const,
          _max: [
            `the ${times(k, 'step')} in a row where it is greatest`,
            `greatest ${label}`,
            extremeMean(k, 'greatest', 'steps'),
          ] as const,
          _min: [
            `the ${times(k, 'step')} in a row where it is least`,
            `least ${label}`,
            extremeMean(k, 'least', 'steps'),
          ] as const,
        }[part as '_end' | '_start' | '_max' | '_min'];
        return {
          label: `${head}${count === undefined ? '' : ` (${times(k, 'step')})`}`,
          unit,
          likeOnly: false,
          about: `${capital(what)}, mean over ${words} of the RL run.`,
          of: ({ grpo }) => fromColumn(grpo, column, take),
        };
      },
    }),
  ),
  {
    shown: 'fired_<signature>',
    pattern: new RegExp(`^fired_(${signatureNames.join('|')})$`),
    make: ([, name]) => ({
      label: `${words(name!)} fired`,
      unit: 'share',
      likeOnly: false,
      about: `1 where the signature ${words(name!)} fired during the RL run, else 0; its mean over seeds is the share of runs.`,
      of: ({ grpo }) =>
        grpo === undefined ? noRl : findingsOf(grpo).some((f) => f.signature === name) ? 1 : 0,
    }),
  },
  {
    shown: 'step_of_<signature>',
    pattern: new RegExp(`^step_of_(${signatureNames.join('|')})$`),
    make: ([, name]) => ({
      label: `step at which ${words(name!)} fired`,
      unit: 'steps',
      likeOnly: false,
      about: `The RL step at which the signature ${words(name!)} first fired; runs in which it did not have no value.`,
      of: ({ grpo }) =>
        grpo === undefined
          ? noRl
          : (findingsOf(grpo).find((f) => f.signature === name)?.step ?? {
              absent: `${words(name!)} did not fire`,
            }),
    }),
  },
  {
    shown: 'heldout_loss/<source>',
    pattern: /^heldout_loss\/(.+)$/,
    make: ([, source]) => ({
      label: `held-out loss of ${source}`,
      unit: 'nats',
      likeOnly: true,
      about: `Loss per held-out token of the source ${source}, last evaluation of the phase that RL starts from.`,
      of: (runs) => lossOf(runs, `eval_loss/${source}`),
    }),
  },
];

const words = (name: string): string => name.replaceAll('_', ' ');
const times = (k: number, noun: string): string => (k === 1 ? noun : `${k} ${noun}s`);
const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;
