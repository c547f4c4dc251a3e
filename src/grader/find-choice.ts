/**
 * The letter a completion chooses: what it says the answer is, else a letter it begins with, else the last letter that stands alone and is
 * not turned down ("not A").
 */

const said =
  /(?:answer|choice|option|r[ée]ponse|respuesta|antwort|risposta|ответ|答案|選擇|选择|答え)(?:\s+(?:to|for)\s[^.:\n]{0,80}?)?\s*(?:is|should be|must be|would be|was|are|est|es|ist|è|是|为|為|は|:|：|=)*\s*:?\s*/giu;
const letterHere =
  /^[\s*_$("'[（【{]*(?:\\(?:boxed|text(?:bf)?|mathrm|mathbf)\s*\{\s*)*[\s*("'[（]*(?:option\s+|choice\s+)?([A-J])(?![A-Za-z0-9'’])/;
/** A further letter behind the first, joined to it. */
const another =
  /^[\s)}\]$]*(?:,|;|\/|&|\band\b|\bor\b)[\s({[$\\]*(?:(?:text(?:bf)?|mathrm|mathbf)\s*\{\s*)?\(?[A-J](?![A-Za-z0-9'’])/;
const longestTail = 4000;

export function extractChoice(text: string, boxed: string | undefined): string | undefined {
  if (boxed !== undefined) {
    const found = letterHere.exec(boxed.slice(0, 100));
    // A box with two letters names none: `A, B` is a hedge.
    if (found !== null && another.test(boxed.slice(found[0].length, 200))) return undefined;
    if (found !== null) return found[1];
  }
  const tail = text.length > longestTail ? text.slice(-longestTail) : text;
  let last: string | undefined;
  for (const match of tail.matchAll(said)) {
    const found = letterHere.exec(
      tail.slice(match.index + match[0].length, match.index + match[0].length + 60),
    );
    if (found !== null && !isArticle(tail, found[1]!, match.index + match[0].length + found[0].length))
      last = found[1];
  }
  if (last !== undefined) return last;
  const first = /^[\s*("'[（]{0,8}([A-J])(?=[)\].:,、。：*\s]|$|[^\x00-\x7f])/.exec(text.slice(0, 20));
  if (first !== null && !isArticle(text, first[1]!, first[0].length)) return first[1];
  for (const match of tail.matchAll(
    /(?<![A-Za-z0-9\\{=+/^_-])[([*]{0,3}([A-J])[)\]*]{0,3}(?![A-Za-z0-9'’}=+/^_*-])/g,
  )) {
    const before = tail.slice(Math.max(0, match.index - 24), match.index);
    if (/(?:\bnot|n't be|n't|\bnor|\bneither|不是|非|pas)\s*$/i.test(before)) continue;
    if (isArticle(tail, match[1]!, match.index + match[0].length)) continue;
    last = match[1];
  }
  return last;
}

/** "A train ..." and "I" are words. */
function isArticle(text: string, letter: string, end: number): boolean {
  if (letter === 'I') return !/^\s*(?:$|[).,:])/.test(text.slice(end, end + 4));
  if (letter !== 'A') return false;
  return /^\s+(?!(?:and|or|is|because|since|as|not|non)\b)[a-z]{2,}/.test(text.slice(end, end + 20));
}
