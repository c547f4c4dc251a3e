/**
 * Texts cut to what one request may carry: the beginning for a judge, pieces for a refiner. Cuts are made at ends of paragraphs, else of
 * lines, sentences or words, so that no formula or sentence is cut where that can be helped.
 */

export interface TextBudget {
  /** UTF-16 characters. */
  characters: number;
  /** Tokens, counted by `count`; whichever is reached first. */
  tokens?: number | undefined;
  count?: ((text: string) => number) | undefined;
}

/** How many leading characters fit the budget and end well. At least one character of a text that is not empty. */
export function cropLength(text: string, budget: TextBudget): number {
  const most = fitting(text, budget);
  return most >= text.length ? text.length : cutBefore(text, most);
}

/** The leading part of `text` that fits, without white space at its end. */
export function cropText(text: string, budget: TextBudget): string {
  return text.slice(0, cropLength(text, budget)).trimEnd();
}

/** Consecutive pieces that each fit; joined by `\n\n` they are the text, white space at the cuts aside. */
export function splitText(text: string, budget: TextBudget): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const length = cropLength(rest, budget);
    const piece = rest.slice(0, length).trim();
    if (piece !== '') pieces.push(piece);
    rest = rest.slice(length).replace(/^\s+/, '');
  }
  return pieces;
}

/** About how many characters fit, by bytes and tokens; not yet at a good place. */
function fitting(text: string, { characters, tokens, count }: TextBudget): number {
  const most = Math.min(text.length, Math.max(1, characters));
  if (tokens === undefined || count === undefined) return most;
  // The number of tokens rises with the length, but for a few at the cut.
  let low = 1;
  let high = most;
  if (count(text.slice(0, high)) <= tokens) return high;
  while (high - low > 16) {
    const middle = (low + high) >> 1;
    if (count(text.slice(0, middle)) <= tokens) low = middle;
    else high = middle;
  }
  return low;
}

const ends = [
  /\n[ \t]*\n/g, // paragraphs
  /\n/g,
  /[.!?。！？]["')\]]*\s/g,
  /\s/g,
];

/** The best place to cut at or before `most`, in its second half. */
function cutBefore(text: string, most: number): number {
  const from = most >> 1;
  // One character more, so that an end just behind the limit counts.
  const window = text.slice(from, most + 1);
  for (const end of ends) {
    let last = -1;
    for (const match of window.matchAll(end)) {
      const at = match.index + match[0].length;
      if (from + at <= most + 1) last = from + match.index + match[0].trimEnd().length;
    }
    if (last > 0 && last <= most) return last;
  }
  // Not between the halves of a surrogate pair.
  const code = text.charCodeAt(most - 1);
  return most > 1 && code >= 0xd800 && code < 0xdc00 ? most - 1 : most;
}
