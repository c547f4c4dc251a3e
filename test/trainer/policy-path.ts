/** A policy loss of given logits, the way a learner computes it, by the plain-loop references in double precision. For tests. */
import { logitsGradientKernel, logProbabilitiesKernel } from '../../kernels/cross-entropy/spec.ts';
import {
  declarePolicy,
  type PolicyOptions,
  policyTermsPerRow,
  recordPolicyLoss,
} from '../../trainer/learner/policy-plan.ts';
import { PlanBuilder } from '../../trainer/plan/plan.ts';
import { ReferenceExecutor } from '../../trainer/plan/reference-executor.ts';

export interface PolicySequence {
  /** (tokens, vocabulary). */
  logits: readonly (readonly number[])[];
  ids: readonly number[];
  old: readonly number[];
  reference: readonly number[];
  advantage: number;
  /** Share of the loss of each token; 0 leaves the sequence out. */
  share: number;
}

export interface PolicyPath {
  /** Of the whole batch, without the entropy bonus. */
  loss: number;
  /** Per sequence and token. */
  logpGradients: number[][];
  logitGradients: number[][][];
  /** Per sequence, (tokens, 5): see learner.ts. */
  terms: Float32Array[];
}

export const plainPolicy: PolicyOptions = {
  epsLow: 0.2,
  epsHigh: 0.2,
  delta: 0,
  beta: 0,
  kl: 'k3',
  biasCorrection: true,
  ratioOf: 'token',
};

export function policyPath(
  sequences: readonly PolicySequence[],
  policy: PolicyOptions,
  entropyBonus = 0,
): PolicyPath {
  const rows = sequences.reduce((total, { ids }) => total + ids.length, 0);
  const vocab = sequences[0]!.logits[0]!.length;
  const builder = new PlanBuilder();
  const tensor = (name: string, size: number, type: 'f32' | 'u32' = 'f32') =>
    builder.tensor(name, size, 'persistent', type);
  const logits = tensor('logits', rows * vocab);
  const targets = tensor('targets', rows, 'u32');
  const stats = tensor('stats', rows * 4);
  const weights = tensor('weights', rows * 2);
  const nothing = tensor('nothing', 4);
  const declared = declarePolicy(builder, rows, policy);
  const scalars = { rows, vocab, first: 0, inv_temperature: 1, softcap: 0, use_softcap: 0 };
  builder.program('policy');
  builder.run(logProbabilitiesKernel, { logits, targets, stats }, scalars);
  recordPolicyLoss(builder, policy, declared, { stats, weights, nothing, rows });
  builder.run(logitsGradientKernel, { targets, stats, weights, logits }, { ...scalars, z_loss: 0 });
  const executor = new ReferenceExecutor(builder.finish());
  const inputs = sequences.flatMap(({ ids, old, reference, advantage, share }) =>
    ids.flatMap((_, t) => [old[t]!, advantage, share, reference[t]!]),
  );
  executor.write(logits, Float64Array.from(sequences.flatMap((s) => s.logits.flat())));
  executor.write(targets, Uint32Array.from(sequences.flatMap((s) => [...s.ids])));
  executor.write(declared.inputs, Float64Array.from(inputs));
  executor.write(declared.options, Float64Array.of(entropyBonus, 0, 0, 0));
  const firsts: number[] = [];
  let at = 0;
  for (const { ids } of sequences) {
    firsts.push(at);
    at += ids.length;
  }
  if (declared.spans) {
    const spans = new Uint32Array(declared.spans.size);
    const counted = sequences.flatMap(({ ids, share }, s) => (share === 0 ? [] : [firsts[s]!, ids.length]));
    spans.set([counted.length / 2, ...counted]);
    executor.write(declared.spans, spans);
  }
  executor.run('policy');
  const terms = Float64Array.from(executor.values(declared.terms));
  const slopes = executor.values(weights);
  const gradients = executor.values(logits);
  const perRow = <T>(of: (row: number) => T): T[][] =>
    sequences.map(({ ids }, s) => ids.map((_, t) => of(firsts[s]! + t)));
  return {
    loss: perRow((row) => terms[row * policyTermsPerRow]!)
      .flat()
      .reduce((a, b) => a + b, 0),
    logpGradients: perRow((row) => slopes[row * 2]!),
    logitGradients: perRow((row) => [...gradients.subarray(row * vocab, (row + 1) * vocab)]),
    terms: sequences.map(({ ids }, s) =>
      Float32Array.from(
        terms.subarray(firsts[s]! * policyTermsPerRow, (firsts[s]! + ids.length) * policyTermsPerRow),
      ),
    ),
  };
}

/** log softmax of a row of logits at a token, and the entropy of the row. */
export function logSoftmax(logits: readonly number[], token: number): { logp: number; entropy: number } {
  const most = Math.max(...logits);
  const lse = most + Math.log(logits.reduce((total, z) => total + Math.exp(z - most), 0));
  const entropy = logits.reduce((total, z) => total - Math.exp(z - lse) * (z - lse), 0);
  return { logp: logits[token]! - lse, entropy };
}
