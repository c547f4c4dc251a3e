/**
 * The text by which two documents count as exact duplicates: Unicode NFC, every run of white space one space, none at the ends; case and
 * punctuation stay. Two texts that differ only in line breaks or composed accents are therefore the same document.
 */
export function normaliseForExact(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}
