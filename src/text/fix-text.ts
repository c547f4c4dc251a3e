/**
 * Repairs text that was decoded with the wrong table or carries characters nobody can see: the part of ftfy that web text needs most.
 *
 *   - UTF-8 read as Windows-1252 or Latin-1: `â€™` becomes `’`, `Ã©` becomes `é`, `ðŸ˜€` becomes an emoji. Only sequences that
 *     spell one valid character and begin with a byte that hardly ever precedes such characters in real text (Â, Ã, â, ð, `ï»¿`);
 *   - control characters, terminal escapes and byte order marks are removed, C1 controls read as Windows-1252, halves of surrogate
 *     pairs replaced by U+FFFD;
 *   - HTML references (`&gt;`, `&#8217;`) are resolved where the text has no `<`, or as asked.
 *
 * Gives up, of ftfy: weighing whether a whole string got better (so mojibake of Cyrillic or Chinese stays), text wrongly decoded
 * twice, lossy sequences, and all rules that enforce one style (quotes, ligatures, width), which datatrove switches off as well.
 * Source: datatrove FTFYFormatter 0.10; ftfy 6.3.
 */

export interface FixTextOptions {
  /** Resolve HTML references: always, never, or (default) where the text holds no `<`. */
  unescapeHtml?: boolean | 'auto';
}

/** What Windows-1252 has at 0x80 to 0x9f; a blank where it has nothing. */
const windows1252 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';
const byteOf = new Map<string, number>();
for (let i = 0; i < 32; i++) {
  byteOf.set(String.fromCharCode(0x80 + i), 0x80 + i);
  if (windows1252[i] !== ' ') byteOf.set(windows1252[i]!, 0x80 + i);
}
for (let byte = 0xa0; byte < 0x100; byte++) byteOf.set(String.fromCharCode(byte), byte);

const continuation = `[\u0080-\u00bf${windows1252.replaceAll(' ', '')}]`;
// Quotes « » after a capital (`MAÇÃ»`) are real; everything else after these letters is not.
const misread = new RegExp(`[ÂÃ](?![«»])${continuation}|â${continuation}{2}|ð${continuation}{3}|ï»¿`, 'g');
const controls = /[\u0000-\u0008\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffb]/g;
const terminalEscapes = /\u001b\[[0-9;?]*[A-Za-z]/g;

export function fixText(text: string, options: FixTextOptions = {}): string {
  let fixed = text.isWellFormed() ? text : text.toWellFormed();
  const wanted = options.unescapeHtml ?? 'auto';
  if (fixed.includes('&') && (wanted === true || (wanted === 'auto' && !fixed.includes('<')))) {
    fixed = unescapeHtml(fixed);
  }
  fixed = fixed.replace(misread, (sequence) => decode(sequence) ?? sequence);
  fixed = fixed.replace(/[\u0080-\u009f]/g, (control) => {
    const character = windows1252[control.charCodeAt(0) - 0x80]!;
    return character === ' ' ? control : character;
  });
  return fixed.replace(terminalEscapes, '').replace(controls, '');
}

/** The character whose UTF-8 bytes were read as `sequence`, or undefined when they are none. */
function decode(sequence: string): string | undefined {
  const bytes = Uint8Array.from(sequence, (character) => byteOf.get(character) ?? 0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  hellip: '…',
  bull: '•',
  middot: '·',
  copy: '©',
  reg: '®',
  trade: '™',
  deg: '°',
  times: '×',
  laquo: '«',
  raquo: '»',
};

function unescapeHtml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named[name as string] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
      return code === 0 || code > 0x10ffff ? whole : String.fromCodePoint(code);
    },
  );
}
