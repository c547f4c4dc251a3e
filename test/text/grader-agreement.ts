/**
 * How often `answersEqual` agrees with the graders of other projects, on facts taken from their tests and on real
 * model answers with two independent verdicts.
 *
 * Run: node test/text/grader-agreement.ts [--all] ; prints the disagreements.
 */
import { readFileSync } from 'node:fs';
import { answersEqual, extractFinalAnswer } from '../../src/text/math-answer.ts';

interface Row {
  id: string;
  gold: string | null;
  answer: string | null;
  expected: boolean | null;
  source: string;
  api?: string;
  agreed?: boolean;
}
export interface Agreement {
  rows: number;
  right: number;
  falseEqual: Row[];
  missed: Row[];
}

/** As a reward would: the answer as given, or the final answer of the solution it is. */
export function verdict(gold: string, answer: string): boolean {
  const golds = gold.length > 100 || /\\boxed|####/.test(gold) ? (extractFinalAnswer(gold) ?? gold) : gold;
  if (answersEqual(golds, answer)) return true;
  if (!/[A-Za-z]{2,}[^A-Za-z]* |\\boxed|####|>/.test(answer)) return false; // not a solution, an answer
  const found = extractFinalAnswer(answer);
  return found !== undefined && answersEqual(golds, found);
}

export function measureAgreement(
  file: string,
  use: (row: Row) => boolean,
  judge: (gold: string, answer: string) => boolean,
): Agreement {
  const agreement: Agreement = { rows: 0, right: 0, falseEqual: [], missed: [] };
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '') continue;
    const row = JSON.parse(line) as Row;
    if (row.gold === null || row.answer === null || row.expected === null || !use(row)) continue;
    agreement.rows++;
    const said = judge(row.gold, row.answer);
    if (said === row.expected) agreement.right++;
    else if (said) agreement.falseEqual.push(row);
    else agreement.missed.push(row);
  }
  return agreement;
}

if (import.meta.main) {
  const folder = '../shared/data/grader/';
  const print = (name: string, agreement: Agreement): void => {
    process.stdout.write(
      `${name}: ${agreement.right} of ${agreement.rows} agree (${((100 * agreement.right) / agreement.rows).toFixed(1)} %), ` +
        `${agreement.falseEqual.length} equal against them, ${agreement.missed.length} missed\n`,
    );
    if (!process.argv.includes('--all')) return;
    const show = (row: Row): string =>
      `  ${JSON.stringify(row.gold?.slice(-120))}  |  ${JSON.stringify(row.answer?.slice(-120))}  |  ${row.source.split('@')[0]} ${row.source.split('::').pop()}\n`;
    process.stdout.write(` equal here, not there:\n${agreement.falseEqual.map(show).join('')}`);
    process.stdout.write(` not equal here, equal there:\n${agreement.missed.map(show).join('')}`);
  };
  print(
    'model-outputs (agreed)',
    measureAgreement(`${folder}model-outputs.jsonl`, (row) => row.agreed === true, answersEqual),
  );
  print(
    'math-equivalence',
    measureAgreement(`${folder}math-equivalence.jsonl`, () => true, verdict),
  );
}
