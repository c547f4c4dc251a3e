/** The data cards of benchmarks: they read, belong to the sets of the papers, and no mixture trains on one. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInCards, loadCard, loadRecipe } from '../../mixtures/load.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { isBenchmark, parseCard } from '../../src/core/card.ts';
import { assertBenchmark } from '../../src/decontaminate/benchmark-item.ts';

const folder = mkdtempSync(join(tmpdir(), 'benchmarks-'));
const cards = builtInCards().map((name) => loadCard(name, folder));
const benchmarks = cards.filter(isBenchmark);
const inSuite = (suite: string) =>
  benchmarks.filter(({ project }) => project.suites?.some((s) => s === suite)).map(({ name }) => name);

describe('benchmark cards', () => {
  test('the sets of the papers are whole', () => {
    expect(inSuite('megamath')).toEqual(
      'aime24 aime25 amc23 asdiv gsm8k-test math-test mathqa-test mawps mmlu-stem ocw-courses sat-math svamp'.split(
        ' ',
      ),
    );
    expect(inSuite('finemath')).toEqual(['arc-challenge', 'arc-easy', 'gsm8k-test', 'math-test', 'mmlu']);
    expect(inSuite('octothinker')).toEqual(
      'amc23 asdiv gsm8k-test math-500 math-test mathqa-test mawps mmlu-stem ocw-courses olympiadbench sat-math svamp tabmwp'.split(
        ' ',
      ),
    );
  });

  test.each(benchmarks.map((card) => [card.name, card] as const))(
    '%s says where, how many, which columns',
    (_name, card) => {
      const { project } = card;
      expect(project.size.documents?.value).toBeGreaterThan(0);
      expect(project.columns.question).toBeDefined();
      expect('hub' in project.data && (project.data.split ?? project.data.files)).toBeTruthy();
      expect(() => assertBenchmark(card)).not.toThrow();
      if (project.licenseEvidence === 'unknown') expect(project.unconfirmed.join()).toMatch(/licence/);
    },
  );

  test('a card of training data is no benchmark', () => {
    expect(() => assertBenchmark(loadCard('gsm8k', folder))).toThrow(
      /gsm8k .* is not a benchmark: its role is qa/,
    );
  });

  test('suites on a card of training data is an error', () => {
    const text =
      '---\nlicense: mit\npretty_name: X\nmidtrain: { role: qa, data: { path: ./x }, template: text, contamination: none, suites: [finemath] }\n---\n# X\n';
    expect(() => parseCard(text, 'x.md', 'x')).toThrow(/suites is a key of benchmarks/);
  });
});

describe('a mixture', () => {
  const recipe = (source: string) => {
    writeFileSync(join(folder, 'm.yaml'), `name: m\nsequenceLength: 8\nfill: q\nsources: { q: ${source} }\n`);
    return () => resolveSources(loadRecipe('m.yaml', folder), folder);
  };

  test('refuses a benchmark as a source, whatever role and data it is given', () => {
    const refused =
      /m\.yaml \(sources\.q\.card\): the data card gsm8k-test is a benchmark and must not be trained on/;
    expect(recipe('{ card: gsm8k-test }')).toThrow(refused);
    expect(recipe('{ card: gsm8k-test, role: qa, data: ./x.jsonl }')).toThrow(refused);
  });

  test('knows no role named benchmark', () => {
    expect(recipe('{ role: benchmark, data: ./x.jsonl }')).toThrow(/role/);
  });
});
