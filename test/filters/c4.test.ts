/** C4's rules counted by hand, the lines that go, and what happens to pages with braces. */
import { describe, expect, it } from 'vitest';
import { c4 } from '../../src/filters/c4.ts';
import { badWordsFamily, parseBadWords } from '../../src/filters/c4-badwords.ts';
import { cleanC4Lines } from '../../src/filters/clean-c4-lines.ts';
import { fails } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { measureText } from '../../src/text/measure-text.ts';
import { countSentences } from '../../src/text/sentences.ts';

function measure(text: string, math: 'plain' | 'masked' = 'plain'): Record<string, number> {
  const values = c4.measure(measureText(text, { math }));
  return Object.fromEntries(c4.signals.map((spec, i) => [spec.name, values[i]!]));
}

const failing = (set: string, values: Record<string, number>): string | undefined =>
  thresholdSets[set]!.find((rule) => fails(rule, values[rule.signal]!))?.reason;

describe('c4', () => {
  const page = [
    'This line is fine and ends well. It has two sentences.',
    'This one ends openly',
    'Too short.',
    'Please enable JavaScript to go on here.',
    'We use cookies on this page, dear reader.',
    'A fact with a source.[12][citation needed]',
    `A long ${'x'.repeat(1001)} word.`,
    'And so on...',
    '',
  ].join('\r\n');

  it('counts the lines that break each rule, and sentences with and without end punctuation', () => {
    expect(measure(page)).toMatchObject({
      'c4.line_count': 8,
      'c4.long_word_lines': 1,
      'c4.open_lines': 2,
      'c4.few_word_lines': 1,
      'c4.javascript_lines': 1,
      'c4.policy_lines': 1,
      'c4.citations': 2,
      'c4.sentence_count': 3,
      'c4.sentence_count_any_end': 5,
    });
  });

  it('takes the same lines out', () => {
    expect(cleanC4Lines(page)).toBe(
      'This line is fine and ends well. It has two sentences.\nA fact with a source.',
    );
    expect(cleanC4Lines(page, { requireEndPunctuation: false }).split('\n')).toHaveLength(4);
    expect(
      cleanC4Lines(page, {
        requireEndPunctuation: false,
        fewestWords: 0,
        longestWord: 2000,
        javascript: false,
        policy: false,
        citations: false,
      }),
    ).toBe(page.trim().replaceAll('\r\n', '\n'));
  });

  it('sees braces and lorem ipsum only on lines that stay', () => {
    expect(measure('An open line with { in it\nA closed line with nothing.')).toMatchObject({
      'c4.curly_bracket_lines': 0,
      'c4.curly_bracket_lines_any_end': 1,
    });
    expect(measure('Javascript says lorem ipsum { here.')).toMatchObject({
      'c4.lorem_ipsum_lines': 1,
      'c4.curly_bracket_lines': 0,
    });
  });

  it('drops a page of formulas for its braces, and keeps it with formulas masked', () => {
    const text = Array.from(
      { length: 6 },
      (_, i) => `By the lemma we have $\\frac{a_{${i}}}{b}$ for every index.`,
    ).join('\n');
    expect(failing('c4', measure(text, 'plain'))).toBe('curly_bracket');
    expect(failing('c4', measure(text, 'masked'))).toBeUndefined();
    const sets = `${text}\nThe set {1, 2, 3} has three elements.`;
    expect(failing('c4', measure(sets, 'masked'))).toBe('curly_bracket');
    expect(failing('c4-math', measure(sets, 'masked'))).toBeUndefined();
  });

  it('leaves lines with formulas in place, citation marks inside them too', () => {
    const text = 'We use $f[1]$ as said before.[3]\n$$\nx = 1\n$$\nOpen line without a mark';
    expect(cleanC4Lines(text)).toBe('We use $f[1]$ as said before.\n$$\nx = 1\n$$');
    expect(cleanC4Lines(text, { math: 'plain' })).toBe('We use $f$ as said before.');
  });

  it('takes no longer than linear time on one long line and on many', () => {
    const before = process.cpuUsage().user;
    measure('word[1] '.repeat(250_000));
    measure('.\n'.repeat(500_000));
    cleanC4Lines('$x$ [1] '.repeat(100_000));
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(6);
  });
});

describe('countSentences', () => {
  it.each([
    ['', 0],
    ['   ', 0],
    ['one', 1],
    ['One. Two! Three?', 3],
    ['Costs 3.50, e.g. here, says Mr. Smith.', 1],
    ['He said "no." Then left.', 2],
    ['Wait... what', 1],
    ['End.) Next', 2],
    ['好。好', 1],
  ])('%j has %i', (text, count) => {
    expect(countSentences(text)).toBe(count);
  });
});

describe('c4-badwords', () => {
  const count = (list: string, text: string, anywhere = false): number =>
    badWordsFamily(parseBadWords(list), { anywhere }).measure(measureText(text, { math: 'plain' }))[0]!;

  it('counts entries between characters of no word, phrases and symbols too', () => {
    expect(count('foo\nbar baz\n', 'Foo, a BAR BAZ and food.')).toBe(2);
    expect(count('foo\n', 'foo_bar éfoo food')).toBe(0);
    expect(count('🖕\n', 'so 🖕 there')).toBe(1);
    expect(count('🖕\n', 'so a🖕 there')).toBe(0);
    expect(count('foo', 'a fool', true)).toBe(1);
  });
});
