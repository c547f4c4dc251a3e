/**
 * The score in a judge's answer: the last place where its label stands with a number behind it. Only the answer is looked at.
 *
 * Understood: Markdown around label or number, full-width digits and colons, `is`, `=` or a dash for the colon, `4/5`, `4 out of 5`,
 * `<4>`, `\boxed{4}`. Refused, never guessed: no score, one out of range, `8/10` on a scale of 5, a range such as `3-4`, `3.5` where scores
 * are whole, and a number at which the answer was cut off.
 */
import type { Rubric } from './rubric.ts';

export type ParsedScore =
  | { ok: true; score: number; justification: string }
  | { ok: false; problem: 'no_score' | 'out_of_range' | 'not_whole' | 'ambiguous' | 'cut_off' };

/** `cut`: the answer ended at its limit of tokens. */
export function parseScore(answer: string, rubric: Rubric, cut = false): ParsedScore {
  const text = answer.normalize('NFKC');
  const found = [...text.matchAll(expressionOf(rubric))].at(-1);
  if (found === undefined) return { ok: false, problem: cut ? 'cut_off' : 'no_score' };
  const behind = text.slice(found.index + found[0].length);
  const score = Number(found[1]);
  if (!Number.isFinite(score)) return { ok: false, problem: 'no_score' };
  if (cut && behind === '') return { ok: false, problem: 'cut_off' };
  if (rubric.pattern === undefined) {
    const whole = /^[\s*_>})$\]]*(?:\/|out of|of)\s*[*_]*(\d+(?:\.\d+)?)/i.exec(behind)?.[1];
    if (whole !== undefined && Number(whole) !== rubric.max) return { ok: false, problem: 'ambiguous' };
    if (/^[*_]*\s*(?:-|–|—|to|or)\s*[*_]*\d/.test(behind)) return { ok: false, problem: 'ambiguous' };
  }
  if (score < rubric.min || score > rubric.max) return { ok: false, problem: 'out_of_range' };
  if (rubric.whole && !Number.isInteger(score)) return { ok: false, problem: 'not_whole' };
  const justification = text
    .slice(0, found.index)
    .replace(/[\s*_#>`$-]+$/, '')
    .trim();
  return { ok: true, score, justification };
}

/** Label, anything that stands between a label and its number, and the number. Without a colon or its like the label begins its line. */
function expressionOf({ label, pattern }: Rubric): RegExp {
  if (pattern !== undefined) return new RegExp(pattern, 'gim');
  const words = label.normalize('NFKC').trim().split(/\s+/).map(quoted).join('[\\s*_]+');
  const markup = '[ \\t*_`"\']*';
  const joined = `${words}${markup}(?:[:=–—]|is\\b|-(?!\\d))`;
  const alone = `^[ \\t*_#>-]*${words}(?=[ \\t*_\`$<([{\\\\])`;
  const opening = '[\\s*_`"\'$<([{]*(?:\\\\boxed\\s*\\{)?\\s*';
  return new RegExp(`(?:${joined}|${alone})${opening}([-+]?\\d+(?:\\.\\d+)?)`, 'gim');
}

function quoted(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
