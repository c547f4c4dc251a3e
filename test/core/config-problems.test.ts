/** Wrong values in a pipeline file, told in words: the key, what was written, what is meant, whatever forms a key may take. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/core/config.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';

function told(part: object): string {
  try {
    parseConfig(filterConfigSchema, { name: 'x', signals: ['math'], ...part }, 'p.yaml');
  } catch (error) {
    return (error as Error).message.replace(/^p\.yaml: /, '');
  }
  return 'nothing is wrong';
}

describe('problems of a pipeline file', () => {
  it.each([
    [{ dedup: ['minash'] }, 'dedup.0: "minash" is not one of minhash, exact, url; did you mean "minhash"?'],
    [{ dedup: 'minash' }, 'dedup: "minash" is not one of none, exact, url, minhash; did you mean "minhash"?'],
    [{ dedup: [{ step: 'minhash', band: 3 }] }, 'unknown key "band" in dedup.0; did you mean "bands"?'],
    [{ dedup: [{ step: 'exact', bands: 3 }] }, 'unknown key "bands" in dedup.0 (known: step, keep)'],
    [
      { dedup: [{ step: 'minhsh' }] },
      'dedup.0.step: "minhsh" is not one of exact, url, minhash; did you mean "minhash"?',
    ],
    [{ dedup: [{ step: 'minhash', bands: 0 }] }, 'dedup.0.bands: must be at least 1 (found 0)'],
    [{ dedup: [{ step: 'minhash', bits: 16 }] }, 'dedup.0.bits: 16 is not one of 32, 64'],
    [
      { dedup: [{ step: 'minhash', preset: 'megamth' }] },
      'dedup.0.preset: "megamth" is not one of datatrove, fineweb, megamath, finemath; did you mean "megamath"?',
    ],
    [
      { dedup: [{ step: 'exact', keep: 'longst' }] },
      'dedup.0.keep: "longst" is not one of first, longest; did you mean "longest"?',
    ],
    [
      { dedup: [{ step: 'url', keep: { signal: 'a', prefer: 'hi' } }] },
      'dedup.0.keep.prefer: "hi" is not one of high, low; did you mean "high"?',
    ],
    [{ transform: ['x'] }, 'transform.0: "x" is not one of c4-lines, symbol-lines, mask-pii'],
    [{ transform: 'mask-pii' }, 'transform: expected a list, as in [mask-pii] (found "mask-pii")'],
    [{ classifiers: [{ label: 'math' }] }, 'classifiers.0.name is missing; expected a text'],
    [{ decontaminate: { ngram: 2 } }, 'decontaminate.ngram: must be at least 4 (found 2)'],
    [{ decontaminate: { ngrm: 13 } }, 'unknown key "ngrm" in decontaminate; did you mean "ngram"?'],
    [
      { decontaminate: { benchmarks: ['gsm8k'] } },
      'decontaminate.benchmarks.0: expected keys with values { card, path } (found "gsm8k")',
    ],
    [
      { thresholds: { set: { 'math.score': 3 } } },
      'thresholds.set.math.score: expected keys with values { min, max, reason, exceptZero } (found 3)',
    ],
    [
      { thresholds: { set: { 'math.score': { min: 'three' } } } },
      'thresholds.set.math.score.min: expected a number (found "three")',
    ],
    [{ signals: [] }, 'signals: name at least one signal family (found [])'],
    [{ dedup: [{ step: 'minhash', bands: 5 }] }, 'nothing is wrong'],
  ])('%j', (part, message) => {
    expect(told(part)).toBe(message);
  });

  it('tells both halves of a mistyped key that was needed, once', () => {
    const message = told({ dedup: [{ stp: 'minhash' }] });
    expect(message.split('\n').slice(1)).toEqual([
      '  - dedup.0.step is missing; expected one of exact, url, minhash',
      '  - unknown key "stp" in dedup.0; did you mean "step"?',
    ]);
  });
});
