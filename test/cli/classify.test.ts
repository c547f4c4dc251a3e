/** `midtrain classify` as a user types it: what its subcommands print and refuse, and its scores as a signal of `filter`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLine } from './run-line.ts';
import { wordOf as word } from './word-of.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-classify-'));
  const rows = Array.from({ length: 120 }, (_, i) => {
    const math = i % 2 === 0;
    const words = math ? 'theorem proof lemma ring' : 'recipe travel hotel garden';
    return {
      id: `d${i}`,
      text: `page ${word(i)} ${words} ${word(i * 7)} the of and`,
      score: math ? 4 : 1,
      source: `s${i % 6}`,
      year: 2015 + (i % 3),
    };
  });
  writeFileSync(join(folder, 'labels.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (line: string) => runLine(folder, line);

const small = '--dim 8 --bucket 1000 --epoch 20 --min-count 1 --word-ngrams 1 --lr 0.5';

describe('midtrain classify', () => {
  it('samples by year, trains, evaluates and scores, and filter cuts by the score', async () => {
    const sample = await run('midtrain classify sample labels.jsonl -n 30 --seed 2 -o sample.parquet');
    expect(sample.code).toBe(0);
    expect(sample.out).toMatch(/stratum {2}documents {2}drawn\n2015 +40 +10\n2016 +40 +10\n2017 +40 +10\n/);
    const train = await run(
      `midtrain classify train --labels labels.jsonl ${small} --out model --keep-lines`,
    );
    expect(train.code).toBe(0);
    expect(train.out).toContain('out of distribution');
    expect(readFileSync(join(folder, 'model/train.txt'), 'utf8')).toMatch(
      /^__label__(positive|negative) page /,
    );
    const evaluate = await run(
      'midtrain classify evaluate model --labels model/heldout --threshold 0.4 --out evaluation --json',
    );
    expect(JSON.parse(evaluate.out)).toMatchObject({ version: 1, threshold: { value: 0.4, by: 'given' } });
    expect(readFileSync(join(folder, 'evaluation/evaluation.html'), 'utf8')).toContain('Evaluation of model');
    const score = await run(
      'midtrain classify score model labels.jsonl --out scored --name math --workers 1',
    );
    expect(score.out).toContain('scored: 120 documents with the column math; 1 unit');
    writeFileSync(
      join(folder, 'cut.yaml'),
      'name: cut\nsignals: [gopher-quality]\nclassifiers: [{ name: math, label: positive }]\nthresholds: { set: { classifier.math: { min: 0.5, reason: low_math } } }\n',
    );
    const filter = await run(
      'midtrain filter cut.yaml --input scored --model math=column:math --out cut --workers 1 --json',
    );
    expect(JSON.parse(filter.out).ledger).toEqual({
      in: 120,
      kept: 60,
      dropped: { low_math: 60 },
      failed: {},
    });
  }, 120_000);

  it('says what is wrong with flags, and what to type instead', async () => {
    const refused = (line: string) => expect(run(line)).rejects;
    await refused('midtrain classify trian').toThrow('unknown subcommand "trian"');
    await refused('midtrain classify train --lables x').toThrow('unknown flag --lables');
    await refused('midtrain classify train').toThrow('there are no labelled documents');
    await refused('midtrain classify train --labels labels.jsonl --balance down').toThrow('--balance down');
    await refused(
      'midtrain classify evaluate model --labels labels.jsonl --threshold 0.4 --target-recall 0.9',
    ).toThrow('exclude one another');
    await refused('midtrain classify score model labels.jsonl --name text').toThrow(
      'not a name for a column',
    );
    await refused('midtrain classify sample labels.jsonl --column body=text').toThrow(
      'no document column body',
    );
    await refused('midtrain classify sample labels.jsonl --stratify-by yaer').toThrow(
      'no document has a yaer',
    );
  });

  it('plans a scoring without writing', async () => {
    const { out } = await run('midtrain classify score model labels.jsonl --out planned --dry-run');
    expect(out).toContain('nothing was written');
    expect(() => readFileSync(join(folder, 'planned/.score/plan.json'))).toThrow();
  });
});
