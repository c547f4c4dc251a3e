/** What a mixture says of sources that give less than they seem to: records without a text, wrong columns, paths and cards. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { resolveSources, withData } from '../../mixtures/sources.ts';
import { mix } from '../../src/stages/mix.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';

const root = mkdtempSync(join(tmpdir(), 'mix-messages-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(name: string, rows: readonly unknown[]): void {
  writeFileSync(join(root, name), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
}

function request(source: string, name = 'recipe') {
  const recipe = join(root, `${name}.yaml`);
  writeFileSync(
    recipe,
    `name: ${name}\ntokenizer: { train: {} }\nbudget: 200\nsequenceLength: 15\nfill: one\nsources:\n  one: { ${source} }\n`,
  );
  return { loaded: loadRecipe(recipe, root), cwd: root, output: join(root, `${name}-mix`) };
}

const pairs = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    question: `what is ${i}?`,
    ...(i % 2 === 0 ? { answer: `it is ${i}` } : {}),
  }));

describe('records that give no text', () => {
  const source =
    'data: half.jsonl, role: qa, template: question-answer, columns: { question: question, answer: answer }';

  test('are a warning of the plan and of the mixture, with their number and why', async () => {
    write('half.jsonl', pairs(60));
    const warning = 'one: 30 of 60 records give no text and are left out (30 missing_field)';
    const { plan } = await planMix(request(source, 'half'));
    expect(plan.warnings).toContain(warning);
    const { manifest } = await mix(request(source, 'half'));
    expect(manifest.warnings).toContain(warning);
  });

  test('all of them: the error names the column that is not there', async () => {
    const wrong = source.replace('answer: answer', 'answer: anser');
    await expect(planMix(request(wrong, 'wrong'))).rejects.toThrow(
      /none of its 60 records .* there is no column anser;/,
    );
  });

  test('all of the first thousand: the rest is not read', async () => {
    write(
      'many.jsonl',
      Array.from({ length: 20_000 }, (_, i) => ({ question: `what is ${i}?` })),
    );
    const tokenizer = join(root, 'half-mix/tokenizer');
    const training = request(source.replace('half', 'many'), 'many');
    const many = { ...training, tokenizer };
    await expect(planMix({ ...training, unitBytes: 50_000 })).rejects.toThrow(/none of its 1\d\d\d records/);
    await expect(planMix({ ...many, unitBytes: 50_000, workers: 1 })).rejects.toThrow(
      /none of its 1\d\d\d records/,
    );
    await expect(planMix({ ...many, unitBytes: 50_000, workers: 2 })).rejects.toThrow(
      /none of its 1\d\d\d records/,
    );
  });
});

test('a source that is too small ends the work before a larger one is tokenised', async () => {
  write(
    'large.jsonl',
    Array.from({ length: 9000 }, (_, i) => ({ text: `${i} ${'a text of some length '.repeat(50)}` })),
  );
  write('small.jsonl', [{ text: 'not much' }]);
  const half = request('data: half.jsonl, role: web, columns: { text: question }', 'half');
  const recipe = join(root, 'short.yaml');
  writeFileSync(
    recipe,
    'name: short\ntokenizer: ./half-mix/tokenizer\nbudget: 60M\nsequenceLength: 15\nfill: large\nsources:\n' +
      '  large: { data: large.jsonl, role: web }\n  small: { data: small.jsonl, role: qa, template: text, weight: 0.5, repeatLimit: 2 }\n',
  );
  for (const workers of [1, 2]) {
    const output = join(root, `short-${workers}`);
    const run = mix({ ...half, loaded: loadRecipe(recipe, root), output, workers, unitBytes: 2e5 });
    await expect(run).rejects.toThrow(/small: needs 30M tokens and has \d+, so it would be read/);
    const done = readdirSync(join(output, 'cache'), { recursive: true, encoding: 'utf8' });
    const large = done.filter((name) => name.startsWith('large') && name.includes('jsonl')).length;
    // Large has some fifty units. A second worker takes what it can while the first one reads small.
    expect(large).toBeLessThan(workers === 1 ? 3 : 30);
  }
});

test('a dry run names a path that is not there', async () => {
  const { plan } = await planMix(request('data: nowhere.jsonl, role: web', 'nowhere'));
  expect(plan.warnings.join('\n')).toContain(`one: nothing at ${join(root, 'nowhere.jsonl')}`);
});

test('only sizes that a card states are said to be taken from it', async () => {
  const { plan } = await planMix({
    loaded: loadRecipe('decay-short', root),
    cwd: root,
    output: join(root, 'x'),
  });
  const said = plan.warnings.find((text) => text.includes('taken at the size'));
  expect(said).toContain('megamath-web-pro');
  expect(said).not.toContain('openmathinstruct-2');
});

test('data given in the place of a card’s has its own format', () => {
  writeFileSync(
    join(root, 'card.md'),
    '---\nlicense: mit\npretty_name: x\nmidtrain:\n  role: web\n  data: { path: x.parquet }\n  format: parquet\n  template: text\n  contamination: none\n---\n',
  );
  write('own.jsonl', [{ text: 'x' }]);
  const { loaded } = request('card: ./card.md', 'card');
  expect(resolveSources(loaded, root)[0]!.format).toBe('parquet');
  expect(resolveSources(withData(loaded, { one: ['own.jsonl'] }, root), root)[0]!.format).toBe('auto');
});

test('files without a card are said to have no known licence where a use is named', async () => {
  write('own.jsonl', [{ text: 'some text to read' }]);
  const plan = async (use?: 'commercial') =>
    (
      await planMix({
        ...request('data: own.jsonl, role: web', 'own'),
        ...(use === undefined ? {} : { use }),
      })
    ).plan;
  expect((await plan('commercial')).warnings.join('\n')).toContain(
    'neither a data card nor the recipe (license:) says the licence of one',
  );
  expect((await plan()).warnings.join('\n')).not.toContain('licence');
});

test('a recipe says the licence of data without a card', async () => {
  write('own.jsonl', [{ text: 'some text to read' }]);
  const { plan } = await planMix({
    ...request('data: own.jsonl, role: web, license: cc-by-nc-4.0', 'licensed'),
    use: 'commercial',
  });
  expect(plan.warnings.join('\n')).toContain(
    'one: the licence of its data, cc-by-nc-4.0, forbids commercial use',
  );
  expect(() => request('data: own.jsonl, role: web, license: odc-byy', 'licensed')).toThrow(
    /did you mean "odc-by"/,
  );
});
