/** Repetition counted by hand, and what it says of derivations. */
import { describe, expect, it } from 'vitest';
import { gopherRepetition } from '../../src/filters/gopher-repetition.ts';
import { fails } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { measureText } from '../../src/text/measure-text.ts';

function measure(text: string, math: 'plain' | 'masked' = 'plain'): Record<string, number> {
  const values = gopherRepetition.measure(measureText(text, { math }));
  return Object.fromEntries(
    gopherRepetition.signals.map((spec, i) => [spec.name.replace('gopher_repetition.', ''), values[i]!]),
  );
}

function failing(text: string, math: 'plain' | 'masked'): string[] {
  const values = measure(text, math);
  return thresholdSets['gopher-repetition']!.filter((rule) =>
    fails(rule, values[rule.signal.replace('gopher_repetition.', '')]!),
  ).map((rule) => rule.reason);
}

describe('gopher-repetition', () => {
  it('counts repeated lines and paragraphs but their first occurrence', () => {
    const values = measure('one two\n\none two\n\nthree');
    expect(values.dup_para_frac).toBeCloseTo(1 / 3, 12);
    expect(values.dup_para_char_frac).toBeCloseTo(7 / 23, 12);
    expect(values.dup_line_frac).toBeCloseTo(1 / 3, 12);
  });

  it('counts an empty text before and after the outer line ends as lines, as datatrove does', () => {
    expect(measure('a b\n').dup_line_frac).toBe(0);
    expect(measure('\na b\n').dup_line_frac).toBeCloseTo(1 / 3, 12);
  });

  it('counts the top n-gram whole and repeated n-grams once', () => {
    // "a b" twice: 2 x 3 characters of 9; "." is a word, so "b ." and ". a" occur once.
    expect(measure('a b . a b').top_2_gram).toBeCloseTo(6 / 9, 12);
    const five = 'one two three four five';
    expect(measure(`${five} ${five}`).duplicated_5_grams).toBeCloseTo(19 / 47, 12);
  });

  it('is no number over an empty text', () => {
    expect(measure('').top_2_gram).toBeNaN();
  });

  it('drops a derivation written as display equations, and keeps it masked', () => {
    const steps = Array.from({ length: 8 }, (_, i) => `$$ x_{${i + 1}} = x_{${i}} + 1 $$`);
    const prose =
      'We show by induction that every term of this sequence exceeds the one before by exactly one unit.';
    const text = `${prose}\n${steps.join('\n')}\nHence the claim follows for all natural numbers at once.`;
    expect(failing(text, 'plain')).not.toEqual([]);
    expect(failing(text, 'masked')).toEqual([]);
  });

  it('still drops a formula pasted many times', () => {
    const text = Array.from({ length: 12 }, () => '$$ \\int_0^1 x^2 dx $$').join('\n\n');
    expect(failing(text, 'masked')).not.toEqual([]);
  });
});
