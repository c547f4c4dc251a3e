/**
 * One ledger for a staged pipeline: of the documents that go in, what each step on the way dropped and why, and what came out. The way's
 * ledgers must join: what a step hands on is what the next one gets.
 */
import { invariant } from '../core/errors.ts';
import { assertBalanced, count, emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import type { StepPlan } from '../stages/plan-steps.ts';
import type { StepOutcome } from './step-context.ts';
import type { PaidTokens } from './step-marker.ts';

export interface StagedSummary {
  /** Reasons are `<step>.<reason>`. */
  ledger: Ledger;
  reasons: Record<string, number>;
  /** The steps on the way, in order. */
  stages: { name: string; ledger: Ledger }[];
  /** All steps in the order they ran. */
  steps: {
    name: string;
    step: string;
    onTheWay: boolean;
    reused: boolean;
    ledger: Ledger;
    facts: Record<string, string | number>;
    warnings: string[];
    paid: PaidTokens | null;
  }[];
  paid: PaidTokens;
  /** Requests that went out and brought no answer, in all runs so far: the endpoint may have charged for these as well. */
  possiblyPaidTwice: number;
  bytesOut: number;
}

/** Throws when the ledgers do not join or do not balance. */
export function summariseSteps(plan: StepPlan, outcomes: readonly StepOutcome[]): StagedSummary {
  const way = plan.way.map((name) => outcomes.find(({ step }) => step.name === name)!);
  const ledger = emptyLedger();
  ledger.in = way[0]!.result.ledger.in;
  ledger.kept = way.at(-1)!.result.ledger.kept;
  let before: StepOutcome | undefined;
  for (const outcome of way) {
    const { name } = outcome.step;
    const own = outcome.result.ledger;
    assertBalanced(own, `the step ${name}`);
    invariant(
      before === undefined || before.result.ledger.kept === own.in,
      `${name} got ${own.in} documents of ${before?.result.ledger.kept}`,
    );
    for (const [reason, n] of Object.entries(own.dropped)) count(ledger.dropped, `${name}.${reason}`, n);
    for (const [reason, n] of Object.entries(own.failed)) count(ledger.failed, `${name}.${reason}`, n);
    before = outcome;
  }
  assertBalanced(ledger, `the pipeline ${plan.name}`);
  const paid = sumPaid(outcomes.map(({ result }) => result.paid));
  const sorted = mergeLedgers([ledger]);
  const reasons = Object.entries({ ...ledger.dropped, ...ledger.failed }).sort(
    ([a, x], [b, y]) => y - x || (a < b ? -1 : 1),
  );
  return {
    ledger: sorted,
    reasons: Object.fromEntries(reasons),
    // Merged, so that keys come in one order, whether a ledger was made now or read from a marker.
    stages: way.map(({ step, result }) => ({ name: step.name, ledger: mergeLedgers([result.ledger]) })),
    steps: outcomes.map(({ step, result, reused }) => ({
      name: step.name,
      step: step.config.step,
      onTheWay: plan.way.includes(step.name),
      reused,
      ledger: mergeLedgers([result.ledger]),
      facts: Object.fromEntries(Object.entries(result.facts).sort(([a], [b]) => (a < b ? -1 : 1))),
      warnings: result.warnings,
      paid: result.paid ?? null,
    })),
    paid,
    possiblyPaidTwice: outcomes.reduce((sum, { result }) => sum + (result.possiblyPaidTwice ?? 0), 0),
    bytesOut: way.at(-1)!.result.outputs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

export function sumPaid(parts: readonly (PaidTokens | undefined)[]): PaidTokens {
  const total: PaidTokens = { requests: 0, promptTokens: 0, completionTokens: 0 };
  for (const part of parts) {
    total.requests += part?.requests ?? 0;
    total.promptTokens += part?.promptTokens ?? 0;
    total.completionTokens += part?.completionTokens ?? 0;
  }
  return total;
}
