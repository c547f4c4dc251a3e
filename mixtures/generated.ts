/**
 * Records of the built-in generators, as a source of a mixture: the same spec gives the same records on every machine.
 * The problems themselves are made in arithmetic.ts.
 */
import type { GeneratedData } from '../src/core/card.ts';
import { Random } from '../src/core/random.ts';

export interface GeneratedRecord {
  id: string;
  question: string;
  reasoning: string;
  answer: string;
}

/** The records of a spec, in order. */
export function* generateRecords(spec: GeneratedData): Generator<GeneratedRecord> {
  const random = new Random(`${spec.kind}:${spec.seed}`);
  for (let i = 0; i < spec.count; i++) {
    const a = random.int(100);
    const b = random.int(100);
    const tens = Math.floor(a / 10) * 10 + Math.floor(b / 10) * 10;
    const ones = (a % 10) + (b % 10);
    yield {
      id: `arithmetic-${spec.kind}-${spec.seed}-${i}`,
      question: spec.kind === 'instruction' ? `Add ${a} and ${b}.` : `What is ${a} + ${b}?`,
      reasoning: `The tens of ${a} and ${b} make ${tens}, the ones make ${ones}. Together ${tens} + ${ones} = ${a + b}.`,
      answer: `\\boxed{${a + b}}`,
    };
  }
}
