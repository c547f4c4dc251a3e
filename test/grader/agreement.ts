/**
 * How often `gradeAnswer` agrees with other projects' graders, on files of { gold, answer, expected, opts? } rows.
 *
 * Run: node test/grader/agreement.ts [--all] [file.jsonl ...] ; default files: ../shared/data/grader. `--all` prints every row that differs.
 */
import { readFileSync } from 'node:fs';
import { type GradeOptions, gradeAnswer } from '../../src/grader/grade-answer.ts';

export interface Row {
  id: string;
  gold: string | null;
  answer: string | null;
  expected: boolean | null;
  source: string;
  api?: string;
  opts?: GradeOptions;
  agreed?: boolean;
}
export interface Agreement {
  rows: number;
  right: number;
  falseEqual: Row[];
  missed: Row[];
}

/**
 * Rows of math-equivalence.jsonl that no grader can agree with, and why: another row says the opposite, or they rest on one project's convention.
 */
export const setAside: Readonly<Record<string, string>> = {
  '063327a8f12d':
    'an interval and the inequality that says the same; the row with allow_set_relation_comp says they are equal',
  c129e8ab9919:
    'hendrycks compares lists as text, in order; SkyThought and Math-Verify say order does not count',
  '9cd9d3542df9': 'tinker wants 1/2 in lowest terms; SkyThought says 2/4 is equal',
  e29b93eeb688:
    'TRL gives 0 because the thoughts are missing; the answer itself is right (reasoning_accuracy_reward holds the case)',
  '59d927f16adb': 'expected null: TRL cannot read "forty two" and skips it; it is 42 here',
  '03fe0250639e': 'SkyThought takes 75 for 0.75, percent without a sign',
  fa3e1b6fd4c8: 'no reference answer (null)',
  '840de9b64b0b': 'an empty reference and an empty box: extraction, not an answer',
};

const verdict = (row: Row): boolean => gradeAnswer(row.answer ?? '', row.gold ?? '', row.opts ?? {}).correct;

export function measureAgreement(file: string, use: (row: Row) => boolean): Agreement {
  const agreement: Agreement = { rows: 0, right: 0, falseEqual: [], missed: [] };
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '') continue;
    const row = JSON.parse(line) as Row;
    if (!use(row)) continue;
    agreement.rows++;
    const said = verdict(row);
    if (said === row.expected) agreement.right++;
    else if (said) agreement.falseEqual.push(row);
    else agreement.missed.push(row);
  }
  return agreement;
}

if (import.meta.main) {
  const folder = '../shared/data/grader/';
  const given = process.argv.slice(2).filter((argument) => argument !== '--all');
  const aside = (row: Row): boolean => row.id in setAside;
  const files =
    given.length > 0 ? given : [`${folder}model-outputs.jsonl`, `${folder}math-equivalence.jsonl`];
  const show = (row: Row): string =>
    `  ${row.id} ${JSON.stringify(row.opts ?? '')} ${JSON.stringify(row.gold?.slice(-120))}  |  ${JSON.stringify(row.answer?.slice(-160))}  |  ${row.source.split('@')[0]} ${row.source.split('::').pop()}\n`;
  for (const file of files) {
    const began = performance.now();
    const agreement = measureAgreement(file, (row) => row.agreed !== false && !aside(row));
    const seconds = (performance.now() - began) / 1000;
    process.stdout.write(
      `${file}: ${agreement.right} of ${agreement.rows} agree (${((100 * agreement.right) / agreement.rows).toFixed(2)} %), ` +
        `${agreement.falseEqual.length} equal against them, ${agreement.missed.length} missed, ${seconds.toFixed(2)} s; ${Object.keys(setAside).length} ids are set aside\n`,
    );
    if (!process.argv.includes('--all')) continue;
    process.stdout.write(` equal here, not there:\n${agreement.falseEqual.map(show).join('')}`);
    process.stdout.write(` not equal here, equal there:\n${agreement.missed.map(show).join('')}`);
  }
}
