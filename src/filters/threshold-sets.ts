/**
 * The built-in threshold sets, in the order in which their rules are tried. Values and reason names of the sets named for a filter of
 * datatrove 0.10 are datatrove's, so that a ledger compares with a published one; `c4-paragraph` and `regex` have names of our own,
 * because datatrove's are no identifiers there. `curator` and `dolma` hold the defaults of NeMo Curator and dolma v1.6.
 *
 * The `-math` variants change what hits mathematics hardest even with formulas masked:
 *   gopher-quality     alphabetic words are counted among words instead of tokens, and may be 70 % instead of 80 %: numbers are content here;
 *   fineweb-quality    line ends are judged on lines of prose, so that tables and displayed formulas do not count as unfinished
 *                      sentences; repeated lines may be 10 % of the text (FineWeb-2's value) instead of 1 %: definitions, examples
 *                      and proofs open alike;
 *   gopher-repetition  the most frequent 2-gram may cover 25 % instead of 20 %: a masked `$f$` is a word of five letters, and short
 *                      definitions say little but "f is" (of 120 PlanetMath pages 4 fall masked, 3 with this bound and 3 unmasked);
 *   c4                 no rule about braces: sets and unmarked LaTeX have them, and FineMath found that the rule loses LaTeX pages (of 193
 *                      pages about mathematics it drops 164, with formulas masked still 30); end punctuation is not asked for; three
 *                      sentences do instead of five, since a definition with its formula is hardly longer (5 of the 193).
 * The math set is this project's own.
 *
 * Sources: Rae et al. 2021 (Gopher), appendix A1.1; Penedo et al. 2024 (FineWeb), section 3; Raffel et al. 2020 (C4), section 2.2.
 */
import type { Rule } from './rule.ts';
import { curatorRules, dolmaRules } from './threshold-sets-other.ts';

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

const repetition: readonly Rule[] = [
  ...(
    [
      ['dup_para_frac', 0.3],
      ['dup_para_char_frac', 0.2],
      ['dup_line_frac', 0.3],
      ['dup_line_char_frac', 0.2],
      ['top_2_gram', 0.2],
      ['top_3_gram', 0.18],
      ['top_4_gram', 0.16],
    ] as const
  ).map(([reason, bound]) => ({
    signal: `gopher_repetition.${reason}`,
    side: 'max' as const,
    bound,
    reason,
  })),
  ...[0.15, 0.14, 0.13, 0.12, 0.11, 0.1].map((bound, i) => ({
    signal: `gopher_repetition.duplicated_${i + 5}_grams`,
    side: 'max' as const,
    bound,
    reason: `duplicated_${i + 5}_n_grams`,
  })),
];

/** C4's rules on documents, under its line rules or with end punctuation not asked for. */
function c4Rules(anyEnd: boolean): Rule[] {
  const suffix = anyEnd ? '_any_end' : '';
  return [
    { signal: `c4.lorem_ipsum_lines${suffix}`, side: 'max', bound: 0, reason: 'lorem_ipsum' },
    { signal: `c4.curly_bracket_lines${suffix}`, side: 'max', bound: 0, reason: 'curly_bracket' },
    { signal: `c4.sentence_count${suffix}`, side: 'min', bound: 5, reason: 'too_few_sentences' },
  ];
}

const url: readonly Rule[] = [
  { signal: 'url.domain_listed', side: 'max', bound: 0, reason: 'domain' },
  { signal: 'url.host_listed', side: 'max', bound: 0, reason: 'subdomain' },
  { signal: 'url.url_listed', side: 'max', bound: 0, reason: 'url' },
  { signal: 'url.hard_words', side: 'max', bound: 0, reason: 'hard_blacklisted' },
  // Two soft words drop.
  { signal: 'url.soft_words', side: 'max', bound: 1, reason: 'soft_blacklisted' },
  { signal: 'url.subwords', side: 'max', bound: 0, reason: 'blacklisted_subword' },
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
  'gopher-repetition': repetition,
  'gopher-repetition-math': repetition.map((rule) =>
    rule.reason === 'top_2_gram' ? { ...rule, bound: 0.25 } : rule,
  ),
  c4: c4Rules(false),
  // FineWeb ran C4 with the end-punctuation rule off.
  'c4-fineweb': c4Rules(true),
  'c4-math': c4Rules(true)
    .filter((rule) => rule.reason !== 'curly_bracket')
    .map((rule) => (rule.reason === 'too_few_sentences' ? { ...rule, bound: 3 } : rule)),
  // mC4's rule: three lines of 200 characters. datatrove's reason is "< 3 paragraphs".
  'c4-paragraph': [
    { signal: 'c4.third_longest_line', side: 'min', bound: 200, reason: 'too_few_paragraphs' },
  ],
  // keep_fraction 0.
  'c4-badwords': [
    { signal: 'c4_badwords.count', side: 'max', bound: 0, reason: 'document_removed_with_badwords' },
  ],
  url,
  // Measured and masked; nothing is dropped for an address.
  pii: [],
  // datatrove keeps what is above 0.65, MegaMath what is not below.
  language: [{ signal: 'language.en', side: 'min', bound: 0.65, reason: 'language' }],
  unigram: [{ signal: 'unigram.mean_log_prob', side: 'min', bound: -10, reason: 'unigram_log_prob' }],
  regex: [{ signal: 'regex.match_count', side: 'max', bound: 0, reason: 'regex_match' }],
  curator: curatorRules,
  dolma: dolmaRules,
};
