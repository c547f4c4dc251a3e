/**
 * What `midtrain train` writes to metrics.jsonl at every step, and where each name is from:
 *
 *   loss, grad_norm, learning_rate, entropy, num_tokens   TRL and transformers' Trainer: nats per token; norm before clipping; nats; tokens of
 *                                                          all phases whose loss counted
 *   tokens_per_sec                 nanotron: tokens of a step, padding included, over the mean time of the steps in flight, since results of
 *                                  steps that ran ahead can come together; so tflops and mfu, too
 *   tflops                         torchtitan: 10^12 operations of the model a second (src/core/model-flops.ts; recomputation does not count)
 *   mfu                            torchtitan, verl: share of the speed that large matrix products were measured to reach on this adapter
 *                                  (device.peak of run.json), not of a data sheet's
 *   timing_s/step, timing_s/data   verl: seconds from one step's result to the next; of these, reading data and making batches
 *   memory/max_reserved(GiB)       torchtitan: device buffers that this run made (WebGPU does not tell more)
 *   memory/process(GiB)            resident memory of the process
 *   dataloader/consumed_tokens/<source>   nanotron: tokens of this phase by source of the mixture
 *   eval_loss, eval_loss/<source>  transformers' eval_ prefix: nats per held-out token, every eval_every steps
 *   z_loss, grad_norm_z, skipped   nanotron and llm.c: where they are switched on; 1 for a step that left the weights alone
 *
 * A step's row is written when its result has been read, in order of steps.
 */
import type { MetricRow } from '../../src/core/record.ts';
import type { StepResult } from '../learner/learner.ts';
import type { SourceSoFar } from './mixture-so-far.ts';
import type { Phase, TrainConfig } from './train-config.ts';

export interface StepFacts {
  step: number;
  phase: Phase;
  learningRate: number;
  result: StepResult;
  /** Of the step, padding included. */
  targets: number;
  /** Of all phases so far. */
  tokens: number;
  /** From the last result to this one, and the mean of that over the steps in flight. */
  seconds: number;
  meanSeconds: number;
  dataSeconds: number;
  /** Operations of the model for a token. */
  flopsPerToken: number;
  /** Operations a second that `mfu` is a share of. */
  peak: number;
  /** Bytes of all device buffers. */
  reserved: number;
  sources: readonly SourceSoFar[];
}

const gib = 2 ** 30;

export function stepRow(facts: StepFacts, config: TrainConfig): MetricRow {
  const { result, targets, meanSeconds, flopsPerToken, peak } = facts;
  const speed = (flopsPerToken * targets) / meanSeconds;
  return {
    step: facts.step,
    phase: facts.phase,
    loss: result.loss,
    learning_rate: facts.learningRate,
    grad_norm: result.gradNorm,
    entropy: result.entropy,
    tokens_per_sec: targets / meanSeconds,
    tflops: speed / 1e12,
    mfu: speed / peak,
    num_tokens: facts.tokens,
    'timing_s/step': facts.seconds,
    'timing_s/data': facts.dataSeconds,
    'memory/max_reserved(GiB)': facts.reserved / gib,
    'memory/process(GiB)': process.memoryUsage.rss() / gib,
    ...Object.fromEntries(facts.sources.map((s) => [`dataloader/consumed_tokens/${s.name}`, s.tokens])),
    ...(config.z_loss > 0 ? { z_loss: config.z_loss * result.zLoss } : {}),
    ...(config.optimizer.max_grad_norm_z > 0 ? { grad_norm_z: result.gradNormZ } : {}),
    ...(result.skipped ? { skipped: 1 } : {}),
  };
}
