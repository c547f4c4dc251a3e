/**
 * What others report of Nanotron's speed at about this size: nothing was measured on a GPU here. Used where a description states neither MFU nor
 * tokens a second; each with where it was read, so that a reader can judge how far it is from his machines.
 */
import type { Evidence } from '../core/evidence.ts';

export interface PublishedThroughput {
  mfu: number;
  gpu: string;
  parameters: number;
  evidence: Evidence;
  text: string;
  source: string;
}

/** SmolLM3: 3B, 384 H100 of 8 a node, Nanotron, sequences of 4,096. */
export const smolLm3: PublishedThroughput = {
  mfu: 0.294,
  gpu: 'H100',
  parameters: 3.08e9,
  evidence: 'summary',
  text: "Nanotron trained SmolLM3 (3B, sequences of 4,096) on 384 H100 at 29.4 % MFU, 14k tokens/s/GPU; Nanotron's own benchmark of a model of about this size has 14,167 tokens/s/GPU with tp 2",
  source:
    'tzafon.ai/blog/breaking-40k-tokens, which quotes the SmolLM3 blueprint; ultrascale-playbook, assets/data/benchmarks/tp_sp_scaling.html (model size recalled)',
};
