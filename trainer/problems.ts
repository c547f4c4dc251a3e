/**
 * Problems with a known answer, for RL and evaluation. Read from JSONL (or a JSON array) with `question` or `problem`, and `answer`,
 * `expected` or `final_answer`; GSM8K's worked `answer` is cut to what follows `####`.
 */
import { readFile } from 'node:fs/promises';
import { InputError, messageOf } from '../src/core/errors.ts';
import { Random } from '../src/core/random.ts';
import { extractBoxed, extractHashAnswer } from '../src/text/math-answer.ts';

export interface Problem {
  id: string;
  question: string;
  expected: string;
}

export async function readProblems(file: string): Promise<Problem[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError(file, `cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'give a JSONL file with "question" and "answer" in each line',
    });
  }
  const rows = text.trimStart().startsWith('[') ? parseArray(text, file) : parseLines(text, file);
  if (rows.length === 0) throw new InputError(file, 'holds no problems');
  return rows.map((row, i) => toProblem(row, file, i));
}

function parseArray(text: string, file: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch (cause) {
    throw new InputError(file, `not JSON: ${messageOf(cause)}`, { cause });
  }
}

function parseLines(text: string, file: string): unknown[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch (cause) {
      throw new InputError(file, `not JSON: ${messageOf(cause)}`, { place: `line ${i + 1}`, cause });
    }
  });
}

function toProblem(row: unknown, file: string, index: number): Problem {
  const fields = (row ?? {}) as Record<string, unknown>;
  const question = fields.question ?? fields.problem;
  const answer = fields.expected ?? fields.final_answer ?? fields.answer;
  const place = `problem ${index + 1}`;
  if (typeof question !== 'string') throw new InputError(file, 'no "question" (or "problem")', { place });
  if (typeof answer !== 'string' && typeof answer !== 'number')
    throw new InputError(file, 'no "answer" (or "expected", "final_answer")', { place });
  const expected = String(answer);
  return {
    id: typeof fields.id === 'string' || typeof fields.id === 'number' ? String(fields.id) : String(index),
    question,
    expected: extractHashAnswer(expected) ?? extractBoxed(expected) ?? expected,
  };
}

/** Problem number `n` (0, 1, 2, ...) of an endless walk: every epoch is a fresh seeded order of all problems. */
export class ProblemOrder {
  private readonly count: number;
  private readonly seed: number;
  private epoch = -1;
  private order = new Uint32Array();

  constructor(count: number, seed: number) {
    this.count = count;
    this.seed = seed;
  }

  at(n: number): number {
    const epoch = Math.floor(n / this.count);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.order = new Random(`${this.seed}/problems/${epoch}`).shuffle(
        Uint32Array.from({ length: this.count }, (_, i) => i),
      );
    }
    return this.order[n % this.count]!;
  }
}
