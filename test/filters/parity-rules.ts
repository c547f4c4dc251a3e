/** From datatrove's parameters in a parity case to the rules of a built-in threshold set. */
import type { Rule } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';

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
  dup_line_char_frac: [{ signal: 'gopher_repetition.dup_line_char_frac', side: 'max' }],
};

const isTop = (rule: Rule): boolean => /top_\d_gram/.test(rule.signal);
const isDuplicated = (rule: Rule): boolean => /duplicated_\d+_grams/.test(rule.signal);

/** The rules of a filter under a case's parameters. Throws for a parameter it does not know. */
export function rulesOf(filter: string, params: Record<string, unknown>): Rule[] {
  const sets: Record<string, string> = { 'c4-quality': 'c4' };
  const name = params.filter_no_terminal_punct === false ? 'c4-fineweb' : (sets[filter] ?? filter);
  let rules = (thresholdSets[name] ?? []).map((rule) => ({ ...rule }));
  const drop = (goes: (rule: Rule) => boolean): void => {
    rules = rules.filter((rule) => !goes(rule));
  };
  for (const [param, value] of Object.entries(params)) {
    const own = bounds[param];
    if (own !== undefined) {
      for (const { signal, side } of own) {
        if (value === null) drop((rule) => rule.signal === signal && rule.side === side);
        for (const rule of rules) {
          if (rule.signal === signal && rule.side === side) rule.bound = Number(value);
        }
      }
    } else if (param === 'line_punct_exclude_zero') {
      for (const rule of rules) if (rule.reason === 'line_punct_ratio') rule.exceptZero = value === true;
    } else if (param === 'top_n_grams' && Array.isArray(value) && value.length === 0) drop(isTop);
    else if (param === 'dup_n_grams' && Array.isArray(value) && value.length === 0) drop(isDuplicated);
    else if (param === 'filter_curly_bracket' && value === false) {
      drop((rule) => rule.reason === 'curly_bracket');
    } else if (param === 'min_num_sentences' && value === -1) {
      drop((rule) => rule.reason === 'too_few_sentences');
    } else if (!builtIn(param, value)) {
      throw new Error(`parameter ${param} = ${JSON.stringify(value)} has no rule here`);
    }
  }
  return rules;
}

/** Parameters that say what is built in, or change only which lines C4 removes. */
function builtIn(param: string, value: unknown): boolean {
  const values: Record<string, unknown> = {
    short_line_length: 30,
    min_paragraphs: 3,
    min_paragraph_len: 200,
    filter_no_terminal_punct: false,
    min_words_per_line: -1,
  };
  return param in values && values[param] === value;
}
