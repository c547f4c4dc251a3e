/** Every case taken from NeMo Curator, dolma, datamap-rs, data-juicer and text-dedup. Exact dedup cases run in test/dedup. */
import { expect } from 'vitest';
import type { Rule } from '../../src/filters/rule.ts';
import { curatorRules } from '../../src/filters/threshold-sets-other.ts';
import { WordRuns } from '../../src/filters/word-runs.ts';
import { splitOnWhitespace } from '../../src/text/words.ts';
import { family, type ParityCase, runParity, valuesOf, verdictOf } from './parity.ts';

interface AnchorCase extends ParityCase {
  filter: string;
  params: Record<string, unknown>;
  inputs?: string[];
  input?: { text?: string; elements?: string[] };
  expected?: { keep?: boolean };
  expectedKeptIndices?: number[];
  expectedAttributes?: Record<string, number>;
  expectedFraction?: number;
  expectedCount?: number;
}

runParity<AnchorCase>('other-anchors.jsonl', 52, (test) => {
  if (test.id.startsWith('datatrove-exact')) return 'runs in test/dedup';
  if (test.id.startsWith('nemo-')) checkCurator(test);
  else if (test.id.startsWith('dolma-')) checkDolma(test);
  else if (test.id.startsWith('datamap-rep')) {
    const runs = new WordRuns(test.input!.elements!);
    const share = runs.coveredShare(Number(test.params.ngram_size), test.params.weighted === true);
    expect(share).toBeCloseTo(test.expectedFraction!, 12);
  } else if (test.id.startsWith('datamap-sym')) {
    const bound = Number(test.params.max_symbol_to_word_ratio);
    const rule: Rule = { signal: 'dolma.symbols_per_word', side: 'max', bound, reason: 'symbols' };
    expect(verdictOf(family('dolma'), [rule], test.input!.text!).keep).toBe(test.expected!.keep);
  } else if (test.id.startsWith('dj-')) checkDataJuicer(test);
  else {
    expect(test.id).toMatch(/^textdedup-/);
    const shingles = new WordRuns(test.input!.elements!).ids(Number(test.params.n)).length;
    expect(shingles).toBe(test.expectedCount);
  }
  return undefined;
});

/** Curator's filter -> the signals it looks at, and the parameter that is the bound. */
const curatorFilters: Record<string, { signals: string[]; max?: string; min?: string }> = {
  NonAlphaNumericFilter: { signals: ['non_alpha_numeric_ratio'] },
  SymbolsToWordsFilter: { signals: ['symbol_word_ratio'] },
  NumbersFilter: { signals: ['number_ratio'], max: 'max_number_to_text_ratio' },
  UrlsFilter: { signals: ['url_ratio'] },
  BulletsFilter: { signals: ['bullet_line_ratio'] },
  WhiteSpaceFilter: { signals: ['white_space_ratio'] },
  ParenthesesFilter: { signals: ['parentheses_ratio'] },
  LongWordFilter: { signals: ['longest_word'], max: 'max_word_length' },
  WordCountFilter: { signals: ['word_count'], min: 'min_words', max: 'max_words' },
  BoilerPlateStringFilter: { signals: ['boilerplate_ratio'] },
  MeanWordLengthFilter: { signals: ['mean_word_length'] },
  RepeatedLinesFilter: { signals: ['unique_line_ratio'] },
  RepeatedParagraphsFilter: { signals: ['unique_paragraph_ratio'] },
  RepeatedLinesByCharFilter: { signals: ['unique_line_char_ratio'] },
  RepeatedParagraphsByCharFilter: { signals: ['unique_paragraph_char_ratio'] },
  RepeatingTopNGramsFilter: { signals: ['top_2_gram'] },
  RepeatingDuplicateNGramsFilter: { signals: ['duplicate_2_grams'] },
  PunctuationFilter: { signals: ['open_line_ratio'], max: 'max_num_sentences_without_endmark_ratio' },
  EllipsisFilter: {
    signals: ['ellipsis_line_ratio'],
    max: 'max_num_lines_ending_with_ellipsis_ratio',
  },
  CommonEnglishWordsFilter: { signals: ['common_word_count'] },
  WordsWithoutAlphabetsFilter: { signals: ['alpha_word_ratio'] },
};

