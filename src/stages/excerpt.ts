/** The beginning of a document as it is shown in reports: one line, bounded, without control sequences. */
import { printableLine } from '../core/printable.ts';

const excerptCharacters = 280;

export function excerptOf(text: string): string {
  // Only the head is cleaned: documents may be megabytes.
  const line = printableLine(text.slice(0, excerptCharacters * 4));
  if (line.length <= excerptCharacters) return line;
  const cut = line.slice(0, excerptCharacters);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}...`;
}
