/** The recipes and data cards that come with midtrain. */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInCards, builtInRecipes, loadCard, loadRecipe } from '../../mixtures/load.ts';
import { assertPresent, resolveSources, withData } from '../../mixtures/sources.ts';
import { parseCard, tokenCountOf } from '../../src/core/card.ts';
import { inputsOfCard } from '../../src/io/card-input.ts';
import { sizeCategory } from '../../src/report/hub-card.ts';
import { readBenchmark } from '../../src/stages/prepare-benchmarks.ts';
import { fieldsOf } from '../../src/tokens/document-fields.ts';
import { isSelected } from '../../src/tokens/row-selection.ts';

const empty = mkdtempSync(join(tmpdir(), 'mixtures-'));
const weightsOf = (name: string) =>
  Object.fromEntries(
    Object.entries(loadRecipe(name, empty).recipe.sources).map(([source, { weight }]) => [
      source,
      [weight!.value, weight!.evidence],
    ]),
  );

describe('built-in recipes', () => {
  test.each(builtInRecipes())('%s reads, names cards that exist, and its weights come to one', (name) => {
    const loaded = loadRecipe(name, empty);
    const sources = resolveSources(loaded, empty);
    expect(sources.every((s) => s.card !== undefined)).toBe(true);
    const total = Object.values(loaded.recipe.sources).reduce((n, s) => n + s.weight!.value, 0);
    expect(total).toBeCloseTo(1, 9);
  });

  test('the stable stage has the recalled weights of the paper, tagged so', () => {
    expect(weightsOf('stable')).toEqual({
      'dclm-baseline': [0.1, 'recalled'],
      'megamath-web-pro-max': [0.725, 'recalled'],
      'megamath-code': [0.0125, 'recalled'],
      'megamath-qa': [0.05, 'recalled'],
      'megamath-translated-code': [0.0125, 'recalled'],
      'megamath-text-code-block': [0.1, 'recalled'],
    });
  });

  test.each([
    ['decay-long', { 'openr1-math-220k': 0.15, 'am-deepseek-distilled': 0.15 }],
    ['decay-short', { 'megamath-qa': 0.025, 'openmathinstruct-2': 0.175, 'numinamath-1.5': 0.1 }],
    ['decay-hybrid', { 'openr1-math-220k': 0.1, 'openmathinstruct-2': 0.1, 'numinamath-1.5': 0.1 }],
  ])('%s has the skeleton of 5 % DCLM, 10 % instruction, 55 % web and 30 %% QA', (name, qa) => {
    expect(weightsOf(name)).toEqual({
      'dclm-baseline': [0.05, 'summary'],
      instruction: [0.1, 'summary'],
      'megamath-web-pro': [0.55, 'summary'],
      ...Object.fromEntries(Object.entries(qa).map(([source, weight]) => [source, [weight, 'recalled']])),
    });
  });

  test('learning rates that nobody could confirm are tagged unknown or recalled', () => {
    const rates = loadRecipe('stable', empty).recipe.training!.learningRate as Record<
      string,
      { value: number; evidence: string }
    >;
    expect(Object.entries(rates).map(([size, r]) => [size, r.value, r.evidence])).toEqual([
      ['1B', 5e-5, 'unknown'],
      ['3B', 3e-5, 'unknown'],
      ['8B', 1.5e-5, 'recalled'],
    ]);
  });

  test('without a recipe ./mixture.yaml is taken, else the demo; a wrong name is answered with the nearest', () => {
    expect(loadRecipe(undefined, empty)).toMatchObject({ chosen: 'demo', recipe: { name: 'demo' } });
    const folder = mkdtempSync(join(tmpdir(), 'mixtures-'));
    writeFileSync(
      join(folder, 'mixture.yaml'),
      'name: mine\nsequenceLength: 8\nfill: w\nsources: { w: { role: web, data: ./x } }\n',
    );
    expect(loadRecipe(undefined, folder)).toMatchObject({ chosen: 'mixture.yaml', recipe: { name: 'mine' } });
    expect(() => loadRecipe('decay-lang', empty)).toThrow(
      'no recipe "decay-lang"; did you mean "decay-long"?',
    );
  });

  test('the demo recipe needs nothing that is not in the package', () => {
    expect(() => assertPresent(resolveSources(loadRecipe('demo', empty), empty))).not.toThrow();
  });
});

