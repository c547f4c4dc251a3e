/**
 * Chains of thought kept of what a model drew: right answers that ended by themselves, each response to a problem once, so many a problem. Rejection
 * sampling, in other words; the ledger says where everything that was asked for went. Pure.
 */
import type { GradedProblem } from '../../trainer/evaluation/graded-problem.ts';

export interface Chain {
  id: string;
  question: string;
  /** What follows the prompt, as it was drawn, so that it trains the tokens that were drawn. */
  response: string;
  /** The reference answer. */
  answer: string;
}

export interface ChainLedger {
  /** Samples drawn: kept + dropped by reason. */
  asked: number;
  kept: number;
  /** The first of these reasons that holds. */
  dropped: { truncated: number; wrong: number; short: number; duplicate: number; surplus: number };
  problems: number;
  /** Problems with at least one chain. */
  solved: number;
}

export interface ChainRules {
  keep: 'verified' | 'all';
  /** Most chains of a problem. */
  perProblem: number;
  /** Tokens; shorter ones are left out. */
  minTokens: number;
}

export function chooseChains(
  problems: readonly GradedProblem[],
  { keep, perProblem, minTokens }: ChainRules,
): { chains: Chain[]; ledger: ChainLedger } {
  const chains: Chain[] = [];
  const dropped = { truncated: 0, wrong: 0, short: 0, duplicate: 0, surplus: 0 };
  let asked = 0;
  let solved = 0;
  for (const { id, question, expected, completions, correct, truncated, lengths } of problems) {
    const taken = new Set<string>();
    for (const [i, completion] of completions.entries()) {
      asked++;
      const response = completion.trimEnd();
      if (truncated[i]) dropped.truncated++;
      else if (keep === 'verified' && !correct[i]) dropped.wrong++;
      else if (response === '' || lengths[i]! < minTokens) dropped.short++;
      else if (taken.has(response)) dropped.duplicate++;
      else if (taken.size === perProblem) dropped.surplus++;
      else {
        taken.add(response);
        chains.push({ id: `${id}#${i}`, question, response, answer: expected });
      }
    }
    if (taken.size > 0) solved++;
  }
  return { chains, ledger: { asked, kept: chains.length, dropped, problems: problems.length, solved } };
}

export function chainLines(chains: readonly Chain[]): string {
  return chains.map((chain) => `${JSON.stringify(chain)}\n`).join('');
}
