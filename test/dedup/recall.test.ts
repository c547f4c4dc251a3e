/**
 * What MinHash finds in real text, against the exact Jaccard similarity: the share of pairs that match must be what the formula says
 * (data: GSM8K questions and their GSM-hard variants, of which the origin is known; C4 pages with words replaced).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { Random } from '../../src/core/random.ts';
import { matchProbability, minHashPresets } from '../../src/dedup/minhash-config.ts';
import { MinHashSigner } from '../../src/dedup/minhash-signer.ts';
import { simplifyText } from '../../src/text/normalise.ts';
import { splitWords } from '../../src/text/words.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';
import { clustersOf, removeScratch, runBarrier } from './barrier.ts';

const config = minHashPresets.datatrove;
beforeAll(() => initHash64());
afterAll(removeScratch);

function shinglesOf(text: string): Set<string> {
  const words = splitWords(simplifyText(text));
  return new Set(words.slice(config.ngram - 1).map((_, i) => words.slice(i, i + config.ngram).join(' ')));
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0;
  for (const shingle of a) if (b.has(shingle)) both++;
  return both / (a.size + b.size - both);
}

const rowsOf = <T>(...path: string[]): T[] =>
  readFileSync(join(sharedData, ...path), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

function sharesBand(a: Uint32Array, b: Uint32Array): boolean {
  for (let at = 0; at < a.length; at += 3) {
    if (a[at] === b[at] && a[at + 1] === b[at + 1] && a[at + 2] === b[at + 2]) return true;
  }
  return false;
}

/** Compares the share of matches in each tenth of similarity with the mean of the formula; 4 standard deviations are allowed. */
function expectMatchesFormula(pairs: readonly { similarity: number; matched: boolean }[]): void {
  for (let bin = 0; bin < 10; bin++) {
    const inBin = pairs.filter(({ similarity }) => Math.min(9, Math.floor(similarity * 10)) === bin);
    const chances = inBin.map(({ similarity }) => matchProbability(config, similarity));
    const wanted = chances.reduce((sum, p) => sum + p, 0);
    const spread = Math.sqrt(chances.reduce((sum, p) => sum + p * (1 - p), 0));
    const found = inBin.filter(({ matched }) => matched).length;
    expect(Math.abs(found - wanted)).toBeLessThanOrEqual(4 * spread + 1);
  }
}

describeWith('web-text', 'MinHash on web pages with words replaced', () => {
  it('finds as many pairs of each similarity as the formula says', () => {
    const signer = new MinHashSigner(config);
    const random = new Random(11);
    const pairs: { similarity: number; matched: boolean }[] = [];
    for (const { text } of rowsOf<{ text: string }>('web-text', 'c4-demo-300.jsonl')) {
      const words = text.split(' ');
      if (words.length < 50) continue;
      const original = shinglesOf(text);
      const signature = signer.sign(text)!.slice();
      for (const share of [0.02, 0.06, 0.12]) {
        const edited = words.map((word) => (random.float() < share ? random.pick(words) : word)).join(' ');
        const other = signer.sign(edited);
        if (other === undefined) continue;
        pairs.push({
          similarity: jaccard(original, shinglesOf(edited)),
          matched: sharesBand(signature, other),
        });
      }
    }
    expect(pairs.length).toBeGreaterThan(600);
    expectMatchesFormula(pairs);
  });
});

describeWith('math-qa', 'MinHash on questions with other numbers', () => {
  it('puts a question and its variant in one cluster as often as the formula says, and no others together', async () => {
    const questions = rowsOf<{ question: string }>('math-qa', 'gsm8k-test-even.jsonl').map(
      (row) => row.question,
    );
    const variants = rowsOf<{ input: string; gsm8k_test_row: number }>('math-qa', 'gsm-hard-even.jsonl');
    const signer = new MinHashSigner(config);
    const [first, second] = clustersOf(
      await runBarrier([questions, variants.map(({ input }) => input)], signer),
    );
    const pairs = variants.map(({ input, gsm8k_test_row }, i) => {
      const origin = gsm8k_test_row / 2;
      return {
        similarity: jaccard(shinglesOf(questions[origin]!), shinglesOf(input)),
        matched: second![i] !== -1 && second![i] === first![origin],
      };
    });
    expectMatchesFormula(pairs);
    const byCluster = Map.groupBy(first!.keys(), (question) => first![question]!);
    byCluster.delete(-1);
    expect([...byCluster.values()].filter((members) => members.length > 1)).toEqual([]);
  });
});
