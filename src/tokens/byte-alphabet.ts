/**
 * GPT-2's printable alphabet for bytes: each of the 256 bytes stands as one visible character, so that a vocabulary of byte
 * strings can be written as JSON. Bytes that are printable in Latin-1 stand for themselves; the other 68 are moved to U+0100
 * and up, in order. (Radford et al. 2019, `encoder.py` of openai/gpt-2)
 */

const printable = (b: number) =>
  (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);

/** byte -> character. */
export const byteToChar: readonly string[] = (() => {
  let moved = 0;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : 256 + moved++));
})();

const charToByte = new Map(byteToChar.map((c, b) => [c, b]));

/** The bytes a vocabulary entry stands for; `undefined` if it has a character outside the alphabet. */
export function bytesOfToken(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const b = charToByte.get(token[i]!);
    if (b === undefined) return undefined;
    bytes[i] = b;
  }
  return bytes;
}

/** The 256 alphabet characters sorted by code point: the order in which trainers hand out their ids. */
export const sortedAlphabet: readonly string[] = [...byteToChar].sort(
  (a, b) => a.charCodeAt(0) - b.charCodeAt(0),
);
