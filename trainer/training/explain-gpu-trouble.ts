/** Says of a training run that had not enough memory, or lost its device, what it wanted, what would help, and where it goes on from. */
import { messageOf } from '../../src/core/errors.ts';
import { DeviceLostError, OutOfMemoryError } from '../gpu/gpu-errors.ts';
import { describeTraining, mib, type TrainingDescription } from './describe-training.ts';
import type { Phase, TrainConfig } from './train-config.ts';

export interface TroubledRun {
  config: TrainConfig;
  phase: Phase;
  from: string | undefined;
  branch: string | undefined;
  /** The newest valid checkpoint of the run, if it has one. */
  checkpoint: string | undefined;
  /** The step in hand, if it came to steps. */
  step: number | undefined;
}

/** The error to throw instead of `error`; itself where it is neither of the two. */
export async function explainGpuTrouble(error: unknown, run: TroubledRun): Promise<unknown> {
  if (!(error instanceof OutOfMemoryError || error instanceof DeviceLostError)) return error;
  const at = run.step === undefined ? '' : ` at step ${run.step}`;
  const last =
    run.checkpoint === undefined
      ? 'there is no checkpoint yet: the same command begins again'
      : `the last checkpoint is ${run.checkpoint}: the same command goes on from there`;
  if (error instanceof DeviceLostError) {
    return new DeviceLostError(`${error.message}${at}`, {
      hint: `${last}; --max-restarts 3 does so by itself`,
      cause: error,
    });
  }
  const description = await describeTraining(run.config, run.phase, run.from, run.branch).catch(
    () => undefined,
  );
  const wants = description === undefined ? '' : `; ${wanted(description)}`;
  const cures = [...(description === undefined ? [] : curesOf(run.config, description)), last];
  return new OutOfMemoryError(`${messageOf(error)}${at}${wants}`, { hint: cures.join('; '), cause: error });
}

function wanted({ memory }: TrainingDescription): string {
  return `this run wants ${mib(memory.total)}: weights ${mib(memory.weights)}, gradients, moments and inputs ${mib(memory.gradientsAndMoments)}, activations ${mib(memory.activations)}, the largest buffer ${mib(memory.largestBuffer)}`;
}

function curesOf(config: TrainConfig, { memory }: TrainingDescription): string[] {
  const { micro_batch_size: batch, gradient_accumulation_steps: times } = config;
  const saved = memory.activationsOff - memory.activationsBlock;
  return [
    ...(config.activation_checkpointing === 'off' && saved > 0
      ? [`activation_checkpointing: block takes ${mib(saved)} less and gives the same bits`]
      : []),
    ...(batch > 1 && batch % 2 === 0
      ? [
          `micro_batch_size ${batch / 2} with gradient_accumulation_steps ${times * 2} trains the same steps with about half the activations`,
        ]
      : []),
    ...(batch === 1 || batch % 2 !== 0 ? ['lower sequence_length or take a smaller model'] : []),
    'train --dry-run prints what a run needs',
  ];
}
