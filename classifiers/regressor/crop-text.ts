/** Which part of a text a model sees before it is cut to tokens. Source: NeMo Curator, tutorials/math (`text[mid - 10_000 : mid + 10_000]`). */

/** Characters kept on either side of the middle. */
const centreCrop = 10_000;

/**
 * `head`: the text as it is. `centre`: of a text longer than `2 * reach` characters (Unicode code points, as Python counts) the middle
 * ones; shorter texts stay whole.
 */
export function cropText(text: string, crop: 'head' | 'centre', reach = centreCrop): string {
  if (crop === 'head' || text.length <= 2 * reach) return text;
  let characters = 0;
  for (let i = 0; i < text.length; i++) characters += isTrail(text, i) ? 0 : 1;
  if (characters <= 2 * reach) return text;
  const middle = Math.floor(characters / 2);
  return text.slice(unitAt(text, middle - reach), unitAt(text, middle + reach));
}

/** Where the code point of that number begins, in UTF-16 units. */
function unitAt(text: string, character: number): number {
  if (character <= 0) return 0;
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    if (isTrail(text, i)) continue;
    if (seen++ === character) return i;
  }
  return text.length;
}

/** Whether the unit is the second half of a pair. */
function isTrail(text: string, i: number): boolean {
  if (i === 0 || (text.charCodeAt(i) & 0xfc00) !== 0xdc00) return false;
  return (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
}
