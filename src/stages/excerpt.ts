/** The beginning of a document as it is shown in reports: one line, bounded, without control characters. */
export const excerptCharacters = 280;

export function excerptOf(text: string): string {
  // Only the head is cleaned: documents may be megabytes.
  const line = text
    .slice(0, excerptCharacters * 4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\s]+/gu, ' ')
    .trim();
  if (line.length <= excerptCharacters) return line;
  const cut = line.slice(0, excerptCharacters);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}...`;
}
