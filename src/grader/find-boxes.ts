/**
 * `\boxed{..}` and `\fbox{..}` in a completion: braces matched to any depth, `\boxed 5` without braces gives the token. Looks from the end,
 * in one pass over the last part of the text.
 */

interface Box {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** Longest content that is taken out of braces, and most boxes looked at. */
const longestBoxed = 20_000;
const mostBoxes = 64;
/** Boxes are looked for in so much of the end of a text. */
const longestTail = 400_000;

/** The last boxes, in order; undefined in place of one that never closes. */
function findBoxes(text: string): (Box | undefined)[] {
  const offset = Math.max(0, text.length - longestTail);
  const tail = offset === 0 ? text : text.slice(offset);
  const starts: number[] = [];
  const command = /\\(?:boxed|fbox)(?![A-Za-z])/g;
  for (let match = command.exec(tail); match !== null; match = command.exec(tail)) {
    starts.push(match.index);
    if (starts.length > 2 * mostBoxes) starts.splice(0, mostBoxes);
  }
  const boxes = starts.slice(-mostBoxes).map((start) => readBox(tail, start));
  // A box in a box is part of it.
  const outer: (Box | undefined)[] = [];
  let end = -1;
  for (const box of boxes) {
    if (box !== undefined && box.end <= end) continue;
    outer.push(box === undefined ? undefined : { ...box, start: box.start + offset, end: box.end + offset });
    if (box !== undefined) end = box.end;
  }
  return outer;
}

function readBox(text: string, start: number): Box | undefined {
  let open = start + (text.startsWith('\\boxed', start) ? 6 : 5);
  while (text[open] === ' ' || text[open] === '\n') open++;
  if (text[open] === '{') {
    const close = matchingBrace(text, open);
    return close < 0 ? undefined : { start, end: close + 1, content: text.slice(open + 1, close).trim() };
  }
  const token = /^(?:\\[A-Za-z]+|[^\s$.,;\\]+(?:\.\d+)?)/.exec(text.slice(open, open + 200));
  return token === null ? undefined : { start, end: open + token[0].length, content: token[0].trim() };
}

/** Index of the brace that closes the one at `open`, or -1. */
function matchingBrace(text: string, open: number): number {
  const limit = Math.min(text.length, open + longestBoxed);
  let depth = 0;
  for (let at = open; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return at;
  }
  return -1;
}

/** Content of the last box, trimmed; `''` for an empty box; undefined when there is none, or it was cut off before it closed. */
export function extractBoxed(text: string): string | undefined {
  if (!text.includes('box')) return undefined;
  return findBoxes(text).at(-1)?.content;
}

/**
 * The last boxes that belong together: `\boxed{1} and \boxed{-2}` is one answer with two parts. Between them may be punctuation with a sign
 * that joins, or `and` / `or` with at most two more words (`\boxed{1} paper and \boxed{2} bins`); anything else parts them, and a box that is
 * written again is one box.
 */
export function extractBoxedGroup(text: string): string | undefined {
  if (!text.includes('box')) return undefined;
  const boxes = findBoxes(text);
  const last = boxes.at(-1);
  if (last === undefined) return undefined;
  const group = [last.content];
  for (let i = boxes.length - 2; i >= 0; i--) {
    const [box, next] = [boxes[i], boxes[i + 1]];
    if (box === undefined || next === undefined || !joins(text.slice(box.end, next.start))) break;
    group.unshift(box.content);
  }
  const different = [...new Set(group)];
  return different.length === 1 ? last.content : different.join(', ');
}

function joins(gap: string): boolean {
  if (gap.length > 80) return false;
  const plain = gap
    .replace(/\\(?:text|mbox|quad|qquad|,|;|\(|\)|\[|\]|left|right)|[$(){}[\]~*\\]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const words = plain.split(/[^\p{L}]+/u).filter((word) => word !== '');
  if (words.length === 0) return /[,;&+]/.test(plain) && /^[\s,;&+.]*$/.test(plain);
  return (
    words.length <= 3 &&
    words.filter((word) => /^(?:and|or)$/i.test(word)).length === 1 &&
    !/[\d=.:]/.test(plain)
  );
}
