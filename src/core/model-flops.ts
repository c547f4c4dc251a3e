/**
 * Arithmetic of training a decoder, counted as usual, a multiplication and an addition as two: a token costs 6 operations for each parameter
 * that a matrix product uses (2 forward, 4 backward), and attention 12 x layers x width x sequence length. Sources: Kaplan et al. 2020 section
 * 2.1 (6 N), PaLM (Chowdhery et al. 2022) appendix B (both terms; attention is counted in full, though half of it is masked), and nanotron
 * `models/llama.py` get_flops, which agrees. Recomputation, the optimizer and norms are left out, so a trainer does a little more.
 */

/** What decides the arithmetic of a decoder. trainer/model/model-shapes.ts has those of known models. */
export interface ModelShape {
  name: string;
  /** All of them, as published. */
  parameters: number;
  /** Those of an input table that no product uses; 0 where the output head is tied to it and so uses it. */
  embeddingParameters: number;
  layers: number;
  /** Width of the residual stream. */
  hidden: number;
  heads: number;
  /** Heads x their size, where that is not `hidden`. */
  attentionWidth?: number;
  vocabSize: number;
}

/** Arithmetic of training on one token of a sequence of `sequenceLength`. */
export function flopsPerToken(model: ModelShape, sequenceLength: number): number {
  const products = model.parameters - model.embeddingParameters;
  return 6 * products + 12 * model.layers * (model.attentionWidth ?? model.hidden) * sequenceLength;
}
