/**
 * The token head in chunks of rows: logits exist for one chunk at a time, never for the whole batch (torchtitan's chunked loss; TRL's
 * most frequent out-of-memory). From hidden (R, D): stats (R, 4), and for training dHidden (R, D) and the head's gradient.
 */
import { logitsGradientKernel, logProbabilitiesKernel } from '../../kernels/cross-entropy/spec.ts';
import type { Scalars } from '../../kernels/kernel.ts';
import { type PlanBuilder, type Tensor, windowAlignment } from '../plan/plan.ts';
import type { ModelConfig } from './config.ts';
import { recordLinear, recordLinearInputGradient, recordLinearWeightGradient } from './linear.ts';

/** Consecutive rows of the head: the first and how many. */
export interface VocabularyBlock {
  tensor: Tensor;
  first: number;
  rows: number;
}

export interface HeadTensors {
  hidden: Tensor;
  /** The head weight (V, D), the embedding itself when tied, in blocks of rows. */
  w: readonly VocabularyBlock[];
  /** (R) u32, the next token of each row; any valid id where the weight is 0. */
  targets: Tensor;
  /** (R, 4): log-probability of the target, log-sum-exp, entropy, argmax. */
  stats: Tensor;
  nothing: Tensor;
}

export interface HeadOptions {
  rows: number;
  config: ModelConfig;
  /** Bytes that logits may take at a time. */
  logitsBytes: number;
  /** 1 / temperature that log-probabilities are taken at. */
  inverseTemperature: number;
  /** Coefficient of the z-loss. */
  zLoss: number;
}

interface Chunk {
  first: number;
  rows: number;
  hidden: Tensor;
  logits: Tensor;
}

/** Rows of a chunk: as many as the budget holds, a multiple of the window alignment so that each chunk is a window. */
export function chunkRows(rows: number, vocabSize: number, logitsBytes: number): number {
  const fit = Math.floor(logitsBytes / (vocabSize * 4) / windowAlignment) * windowAlignment;
  return Math.min(rows, Math.max(windowAlignment, fit));
}

function chunksOf(builder: PlanBuilder, head: HeadTensors, options: HeadOptions): Chunk[] {
  const { rows, config } = options;
  const size = chunkRows(rows, config.vocabSize, options.logitsBytes);
  const chunks: Chunk[] = [];
  for (let first = 0; first < rows; first += size) {
    const n = Math.min(size, rows - first);
    chunks.push({
      first,
      rows: n,
      hidden:
        first === 0 && n === rows
          ? head.hidden
          : builder.view(head.hidden, `hidden ${first}`, first * config.dim, n * config.dim),
      logits: builder.tensor(`logits ${first}`, n * config.vocabSize),
    });
  }
  return chunks;
}

/** What the log-probability kernels take. */
function statsScalars({ config, inverseTemperature }: HeadOptions, chunk: Chunk): Scalars {
  return {
    rows: chunk.rows,
    vocab: config.vocabSize,
    first: chunk.first,
    inv_temperature: inverseTemperature,
    ...logitScalars(config),
  };
}

/** The scalars of a soft cap on logits, for every kernel that reads them. */
export function logitScalars(config: ModelConfig): { softcap: number; use_softcap: number } {
  const softcap = config.logitSoftcap ?? 0;
  return { softcap, use_softcap: softcap === 0 ? 0 : 1 };
}

/** Logits (rows, V) of x (rows, D), block by block of the vocabulary into ranges of columns. */
export function recordLogits(
  builder: PlanBuilder,
  head: { w: readonly VocabularyBlock[]; nothing: Tensor },
  { dim, vocabSize }: ModelConfig,
  { x, y, rows }: { x: Tensor; y: Tensor; rows: number },
): void {
  for (const { tensor: w, first, rows: outputs } of head.w) {
    const columns = { first, of: vocabSize };
    recordLinear(builder, head, { x, w, y, rows, inputs: dim, outputs, columns });
  }
}

function recordStats(builder: PlanBuilder, head: HeadTensors, options: HeadOptions, chunk: Chunk): void {
  recordLogits(builder, head, options.config, { x: chunk.hidden, y: chunk.logits, rows: chunk.rows });
  builder.run(
    logProbabilitiesKernel,
    { logits: chunk.logits, targets: head.targets, stats: head.stats },
    statsScalars(options, chunk),
  );
}

/** Log-probabilities only (evaluation, old log-probabilities). */
export function recordHeadForward(builder: PlanBuilder, head: HeadTensors, options: HeadOptions): void {
  for (const chunk of chunksOf(builder, head, options)) recordStats(builder, head, options, chunk);
}

/**
 * Log-probabilities, then the gradient of sum(weights.x * logp + weights.y * entropy). `betweenPasses` records what turns stats into
 * weights (the policy loss); with more than one chunk it costs computing the logits a second time. Without it the weights are known
 * beforehand (cross-entropy) and each chunk goes through once. Returns dHidden (R, D).
 */
export function recordHeadTraining(
  builder: PlanBuilder,
  head: HeadTensors,
  options: HeadOptions,
  training: { weights: Tensor; dW: readonly VocabularyBlock[]; betweenPasses?: () => void },
): Tensor {
  const { rows, config } = options;
  const { dim, vocabSize } = config;
  const chunks = chunksOf(builder, head, options);
  const dHidden = builder.tensor('dHidden', rows * dim);
  const recompute = training.betweenPasses !== undefined && chunks.length > 1;
  if (training.betweenPasses) {
    for (const chunk of chunks) recordStats(builder, head, options, chunk);
    training.betweenPasses();
  }
  for (const chunk of chunks) {
    let logits = chunk.logits;
    if (!training.betweenPasses) recordStats(builder, head, options, chunk);
    else if (recompute) {
      logits = builder.tensor(`logits again ${chunk.first}`, chunk.rows * vocabSize);
      recordLogits(builder, head, config, { x: chunk.hidden, y: logits, rows: chunk.rows });
    }
    builder.run(
      logitsGradientKernel,
      { targets: head.targets, stats: head.stats, weights: training.weights, logits },
      { ...statsScalars(options, chunk), z_loss: options.zLoss },
    );
    const whole = chunk.first === 0 && chunk.rows === rows;
    const dChunk = whole
      ? dHidden
      : builder.view(dHidden, `dHidden ${chunk.first}`, chunk.first * dim, chunk.rows * dim);
    head.w.forEach((block, i) => {
      const columns = { first: block.first, of: vocabSize };
      const sizes = { rows: chunk.rows, inputs: dim, outputs: block.rows, columns };
      const dW = training.dW[i]!.tensor;
      recordLinearInputGradient(builder, {
        dy: logits,
        w: block.tensor,
        dx: dChunk,
        ...sizes,
        accumulate: i > 0,
      });
      recordLinearWeightGradient(builder, { dy: logits, x: chunk.hidden, w: block.tensor, dW, ...sizes });
    });
  }
  return dHidden;
}
