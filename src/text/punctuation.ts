/** The marks that datatrove takes as punctuation (utils/text.py), control characters included. */

const table = (() => {
  const table = new Uint8Array(0x10000);
  const marks = '!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„\';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_."}►»';
  for (const mark of marks) table[mark.charCodeAt(0)] = 1;
  for (const [from, to] of [
    [0, 9],
    [11, 13],
    [13, 32],
    [127, 160],
  ] as const) {
    for (let unit = from; unit < to; unit++) table[unit] = 1;
  }
  return table;
})();

/** True for a word made of nothing but punctuation; Gopher's rules do not count it as a word. */
export function isPunctuationWord(word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    if (table[word.charCodeAt(index)] === 0) return false;
  }
  return true;
}

/** True for one mark of datatrove's punctuation list, given its UTF-16 code unit. */
export function isPunctuationUnit(unit: number): boolean {
  return table[unit] === 1;
}
