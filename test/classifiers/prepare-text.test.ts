/** MegaMath's normalisation against what Python makes of the same texts (test/oracles/prepare-text.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareText } from '../../classifiers/prepare-text.ts';

interface Row {
  /** The text, or the range of characters that it is made of. */
  text?: string;
  from?: number;
  to?: number;
  prepared?: string;
  sha256?: string;
}
const fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'prepare-text.json'), 'utf8'),
) as { assigned: [number, number][]; rows: Row[] };

/** Every assigned character of the range between letters and between digits. */
function textOfRange(from: number, to: number): string {
  const parts: string[] = [];
  for (const [first, last] of fixture.assigned) {
    for (let code = Math.max(first, from); code <= Math.min(last, to); code++) {
      const character = String.fromCodePoint(code);
      parts.push(`a${character}b 1${character}2`);
    }
  }
  return parts.join(' ');
}

describe("MegaMath's preparation of a text", () => {
  it('equals the reference on made-up texts and on every assigned character', () => {
    expect(fixture.rows.length).toBeGreaterThan(80);
    for (const { text, from, to, prepared, sha256 } of fixture.rows) {
      const found = prepareText(text ?? textOfRange(from!, to!), 'megamath');
      const what = text ?? `characters ${from} to ${to}`;
      if (prepared !== undefined) expect(found, what).toBe(prepared);
      else expect(createHash('sha256').update(found).digest('hex'), what).toBe(sha256);
    }
  });

  it('gives up nothing of long texts but what the rules drop', () => {
    const words = Array.from({ length: 50_000 }, (_, i) => `w${i}`);
    const prepared = prepareText(words.join('\n'), 'megamath').split(' <EOS> ');
    expect(prepared.length).toBe(Math.ceil(50_000 / 1024));
    expect(prepared.join(' ').split(' ')).toEqual(words);
    expect(prepareText('-a'.repeat(300_000), 'megamath')).toHaveLength(
      300_000 * 2 - 1 + 6 * (Math.ceil(300_000 / 1024) - 1),
    );
  });

  it('prepares what is prepared to itself, apart from the marks it made', () => {
    const once = prepareText('A Prepared text, of few words: x_y', 'megamath');
    expect(once).toBe('a prepared text of few words x y');
    expect(prepareText(once, 'megamath')).toBe(once);
  });

  it('is switched off by none', () => {
    for (const text of ['Ａ <b>\n\t ', '', '\ud800']) expect(prepareText(text, 'none')).toBe(text);
  });
});
