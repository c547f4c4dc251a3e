/**
 * How a token is drawn from its logits, in the names and the order of transformers' `generate`: temperature, then top_k, then top_p of what
 * top_k left, then min_p. Tokens as likely as the last one kept are all kept (transformers keeps some of them, its sort being unstable).
 *
 * The log-probability reported with a token is of the whole vocabulary at this temperature, before any cut: what the trainer computes from
 * logits / temperature, so that importance ratios compare like with like (TRL does the same; vLLM's `processed_logprobs` would renormalise).
 */
import { noToken } from '../../kernels/sample/reference.ts';

export interface SamplingParams {
  /** 0 takes the likeliest token (the lower id of equals), whatever the other three say. */
  temperature: number;
  /** Draw from the `top_k` likeliest; 0: all. */
  top_k: number;
  /** Draw from the likeliest tokens that hold this share together; 1: all. */
  top_p: number;
  /** Draw from tokens at least this share as likely as the likeliest; 0: all. */
  min_p: number;
}

const floatBits = new Float32Array(1);
const bits = new Uint32Array(floatBits.buffer);
function bitsOf(value: number): number {
  floatBits[0] = value;
  return bits[0]!;
}

/** A row's settings for kernels/sample: the device knows the first three end tokens, the caller checks for more. */
export function settingsOf(
  { temperature, top_k, top_p, min_p }: SamplingParams,
  seed: number,
  endTokens: readonly number[],
): Uint32Array {
  return Uint32Array.of(
    seed,
    temperature === 0 ? 0 : bitsOf(1 / temperature),
    top_k,
    bitsOf(top_p),
    bitsOf(min_p === 0 ? -3e38 : Math.log(min_p)),
    ...[0, 1, 2].map((i) => endTokens[i] ?? noToken),
  );
}
