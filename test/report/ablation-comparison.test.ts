/** Two ablations on one page: values of both, a claim only where the seeds are the same, and the settings that differ. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderAblationComparison } from '../../src/report/ablation-comparison.ts';
import type { AblationInput } from '../../src/report/ablation-data.ts';
import { ablationInput, fourArms } from './ablation-fixture.ts';
import { dangers } from './dangers.ts';

const words = (node: { textContent: string | null } | null): string =>
  (node?.textContent ?? '').replace(/\s+/g, ' ');
const read = (first: AblationInput, second: AblationInput) => {
  const { html, markdown } = renderAblationComparison(first, second);
  const document = parseHTML(html).document as unknown as Document;
  return { html, markdown, document, text: words(document.body) };
};

describe('two ablations', () => {
  const first = ablationInput({ failed: [] });
  const second = {
    ...ablationInput({
      failed: [],
      steps: 80,
      arms: [...fourArms.slice(1), { name: 'new', bound: 0.3, qa: 0.4, skill: 0.6 }],
    }),
    title: 'The other',
    size: 'gpu',
  };

  it('with the same seeds are compared arm by arm, with intervals and corrected together', () => {
    const { document, text, markdown, html } = read(first, second);
    const claims = [...document.querySelectorAll('.claims > li')].map(words);
    expect(claims).toHaveLength(3);
    for (const claim of claims) expect(claim).toMatch(/95 % interval .* after Holm for 3 comparisons/);
    expect(claims[0]).toContain('with middle in B');
    expect(document.querySelectorAll('#together figure .wide svg')).toHaveLength(2);
    expect(text).toContain('Only in A: loose.');
    expect(text).toContain('Only in B: new.');
    expect(markdown).toContain('Only in B: new.');
    expect(dangers(document)).toEqual([]);
    expect(/NaN|undefined|Infinity/.exec(html)?.[0]).toBeUndefined();
  });

  it('name the settings that differ, and where they ran', () => {
    const { document } = read(first, second);
    const settings = words(document.querySelector('#settings'));
    expect(settings).toContain('max_completion_length');
    expect(settings).toMatch(/Size\s*cpu\s*gpu/);
  });

  it('with other seeds stand beside each other without a claim', () => {
    const other = ablationInput({ failed: [], seeds: 4 });
    const { document, text, markdown } = read(first, other);
    expect(text).toContain('The seeds differ (A: 1, 2, 3; B: 1, 2, 3, 4)');
    expect(document.querySelectorAll('.claims > li')).toHaveLength(0);
    expect(`${text}${markdown}`).not.toMatch(/is (?:higher|lower|the same) with/);
    // The values are there all the same, each with its seeds.
    expect(document.querySelectorAll('#together figure .wide svg')).toHaveLength(1);
    expect(document.querySelectorAll('#values table')).toHaveLength(first.measures.length);
  });

  it('are not compared where one has no signal, nor by measures that are not the same thing', () => {
    const lost = read(first, ablationInput({ failed: [], signal: false }));
    expect(lost.text).toContain('no signal in its calibration');
    expect(lost.document.querySelectorAll('.claims > li')).toHaveLength(0);
    const changed = {
      ...second,
      measures: second.measures.map((m) =>
        m.name === 'truncated' ? { ...m, about: 'Mean of all steps.' } : m,
      ),
    };
    const { text, document } = read(first, changed);
    expect(text).toContain('Measured in another way in each, so left out: truncated responses at the end.');
    expect([...document.querySelectorAll('#values h3')].map(words)).not.toContain(
      'truncated responses at the end',
    );
  });
});
