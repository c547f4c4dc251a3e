/** `midtrain classify` in the hands of a user: labels on other scales, one class only, folders of others, and what is said of a model. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { runLine } from './run-line.ts';
import { wordOf as word } from './word-of.ts';

let folder: string;

interface LabelRow {
  id?: string;
  text?: string;
  score?: unknown;
  label?: string;
  source?: string;
}

const texts = (i: number): string =>
  `page ${word(i)} ${i % 2 === 0 ? 'theorem proof lemma ring' : 'recipe travel hotel garden'} ${word(i * 7)} the of and`;

/** 120 rows, every second about mathematics. */
function write(name: string, row: (i: number) => LabelRow): void {
  const rows = Array.from({ length: 120 }, (_, i) => ({
    id: `d${i}`,
    text: texts(i),
    source: `s${i % 6}`,
    ...row(i),
  }));
  writeFileSync(join(folder, name), rows.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-classify-mistakes-'));
  write('labels.jsonl', (i) => ({ score: i % 2 === 0 ? 4 : 1 }));
  write('written.jsonl', (i) => ({ score: i % 2 === 0 ? '4' : ' 1.0 ' }));
  write('shares.jsonl', (i) => ({ score: i % 2 === 0 ? 0.9 : 0.1 }));
  write('percent.jsonl', (i) => ({ score: i % 2 === 0 ? 90 : -1 }));
  write('words.jsonl', (i) => ({ label: i % 2 === 0 ? 'gute Mathe' : 'übrige' }));
  write('bare.jsonl', () => ({}));
  write('both.jsonl', (i) => ({ text: 'theorem', score: i % 2 === 0 ? 4 : 1 }));
  write('lone.jsonl', (i) => ({ score: i % 2 === 0 ? 4 : 1, source: i % 2 === 0 ? 'math' : `s${i % 10}` }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(line: string): Promise<{ code: number; out: string; warnings: string }> {
  const { warnings, ...result } = await runLine(folder, line);
  return { ...result, warnings: warnings.join('\n') };
}

const small = '--dim 8 --bucket 1000 --epoch 20 --min-count 1 --word-ngrams 1 --lr 0.5';

/** The message and the hint of what a training of `labels` ends with. */
async function refusal(labels: string, more = ''): Promise<string> {
  const error: unknown = await run(
    `midtrain classify train --labels ${labels} ${small} --out no${more}`,
  ).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  const { message, hint } = error as UserError;
  return `${message}\n${hint}`;
}

describe('labels', () => {
  it('of one class are told with what they are and the flag that mends it', async () => {
    expect(await refusal('shares.jsonl')).toContain(
      'the scores are 0.1 to 0.9, and from 3 on they are positive: --positive-min',
    );
    const named = await refusal('words.jsonl');
    expect(named).toContain('"gute Mathe" (60), "übrige" (60)');
    expect(named).toContain('--positive-label');
    expect(await refusal('bare.jsonl')).toContain(
      'none of the 120 documents has a text and a label (not taken: 120 unlabelled)',
    );
    expect(await refusal('both.jsonl')).toContain('120 have a text that bears both labels');
    expect(existsSync(join(folder, 'no/classifier.json'))).toBe(false);
  });

  it('may be numbers that are written as text; another scale than 0 to 5 is told', async () => {
    const written = await run(`midtrain classify train --labels written.jsonl ${small} --out written --json`);
    const plain = await run(`midtrain classify train --labels labels.jsonl ${small} --out plain --json`);
    const totals = (out: string): unknown => JSON.parse(out).record.data.totals;
    expect(totals(written.out)).toEqual(totals(plain.out));
    expect(plain.warnings).not.toContain('of 0 to 5 are expected');
    const { warnings } = await run(`midtrain classify train --labels percent.jsonl ${small} --out percent`);
    expect(warnings).toContain('the scores are -1 to 90; scores of 0 to 5 are expected');
  });

  it('of which one class is in one source are trained on, and it is said what is not measured', async () => {
    const { out, warnings } = await run(`midtrain classify train --labels lone.jsonl ${small} --out lone`);
    expect(out).toContain('of 1 other (');
    expect(warnings).toContain('no positive document is of a source that is held out');
    expect(warnings).toContain('are of the source math, which is trained on');
    expect(warnings).not.toContain('no negative document is of a source');
  });

  it('are too few for the settings where the loss is that of guessing', async () => {
    const few = await run(
      'midtrain classify train --labels labels.jsonl --dim 8 --bucket 1000 --epoch 1 --min-count 1 --lr 0.001 --out few',
    );
    expect(few.warnings).toMatch(/the loss of 0\.69\d is about that of guessing \(0\.69\d\)/);
    const enough = await run(`midtrain classify train --labels labels.jsonl ${small} --out enough`);
    expect(enough.warnings).not.toContain('guessing');
  });
});

describe('a classifier', () => {
  it('is not written over the files of somebody', async () => {
    mkdirSync(join(folder, 'own/heldout'), { recursive: true });
    writeFileSync(join(folder, 'own/notes.txt'), 'mine');
    expect(await refusal('labels.jsonl', '/../own')).toContain('own holds other files, such as notes.txt');
    expect(existsSync(join(folder, 'own/heldout'))).toBe(true);
  });

  it('of one file is asked for its label by name, and has no distribution that is not known', async () => {
    await run(`midtrain classify train --labels labels.jsonl ${small} --out file --held-out-sources-share 0`);
    const asked: unknown = await run(
      'midtrain classify score file/model.bin labels.jsonl --out nowhere',
    ).catch((thrown: unknown) => thrown);
    expect((asked as UserError).hint).toContain('the labels are ');
    expect((asked as UserError).hint).toContain('positive');
    expect((asked as UserError).hint).toContain('says it itself');
    const { out } = await run(
      'midtrain classify evaluate file/model.bin --label positive --labels labels.jsonl --out evaluated',
    );
    expect(out).toMatch(/^s0 +20 +20 /m);
    const page = readFileSync(join(folder, 'evaluated/evaluation.html'), 'utf8');
    expect(page).not.toContain('<td>out of distribution</td>');
  });

  it('says how many documents were not measured, and what share reaches its threshold', async () => {
    await run(
      `midtrain classify train --labels labels.jsonl ${small} --out whole --held-out-sources-share 0`,
    );
    const { out } = await run('midtrain classify evaluate whole --labels labels.jsonl --out again');
    expect(out).toMatch(/of 120 labelled documents \(not measured: \d+ trained_on\)/);
    const scored = await run(
      'midtrain classify score whole labels.jsonl --out scored --workers 1 --name math',
    );
    expect(scored.out).toMatch(/60 documents score at least 0\.\d+, the classifier's threshold \(50\.0 %\)/);
  });

  it('does not replace a column of scores', async () => {
    await run(`midtrain classify train --labels labels.jsonl ${small} --out kept --held-out-sources-share 0`);
    await expect(run('midtrain classify score kept labels.jsonl --out replaced --workers 1')).rejects.toThrow(
      'labels.jsonl has a column score already',
    );
    const named = await run(
      'midtrain classify score kept labels.jsonl --out replaced --workers 1 --name math',
    );
    expect(named.out).toContain('120 documents with the column math');
    const only = await run('midtrain classify score kept labels.jsonl --out only --workers 1 --scores-only');
    expect(only.out).toContain('120 documents with the column score');
  });

  it('has a card with the licence of its data', async () => {
    await run(`midtrain classify train --labels labels.jsonl ${small} --out carded`);
    const { out } = await run('midtrain card carded');
    expect(out).toContain('README.md: card of a classifier, licence unknown');
    const card = readFileSync(join(folder, 'carded/README.md'), 'utf8');
    expect(card).toContain('pipeline_tag: text-classification');
    expect(card).toContain('labels.jsonl: unknown');
    const named = await run('midtrain card carded --license mit --name judge --dry-run');
    expect(named.out).toContain('license: mit\n');
    expect(named.out).toContain('# judge\n');
  });
});

it('a sample is a Parquet file', async () => {
  await expect(
    run('midtrain classify sample labels.jsonl --stratify-by none --out sample.csv'),
  ).rejects.toThrow('--out sample.csv: the sample is a Parquet file');
});
