/** Comparisons over seeds as picture, table and sentences: every seed's point, no number of a difference without its interval, hostile names inert. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { type Arm, compareSeeds } from '../../src/core/compare-seeds.ts';
import { points } from '../../src/report/number-format.ts';
import { seedFigure, seedMarkdown } from '../../src/report/seed-figure.ts';

const arm = (name: string, ...values: number[]): Arm => ({
  name,
  values: new Map(values.map((value, i) => [String(i + 1), value])),
});
const options = { what: 'accuracy', show: points, axis: 'difference in accuracy' };

describe('a figure of seeds', () => {
  const base = arm('FineMath', 0.1, 0.12, 0.11);
  const comparisons = compareSeeds([
    [base, arm('MegaMath', 0.3, 0.34, 0.33)],
    [base, arm('mixed', 0.1, 0.2, 0.1)],
    [base, arm('<script>alert(1)</script>', 0.4)],
    [base, arm('failed')],
  ]);
  const { document } = parseHTML(
    `<!doctype html><html><body>${seedFigure(comparisons, options)}</body></html>`,
  );

  const wide = document.querySelector('.wide')!;

  it('draws a point a seed, a mean and the intervals that there are', () => {
    expect(wide.querySelectorAll('g[aria-label="dot"]')).toHaveLength(2);
    const [means, seeds] = [...wide.querySelectorAll('g[aria-label="dot"]')];
    expect(seeds!.querySelectorAll('circle, path')).toHaveLength(7);
    expect(means!.querySelectorAll('circle, path')).toHaveLength(2);
    expect(wide.querySelectorAll('g[aria-label="rule"] line')).toHaveLength(1 + 2 + 2);
    expect(seeds!.querySelector('title')!.textContent).toBe(
      'MegaMath against FineMath\nseed 1: +20.0 points',
    );
    expect(document.querySelectorAll('script')).toHaveLength(0);
  });

  it('says what may be said, in the table and in sentences, alike in Markdown', () => {
    const words = document.body.textContent!.replace(/\s+/g, ' ');
    const markdown = seedMarkdown(comparisons, options);
    expect(words).toContain(
      'Accuracy is higher with MegaMath than with FineMath: +21.3 points (95 % interval +18.5 points to +24.2 points, paired t over 3 seeds, p 0.0020 after Holm for 4 comparisons).',
    );
    for (const text of [words, markdown]) {
      expect(text).toMatch(
        /Whether accuracy is higher or lower with mixed than with FineMath cannot be told/,
      );
      expect(text).toMatch(/Cannot say .* one seed is too few to say/);
      expect(text).toMatch(/Cannot say .* no seed has both/);
      expect(text).toMatch(/half of the interval is wider than the difference itself/);
    }
    expect(markdown).not.toContain('<script>');
  });
});
