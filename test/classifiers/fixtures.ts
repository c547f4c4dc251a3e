/** The tiny fastText models of test/fixtures/fasttext and what the reference predicts with them (test/oracles/fasttext_models.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const fixtureFolder = join(import.meta.dirname, '..', 'fixtures', 'fasttext');

interface Expected {
  texts: string[];
  models: Record<string, { file: string; labels: string[]; predictions: [label: string, score: number][][] }>;
}

export const expected = JSON.parse(readFileSync(join(fixtureFolder, 'expected.json'), 'utf8')) as Expected;

export function fixture(file: string): string {
  return join(fixtureFolder, file);
}
