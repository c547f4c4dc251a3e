/** Says of a GRPO run that had not enough memory, or lost its device, what it wanted, what would help, and where it goes on from. */
import { messageOf } from '../../src/core/errors.ts';
import { DeviceLostError, OutOfMemoryError } from '../gpu/gpu-errors.ts';
import { listCheckpoints } from '../learner/checkpoint.ts';
import type { GrpoConfig } from './config.ts';
import { describeGrpo, type GrpoDescription, mib } from './describe-grpo.ts';

/** The error to throw instead of `error`; itself where it is neither of the two. `folder`: where relative paths of reward modules start. `step`: the one in hand, if it came to steps. */
export async function explainGrpoTrouble(
  error: unknown,
  config: GrpoConfig,
  folder: string,
  step: number | undefined,
): Promise<unknown> {
  if (!(error instanceof OutOfMemoryError || error instanceof DeviceLostError)) return error;
  const at = step === undefined ? '' : ` at step ${step}`;
  const checkpoint = listCheckpoints(config.out).at(-1);
  const last =
    checkpoint === undefined
      ? 'there is no checkpoint yet: the same command begins again'
      : `the last checkpoint is ${checkpoint}: the same command goes on from there`;
  if (error instanceof DeviceLostError) {
    const hint = `${last}; --max-restarts 3 does so by itself`;
    return new DeviceLostError(`${error.message}${at}`, { hint, cause: error });
  }
  const described = await describeGrpo(config, folder).catch(() => undefined);
  const wants = described === undefined ? '' : `; ${wanted(described)}`;
  const cures = [...curesOf(config), last];
  return new OutOfMemoryError(`${messageOf(error)}${at}${wants}`, { hint: cures.join('; '), cause: error });
}

function wanted({ memory }: GrpoDescription): string {
  const { weights, gradientsAndMoments, activations, reference, total } = memory;
  return `this run wants ${mib(total)} and the cache of its samplers: weights ${mib(weights)}, gradients, moments and inputs ${mib(gradientsAndMoments)}, activations ${mib(activations)}${reference === 0 ? '' : `, reference model ${mib(reference)}`}`;
}

function curesOf(config: GrpoConfig): string[] {
  const { micro_batch_size: batch } = config;
  return [
    ...(config.activation_checkpointing === 'off'
      ? ['activation_checkpointing: block takes less and gives the same bits']
      : []),
    ...(batch > 1
      ? [
          `micro_batch_size ${Math.floor(batch / 2)} takes about half the activations and computes the same updates`,
        ]
      : []),
    ...(config.beta > 0 ? ['beta: 0 needs no reference model'] : []),
    'lower max_completion_length',
    'grpo --dry-run prints what a run needs',
  ];
}
