/** Every golden statistic of datatrove's tests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { textStatisticsWith } from '../../src/filters/text-statistics.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { sharedData } from '../io/shared-data.ts';
import { type ParityCase, runParity, valuesOf } from './parity.ts';

interface StatsCase extends ParityCase {
  inputs: string[];
  params?: Record<string, unknown>;
  expectedHistogramTotals?: Record<string, Record<string, number>>;
}

/** datatrove's names -> ours. */
const names: Record<string, string> = {
  n_lines: 'line_count',
  avg_line_length: 'mean_line_length',
  short_line_ratio_chars_3: 'short_line_ratio',
  long_line_ratio_chars_5: 'long_line_ratio',
  bullet_point_lines_ratio: 'bullet_line_ratio',
  line_duplicates: 'duplicate_line_ratio',
  line_char_duplicates: 'duplicate_line_char_ratio',
  elipsis_ratio: 'ellipsis_ratio',
  n_words: 'word_count',
  avg_word_length: 'mean_word_length',
  avg_words_per_line: 'words_per_line',
  short_word_ratio_3: 'short_word_ratio',
  long_word_ratio_7: 'long_word_ratio',
  n_paragraphs: 'paragraph_count',
  avg_paragraph_length: 'mean_paragraph_length',
  short_paragraph_ratio_5: 'short_paragraph_ratio',
  long_paragraph_ratio_15: 'long_paragraph_ratio',
};

const statistics = textStatisticsWith({
  shortLine: 3,
  longLine: 5,
  shortWord: 3,
  longWord: 7,
  shortParagraph: 5,
  longParagraph: 15,
});

runParity<StatsCase>('datatrove-stats.jsonl', 8, async (test) => {
  if (test.id === 'token-gpt2') return await checkTokens(test);
  const expected = test.expectedHistogramTotals;
  if (expected === undefined) throw new Error('an aggregate, which nothing here computes');
  const documents = test.inputs.map((text) => valuesOf(statistics, text));
  for (const [name, totals] of Object.entries(expected)) {
    const found: Record<string, number> = {};
    for (const values of documents) {
      const value = values[`stats.${names[name] ?? name}`];
      if (value === undefined) throw new Error(`no statistic ${name}`);
      const rounded = String(Math.round(value * 1000) / 1000);
      found[rounded] = (found[rounded] ?? 0) + 1;
    }
    // Python writes 4.0 where JavaScript writes 4.
    const wanted = Object.fromEntries(
      Object.entries(totals).map(([value, count]) => [String(Number(value)), count]),
    );
    expect({ [name]: found }).toEqual({ [name]: wanted });
  }
  return undefined;
});

async function checkTokens(test: StatsCase): Promise<string | undefined> {
  const folder = join(sharedData, 'tokenizers', 'gpt2');
  if (!existsSync(folder)) return 'needs ../shared/data/tokenizers/gpt2';
  const tokenizer = await loadTokenizer(folder);
  const counts = test.inputs.map((text) => String(tokenizer.encode(text).length));
  expect(counts).toEqual(Object.keys(test.expectedHistogramTotals!.token_count!).sort().reverse());
  return undefined;
}
