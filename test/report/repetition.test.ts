import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxedFirst, repeats } from '../../src/report/repetition.ts';

describe('repeats', () => {
  it('finds a unit of five characters five times in a row, and not four times', () => {
    expect(repeats(`The answer is ${'abcde'.repeat(5)}.`)).toBe(true);
    expect(repeats(`The answer is ${'abcde'.repeat(4)}.`)).toBe(false);
    expect(repeats(`\\boxed{4}${' Solution'.repeat(30)}`)).toBe(true);
    expect(repeats('12 + 13: tens and ones give 25. The answer is \\boxed{25}.')).toBe(false);
  });

  it('does not see a repetition across line breaks, as the regular expression does not', () => {
    expect(repeats('Solution\n'.repeat(9))).toBe(false);
  });

  it("agrees with the paper's regular expression on short texts of few letters", () => {
    const pattern = /(.{5,}?)\1{4,}/;
    const text = fc.array(fc.constantFrom('a', 'b', '\n'), { maxLength: 24 }).map((cs) => cs.join(''));
    const looped = fc
      .tuple(
        text,
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 4, maxLength: 8 }),
        fc.integer({ min: 3, max: 6 }),
        text,
      )
      .map(([before, unit, times, after]) => before + unit.join('').repeat(times) + after);
    fc.assert(
      fc.property(fc.oneof(text, looped), (t) => {
        expect(repeats(t)).toBe(pattern.test(t));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes bounded time on a text made to be slow', () => {
    const began = performance.now();
    repeats(`${'a'.repeat(4)}b`.repeat(3).concat('a'.repeat(200_000).replace(/(a{997})a/g, '$1b')));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('boxedFirst', () => {
  it('knows an answer before any reasoning', () => {
    for (const text of ['\\boxed{3}', ' \\boxed:{} and on', '$\\boxed{3}$ Solution', '\\[ \\boxed{1} \\]'])
      expect(boxedFirst(text)).toBe(true);
    for (const text of ['3 + 4 = 7, so \\boxed{7}', 'boxed', '', '\\boxedx'])
      expect(boxedFirst(text)).toBe(false);
  });
});
