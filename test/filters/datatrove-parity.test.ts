/** Gopher and FineWeb quality against datatrove's own test cases and boundary cases replayed with datatrove. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { familyNamed } from '../../src/filters/families.ts';
import { fails, type Rule } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { measureText } from '../../src/text/measure-text.ts';

const folder = new URL('../../../shared/parity/', import.meta.url);
const available = existsSync(new URL('datatrove-filters.jsonl', folder));

interface Case {
  id: string;
  filter: string;
  params: Record<string, number | boolean | null>;
  input: { text: string };
  expected?: { keep?: boolean; reason?: string; error?: string };
  byTokenizer?: Record<string, { keep: boolean; reason?: string }>;
}

/** datatrove's parameter -> the bounds it sets here. */
const bounds: Record<string, { signal: string; side: 'min' | 'max' }[]> = {
  min_doc_words: [{ signal: 'gopher.word_count', side: 'min' }],
  max_doc_words: [{ signal: 'gopher.word_count', side: 'max' }],
  max_symbol_word_ratio: [
    { signal: 'gopher.hash_ratio', side: 'max' },
    { signal: 'gopher.ellipsis_ratio', side: 'max' },
  ],
  line_punct_thr: [{ signal: 'fineweb.line_punct_ratio', side: 'min' }],
  short_line_thr: [{ signal: 'fineweb.short_line_ratio', side: 'max' }],
  char_duplicates_ratio: [{ signal: 'fineweb.char_dup_ratio', side: 'max' }],
  new_line_ratio: [{ signal: 'fineweb.list_ratio', side: 'max' }],
};

function rulesFor(test: Case): Rule[] {
  let rules = thresholdSets[test.filter]!.map((rule) => ({ ...rule }));
  for (const [name, value] of Object.entries(test.params)) {
    if (name === 'short_line_length') {
      expect(value).toBe(30); // the only length upstream uses, and the one built in
    } else if (name === 'line_punct_exclude_zero') {
      for (const rule of rules) if (rule.reason === 'line_punct_ratio') rule.exceptZero = value === true;
    } else {
      for (const { signal, side } of bounds[name]!) {
        rules = rules.filter((rule) => value !== null || rule.signal !== signal || rule.side !== side);
        for (const rule of rules)
          if (rule.signal === signal && rule.side === side) rule.bound = Number(value);
      }
    }
  }
  return rules;
}

function verdict(test: Case): { keep: boolean; reason?: string } {
  const family = familyNamed(test.filter)!;
  const values = family.measure(measureText(test.input.text, { math: 'plain' }));
  const failing = rulesFor(test).find((rule) =>
    fails(rule, values[family.signals.findIndex((s) => s.name === rule.signal)]!),
  );
  return failing === undefined ? { keep: true } : { keep: false, reason: failing.reason };
}

const cases: Case[] = available
  ? ['datatrove-filters.jsonl', 'datatrove-boundaries.jsonl'].flatMap((name) =>
      readFileSync(new URL(name, folder), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Case)
        .filter((test) => test.filter === 'gopher-quality' || test.filter === 'fineweb-quality'),
    )
  : [];

describe.skipIf(!available)('datatrove parity (skipped without ../shared/parity)', () => {
  it('has the cases it is meant to have', () => {
    expect(cases.filter((test) => test.filter === 'gopher-quality').length).toBeGreaterThanOrEqual(20);
    expect(cases.filter((test) => test.filter === 'fineweb-quality').length).toBeGreaterThanOrEqual(12);
  });

  for (const test of cases) {
    it(`agrees on ${test.id}`, () => {
      const found = verdict(test);
      if (test.byTokenizer !== undefined) {
        // Words are split as spaCy's English tokenizer would, so that is the row to agree with.
        expect(found).toEqual(test.byTokenizer.spacyLike);
      } else if (test.expected?.error !== undefined) {
        // datatrove divides by zero here; a ratio over nothing fails no rule, so only the count rules can.
        expect(found.reason).toBe('gopher_enough_stop_words');
      } else {
        expect(found).toEqual({
          keep: test.expected!.keep,
          ...(test.expected!.reason && { reason: test.expected!.reason }),
        });
      }
    });
  }
});
