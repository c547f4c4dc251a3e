/**
 * Where a source of a mixture ends: at the smallest run of units from the first on whose training tokens reach what is needed. One rule for the run
 * that tokenises (unit-queue.ts) and for whoever asks how far it is (source-stand.ts).
 */
import { emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { assertEarlyText } from './source-texts.ts';
import { UnitCounter, type UnitSummary, type UnitTotals } from './unit-summary.ts';
import type { TextSource } from './unit-texts.ts';

export class UsedUnits {
  /** Units used so far. */
  used = 0;
  /** No further unit is used. */
  ended: boolean;
  private readonly source: TextSource;
  private readonly need: number | undefined;
  private readonly counter: UnitCounter;
  /** Of the first units, while none of their records gave a text. */
  private withoutText: Ledger | undefined;

  /** `need`: training tokens, undefined for all there are. `judged`: the units are the source's first, by which it may be refused. */
  constructor(source: TextSource, need: number | undefined, heldoutShare: number, judged = true) {
    this.source = source;
    this.need = need;
    this.counter = new UnitCounter(heldoutShare);
    this.withoutText = judged ? emptyLedger() : undefined;
    // A source of share 0 is not read.
    this.ended = need === 0;
  }

  totals(): UnitTotals {
    return this.counter.totals();
  }

  /** The next unit in order. Throws a `UserError` when the first thousand records, all of them, lack what the template needs. */
  add(summary: UnitSummary): void {
    this.counter.add(summary);
    this.used++;
    if (this.withoutText !== undefined) {
      // In the order of units, so that it is the same for any workers.
      const sum = mergeLedgers([this.withoutText, summary.ledger]);
      this.withoutText = assertEarlyText(this.source, sum, summary.columns) ? undefined : sum;
    }
    this.ended = this.need !== undefined && this.counter.totals().tokens >= this.need;
  }

  /** That was the last unit there is. */
  end(): void {
    this.ended = true;
  }
}
