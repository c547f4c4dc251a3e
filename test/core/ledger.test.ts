/**
 * The ledger: sums, balance, and that the order of the parts does not show in the total.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import {
  assertBalanced,
  count,
  emptyLedger,
  imbalance,
  type Ledger,
  mergeLedgers,
} from '../../src/core/ledger.ts';

const reasons = fc.dictionary(
  fc.constantFrom('gopher_short_doc', 'duplicate_exact', 'unreadable'),
  fc.nat(1000),
);
const balanced: fc.Arbitrary<Ledger> = fc
  .record({ kept: fc.nat(1000), dropped: reasons, failed: reasons })
  .map(({ kept, dropped, failed }) => {
    const out = [...Object.values(dropped), ...Object.values(failed)].reduce((a, b) => a + b, 0);
    return { in: kept + out, kept, dropped, failed };
  });

describe('ledger', () => {
  it('balances when empty', () => {
    expect(imbalance(emptyLedger())).toBe(0);
  });

  it('says how many documents are missing and where', () => {
    const ledger = emptyLedger();
    ledger.in = 10;
    ledger.kept = 6;
    count(ledger.dropped, 'gopher_short_doc', 2);
    count(ledger.failed, 'unreadable');
    expect(imbalance(ledger)).toBe(1);
    expect(() => assertBalanced(ledger, 'unit a')).toThrow(UserError);
    expect(() => assertBalanced(ledger, 'unit a')).toThrow(
      /unit a .*10 documents in, 6 kept, 2 dropped, 1 failed: 1 unaccounted/,
    );
  });

  it('merges balanced parts into a balanced total, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(balanced, { maxLength: 6 }), (parts) => {
        const total = mergeLedgers(parts);
        expect(imbalance(total)).toBe(0);
        expect(JSON.stringify(mergeLedgers([...parts].reverse()))).toBe(JSON.stringify(total));
        expect(total.kept).toBe(parts.reduce((n, part) => n + part.kept, 0));
      }),
    );
  });

  it('does not hide a part that does not balance behind another', () => {
    const short: Ledger = { in: 5, kept: 4, dropped: {}, failed: {} };
    expect(imbalance(mergeLedgers([short, emptyLedger()]))).toBe(1);
  });
});
