/**
 * The count of documents: in = kept + dropped by reason + failed by reason, per unit of work and in total.
 * A job whose ledger does not balance fails. (design.md section 4, "Ledger")
 */
import { UserError } from './errors.ts';

export interface Ledger {
  in: number;
  kept: number;
  /** Documents that a rule dropped, by reason. */
  dropped: Record<string, number>;
  /** Documents that could not be processed, by reason (`unreadable`, `extraction_failed`). */
  failed: Record<string, number>;
}

export function emptyLedger(): Ledger {
  return { in: 0, kept: 0, dropped: {}, failed: {} };
}

/** Adds `n` to `counts[reason]`. */
export function count(counts: Record<string, number>, reason: string, n = 1): void {
  counts[reason] = (counts[reason] ?? 0) + n;
}

/** The sum of several ledgers; reasons come out sorted, so the result does not depend on the order of the parts. */
export function mergeLedgers(parts: readonly Ledger[]): Ledger {
  const total = emptyLedger();
  for (const part of parts) {
    total.in += part.in;
    total.kept += part.kept;
    for (const [reason, n] of Object.entries(part.dropped)) count(total.dropped, reason, n);
    for (const [reason, n] of Object.entries(part.failed)) count(total.failed, reason, n);
  }
  total.dropped = sortKeys(total.dropped);
  total.failed = sortKeys(total.failed);
  return total;
}

export function sumCounts(counts: Record<string, number>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

/** in - (kept + dropped + failed); 0 when the ledger balances. */
export function imbalance(ledger: Ledger): number {
  return ledger.in - ledger.kept - sumCounts(ledger.dropped) - sumCounts(ledger.failed);
}

/** Throws a `UserError` naming `what` when the ledger does not balance. */
export function assertBalanced(ledger: Ledger, what: string): void {
  const off = imbalance(ledger);
  if (off !== 0) {
    throw new UserError(
      `the ledger of ${what} does not balance: ${ledger.in} documents in, ${ledger.kept} kept, ` +
        `${sumCounts(ledger.dropped)} dropped, ${sumCounts(ledger.failed)} failed: ${off} unaccounted for`,
      { hint: 'delete the output folder and run again; if it happens twice, please report it as a bug' },
    );
  }
}

function sortKeys(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
