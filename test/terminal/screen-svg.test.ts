/** The picture of a screen: every character in its column, colours, escaping, nothing loaded from elsewhere, same bytes each time. */
import { Terminal as Emulator } from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { type Cell, screenCells } from './screen.ts';
import { screenSvg } from './screen-svg.ts';

async function cellsOf(output: string, columns = 20, rows = 3): Promise<Cell[][]> {
  const emulator = new Emulator({ cols: columns, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => emulator.write(output, resolve));
  return screenCells(emulator);
}

const texts = (svg: string): { x: number; length: number | undefined; text: string }[] =>
  [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+"([^>]*)>([^<]*)<\/text>/g)].map(([, x, rest, text]) => ({
    x: Number(x),
    length: Number(/textLength="([\d.]+)"/.exec(rest!)?.[1] ?? Number.NaN),
    text: text!,
  }));

describe('a picture of a screen', () => {
  test('puts each run of text at its column, as wide as its cells', async () => {
    const svg = screenSvg(await cellsOf('ab cd   efg\r\n  x'));
    expect(texts(svg)).toEqual([
      { x: 12, length: 42, text: 'ab cd' },
      { x: Number((12 + 8 * 8.4).toFixed(2)), length: 25.2, text: 'efg' },
      { x: Number((12 + 2 * 8.4).toFixed(2)), length: 8.4, text: 'x' },
    ]);
  });

  test('draws lines, blocks and braille as shapes that meet at the edges of cells', async () => {
    const svg = screenSvg(await cellsOf('┌─┐█▌⣿╭'));
    expect(texts(svg)).toEqual([]);
    // The line of the second cell spans it, 12 + 8.4 to 12 + 16.8.
    expect(svg).toContain('M20.4 39L28.8 39');
    expect(svg).toContain('M37.2 30h8.4v18h-8.4z');
    expect(svg).toContain('M45.6 30h4.2v18h-4.2z');
  });

  test('shows 16, 256 and true colours, bold, dim, inverse and underline', async () => {
    const svg = screenSvg(
      await cellsOf('\x1b[31mr\x1b[38;5;208mo\x1b[38;2;1;2;3mt\x1b[0;1mb\x1b[0;2md\x1b[0;7mi\x1b[0;4mu'),
    );
    expect(svg).toMatch(/fill="#f07178">r</);
    expect(svg).toMatch(/fill="#ff8700">o</);
    expect(svg).toMatch(/fill="#010203">t</);
    expect(svg).toMatch(/font-weight="bold">b</);
    expect(svg).toMatch(/fill="#88[0-9a-f]{4}">d</);
    expect(svg).toMatch(
      /<rect x="54" y="30" width="8.4" height="18" fill="#d5dbe3"\/>[\s\S]*fill="#14181f">i</,
    );
    expect(svg).toContain('<path d="M62.4 45.7H70.8"');
  });

  test('is well-formed whatever a page says, loads nothing, and comes out the same', async () => {
    const cells = await cellsOf('<b>&amp;"\'</b>');
    const svg = screenSvg(cells, { title: 'a <title> & more', description: 'said "so"' });
    expect(svg).toContain("&lt;b&gt;&amp;amp;&quot;'&lt;/b&gt;");
    expect(svg).toContain('<title>said &quot;so&quot;</title>');
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|<style|<script|href/);
    expect(screenSvg(cells, { title: 'a <title> & more', description: 'said "so"' })).toBe(svg);
    const tags = [...svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)];
    const depth = tags.reduce((n, [, end, , self]) => n + (end ? -1 : self ? 0 : 1), 0);
    expect(depth).toBe(0);
  });
});
