/**
 * Markdown from untrusted text. Everything that a renderer could take for markup is escaped, HTML included (many renderers pass it
 * through), and line breaks become spaces, so a hostile name can neither end a table cell nor start a block.
 */
import { visibleControls } from './html.ts';

/** Text for a paragraph or a table cell, on one line. */
export function escapeMarkdown(text: string): string {
  return (
    visibleControls(text)
      .replace(/\s*\n\s*/g, ' ')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/[\\`*_[\]|~#!$]/g, '\\$&')
      // Bare addresses are made into links by many renderers.
      .replace(/(https?|ftp):\/\//gi, '$1:&#47;&#47;')
  );
}

/** A block of text as it is, in a fence longer than any run of backticks inside. */
export function codeBlock(text: string, language = 'text'): string {
  const shown = visibleControls(text);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map((m) => m[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${shown}\n${fence}`;
}

/** A table; cells are escaped. Columns after the first are right-aligned unless they are in `text`. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  text: readonly number[] = [],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${header.map((_, i) => (i === 0 || text.includes(i) ? ' --- ' : ' ---: ')).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

const blocks = '▁▂▃▄▅▆▇█';

/** A curve in one line of text, for places without pictures: at most `width` columns, each the mean of its share of the values. */
export function sparkline(values: readonly number[], width = 40): string {
  if (values.length === 0) return '';
  const columns = Math.min(width, values.length);
  const means = Array.from({ length: columns }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / columns),
      Math.floor(((i + 1) * values.length) / columns),
    );
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const low = Math.min(...means);
  const high = Math.max(...means);
  return means
    .map((v) => blocks[high === low ? 0 : Math.round(((v - low) / (high - low)) * (blocks.length - 1))])
    .join('');
}
