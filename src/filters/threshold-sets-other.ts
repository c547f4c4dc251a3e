/**
 * Default thresholds of NeMo Curator's heuristic filters and of dolma v1.6's mixer configuration. Neither names reasons; here they are
 * the signal's name with what is wrong.
 * Source: NeMo Curator (ecd5c579) nemo_curator/filters/heuristic_filter.py and config/heuristic_filter_en.yaml; dolma
 * configs/dolma-v1_6 (data-engine.md 1.4).
 */
import type { Rule } from './rule.ts';

function most(family: string, bounds: readonly (readonly [string, number])[]): Rule[] {
  return bounds.map(([name, bound]) => ({
    signal: `${family}.${name}`,
    side: 'max',
    bound,
    reason: `${family}_high_${name}`,
  }));
}

function least(family: string, bounds: readonly (readonly [string, number])[]): Rule[] {
  return bounds.map(([name, bound]) => ({
    signal: `${family}.${name}`,
    side: 'min',
    bound,
    reason: `${family}_low_${name}`,
  }));
}

export const curatorRules: readonly Rule[] = [
  ...most('curator', [
    ['non_alpha_numeric_ratio', 0.25],
    ['symbol_word_ratio', 0.1],
    ['number_ratio', 0.15],
    ['url_ratio', 0.2],
    ['bullet_line_ratio', 0.9],
    ['white_space_ratio', 0.25],
    ['parentheses_ratio', 0.1],
    ['longest_word', 1000],
    ['word_count', 100_000],
    ['boilerplate_ratio', 0.4],
    ['mean_word_length', 10],
    ['top_2_gram', 0.2],
    ['top_3_gram', 0.18],
    ['top_4_gram', 0.16],
    ['duplicate_5_grams', 0.15],
    ['duplicate_6_grams', 0.14],
    ['duplicate_7_grams', 0.13],
    ['duplicate_8_grams', 0.12],
    ['duplicate_9_grams', 0.11],
    ['duplicate_10_grams', 0.1],
    ['open_line_ratio', 0.85],
    ['ellipsis_line_ratio', 0.3],
  ]),
  ...least('curator', [
    ['word_count', 50],
    ['mean_word_length', 3],
    ['unique_line_ratio', 0.7],
    ['unique_line_char_ratio', 0.8],
    ['unique_paragraph_ratio', 0.7],
    ['unique_paragraph_char_ratio', 0.8],
    ['common_word_count', 2],
    ['alpha_word_ratio', 0.8],
  ]),
];

export const dolmaRules: readonly Rule[] = [
  ...least('dolma', [
    ['word_count', 50],
    ['median_word_length', 3],
    ['alpha_word_ratio', 0.8],
    ['required_word_count', 2],
  ]),
  ...most('dolma', [
    ['word_count', 100_000],
    ['median_word_length', 10],
    ['symbol_to_word_ratio', 0.1],
    ['bullet_line_ratio', 0.9],
    ['ellipsis_line_ratio', 0.3],
    ['duplicate_line_ratio', 0.3],
    ['duplicate_line_char_ratio', 0.3],
    ['top_2_gram', 0.2],
    ['top_3_gram', 0.18],
    ['top_4_gram', 0.16],
    ['duplicate_5_grams', 0.15],
    ['duplicate_6_grams', 0.14],
    ['duplicate_7_grams', 0.13],
    ['duplicate_8_grams', 0.12],
    ['duplicate_9_grams', 0.11],
    ['duplicate_10_grams', 0.1],
  ]),
];