describe('built-in cards', () => {
  test.each(builtInCards())(
    '%s has front matter that reads, a licence, and what is unconfirmed said so',
    (name) => {
      const card = loadCard(name, empty);
      expect(card.license).not.toBe('');
      expect(card.body).toContain('#');
      if (card.license === 'unknown') expect(card.project.unconfirmed.join()).toMatch(/licence/);
    },
  );

  test('sizes are those of the papers, with the tokenizer they were counted with', () => {
    expect(loadCard('megamath-web-pro', empty).project.size).toMatchObject({
      documents: { value: 15_000_000, evidence: 'confirmed' },
      counts: [{ value: 15_100_000_000, evidence: 'confirmed', tokenizer: 'meta-llama/Llama-2-7b-hf' }],
    });
    expect(loadCard('finemath-4plus', empty).project.size).toMatchObject({
      documents: { value: 6_699_493, evidence: 'confirmed' },
      counts: [{ value: 9_600_000_000, evidence: 'confirmed', tokenizer: 'meta-llama/Meta-Llama-3-8B' }],
    });
    expect(
      loadCard('megamath-web-pro-max', empty).project.size.counts.map(({ value, evidence }) => [
        value,
        evidence,
      ]),
    ).toEqual([
      [70e9, 'confirmed'],
      [73.8e9, 'summary'],
    ]);
  });

  test('of several counts the one under the tokenizer asked for is taken, else the first', () => {
    const read = (size: string) =>
      parseCard(
        `---\nlicense: mit\npretty_name: X\nmidtrain: { role: web, data: { path: ./x }, contamination: none, template: text, size: ${size} }\n---\n# X\n`,
        'x.md',
        'x',
      ).project.size;
    const size = read(
      '{ tokens: [{ value: 5B, evidence: confirmed, tokenizer: a }, { value: 4B, evidence: recalled, tokenizer: b }] }',
    );
    expect(tokenCountOf(size, 'b')?.value).toBe(4e9);
    expect(tokenCountOf(size, 'c')?.value).toBe(5e9);
    expect(tokenCountOf(size)?.value).toBe(5e9);
    expect(size.tokens?.value).toBe(5e9);
    expect(tokenCountOf(read('{ tokens: 3B, tokenizer: a }'), 'a')).toEqual({
      value: 3e9,
      evidence: 'own',
      tokenizer: 'a',
    });
    expect(tokenCountOf(read('{}'))).toBeUndefined();
    expect(() => read('{ tokens: [{ value: 5B, evidence: confirmed }], tokenizer: a }')).toThrow(
      /belongs beside each count/,
    );
  });

  test('every corpus of the paper has a card, and says how its numbers are known', () => {
    const corpora =
      'megamath-web megamath-web-pro megamath-web-pro-max megamath-code megamath-qa megamath-translated-code megamath-text-code-block finemath-3plus finemath-4plus infiwebmath-3plus infiwebmath-4plus dclm-baseline openr1-math-220k am-deepseek-distilled openmathinstruct-2 numinamath-1.5 tulu-3-personas-if wildchat ultrachat-200k'.split(
        ' ',
      );
    for (const name of corpora) {
      const { project, license } = loadCard(name, empty);
      expect('hub' in project.data, name).toBe(true);
      expect(project.licenseEvidence, name).toBe(license === 'unknown' ? 'unknown' : 'confirmed');
      for (const count of project.size.counts) {
        expect(count.evidence, name).not.toBe('own');
        if (count.tokenizer === undefined && count.evidence === 'confirmed')
          expect(`${project.unconfirmed.join()} ${count.note ?? ''}`, name).toMatch(/tokenizer/);
      }
      if (project.size.counts.length === 0)
        expect(project.unconfirmed.join(), name).toMatch(/number of (documents and )?tokens/);
      if (project.size.documents === undefined)
        expect(project.unconfirmed.join(), name).toMatch(/number of documents/);
    }
  });

  test('WildChat, OpenR1 and NuminaMath take the records that the paper would', () => {
    const selects = (card: string, record: Record<string, unknown>) =>
      isSelected((column) => record[column], loadCard(card, empty).project.where);
    expect(selects('wildchat', { model: 'gpt-4-1106-preview' })).toBe(true);
    expect(selects('wildchat', { model: 'gpt-3.5-turbo-0301' })).toBe(false);
    expect(selects('openr1-math-220k', { correctness_math_verify: [false, true] })).toBe(true);
    expect(selects('openr1-math-220k', { correctness_math_verify: [false] })).toBe(false);
    expect(selects('numinamath-1.5', { question_type: 'math-word-problem', answer: '4' })).toBe(true);
    expect(selects('numinamath-1.5', { question_type: 'proof', answer: '4' })).toBe(false);
    expect(selects('numinamath-1.5', { question_type: 'MCQ', answer: 'notfound' })).toBe(false);
    expect(selects('mmlu-stem', { subject: 'college_physics' })).toBe(true);
    expect(selects('mmlu-stem', { subject: 'philosophy' })).toBe(false);
  });

  test("a benchmark file is read with its card's selection and choices, through Arrow", async () => {
    const rows = [
      { question: 'Which is a metal?', subject: 'conceptual_physics', choices: ['oak', 'iron'], answer: 1 },
      { question: 'Who wrote it?', subject: 'philosophy', choices: ['Kant', 'Hume'], answer: 0 },
    ];
    writeFileSync(join(empty, 'mmlu.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const path = join(empty, 'mmlu.jsonl');
    expect(await readBenchmark({ card: 'mmlu-stem', path })).toEqual([
      { benchmark: 'mmlu-stem', item: '0', problem: 'Which is a metal?\noak\niron', solution: 'iron' },
    ]);
    expect((await readBenchmark({ card: 'mmlu', path })).map(({ solution }) => solution)).toEqual([
      'iron',
      'Kant',
    ]);
    const choices = { text: ['a', 'b'], label: ['1', '2'] };
    writeFileSync(
      join(empty, 'arc.jsonl'),
      JSON.stringify({ id: 'q', question: 'Which?', choices, answerKey: '2' }),
    );
    expect(await readBenchmark({ card: 'arc-easy', path: join(empty, 'arc.jsonl') })).toEqual([
      { benchmark: 'arc-easy', item: 'q', problem: 'Which?\na\nb', solution: 'b' },
    ]);
  });

  test('the size category of a card is that of its documents', () => {
    for (const name of builtInCards()) {
      const card = loadCard(name, empty);
      const documents = card.project.size.documents?.value;
      const written = /^size_categories: \["(.*)"\]$/m.exec(readFileSync(card.file, 'utf8'))?.[1];
      if (documents !== undefined) expect(written, name).toBe(sizeCategory(documents));
    }
  });

  test('a card says where on the Hub its files lie, down to the part that is meant', () => {
    const paths = (name: string) =>
      inputsOfCard(loadCard(name, empty), { columns: { text: 'x' } }).map(({ path }) => path);
    // train_1M and the like are parts of the same records.
    expect(paths('openmathinstruct-2')).toEqual(['hf://datasets/nvidia/OpenMathInstruct-2/data/train-*']);
    expect(paths('megamath-qa')).toEqual([
      'hf://datasets/LLM360/MegaMath@3cbc64616594d6bc8759abaa0b2a71858f880f0d/megamath-qa',
    ]);
    expect(paths('finemath-4plus')).toEqual([
      'hf://datasets/HuggingFaceTB/finemath/finemath-4plus/**/{train,train[-._0-9]*}',
    ]);
    expect(paths('ultrachat-200k')[0]).toContain('/data/**/{train_sft,');
    expect(() => paths('am-deepseek-distilled')).toThrow(/names the configuration math_r1_1pass/);
  });

  test('benchmarks with choices give problem and solution in words', () => {
    const fields = (card: string, record: Record<string, unknown>) =>
      fieldsOf((column) => record[column], loadCard(card, empty).project.columns);
    const choices = { text: ['oak', 'iron'], label: ['A', 'B'] };
    for (const name of ['arc-easy', 'arc-challenge'])
      expect(fields(name, { question: 'Which?', choices, answerKey: 'B' })).toEqual({
        question: 'Which?\noak\niron',
        answer: 'iron',
      });
    for (const name of ['mmlu', 'mmlu-stem'])
      expect(fields(name, { question: 'Which?', choices: ['oak', 'iron'], answer: 1 })).toEqual({
        question: 'Which?\noak\niron',
        answer: 'iron',
      });
  });

  test('a card that is not there is answered with the nearest; a broken one names the key', () => {
    expect(() => loadCard('megamath-web-por', empty)).toThrow('did you mean "megamath-web-pro"?');
    writeFileSync(
      join(empty, 'x.md'),
      '---\nlicense: mit\npretty_name: X\nmidtrain: { role: web, data: { path: ./x }, tmplate: text, contamination: none, template: text }\n---\n',
    );
    expect(() => loadCard('./x.md', empty)).toThrow(
      /unknown key "tmplate" in midtrain; did you mean "template"/,
    );
    writeFileSync(join(empty, 'y.md'), '# no front matter\n');
    expect(() => loadCard('./y.md', empty)).toThrow(/has no YAML front matter/);
  });
});

describe('data that is not on this machine', () => {
  test('is an error that names every source, the path expected, the Hub repository and the cure', () => {
    const loaded = loadRecipe('decay-long', empty);
    expect(() => assertPresent(resolveSources(loaded, empty))).toThrow(
      new RegExp(
        `5 sources are not on this machine.*dclm-baseline: nothing at ${join(empty, 'data', 'dclm-baseline')} \\(its card names mlfoundations/dclm-baseline-1.0`,
        's',
      ),
    );
  });

  test('--data says where it is', () => {
    writeFileSync(join(empty, 'd.jsonl'), '{"text":"x"}\n');
    const loaded = withData(loadRecipe('decay-long', empty), { 'dclm-baseline': ['d.jsonl'] }, empty);
    const source = resolveSources(loaded, empty).find((s) => s.name === 'dclm-baseline')!;
    expect(source.data).toEqual({ kind: 'files', paths: [join(empty, 'd.jsonl')] });
    expect(source.template).toBe('text');
    expect(() => withData(loaded, { 'dclm-baselin': ['x'] }, empty)).toThrow('did you mean "dclm-baseline"?');
  });

  test('a template without its columns is an error that shows what to write', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mixtures-'));
    writeFileSync(
      join(folder, 'm.yaml'),
      'name: m\nsequenceLength: 8\nfill: q\nsources: { q: { role: qa, data: ./x, template: question-answer, columns: { question: q } } }\n',
    );
    expect(() => resolveSources(loadRecipe('m.yaml', folder), folder)).toThrow(
      /template question-answer needs a column for answer/,
    );
  });
});
