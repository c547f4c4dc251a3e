/** Language predictors by name, on sentences whose language is known, and the cases of datatrove's own tests. */
import { describe, expect, it } from 'vitest';
import { languageModelPath, openLanguage } from '../../classifiers/language/open-language.ts';

const sentences: [language: string, text: string][] = [
  ['en', 'Every polynomial of odd degree with real coefficients has a real root.'],
  ['de', 'Jedes Polynom ungeraden Grades mit reellen Koeffizienten hat eine reelle Nullstelle.'],
  ['fr', "Un magicien n'est jamais en retard, ni en avance d'ailleurs."],
  ['ru', 'Каждый многочлен нечётной степени имеет вещественный корень.'],
  ['zh', '每个奇数次实系数多项式都有一个实根。'],
];

describe.each(['lid.176.ftz', 'eld'])('%s', (model) => {
  it('finds the language, and gives the wanted ones beside it', async () => {
    const predict = await openLanguage({ model, languages: ['en', 'de'] });
    for (const [language, text] of sentences) {
      const found = predict(text);
      expect(found[0]!.label, text).toBe(language);
      expect(found.map(({ label }) => label).toSorted()).toEqual(
        [...new Set([language, 'en', 'de'])].toSorted(),
      );
      expect(found[0]!.score).toBe(Math.max(...found.map(({ score }) => score)));
    }
  });

  it('says nothing about a text without words', async () => {
    const predict = await openLanguage({ model });
    for (const text of ['', ' \n', '... !?', '→ ∑ ∫']) expect(predict(text)).toEqual([]);
  });

  it('refuses a language it does not know', async () => {
    await expect(openLanguage({ model, languages: ['en', 'xx'] })).rejects.toThrow(/"xx"/);
  });

  it('needs no file of its own', () => {
    expect(languageModelPath(model)).toBeUndefined();
  });
});

describe('a model by path', () => {
  it('is read from there', async () => {
    expect(languageModelPath('models/lid.bin')).toBe('models/lid.bin');
    await expect(openLanguage({ model: '/nowhere/lid.bin' })).rejects.toThrow(
      /\/nowhere\/lid\.bin: cannot be opened/,
    );
  });
});
