/**
 * The built-in threshold sets, in the order in which their rules are tried. Values and reason names of `gopher-quality` and
 * `fineweb-quality` are those of datatrove 0.10 (GopherQualityFilter, FineWebQualityFilter), so that a ledger compares with a
 * published one. The `-math` variants change what hits mathematics hardest even with formulas masked:
 *   - alphabetic words are counted among words instead of tokens, and may be 70 % instead of 80 %: numbers are content here;
 *   - line ends are judged on lines of prose, so that tables and displayed formulas do not count as unfinished sentences;
 *   - repeated lines may be 10 % of the text (FineWeb-2's value) instead of 1 %: definitions, examples and proofs open alike.
 * The math set is this project's own.
 *
 * Sources: Rae et al. 2021 (Gopher), appendix A1.1; Penedo et al. 2024 (FineWeb), section 3.
 */
import type { Rule } from './rule.ts';

const gopher: readonly Rule[] = [
  { signal: 'gopher.word_count', side: 'min', bound: 50, reason: 'gopher_short_doc' },
  { signal: 'gopher.word_count', side: 'max', bound: 100_000, reason: 'gopher_long_doc' },
  { signal: 'gopher.mean_word_length', side: 'min', bound: 3, reason: 'gopher_below_avg_threshold' },
  { signal: 'gopher.mean_word_length', side: 'max', bound: 10, reason: 'gopher_above_avg_threshold' },
  { signal: 'gopher.hash_ratio', side: 'max', bound: 0.1, reason: 'gopher_too_many_hashes' },
  { signal: 'gopher.ellipsis_ratio', side: 'max', bound: 0.1, reason: 'gopher_too_many_ellipsis' },
  { signal: 'gopher.bullet_line_ratio', side: 'max', bound: 0.9, reason: 'gopher_too_many_bullets' },
  {
    signal: 'gopher.ellipsis_line_ratio',
    side: 'max',
    bound: 0.3,
    reason: 'gopher_too_many_end_ellipsis',
  },
  { signal: 'gopher.alpha_word_ratio', side: 'min', bound: 0.8, reason: 'gopher_below_alpha_threshold' },
  // The name is datatrove's; it means too few of them.
  { signal: 'gopher.stop_word_count', side: 'min', bound: 2, reason: 'gopher_enough_stop_words' },
];

const fineweb: readonly Rule[] = [
  { signal: 'fineweb.line_count', side: 'min', bound: 1, reason: 'empty' },
  { signal: 'fineweb.line_punct_ratio', side: 'min', bound: 0.12, reason: 'line_punct_ratio' },
  { signal: 'fineweb.short_line_ratio', side: 'max', bound: 0.67, reason: 'short_line_ratio' },
  { signal: 'fineweb.char_dup_ratio', side: 'max', bound: 0.01, reason: 'char_dup_ratio' },
  { signal: 'fineweb.list_ratio', side: 'max', bound: 0.3, reason: 'list_ratio' },
];

export const thresholdSets: Readonly<Record<string, readonly Rule[]>> = {
  'gopher-quality': gopher,
  'fineweb-quality': fineweb,
  'gopher-quality-math': gopher.map((rule) =>
    rule.signal === 'gopher.alpha_word_ratio'
      ? { ...rule, signal: 'gopher.alpha_word_share', bound: 0.7 }
      : rule,
  ),
  'fineweb-quality-math': fineweb.map((rule) => {
    if (rule.signal === 'fineweb.line_punct_ratio') return { ...rule, signal: 'fineweb.prose_punct_ratio' };
    return rule.signal === 'fineweb.char_dup_ratio' ? { ...rule, bound: 0.1 } : rule;
  }),
  math: [{ signal: 'math.score', side: 'min', bound: 0.3, reason: 'math_low_score' }],
};
