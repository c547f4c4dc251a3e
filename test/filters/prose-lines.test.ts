/** Lines of prose around formulas and tables. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countProseLines } from '../../src/filters/prose-lines.ts';
import { findMathSpans } from '../../src/text/math-spans.ts';

const count = (text: string) => countProseLines(text, findMathSpans(text), (line) => line.endsWith('.'));

describe('countProseLines', () => {
  it('counts lines that end a sentence and lines that do not', () => {
    expect(count('One line.\n\nA heading\nAnother line.')).toEqual({ closed: 2, open: 1 });
  });

  it('leaves rows of tables out', () => {
    expect(count('One line.\n| Title | square |\n| Owner | me |')).toEqual({ closed: 1, open: 0 });
  });

  it('joins a displayed formula to the sentence before it, and takes a formula without a mark for neither', () => {
    expect(count('We have\n\n$$x = 1$$\n\nas was to be shown.')).toEqual({ closed: 1, open: 0 });
    expect(count('We have\n\n$$x = 1.$$\n\nThe end.')).toEqual({ closed: 2, open: 0 });
    expect(count('Let $x$ be $y$\nThe end')).toEqual({ closed: 0, open: 1 });
  });

  it('counts every line once in any text, and ends', () => {
    const piece = fc.constantFrom(
      'a word',
      '.',
      '\n',
      '\n\n',
      '$x$',
      '$$y$$',
      '\\[z\n+1\\]',
      '| row |',
      '$',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const { closed, open } = count(text);
        expect(closed + open).toBeLessThanOrEqual(
          text.split('\n').filter((line) => line.trim() !== '').length,
        );
      }),
    );
  });
});
