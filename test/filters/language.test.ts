/** The language family over a predictor made up here: what it sees, what becomes of its answer. */
import { describe, expect, it } from 'vitest';
import { languageFamily, languageSpec, languageSpecFor } from '../../src/filters/language.ts';
import { measureText } from '../../src/text/measure-text.ts';

function recorder(answer: readonly { label: string; score: number }[]) {
  const seen: string[] = [];
  return {
    seen,
    predict: (text: string) => {
      seen.push(text);
      return answer;
    },
  };
}

const text = 'Let $x^2$ be even. \\[ y = 2 \\] Then it is not odd.';

describe('the language family', () => {
  it('gives the wanted languages, the best score and the label, from one prediction a document', () => {
    const { predict, seen } = recorder([
      { label: 'de', score: 0.7 },
      { label: 'en', score: 0.2 },
    ]);
    const family = languageFamily(predict, { languages: ['en', 'de', 'fr'] });
    expect(family.signals.map(({ name }) => name)).toEqual([
      'language.en',
      'language.de',
      'language.fr',
      'language.score',
    ]);
    const document = measureText('eins zwei', { math: 'plain' });
    expect([...family.measure(document)]).toEqual([0.2, 0.7, 0, 0.7]);
    expect(family.label?.(document)).toEqual(['de']);
    expect(seen).toEqual(['eins zwei']);
    family.measure(measureText('eins zwei', { math: 'plain' }));
    expect(seen).toHaveLength(2);
  });

  it('takes formulas out where the pipeline masks them, or as told', () => {
    const { predict, seen } = recorder([{ label: 'en', score: 1 }]);
    languageFamily(predict).measure(measureText(text, { math: 'masked' }));
    languageFamily(predict).measure(measureText(text, { math: 'plain' }));
    languageFamily(predict, { math: 'remove' }).measure(measureText(text, { math: 'plain' }));
    languageFamily(predict, { math: 'keep' }).measure(measureText(text, { math: 'masked' }));
    const without = 'Let   be even.   Then it is not odd.';
    expect(seen).toEqual([without, text, without, text]);
  });

  it('has no value for a text without language', () => {
    const family = languageFamily(() => []);
    const document = measureText('$x$', { math: 'masked' });
    expect([...family.measure(document)]).toEqual([Number.NaN, Number.NaN]);
    expect(family.label?.(document)).toEqual([null]);
  });

  it('has a specification before there is a model', () => {
    const family = languageFamily(() => []);
    expect({
      name: family.name,
      source: family.source,
      signals: family.signals,
      labels: family.labels,
    }).toEqual(languageSpec);
    expect(languageSpecFor(['en'])).toEqual(languageSpec);
    expect(languageSpec.labels?.map(({ name }) => name)).toEqual(['language.label']);
  });
});
