import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersFirst, repeats } from '../../src/signatures/repetition.ts';

describe('repeats', () => {
  it('finds a unit of five characters five times in a row, and not four times', () => {
    expect(repeats(`The answer is ${'abcde'.repeat(5)}.`)).toBe(true);
    expect(repeats(`The answer is ${'abcde'.repeat(4)}.`)).toBe(false);
    expect(repeats(`\\boxed{4}${' Solution'.repeat(30)}`)).toBe(true);
    expect(repeats('12 + 13: tens and ones give 25. The answer is \\boxed{25}.')).toBe(false);
  });

  it('does not see a repetition across line breaks, as the regular expression does not', () => {
    for (const end of ['\n', '\r', '\u2028', '\u2029'])
      expect(repeats(`Solution${end}`.repeat(9))).toBe(false);
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
      { numRuns: 2000 },
    );
  });

  it('finds a loop anywhere in a long text, also across the pieces it is looked at in', () => {
    const sound = (n: number) => Array.from({ length: n }, (_, i) => `${(i * 7919) % 10007}`).join(' ');
    for (const before of [0, 3300, 3400, 6700])
      expect(repeats(`${sound(before)}${'go on and on; '.repeat(5)}${sound(4000)}`)).toBe(true);
    expect(repeats(sound(20_000))).toBe(false);
  });

  it('takes linear time on texts made to be slow', () => {
    let [shorter, fibonacci] = ['a', 'ab'];
    while (fibonacci.length < 400_000) [shorter, fibonacci] = [fibonacci, fibonacci + shorter];
    const nearly = 'aaaaaaaaaaaaaaaaaaaaaaaab'.repeat(4).concat('c').repeat(3000);
    for (const text of [fibonacci, 'aaaa\n'.repeat(80_000), nearly]) {
      const time = (n: number): number => {
        const began = performance.now();
        repeats(text.slice(0, n));
        return performance.now() - began;
      };
      time(50_000);
      // 1.5 us a character was measured; a quadratic search needs minutes.
      expect(time(text.length)).toBeLessThan(6000);
    }
  });
});

describe('answersFirst', () => {
  it('knows an answer before any reasoning', () => {
    for (const text of [
      '\\boxed{3}',
      ' \\boxed:{} and on',
      '$\\boxed{3}$ Solution',
      '\\[ \\boxed{1} \\]',
      'Answer: $\\boxed{2}$',
      'The final answer is \\boxed{2}. Solution',
    ])
      expect(answersFirst(text)).toBe(true);
    for (const text of ['3 + 4 = 7, so \\boxed{7}', 'boxed', '', '\\boxedx', 'The sum is 7. \\boxed{7}'])
      expect(answersFirst(text)).toBe(false);
  });
});
