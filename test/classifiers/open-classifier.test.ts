/** Scorers for pipelines: what happens to line feeds and parts. */
import { describe, expect, it } from 'vitest';
import { readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { openClassifier } from '../../classifiers/open-classifier.ts';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { fixture } from './fixtures.ts';

const path = fixture('bigrams.bin');
const kind = 'fasttext';

describe('openClassifier', () => {
  it('scores a label, from a path or from data already read', async () => {
    const model = await readFastText(path);
    const score = await openClassifier({ kind, model: path, label: 'cooking' });
    const same = await openClassifier({
      kind,
      model: await readFastTextData(path),
      label: '__label__cooking',
    });
    expect(score('butter and flour')).toBe(model.scoreOf('butter and flour', 'cooking'));
    expect(same('butter and flour')).toBe(score('butter and flour'));
    expect(score('butter and flour')).toBeGreaterThan(score('goal and team'));
  });

  it('makes a line feed a space or nothing', async () => {
    const model = await readFastText(path);
    const space = await openClassifier({ kind, model: path, label: 'cooking', newline: 'space' });
    const remove = await openClassifier({ kind, model: path, label: 'cooking', newline: 'remove' });
    const text = '\nbutter\nflour the team\n';
    expect(space(text)).toBe(model.scoreOf('butter flour the team', 'cooking'));
    expect(remove(text)).toBe(model.scoreOf('butterflour the team', 'cooking'));
    expect(remove(text)).not.toBe(space(text));
  });

  it('takes the best paragraph when asked to', async () => {
    const model = await readFastText(path);
    const score = await openClassifier({ kind, model: path, label: 'cooking', unit: 'paragraph' });
    const text = 'the team won the match\n\n  \nstir the butter and bake\r\nthe cup';
    expect(score(text)).toBe(model.scoreOf('stir the butter and bake', 'cooking'));
    expect(score(' \n ')).toBe(0);
  });

  it('takes the best sentence when asked to, and prepares it', async () => {
    const model = await readFastText(path);
    const options = { kind, model: path, label: 'cooking', unit: 'sentence' } as const;
    const text = 'The team won the match. Stir the butter and bake! The cup is ours.';
    const sentences = ['The team won the match. ', 'Stir the butter and bake! ', 'The cup is ours.'];
    const best = (prepare: (text: string) => string): number =>
      Math.max(...sentences.map((sentence) => model.scoreOf(prepare(sentence), 'cooking')));
    expect((await openClassifier(options))(text)).toBe(best((sentence) => sentence));
    const prepared = await openClassifier({ ...options, prepare: 'megamath' });
    expect(prepared(text)).toBe(best((sentence) => prepareText(sentence, 'megamath')));
    expect(prepared(text)).toBe(model.scoreOf('stir the butter and bake', 'cooking'));
  });

  it('refuses a label the model does not have', async () => {
    await expect(openClassifier({ kind, model: path, label: 'math' })).rejects.toThrow(/no label "math"/);
  });
});