function checkCurator(test: AnchorCase): void {
  const filter = curatorFilters[test.filter]!;
  const signals = filter.signals.map((name) => `curator.${name}`);
  const rules = curatorRules.filter((rule) => signals.includes(rule.signal)).map((rule) => ({ ...rule }));
  // Curator's class takes n = 2 and 0.2 by default, its pipelines 5 to 10.
  if (test.filter === 'RepeatingDuplicateNGramsFilter') {
    rules.push({ signal: signals[0]!, side: 'max', bound: 0.2, reason: 'duplicate_2_grams' });
  }
  expect(rules.length).toBeGreaterThan(0);
  for (const [param, value] of Object.entries(test.params)) {
    if (param === 'lang') continue;
    const side = filter.min === param ? 'min' : filter.max === param ? 'max' : undefined;
    if (side === undefined) throw new Error(`parameter ${param} has no rule here`);
    for (const rule of rules) if (rule.side === side) rule.bound = Number(value);
  }
  // A text of white space never reaches a family: empty_text.
  const keeps = (text: string): boolean =>
    text.trim() !== '' && verdictOf(family('curator'), rules, text).keep;
  const kept = test.inputs!.flatMap((text, i) => (keeps(text) ? [i] : []));
  expect(kept).toEqual(test.expectedKeptIndices);
}

/** dolma's attributes -> ours; `character_count` is the length of the text. */
function checkDolma(test: AnchorCase): void {
  const { text } = test.input as { text: string };
  const values = valuesOf(family('dolma'), text);
  const named: Record<string, string> = {
    word_count: 'word_count',
    median_word_length: 'median_word_length',
    symbol_to_word_ratio: 'symbol_to_word_ratio',
    fraction_of_words_with_alpha_character: 'alpha_word_ratio',
    required_word_count: 'required_word_count',
    fraction_of_lines_starting_with_bullet_point: 'bullet_line_ratio',
    fraction_of_lines_ending_with_ellipsis: 'ellipsis_line_ratio',
    fraction_of_duplicate_lines: 'duplicate_line_ratio',
    fraction_of_characters_in_duplicate_lines: 'duplicate_line_char_ratio',
  };
  for (const [attribute, value] of Object.entries(test.expectedAttributes!)) {
    const top = attribute.match(/most_common_(\d+)grams/)?.[1];
    const duplicate = attribute.match(/duplicate_(\d+)grams/)?.[1];
    const name =
      top !== undefined
        ? `top_${top}_gram`
        : duplicate !== undefined
          ? `duplicate_${duplicate}_grams`
          : named[attribute];
    const own = attribute === 'character_count' ? text.length : values[`dolma.${name}`];
    expect([attribute, own]).toEqual([attribute, expect.closeTo(value, 12)]);
  }
}

function checkDataJuicer(test: AnchorCase): void {
  const kept = test.inputs!.flatMap((text, i) => (juicerKeeps(test, text) ? [i] : []));
  expect(kept).toEqual(test.expectedKeptIndices);
}

function juicerKeeps(test: AnchorCase, text: string): boolean {
  const { min_num, max_num, rep_len, min_ratio, max_ratio } = test.params as Record<string, number>;
  if (test.filter === 'words_num') {
    const words = valuesOf(family('gopher-quality'), text)['gopher.word_count']!;
    return words >= min_num! && words <= max_num!;
  }
  const share = new WordRuns(splitOnWhitespace(text.toLowerCase())).repeatedShare(rep_len!, false);
  return share >= min_ratio! && share <= max_ratio!;
}
