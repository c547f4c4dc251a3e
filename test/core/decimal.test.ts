/**
 * Decimals as exact integers and text.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalText, decimalToBigInt } from '../../src/core/decimal.ts';

describe('decimal', () => {
  it('reads two-complement words of any width', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), (value) => {
        const words = Uint32Array.from({ length: 4 }, (_, i) =>
          Number(BigInt.asUintN(32, value >> BigInt(32 * i))),
        );
        expect(decimalToBigInt(words, 0, 4)).toBe(value);
      }),
    );
  });

  it('writes exactly as many digits as the scale says', () => {
    expect(decimalText(12345n, 2)).toBe('123.45');
    expect(decimalText(-5n, 3)).toBe('-0.005');
    expect(decimalText(7n, 0)).toBe('7');
    expect(decimalText(-100n, 2)).toBe('-1.00');
  });
});
