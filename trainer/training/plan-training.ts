/** What one phase of training will do, decided from the config alone: `--dry-run` prints it, train.ts carries it out. */
import path from 'node:path';
import { nearest } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import { isComplete, listCheckpoints } from '../learner/checkpoint.ts';
import type { AdamWOptions } from '../learner/optimizer.ts';
import type { Phase, PhaseConfig, TrainConfig } from './train-config.ts';

export interface TrainingPlan {
  phaseConfig: PhaseConfig;
  steps: number;
  tokensPerStep: number;
  runFolder: string;
  dataFolder: string;
  tokenizerFolder: string;
  /** Folder the weights come from; undefined for a fresh model. */
  from: string | undefined;
  /** `from` has moments and counters to go on with. */
  fromCheckpoint: boolean;
  optimizer: AdamWOptions;
}

/** `branch` names one of the config's `branches`, for the decay phase. */
export function planTraining(
  config: TrainConfig,
  phase: Phase,
  from?: string,
  branch?: string,
): TrainingPlan {
  const phaseConfig = branch === undefined ? config[phase] : branchOf(config, phase, branch);
  if (!phaseConfig)
    throw new UserError(`the config has no section "${phase}"`, {
      hint: `add "${phase}:" with steps (or tokens) and learning_rate`,
    });
  const tokensPerStep = config.sequence_length * config.micro_batch_size * config.gradient_accumulation_steps;
  if ((phaseConfig.steps === undefined) === (phaseConfig.tokens === undefined)) {
    throw new UserError(`${phase}: give either steps or tokens`, {
      hint: `a step of this config has ${tokensPerStep} tokens`,
    });
  }
  const steps = phaseConfig.steps ?? Math.ceil(phaseConfig.tokens! / tokensPerStep);
  const dataFolder = phaseConfig.data ?? config.data;
  if (dataFolder === undefined)
    throw new UserError(`${phase}: no data`, { hint: 'give `data:`, the folder that `midtrain mix` wrote' });
  const source = from ?? (phase === 'decay' ? lastStable(config) : config.init);
  if (source === undefined && !config.model) {
    throw new UserError('nothing to train', {
      hint: 'give `model:` for a fresh model or `init:` for a Hugging Face folder',
    });
  }
  return {
    phaseConfig,
    steps,
    tokensPerStep,
    runFolder: path.join(config.out, branch === undefined ? phase : `${phase}-${branch}`),
    dataFolder,
    tokenizerFolder: config.tokenizer ?? path.join(dataFolder, 'tokenizer'),
    from: source,
    fromCheckpoint: source !== undefined && isComplete(source),
    optimizer: {
      beta1: config.optimizer.adam_beta1,
      beta2: config.optimizer.adam_beta2,
      eps: config.optimizer.adam_epsilon,
      weightDecay: config.optimizer.weight_decay,
      maxGradNorm: config.optimizer.max_grad_norm,
      maxGradNormZ: config.optimizer.max_grad_norm_z,
    },
  };
}

function branchOf(config: TrainConfig, phase: Phase, branch: string): PhaseConfig {
  if (phase !== 'decay')
    throw new UserError(`--branch ${branch}: only the decay phase has branches`, {
      hint: 'give --phase decay with it',
    });
  const names = Object.keys(config.branches ?? {});
  const found = config.branches?.[branch];
  if (found) return found;
  const near = nearest(branch, names);
  throw new UserError(
    `the config has no branch "${branch}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    {
      hint:
        names.length === 0
          ? 'add branches: { short: { data: ..., steps: ..., learning_rate: ... }, ... }'
          : `its branches are: ${names.join(', ')}`,
    },
  );
}

function lastStable(config: TrainConfig): string {
  const folder = path.join(config.out, 'stable');
  const checkpoint = listCheckpoints(folder).at(-1);
  if (checkpoint === undefined) {
    throw new UserError(`no checkpoint to decay from in ${folder}`, {
      hint: 'run `midtrain train <config> --phase stable` first, or give --from <checkpoint>',
    });
  }
  return checkpoint;
}
