/**
 * Resolves character references (`&amp;`, `&#8722;`, `&nbsp`) in text and attribute values, after section 13.2.5.72 of the HTML
 * standard: numbers with or without `;`, Windows-1252 for 0x80 to 0x9F, and the old names that need no `;`.
 *
 * Linear: every `&` is looked at once and a name is at most 32 characters. Private-use marks of ours (math-marks.ts) and null
 * become spaces, so that a page cannot forge them.
 */
import { namedReferences, withoutSemicolon } from './named-references.ts';

const reference = /&(?:#(\d{1,8});?|#[xX]([0-9a-fA-F]{1,7});?|([A-Za-z][A-Za-z0-9]{1,31})(;?))/g;
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const longestLegacy = 6;

export function decodeReferences(text: string, inAttribute = false): string {
  if (!text.includes('&')) return text;
  return text.replace(
    reference,
    (whole: string, decimal?: string, hexadecimal?: string, name?: string, end?: string, at?: number) => {
      if (decimal !== undefined) return character(Number.parseInt(decimal, 10));
      if (hexadecimal !== undefined) return character(Number.parseInt(hexadecimal, 16));
      if (name === undefined) return whole;
      if (end === ';') {
        const found = namedReferences.get(name);
        if (found !== undefined) return found;
      }
      for (let length = Math.min(longestLegacy, name.length); length >= 2; length--) {
        const start = name.slice(0, length);
        if (!withoutSemicolon.has(start)) continue;
        const found = namedReferences.get(start);
        if (found === undefined) continue;
        // In an address `&copy=1` is a parameter.
        const next = text[(at ?? 0) + 1 + length] ?? '';
        if (inAttribute && /[=A-Za-z0-9]/.test(next)) return whole;
        return found + name.slice(length) + (end ?? '');
      }
      return whole;
    },
  );
}

function character(code: number): string {
  if (code >= 0x80 && code <= 0x9f) return windows1252[code - 0x80] ?? '\ufffd';
  if (code === 0 || (code >= 0xe000 && code <= 0xe004)) return ' ';
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return String.fromCodePoint(code);
}
