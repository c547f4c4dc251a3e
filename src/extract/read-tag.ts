/**
 * Reads one start tag: its name and attributes, as the HTML standard's tokenizer does (section 13.2.5), character
 * references left alone. Linear in the length of the tag; attributes beyond a bound are skipped.
 */

interface Attribute {
  /** Lower case. */
  readonly name: string;
  /** As written, references not resolved. */
  readonly value: string;
}

export interface Tag {
  /** Lower case, letters, digits, `-`, `_` and `:` only. */
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly selfClosing: boolean;
  /** Index after the closing `>`. */
  readonly end: number;
}

/** The tag that starts with `<` at `at`, or undefined when the text ends inside it. */
export function readTag(text: string, at: number, mostAttributes: number): Tag | undefined {
  const length = text.length;
  let index = at + 1;
  while (index < length && !isSpace(text.charCodeAt(index)) && !isTagEnd(text.charCodeAt(index))) index++;
  const name = text
    .slice(at + 1, index)
    .toLowerCase()
    .replace(/[^a-z0-9:_-]/g, '');
  const attributes: Attribute[] = [];
  let selfClosing = false;
  for (;;) {
    while (index < length && isSpace(text.charCodeAt(index))) index++;
    if (index >= length) return undefined;
    const unit = text.charCodeAt(index);
    if (unit === 0x3e) return { name, attributes, selfClosing, end: index + 1 };
    if (unit === 0x2f) {
      selfClosing = text.charCodeAt(index + 1) === 0x3e;
      index++;
      continue;
    }
    const nameStart = index;
    index++; // a name may start with `=`
    while (index < length && !isNameEnd(text.charCodeAt(index))) index++;
    const attributeName = text.slice(nameStart, Math.min(index, nameStart + 64)).toLowerCase();
    while (index < length && isSpace(text.charCodeAt(index))) index++;
    let value = '';
    if (text.charCodeAt(index) === 0x3d) {
      index++;
      while (index < length && isSpace(text.charCodeAt(index))) index++;
      const quote = text.charCodeAt(index);
      if (quote === 0x22 || quote === 0x27) {
        const close = text.indexOf(quote === 0x22 ? '"' : "'", index + 1);
        if (close < 0) return undefined;
        value = text.slice(index + 1, close);
        index = close + 1;
      } else {
        const start = index;
        while (index < length && !isSpace(text.charCodeAt(index)) && text.charCodeAt(index) !== 0x3e) index++;
        value = text.slice(start, index);
      }
    }
    if (attributes.length < mostAttributes) attributes.push({ name: attributeName, value });
  }
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 9 && unit <= 13);
}

function isTagEnd(unit: number): boolean {
  return unit === 0x3e || unit === 0x2f;
}

function isNameEnd(unit: number): boolean {
  return isSpace(unit) || unit === 0x3d || unit === 0x3e || unit === 0x2f;
}
