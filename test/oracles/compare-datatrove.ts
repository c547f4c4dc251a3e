/**
 * Compares this project's filters with what datatrove answered about the same documents (datatrove-filters.py), and prints how many
 * verdicts and numbers agree.
 *
 *   node test/oracles/compare-datatrove.ts documents.jsonl answers.jsonl
 */
import { readFileSync } from 'node:fs';
import { cleanC4Lines } from '../../src/filters/clean-c4-lines.ts';
import { families } from '../../src/filters/families.ts';
import { maskPii } from '../../src/filters/mask-pii.ts';
import { fails } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { measureText } from '../../src/text/measure-text.ts';
import { simplifyText } from '../../src/text/normalise.ts';
import { countSentences } from '../../src/text/sentences.ts';
import { removeSymbolLines } from '../../src/text/symbol-lines.ts';

interface Answer {
  filters: Record<string, { keep: boolean; reason?: string }>;
  repetition: Record<string, number>;
  c4Text: Record<string, string>;
  sentences: number;
  pii: string;
  symbolLines: string;
  simplified: string;
  stats: Record<string, number>;
}

const lines = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');
const [documents, answers] = process.argv.slice(2) as [string, string];
const texts = lines(documents).map((line) => (JSON.parse(line) as { text: string }).text);
const expected = lines(answers).map((line) => JSON.parse(line) as Answer);

const agree = new Map<string, { same: number; of: number; worst: number; examples: string[] }>();
function note(what: string, same: boolean, difference = 0, example = ''): void {
  const entry = agree.get(what) ?? { same: 0, of: 0, worst: 0, examples: [] };
  entry.of++;
  if (same) entry.same++;
  else if (entry.examples.length < 3) entry.examples.push(example);
  entry.worst = Math.max(entry.worst, difference);
  agree.set(what, entry);
}

/** datatrove's name of a statistic -> ours. */
const statistics: Record<string, string> = {
  length: 'length',
  white_space_ratio: 'white_space_ratio',
  non_alpha_digit_ratio: 'non_alpha_digit_ratio',
  digit_ratio: 'digit_ratio',
  uppercase_ratio: 'uppercase_ratio',
  elipsis_ratio: 'ellipsis_ratio',
  punctuation_ratio: 'punctuation_ratio',
  n_lines: 'line_count',
  avg_line_length: 'mean_line_length',
  short_line_ratio_chars_30: 'short_line_ratio',
  long_line_ratio_chars_2000: 'long_line_ratio',
  lines_ending_with_terminal_mark_ratio: 'closed_line_ratio',
  bullet_point_lines_ratio: 'bullet_line_ratio',
  line_duplicates: 'duplicate_line_ratio',
  line_char_duplicates: 'duplicate_line_char_ratio',
  n_words: 'word_count',
  avg_word_length: 'mean_word_length',
  avg_words_per_line: 'words_per_line',
  short_word_ratio_3: 'short_word_ratio',
  long_word_ratio_7: 'long_word_ratio',
  type_token_ratio: 'type_token_ratio',
  uppercase_word_ratio: 'uppercase_word_ratio',
  capitalized_word_ratio: 'capitalized_word_ratio',
  stop_word_ratio: 'stop_word_ratio',
  n_paragraphs: 'paragraph_count',
  avg_paragraph_length: 'mean_paragraph_length',
  short_paragraph_ratio_100: 'short_paragraph_ratio',
  long_paragraph_ratio_1000: 'long_paragraph_ratio',
};

for (const [i, text] of texts.entries()) {
  const answer = expected[i]!;
  const document = measureText(text, { math: 'plain' });
  const values = new Map<string, number>();
  for (const family of families) {
    if (family.name === 'math') continue;
    for (const [at, value] of family.measure(document).entries()) {
      values.set(family.signals[at]!.name, value);
    }
  }
  for (const [name, verdict] of Object.entries(answer.filters)) {
    const failing = thresholdSets[name]!.find((rule) => fails(rule, values.get(rule.signal)!));
    const reason = verdict.reason === '< 3 paragraphs' ? 'too_few_paragraphs' : verdict.reason;
    note(`verdict ${name}`, failing?.reason === reason, 0, `${i}: ${failing?.reason} / ${reason}`);
  }
  for (const [name, value] of Object.entries(answer.repetition)) {
    const own = values.get(`gopher_repetition.${name}`)!;
    note(`number ${name}`, Math.abs(own - value) < 1e-9, Math.abs(own - value), `${i}: ${own} / ${value}`);
  }
  for (const [name, clean] of Object.entries(answer.c4Text)) {
    const own = cleanC4Lines(text, { requireEndPunctuation: name === 'c4', math: 'plain' });
    note(`text ${name}`, own === clean, 0, `${i}`);
  }
  let sentences = 0;
  for (const line of text.split(/\r\n|[\n\r\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/)) {
    sentences += countSentences(line);
  }
  note('number sentences', sentences === answer.sentences, 0, `${i}: ${sentences} / ${answer.sentences}`);
  const masked = maskPii(text, { emails: ['EMAIL'], addresses: ['IP'] }).text;
  note('text pii', masked === answer.pii, 0, `${i}`);
  note('text symbol lines', removeSymbolLines(text) === answer.symbolLines, 0, `${i}`);
  note('text simplify', simplifyText(text) === answer.simplified, 0, `${i}`);
  for (const [theirs, ours] of Object.entries(statistics)) {
    const value = answer.stats[theirs]!;
    const own = values.get(`stats.${ours}`)!;
    const difference = Math.abs((Number.isNaN(own) ? 0 : own) - value);
    note(`stat ${ours}`, difference < 1e-9, difference, `${i}: ${own} / ${value}`);
  }
}

for (const [what, { same, of, worst, examples }] of agree) {
  const detail = same === of ? '' : `  largest difference ${worst.toPrecision(3)}; ${examples.join('; ')}`;
  process.stdout.write(`${what.padEnd(34)} ${same}/${of}${detail}\n`);
}
