/**
 * Multiple choice: the choices of a record as texts, the right one as a letter, and the question as models are shown it. Choices are labelled
 * A, B, C ... in their order, whatever the record calls them.
 */
import type { SlotList } from '../../src/core/slots.ts';
import { type ReadCell, readList } from '../../src/tokens/document-fields.ts';

const mostChoices = 26;

/**
 * The texts of a list of choices. `A)21` and `(B) 22` lose their labels when all of them have one and the labels count up. A single text of the
 * form `a ) 38 , b ) 27.675` (MathQA) is cut at its labels. Undefined where there are fewer than two.
 */
export function readChoices(read: ReadCell, list: SlotList): string[] | undefined {
  const cell = typeof list === 'string' ? read(list) : undefined;
  const texts =
    typeof cell === 'string'
      ? cutAtLabels(cell)
      : readList(read, list)?.map((item) => (item === null || item === undefined ? '' : String(item)));
  if (texts === undefined || texts.length < 2 || texts.length > mostChoices) return undefined;
  const bare = texts.map((text, i) => withoutLabel(text, i));
  return (bare.every((text) => text !== undefined) ? (bare as string[]) : texts).map((text) => text.trim());
}

function withoutLabel(text: string, index: number): string | undefined {
  const match = /^\s*\(?([A-Za-z])\s*[).:]\s*/.exec(text);
  if (match === null || match[1]!.toUpperCase() !== letterOf(index)) return undefined;
  return text.slice(match[0].length);
}

/** Labels count up from a, so that a `b )` inside the third choice cuts nothing. */
function cutAtLabels(text: string): string[] | undefined {
  const starts: { from: number; to: number }[] = [];
  let at = 0;
  for (let i = 0; i < mostChoices; i++) {
    const label = new RegExp(`(?:^|[\\s,;])\\(?${letterOf(i).toLowerCase()}\\s*\\)\\s*`, 'i');
    const found = label.exec(text.slice(at));
    if (found === null) break;
    starts.push({ from: at + found.index, to: at + found.index + found[0].length });
    at = starts.at(-1)!.to;
  }
  if (starts.length < 2) return undefined;
  return starts.map(({ to }, i) => text.slice(to, starts[i + 1]?.from).replace(/[\s,;]+$/, ''));
}

export function letterOf(index: number): string {
  return String.fromCharCode(65 + index);
}

/**
 * Which choice the answer names: a number is an index from 0; a text one of the labels where there are any, else a letter, the text of exactly
 * one choice, or an index. -1 where it names none; nothing is guessed.
 */
export function rightChoice(
  answer: unknown,
  choices: readonly string[],
  labels: readonly string[] | undefined,
): number {
  if (typeof answer === 'number' && labels === undefined)
    return Number.isInteger(answer) && answer >= 0 && answer < choices.length ? answer : -1;
  const said = String(answer ?? '').trim();
  if (labels !== undefined) return labels.indexOf(said);
  if (/^\(?[A-Za-z]\)?\.?$/.test(said)) {
    const at = said.replace(/[().]/g, '').toUpperCase().charCodeAt(0) - 65;
    return at < choices.length ? at : -1;
  }
  const same = choices.flatMap((choice, i) => (choice === said ? [i] : []));
  if (same.length === 1) return same[0]!;
  if (/^\d{1,2}$/.test(said) && Number(said) < choices.length) return Number(said);
  return -1;
}

/** The question and below it the choices, one a line: `(A) 21`. */
export function questionWithChoices(question: string, choices: readonly string[]): string {
  return `${question.trimEnd()}\n${choices.map((choice, i) => `(${letterOf(i)}) ${choice}`).join('\n')}`;
}
